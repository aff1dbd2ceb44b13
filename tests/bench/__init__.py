"""The benchmark itself: its figures, its tables, its pages."""

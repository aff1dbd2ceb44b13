"""The SQL, on both databases."""

"""Many callers at once, against real server processes."""

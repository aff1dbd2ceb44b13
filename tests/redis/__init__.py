"""Limits that are counted in Redis: shared, and going on without it."""

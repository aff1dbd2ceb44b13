"""Several server processes on one PostgreSQL, and what befalls it."""

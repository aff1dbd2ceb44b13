"""The project: accounts and single-use refresh tokens."""

"""Who is in every database; the seeds import it, and have nothing but Python."""

PASSWORD = "correct horse battery"
BCRYPT_ROUNDS = 12
PAGE = 50
"""Accounts on a page of an admin's list."""


def email(number: int) -> str:
    """Return the address of the n-th person in a seeded database."""
    return f"person{number}@example.com"


def holder(token: int, users: int, tokens: int) -> int:
    """Return whose the n-th token is, so that the holders are spread over all users.

    Where there are fewer users than tokens, each has several sessions.
    """
    return token * max(1, users // tokens) % users

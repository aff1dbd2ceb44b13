"""The SQL statements of each operation, which a test holds and a page shows.

Each is given by its verb and its table; transactions are begun besides.
"""

from collections.abc import Mapping, Sequence

BY_SOMEBODY_NEW = "token check, the first that a process sees of a session"

STATEMENTS: Mapping[str, Sequence[str]] = {
    "token check": [],
    BY_SOMEBODY_NEW: ["SELECT users"],
    "refresh": ["UPDATE sessions", "SELECT users"],
    "sign-in": [
        "SELECT users",
        "SELECT users",
        "SELECT user_roles",
        "SELECT sessions",
        "INSERT sessions",
        "UPDATE users",
    ],
    "sign-in to an account that there is not": ["SELECT users"],
    "sign-up": [
        "SELECT users",
        "SELECT roles",
        "INSERT users",
        "INSERT user_roles",
        "SELECT challenges",
        "UPDATE challenges",
        "INSERT challenges",
        "INSERT outbox",
    ],
    "forgotten password, whoever's": [
        "UPDATE challenges",
        "INSERT challenges",
        "INSERT outbox",
    ],
    "sign-out": ["SELECT sessions", "UPDATE sessions"],
    "list of accounts": ["SELECT users", "SELECT user_roles"],
    "list of one's sessions": ["SELECT sessions"],
}

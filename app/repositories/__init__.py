"""All SQL: one class of named questions per aggregate; none commits."""

from app.repositories.keys import KeyRepository
from app.repositories.roles import RoleRepository
from app.repositories.sessions import SessionRepository
from app.repositories.users import UserRepository

__all__ = [
    "KeyRepository",
    "RoleRepository",
    "SessionRepository",
    "UserRepository",
]

"""All SQL: one class of named questions per aggregate; none commits."""

from app.repositories.challenges import ChallengeRepository
from app.repositories.keys import KeyRepository
from app.repositories.outbox import OutboxRepository
from app.repositories.roles import RoleRepository
from app.repositories.sessions import SessionRepository
from app.repositories.users import UserRepository

__all__ = [
    "ChallengeRepository",
    "KeyRepository",
    "OutboxRepository",
    "RoleRepository",
    "SessionRepository",
    "UserRepository",
]

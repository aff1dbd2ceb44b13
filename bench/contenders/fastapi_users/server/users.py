"""The rules: bcrypt at the common cost, and JWTs in the Authorization header."""

import os
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    JWTStrategy,
)
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from server.database import User, accounts

SECRET = os.environ["SECRET_KEY"]
ROUNDS = int(os.environ["BCRYPT_ROUNDS"])

# The library would take Argon2; contenders are compared at one and the same cost.
passwords = PasswordHelper(PasswordHash((BcryptHasher(rounds=ROUNDS),)))


class UserRead(schemas.BaseUser[UUID]):
    """An account, as it is shown."""


class UserCreate(schemas.BaseUserCreate):
    """A sign-up."""


class UserUpdate(schemas.BaseUserUpdate):
    """A change."""


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """What is done with accounts."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def _manager(
    users: Annotated[SQLAlchemyUserDatabase, Depends(accounts)],
) -> AsyncIterator[UserManager]:
    yield UserManager(users, passwords)


def strategy(lifetime_seconds: int = 3600) -> JWTStrategy:
    """Return what signs and reads tokens, with the documentation's lifetime."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=lifetime_seconds)


def _strategy() -> JWTStrategy:
    # A dependency's arguments would be read from the query.
    return strategy()


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/jwt/login"),
    get_strategy=_strategy,
)
fastapi_users = FastAPIUsers[User, UUID](_manager, [backend])

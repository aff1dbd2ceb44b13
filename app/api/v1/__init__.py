"""Version 1 of the API."""

from fastapi import APIRouter

from app.api.v1.endpoints import (
    auth,
    deletion,
    email,
    invite,
    magic,
    me,
    outbox,
    recovery,
    roles,
    token,
    users,
)

_RESOURCES = (
    me,
    auth,
    token,
    email,
    magic,
    recovery,
    invite,
    deletion,
    users,
    roles,
    outbox,
)
"""Routes are tried in this order: what is asked most comes first."""

router = APIRouter(routes=[one for each in _RESOURCES for one in each.router.routes])

"""Version 1 of the API."""

from fastapi import APIRouter

from app.api.v1.endpoints import auth, me, roles, token, users

router = APIRouter(prefix="/api/v1")
# Routes are tried in this order: what is asked most comes first.
router.include_router(me.router)
router.include_router(auth.router)
router.include_router(token.router)
router.include_router(users.router)
router.include_router(roles.router)

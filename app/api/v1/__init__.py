"""Version 1 of the API."""

from fastapi import APIRouter, Depends

from app.api.deps import only
from app.api.v1.endpoints import auth, me, roles, token, users

_json = APIRouter(dependencies=[Depends(only("application/json"))])
_json.include_router(auth.router)
_json.include_router(me.router)
_json.include_router(users.router)
_json.include_router(roles.router)

_forms = APIRouter(dependencies=[Depends(only("application/x-www-form-urlencoded"))])
_forms.include_router(token.router)

router = APIRouter(prefix="/api/v1")
router.include_router(_json)
router.include_router(_forms)

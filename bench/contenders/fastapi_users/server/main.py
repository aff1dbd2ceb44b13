"""The routes; the seed has made the tables."""

from fastapi import FastAPI
from server.users import UserCreate, UserRead, UserUpdate, backend, fastapi_users

app = FastAPI()
app.include_router(fastapi_users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(
    fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth"
)
app.include_router(
    fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users"
)

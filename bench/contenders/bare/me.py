"""The framework's ceiling: a route that answers with a model made beforehand."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import BaseModel

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Me(BaseModel):
    """An account, as Cardea shows it to its owner."""

    id: UUID
    email: str
    email_verified: bool
    display_name: str | None
    status: str
    roles: list[str]
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    permissions: list[str]


ADA = Me(
    id=uuid4(),
    email="person0@example.com",
    email_verified=False,
    display_name="Person 0",
    status="active",
    roles=["user"],
    created_at=NOW,
    updated_at=NOW,
    last_sign_in_at=NOW,
    permissions=[],
)

app = FastAPI()


@app.get("/users/me")
async def me() -> Me:
    """Answer."""
    return ADA

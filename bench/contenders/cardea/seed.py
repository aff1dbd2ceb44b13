"""Fills Cardea's database past HTTP: `python -m bench.contenders.cardea.seed 1000 10`.

Rows are written as the service writes them; hashing a million passwords would take
days, so all people share one.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from app.core.clock import utc_now
from app.core.config import Settings, load_settings
from app.core.emails import email_key
from app.core.passwords import hash_password
from app.core.security import AccessClaims, AccessTokens, DerivedKeys, RefreshTokens
from app.migrations import head_revision, prepare_schema
from app.models import ADMIN, USER, Session, User, UserStatus, new_id, user_roles
from app.schemas.pages import write_cursor
from app.services.container import Services, open_services
from bench.contenders.people import BCRYPT_ROUNDS, PAGE, PASSWORD, email, holder

BATCH = 10_000
TOKEN_LIFE = timedelta(hours=2)
"""Runs take longer than the ten minutes that the service gives its tokens."""


async def main(users: int, tokens: int) -> None:
    """Make the database of the settings, and write what was made."""
    settings = load_settings()
    await prepare_schema(settings)
    async with open_services(settings, head_revision()) as services:
        await services.setup.ensure_roles()
        await services.keys.load()
        ids = [new_id() for _ in range(users)]
        password_hash = hash_password(PASSWORD, BCRYPT_ROUNDS)
        rows = (_user(n, user_id, password_hash) for n, user_id in enumerate(ids))
        await _add(services, User.__table__, rows)
        roles = (_role(user_id, USER) for user_id in ids)
        await _add(services, user_roles, roles)
        await _add(services, user_roles, iter([_role(ids[0], ADMIN)]))
        sessions = {new_id(): ids[holder(n, users, tokens)] for n in range(tokens)}
        rows = (_session(*pair, settings) for pair in sessions.items())
        await _add(services, Session.__table__, rows)
        access = _access_tokens(services)
        derived = DerivedKeys(settings.secret_key.get_secret_value(), [])
        seeded: dict[str, Any] = {
            "access_tokens": [
                access.sign(_claims(*pair, settings)) for pair in sessions.items()
            ],
            "refresh_tokens": [
                RefreshTokens(derived).issue(one, 0) for one in sessions
            ],
            "last_page": write_cursor(ids[min(PAGE, users - 1)]),
        }
    # The first person is the admin.
    seeded["admin_token"] = seeded["access_tokens"][0]
    Path("seeded.json").write_text(json.dumps(seeded), encoding="utf-8")


async def _add(
    services: Services, table: Any, rows: Iterator[Mapping[str, Any]]
) -> None:
    """Write rows, batch by batch, past what the service does one by one."""
    while batch := list(islice(rows, BATCH)):
        async with services.database.writing() as session:
            await session.execute(insert(table), batch)


def _user(number: int, user_id: UUID, password_hash: str) -> dict[str, Any]:
    now = utc_now()
    return {
        "id": user_id,
        "email": email(number),
        "email_key": email_key(email(number)),
        "email_verified": True,
        "display_name": f"Person {number}",
        "password_hash": password_hash,
        "status": UserStatus.ACTIVE,
        "created_at": now,
        "updated_at": now,
        "last_sign_in_at": now,
    }


def _role(user_id: UUID, name: str) -> dict[str, Any]:
    return {"user_id": user_id, "role_name": name}


def _session(session_id: UUID, user_id: UUID, settings: Settings) -> dict[str, Any]:
    now = utc_now()
    return {
        "id": session_id,
        "user_id": user_id,
        "generation": 0,
        "rotated_at": now,
        "confirmed": True,
        "created_at": now,
        "last_used_at": now,
        "expires_at": now + timedelta(seconds=settings.refresh_idle_seconds),
        "max_expires_at": now + timedelta(seconds=settings.refresh_max_seconds),
        "ip": "10.0.0.1",
        "user_agent": "bench",
        "device": "Unknown device",
    }


def _access_tokens(services: Services) -> AccessTokens:
    settings = services.settings
    return AccessTokens(
        settings.public_url,
        settings.token_audience,
        utc_now,
        lambda: services.keys.ring,
    )


def _claims(session_id: UUID, user_id: UUID, settings: Settings) -> AccessClaims:
    """Return what the service would have signed when the session was begun."""
    now = utc_now()
    return AccessClaims(
        iss=settings.public_url,
        sub=user_id,
        aud=settings.token_audience,
        client_id=settings.token_audience,
        exp=int((now + TOKEN_LIFE).timestamp()),
        iat=int(now.timestamp()),
        jti=new_id(),
        sid=session_id,
        gen=0,
        auth_time=int(now.timestamp()),
        amr=["pwd"],
        roles=[USER],
        scope="",
    )


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:3])))

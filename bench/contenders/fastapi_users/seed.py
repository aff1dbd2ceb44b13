"""Fills the database of fastapi-users past HTTP: `python seed.py 1000 10`."""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from server.database import User, create_tables, engine, new_session
from server.users import passwords, strategy
from sqlalchemy import insert

from bench.contenders.people import PASSWORD, email, holder

BATCH = 10_000
TOKEN_SECONDS = 4 * 3600
"""Runs take longer than the hour that the service gives its tokens."""


async def main(users: int, tokens: int) -> None:
    """Make the database, and write what was made."""
    await create_tables()
    ids = [uuid4() for _ in range(users)]
    password_hash = passwords.hash(PASSWORD)
    rows = (_user(n, user_id, password_hash) for n, user_id in enumerate(ids))
    await _add(rows)
    await engine.dispose()
    signing = strategy(TOKEN_SECONDS)
    holders = (ids[holder(n, users, tokens)] for n in range(tokens))
    signed = [await signing.write_token(User(id=one)) for one in holders]
    seeded = {"access_tokens": signed, "refresh_tokens": [], "admin_token": signed[0]}
    Path("seeded.json").write_text(json.dumps(seeded), encoding="utf-8")


async def _add(rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(islice(rows, BATCH)):
        async with new_session() as session, session.begin():
            await session.execute(insert(User.__table__), batch)


def _user(number: int, user_id: Any, password_hash: str) -> dict[str, Any]:
    return {
        "id": user_id,
        "email": email(number),
        "hashed_password": password_hash,
        "is_active": True,
        "is_superuser": False,
        "is_verified": True,
    }


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:3])))

"""An app in which something breaks that never should."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from app.core.exceptions import InternalError

SECRET = "the secret of the crash"
CRASHES = ("/crash/endpoint", "/crash/dependency", "/crash/response")


def add_crashes(app: FastAPI) -> None:
    """Add paths that crash, each in its own way."""
    app.add_api_route("/crash/endpoint", _crash, methods=["GET", "POST"])
    app.add_api_route("/crash/dependency", _depends_on_a_crash)
    app.add_api_route("/crash/response", _wrong_answer, response_model=int)
    app.add_api_route("/crash/teapot", _teapot)
    app.add_api_route("/crash/half-way", _half_way)
    app.add_api_route("/crash/own", _own)


async def _crash() -> None:
    raise RuntimeError(SECRET)


async def _depends_on_a_crash(_: Annotated[None, Depends(_crash)]) -> None:
    return None


async def _wrong_answer() -> str:
    return SECRET


async def _teapot() -> None:
    raise HTTPException(418, detail=SECRET)


async def _own() -> None:
    raise InternalError


async def _half_way() -> StreamingResponse:
    return StreamingResponse(_broken_off())


async def _broken_off() -> AsyncIterator[bytes]:
    yield b"the first half"
    raise RuntimeError(SECRET)

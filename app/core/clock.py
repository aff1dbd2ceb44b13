"""The one source of time, so that expiry can be tried without waiting."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware datetime in UTC."""


def utc_now() -> datetime:
    """Return the system's time in UTC."""
    return datetime.now(UTC)


def system_clock(offset_seconds: int) -> Clock:
    """Return what tells the system's time, moved by so many seconds."""
    if not offset_seconds:
        return utc_now
    offset = timedelta(seconds=offset_seconds)
    return lambda: utc_now() + offset

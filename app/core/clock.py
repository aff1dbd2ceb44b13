"""The one source of time, so that expiry can be tried without waiting."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Answers the present moment as an aware datetime in UTC."""


def utc_now() -> datetime:
    """Return the system's time in UTC."""
    return datetime.now(UTC)

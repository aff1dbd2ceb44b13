"""Statements compiled once in a run, not once for each test's engines.

To compile takes longer than most tests. Dialects of one kind compile alike.
"""

from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app import engines

_compiled: dict[type, Any] = {}


def compile_once(patch: pytest.MonkeyPatch) -> None:
    """Have all engines of one kind of database share what they have compiled."""
    patch.setattr(engines, "create_async_engine", _create)
    patch.setattr(DefaultDialect, "__eq__", _is_alike)
    patch.setattr(DefaultDialect, "__hash__", _kind)


def _create(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    known = engine.sync_engine._compiled_cache
    shared = _compiled.setdefault(type(engine.dialect), known)
    engine.sync_engine._compiled_cache = shared
    return engine


def _is_alike(one: DefaultDialect, other: object) -> bool:
    return type(one) is type(other)


def _kind(dialect: DefaultDialect) -> int:
    return hash(type(dialect))

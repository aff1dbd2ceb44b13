"""Statements and templates compiled once in a run, not once for each test's app.

To compile takes longer than most tests. Dialects of one kind compile alike, and so do
templates of one text that escape alike.
"""

from collections import defaultdict
from typing import Any

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app import engines
from app.services import letter_templates

_compiled: dict[type, Any] = {}


class Remembered(BytecodeCache):
    """What templates were compiled to."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what is known of this template, if it still has this text."""
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember what it was compiled to."""
        self._known[bucket.key, bucket.checksum] = bucket.code


_templates = defaultdict[bool, Remembered](Remembered)


def compile_once(patch: pytest.MonkeyPatch) -> None:
    """Have all engines of one kind, and all letters, share what they have compiled."""
    patch.setattr(letter_templates, "Environment", _environment)
    patch.setattr(engines, "create_async_engine", _create)
    patch.setattr(DefaultDialect, "__eq__", _is_alike)
    patch.setattr(DefaultDialect, "__hash__", _kind)


def _create(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    known = engine.sync_engine._compiled_cache
    shared = _compiled.setdefault(type(engine.dialect), known)
    engine.sync_engine._compiled_cache = shared
    return engine


def _environment(*, autoescape: bool, **options: Any) -> Environment:
    shared = _templates[autoescape]
    return Environment(autoescape=autoescape, bytecode_cache=shared, **options)


def _is_alike(one: DefaultDialect, other: object) -> bool:
    return type(one) is type(other)


def _kind(dialect: DefaultDialect) -> int:
    return hash(type(dialect))

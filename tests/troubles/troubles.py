"""Troubles, each brought upon a database for real and taken away again."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from app.core.config import Settings
from tests.faults.postgresql import Postgresql
from tests.support.server import Server
from tests.troubles.calls import READS, WRITES


@dataclass
class Stage:
    """A running server, and what it stands on.

    Attributes:
        settings: Where the database is.
        postgresql: Its server, if it has one.
        folder: Where troubles may write.
    """

    server: Server
    settings: Settings
    folder: Path
    postgresql: Postgresql | None = None


Bring: TypeAlias = Callable[[Stage], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Trouble:
    """What may happen to a database.

    Attributes:
        bring: Brings it, and takes it away.
        refused: The calls that can't be answered meanwhile.
        lasting: Whether a write under way may still be saved once it is over.
    """

    bring: Bring
    refused: tuple[str, ...] = field(default=(*READS, *WRITES))
    lasting: bool = False

    @property
    def is_total(self) -> bool:
        """Whether nothing can be read either."""
        return set(READS) <= set(self.refused)

"""How much a client may send, how long it may take, and how many there may be."""

import resource
from dataclasses import dataclass
from typing import Self

from app.core.config import Settings

MAXIMUM_HEAD_BYTES = 32 * 1024
MAXIMUM_HEADERS = 100

MAXIMUM_FRAMING_BYTES = 64 * 1024
"""What may come around a body: the sizes of its chunks, and trailers."""

MAXIMUM_PIPELINED = 8
"""How many requests may wait behind the one that is being answered."""

PIECE_BYTES = 4096
"""How much is read before it is looked at how much that was."""

LINGER_SECONDS = 2.0
"""How long a refused client may go on sending. Closed at once, its connection would be
reset, and the refusal could be lost on the way."""

RESERVED_FILES = 64
"""For the database, the log, the event loop, and connections that are just closing."""


@dataclass(frozen=True)
class Limits:
    """What the operator chose, as far as the system allows it."""

    connections: int
    head_seconds: float
    body_seconds: float
    write_seconds: float
    keep_alive_seconds: float

    @classmethod
    def of(cls, settings: Settings, open_files: int) -> Self:
        """Return the limits of a process that may open so many files."""
        room = open_files - RESERVED_FILES - settings.database_pool_size
        return cls(
            connections=max(1, min(settings.serve_max_connections, room)),
            head_seconds=settings.serve_head_seconds,
            body_seconds=settings.serve_body_seconds,
            write_seconds=settings.serve_write_seconds,
            keep_alive_seconds=settings.serve_keep_alive_seconds,
        )


def raise_open_files() -> int:
    """Have this process open as many files as it may; return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        # macOS takes no more than a number that only the kernel knows.
        return soft
    return hard

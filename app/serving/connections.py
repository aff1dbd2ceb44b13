"""Everybody who is connected to this process."""

import logging
import time
from typing import Protocol

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_WARNINGS = 10


class Connection(Protocol):
    """Somebody who is connected."""

    def give_way(self) -> None:
        """Leave, as somebody else needs the place."""


class Connections:
    """Knows who is connected and who keeps us waiting, the longest first.

    A connection waits for its client while it is idle, while a request is incomplete,
    and while an answer is not read. Thousands of such cost an attacker nothing, so they
    are the ones that make room; one whose request is being answered never does.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = set[Connection]()
        self._waiting = dict[Connection, None]()
        self._warned_at = -float("inf")

    def admit(self, newcomer: Connection) -> bool:
        """Let somebody in, in somebody else's place if need be; tell if that worked."""
        self._open.add(newcomer)
        while len(self._open) > self._limit:
            self._warn()
            longest = next(iter(self._waiting), None)
            if longest is None:
                return False
            self.remove(longest)
            longest.give_way()
        return True

    def waits(self, connection: Connection) -> None:
        """Note that it is the client's turn; who waits already keeps the place."""
        if connection in self._open:
            self._waiting.setdefault(connection)

    def works(self, connection: Connection) -> None:
        """Note that it is our turn."""
        self._waiting.pop(connection, None)

    def remove(self, connection: Connection) -> None:
        """Forget one that is gone."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def _warn(self) -> None:
        now = time.monotonic()
        if now - self._warned_at >= _SECONDS_BETWEEN_WARNINGS:
            self._warned_at = now
            counts = {"limit": self._limit, "waiting": len(self._waiting)}
            logger.warning("connections.full", extra=counts)

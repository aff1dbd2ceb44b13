"""The gate that actors pass before each step, so that all of them can be halted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Closed, it lets nobody begin; it can be waited for until nobody is inside."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._empty = asyncio.Event()
        self._inside = 0

    @asynccontextmanager
    async def pass_through(self) -> AsyncIterator[None]:
        """Wait until it is open, and be inside."""
        while not self._open.is_set():
            # Shut again before whoever waited came to pass, it is shut for them too.
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    def open(self) -> None:
        """Let everybody pass."""
        self._open.set()

    async def shut(self) -> None:
        """Let nobody pass any more; return when the last one is out."""
        self._open.clear()
        if self._inside:
            await self._empty.wait()

"""People who sign up while the server stops, and what is left of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from tests.serving.wire import Wire
from tests.support.databases import make_settings
from tests.support.outsiders import execute, postgresql_outsider, sqlite_outsider
from tests.support.people import API, PASSWORD
from tests.support.server import Server

REGISTER = f"{API}/auth/register"
CALLERS = 12


def sign_up(wire: Wire, email: str) -> None:
    """Send a whole sign-up, and do not wait for its answer."""
    wire.post(REGISTER, email=email, password=PASSWORD)


def addresses(server: Server) -> set[str]:
    """Return who has an account, as another program reads it."""
    settings = make_settings(server.database_url)
    rows = asyncio.run(execute(settings, "SELECT email FROM users"))
    return {str(email) for (email,) in rows}


@asynccontextmanager
async def changes_wait(server: Server) -> AsyncIterator[None]:
    """Have every sign-up wait for another program that uses the database."""
    settings = make_settings(server.database_url)
    if settings.is_sqlite:
        with sqlite_outsider(settings) as outsider:
            outsider.execute("BEGIN IMMEDIATE")
            yield
            outsider.execute("ROLLBACK")
    else:
        async with postgresql_outsider(settings) as outsider, outsider.transaction():
            await outsider.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            yield


class Crowd:
    """Callers who sign up as fast as they can until they are told to stop.

    Attributes:
        acknowledged: The addresses whose sign-up has been answered with 201.
        other: Every other answer there was.
    """

    def __init__(self, server: Server) -> None:
        self.acknowledged: list[str] = []
        self.other: list[str] = []
        self.failures: list[BaseException] = []
        self._server = server
        self._numbers = count()
        self._stopped = threading.Event()
        self._busy = threading.Semaphore(0)

    def wait_for(self, answers: int) -> None:
        """Wait until there have been so many answers more."""
        for _ in range(answers):
            assert self._busy.acquire(timeout=20), self.failures

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Have them call; expect at the end that no answer was cut in the middle."""
        threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()
        assert self.failures == []

    def _call(self) -> None:
        while not self._stopped.is_set():
            try:
                with Wire(self._server) as wire:
                    while self._sign_up(wire):
                        pass
            except ConnectionRefusedError:
                return  # The service has stopped.
            except ConnectionError:
                pass  # Nothing was sent to us, so nothing was acknowledged.
            except BaseException as error:
                self.failures.append(error)
                return

    def _sign_up(self, wire: Wire) -> bool:
        email = f"person{next(self._numbers)}@example.com"
        sign_up(wire, email)
        answer = wire.try_answer()
        if answer is None:
            return False
        if answer.status == 201:
            self.acknowledged.append(email)
        else:
            self.other.append(answer.body.decode())
        self._busy.release()
        return not self._stopped.is_set() and "connection" not in answer.headers

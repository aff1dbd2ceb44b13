"""Requests one after the other, on one connection that is kept."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from bench.load import Request

SECONDS = 60
"""What an answer may take on a busy machine."""


class Caller:
    """Somebody who asks, and waits for each answer."""

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection

    def ask(self, wanted: Request) -> str:
        """Return the body of a good answer.

        Raises:
            RuntimeError: If the answer is not good.
        """
        headers = dict(wanted.headers)
        self._connection.request(wanted.method, wanted.path, wanted.body, headers)
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{wanted.path}: {answer.status}: {body[:500]}")
        return body


@contextmanager
def calling(url: str) -> Iterator[Caller]:
    """Connect to a server while the block runs."""
    where = HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    with closing(where) as connection:
        yield Caller(connection)


def answer_to(wanted: Request, url: str) -> str:
    """Ask once, and return the body of a good answer; see `Caller.ask`."""
    with calling(url) as caller:
        return caller.ask(wanted)

"""Asks Have I Been Pwned whether a password is known from a breach.

The range API (k-anonymity) learns the first five of the forty hexadecimal digits
of the password's SHA-1 and answers with the rest of every known hash that begins
so. It is asked for padding, so that the length of its answer tells a listener
nothing either. See https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange.

The check is an extra: when there is no good answer in time, it is skipped.
"""

import hashlib
import logging
import re

import httpx2

from app.services.circuit_breaker import (
    BreakerPolicy,
    BreakerRegistry,
    DependencyUnavailableError,
)

logger = logging.getLogger(__name__)

MAXIMUM_ANSWER_BYTES = 256 * 1024
"""A real answer has about 40 KiB."""

POLICY = BreakerPolicy(deadline_seconds=1.0)
"""Whoever chooses a password waits no longer than a second for this check."""

_LINE = re.compile(rb"([0-9A-F]{35}):([0-9]{1,10})", re.IGNORECASE)


class _BadAnswerError(Exception):
    """The service answered, but not as the range API does."""


class BreachedPasswords:
    """A client of the range API, or of a mirror of it.

    Args:
        url: Where the API is, such as `https://api.pwnedpasswords.com`; empty
            turns the check off.
        breakers: Gets a breaker named `breached_passwords`, unless off.
        policy: When that breaker opens.
    """

    def __init__(
        self, url: str, breakers: BreakerRegistry, policy: BreakerPolicy = POLICY
    ) -> None:
        self._client: httpx2.AsyncClient | None = None
        if not url:
            return
        for chatty in ("httpx2", "httpcore2.http11"):
            logging.getLogger(chatty).addFilter(_shows_no_prefix)
        self._client = httpx2.AsyncClient(
            base_url=url,
            follow_redirects=False,
            # Answers are read as they come: unpacking has no bound.
            headers={"Add-Padding": "true", "Accept-Encoding": "identity"},
        )
        failures = (httpx2.HTTPError, httpx2.InvalidURL, OSError, _BadAnswerError)
        self._breaker = breakers.create("breached_passwords", policy, failures=failures)

    async def contains(self, password: str) -> bool:
        """Tell whether the password is known from a breach; False if unsure."""
        if self._client is None:
            return False
        try:
            return await self._breaker.call(_look_up, self._client, _sha1(password))
        except DependencyUnavailableError as error:
            return _skipped(error.reason, error.__cause__)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


async def _look_up(client: httpx2.AsyncClient, digest: bytes) -> bool:
    """Ask for the range of this digest and look for the digest in it."""
    prefix, suffix = digest[:5], digest[5:]
    async with client.stream("GET", f"/range/{prefix.decode()}") as response:
        if response.status_code != httpx2.codes.OK:
            raise _BadAnswerError(f"status {response.status_code}")
        answer = await _read(response)
    return suffix in _breached_suffixes(answer)


async def _read(response: httpx2.Response) -> bytes:
    answer = bytearray()
    async for chunk in response.aiter_raw():
        answer += chunk
        if len(answer) > MAXIMUM_ANSWER_BYTES:
            raise _BadAnswerError("too large")
    return bytes(answer)


def _breached_suffixes(answer: bytes) -> set[bytes]:
    """Return the suffixes in an answer, without the padding, which has count 0.

    Raises:
        _BadAnswerError: If there is a line of another form, or none: real ranges
            are never empty.
    """
    lines = [_LINE.fullmatch(line) for line in answer.splitlines()]
    matches = [line for line in lines if line]
    if not matches or len(matches) < len(lines):
        raise _BadAnswerError("malformed")
    return {line[1].upper() for line in matches if int(line[2]) > 0}


def _sha1(password: str) -> bytes:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False)
    return digest.hexdigest().upper().encode()


def _skipped(reason: str, cause: BaseException | None) -> bool:
    """Log that the check was skipped, with the kind of error but not its text."""
    error = type(cause).__name__ if cause else None
    extra = {"reason": reason, "error": error}
    logger.warning("breached_passwords.skipped", extra=extra)
    return False


def _shows_no_prefix(record: logging.LogRecord) -> bool:
    """Drop what httpx2 logs about requests and redirects: URLs hold the prefix."""
    return "/range/" not in record.getMessage()

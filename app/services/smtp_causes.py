"""Why a mail server can't be worked with, in words that may be logged.

What the server and the system say is the only thing that helps an operator, but it may
hold anything: line breaks, an address, the password that it refuses.
"""

import os
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator

import aiosmtplib

from app.core.emails import without_addresses
from app.core.smtp_url import SmtpServer
from app.services.circuit_breaker import DependencyUnavailableError

MAXIMUM_LENGTH = 200
_LONGEST_READ = 2000
"""More of an answer is not even looked through."""

_NOT_CONNECTED = re.compile(r"\[Errno (\d+)\] Connect call failed")
_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def cause_of(error: DependencyUnavailableError, server: SmtpServer) -> str:
    """Return what went wrong, as `loggable` has it."""
    if error.reason == "deadline":
        return "timed out"
    innermost: BaseException = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    return loggable(_words(innermost), server)


def loggable(text: str, server: SmtpServer) -> str:
    """Return one short line without addresses and without what we sign in with."""
    line = without_secrets(printable(text[:_LONGEST_READ]), server)
    return without_addresses(line)[:MAXIMUM_LENGTH]


def without_secrets(text: str, server: SmtpServer) -> str:
    """Return a text without what we sign in with, should the server repeat it."""
    for secret in _secrets(server):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def printable(text: str) -> str:
    """Return one line that can be stored and shown: a server may say any bytes."""
    characters = (char if char.isprintable() else " " for char in text)
    return " ".join("".join(characters).split())


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"user name or password refused: {error.code} {error.message}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # What is no SMTP has no code.
        return f"{error.code} {error.message}" if error.code > 0 else error.message
    # Python does not say what the number means.
    named = _NOT_CONNECTED.sub(lambda found: os.strerror(int(found[1])), str(error))
    return _NUMBER.sub("", named) or type(error).__name__


def _secrets(server: SmtpServer) -> Iterator[str]:
    """Give user name and password, also as they go over the wire."""
    if server.username is None or server.password is None:
        return
    plain = f"\0{server.username}\0{server.password}"
    for secret in (plain, server.password, server.username):
        yield b64encode(secret.encode()).decode()
        yield secret

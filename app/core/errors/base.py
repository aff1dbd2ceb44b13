"""What every error has, and what families of them have in common."""

from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, ClassVar

from fastapi import HTTPException


class StartupError(Exception):
    """The service can't start; the message says why, in one line."""


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with a request: where it stands, and why it is refused."""

    field: str
    reason: str


class AppError(HTTPException):
    """An error with a stable code that callers can act on.

    Attributes:
        http_status: The status of the response.
        code: The stable, machine-readable name.
        title: One sentence for people; the same for every occurrence.
        remedy: What whoever sees it can do.
        keeps_writes: Whether what the transaction wrote so far is committed although
            it ends with this error: a failed attempt must count.
        extra: What the problem document says besides.
    """

    http_status: ClassVar[int] = 500
    code: ClassVar[str] = ""
    title: ClassVar[str] = ""
    remedy: str = ""
    keeps_writes: ClassVar[bool] = False

    def __init__(self, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(self.http_status, detail=self.title, headers=headers)
        self.extra: dict[str, Any] = {}

    @classmethod
    def explanation(cls) -> str:
        """Return what happened and why, for the error's page."""
        return cleandoc(cls.__doc__ or "")


class UnauthorizedError(AppError):
    """The caller is not signed in, or no longer."""

    http_status = 401

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class RetryLaterError(AppError):
    """The request may succeed later; `Retry-After` says in how many seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(headers={"Retry-After": str(max(1, retry_after))})


def _with_codes(root: type[AppError]) -> list[type[AppError]]:
    found = [root] if root.code else []
    for child in root.__subclasses__():
        found.extend(_with_codes(child))
    return found


def all_errors() -> list[type[AppError]]:
    """Return every error that has a code, by status and name."""
    return sorted(_with_codes(AppError), key=lambda one: (one.http_status, one.code))

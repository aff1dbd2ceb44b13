"""The headers of a request, read where every request passes."""

from starlette.types import Scope


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return what came under this name, in lower case, in the order it came.

    Starlette's `Headers` says the same in several times the time.
    """
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def header_value(scope: Scope, name: bytes, default: str = "") -> str:
    """Return the first of them."""
    return next(iter(header_values(scope, name)), default)

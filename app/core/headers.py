"""The headers of a request, read where every request passes."""

from starlette.types import Scope

_KEY = "cardea.headers"


def header_values(scope: Scope, name: bytes) -> list[str]:
    """Return what came under this name, in lower case, in the order it came.

    Starlette's `Headers` says the same in several times the time.
    """
    by_name = scope.get(_KEY) or _sorted_once(scope)
    return [value.decode("latin-1") for value in by_name.get(name, ())]


def header_value(scope: Scope, name: bytes, default: str = "") -> str:
    """Return the first of them."""
    return next(iter(header_values(scope, name)), default)


def _sorted_once(scope: Scope) -> dict[bytes, list[bytes]]:
    """Keep the headers by their names in the scope, for whoever asks next."""
    by_name: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        by_name.setdefault(name, []).append(value)
    scope[_KEY] = by_name
    return by_name

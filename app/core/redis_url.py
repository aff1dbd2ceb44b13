"""Where a Redis is, and what its URL may choose."""

import re
from urllib.parse import parse_qs, urlsplit

TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
"""Beside `db`. Timeouts and retries are ours, and certificates are always checked."""

_DATABASE = re.compile(r"\d{1,5}", re.ASCII)


def is_redis_url(url: str) -> bool:
    """Tell whether a URL says where a Redis is, and nothing that we can't keep to.

    redis-py takes more than can be meant: it leaves out a path that is no number, and
    its errors repeat pieces of a password that was not written as URLs want it.
    """
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
        is_port = parts.port != 0
    except ValueError:
        return False
    databases = options.pop("db", [])
    known = TLS_OPTIONS if parts.scheme == "rediss" else frozenset()
    if parts.scheme == "unix":
        is_place = len(parts.path) > 1
    else:
        is_place = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
        databases += [parts.path[1:]] if len(parts.path) > 1 else []
    is_database = len(databases) < 2 and all(map(_DATABASE.fullmatch, databases))
    return is_port and is_place and is_database and options.keys() <= known

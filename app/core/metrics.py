"""What this process counts for `/metrics`, named as Prometheus wants it.

Each is counted where the event is logged. They belong to the process, whatever number
of apps it runs: what is the state of one app is asked of it when somebody looks
(`services/metrics.py`). docs/metrics.md says what they are good for.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "cardea_requests",
    "Requests answered; the status is 0 if the client hung up before.",
    ["method", "route", "status"],
    registry=REGISTRY,
)

REQUEST_SECONDS = Histogram(
    "cardea_request_seconds",
    "From the arrival of a request to the end of its answer.",
    ["method", "route"],
    registry=REGISTRY,
    buckets=_BUCKETS,
)

SIGN_INS = Counter(
    "cardea_sign_ins",
    "Passwords checked at sign-in: succeeded or failed.",
    ["outcome"],
    registry=REGISTRY,
)

SESSIONS_ENDED = Counter(
    "cardea_sessions_ended",
    "Sessions ended by this process, by the reason that their owner is shown.",
    ["reason"],
    registry=REGISTRY,
)

LIMITS_REFUSED = Counter(
    "cardea_limits_refused",
    "Attempts that had to wait, by the kind of limit that was reached.",
    ["kind"],
    registry=REGISTRY,
)

MAIL = Counter(
    "cardea_mail",
    "Messages sent, put off because they were not taken, or given up.",
    ["outcome"],
    registry=REGISTRY,
)

PRINCIPAL_LOOKUPS = Counter(
    "cardea_principal_lookups",
    "Callers looked up: remembered (hit) or asked of the database (miss).",
    ["result"],
    registry=REGISTRY,
)

DATABASE_UNAVAILABLE = Counter(
    "cardea_database_unavailable",
    "Uses of the database that failed because it did not answer.",
    registry=REGISTRY,
)

HASHING_JOBS = Gauge(
    "cardea_hashing_jobs",
    "Passwords being hashed or waiting for it.",
    registry=REGISTRY,
)

HASHING_REFUSED = Counter(
    "cardea_hashing_refused",
    "Passwords not looked at because too many were waiting.",
    registry=REGISTRY,
)


def request_answered(
    method: str, route: str | None, status: int, seconds: float
) -> None:
    """Count a request.

    The method and the path are the caller's text and could be anything; what is no
    method or route of ours is counted as one, so that nobody can fill the memory.
    """
    requests, durations = _of_requests(
        method if method in _METHODS else "other", route or "none", status
    )
    requests.inc()
    durations.observe(seconds)


@cache
def _of_requests(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Return what counts such requests: to find it takes longer than to count."""
    return (
        REQUESTS.labels(method, route, str(status)),
        REQUEST_SECONDS.labels(method, route),
    )

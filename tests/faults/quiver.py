"""What the intruder has to try, and which of it comes next."""

import random
import time
from collections import defaultdict, deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.core.keys import SigningKey
from tests.faults.forbidden import Attempt
from tests.faults.pace import Pace
from tests.hostile.forgeries import FORGED, Genuine

KEPT = 400
"""Of each kind the newest; the older ones have been tried often enough."""

FORGED_KINDS = {name: make for name, make in FORGED.items() if "huge" not in name}
"""What is far too long only costs time here; another test sends it."""

FAMILIES = {
    "respelt_token": (
        "respelt",
        "extended",
        "truncated",
        "inner",
        "trailing",
        "base64",
    ),
    "malformed_token": ("word", "dots", "two", "four", "half", "deep", "not-json"),
    "forged_algorithm": ("alg", "no-signature", "zero", "der", "crit"),
    "foreign_token": ("other-", "key-", "kid-", "typ-", "refresh-"),
}

ME = "/api/v1/users/me"

SLOW = {
    "old_password": 0.8,
    "old_password_forged_device": 0.3,
    "deleted_user": 0.3,
    "disabled_user": 3.0,
    "taken_address": 0.05,
}
"""Attempts a second of kinds that the service counts: wrong passwords, sign-ups. More
would make everybody wait, which is what limits are for, but shows nothing here."""


class Quiver:
    """Keeps attempts by kind and draws the kinds in turn by lot."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._kept: defaultdict[str, deque[Attempt]] = defaultdict(
            lambda: deque(maxlen=KEPT)
        )
        self._paces = {kind: Pace(rate) for kind, rate in SLOW.items()}
        self._withheld: frozenset[str] = frozenset()
        self._key = SigningKey.generate(datetime.now(UTC))

    def take(self, message: dict[str, Any]) -> None:
        """Take in a message: attempts, a token to forge from, or what to leave out."""
        if "withhold" in message:
            self._withheld = frozenset(message["withhold"])
            return
        if "genuine" in message:
            self._keep(self._forge(message["genuine"], message["jwk"]), replace=True)
            return
        attempts = [Attempt(**one) for one in message["attempts"]]
        self._keep(attempts, replace=message["replace"])

    def draw(self) -> Attempt | None:
        """Return an attempt whose time has come, or None if there is none now."""
        kinds = [kind for kind, kept in self._kept.items() if kept]
        kinds = [kind for kind in kinds if kind not in self._withheld]
        self._rng.shuffle(kinds)
        for kind in kinds:
            attempt = self._draw(self._kept[kind])
            if attempt is not None and self._may(kind):
                self._use(attempt)
                return attempt
        return None

    def _may(self, kind: str) -> bool:
        return kind not in self._paces or self._paces[kind].is_due()

    def _draw(self, kept: deque[Attempt]) -> Attempt | None:
        attempt = kept[self._rng.randrange(len(kept))]
        return attempt if attempt.after <= time.monotonic() else None

    def _use(self, attempt: Attempt) -> None:
        if attempt.uses is None:
            return
        kept = self._kept[attempt.kind]
        kept.remove(attempt)
        if attempt.uses > 1:
            kept.append(replace(attempt, uses=attempt.uses - 1))

    def _keep(self, attempts: list[Attempt], *, replace: bool) -> None:
        if replace:
            for kind in {attempt.kind for attempt in attempts}:
                self._kept[kind].clear()
        for attempt in attempts:
            self._kept[attempt.kind].append(attempt)

    def _forge(self, token: str, jwk: dict[str, str]) -> list[Attempt]:
        """Return every forgery: by our own key, under the name of the genuine one."""
        key = replace(self._key, kid=jwk["kid"], public_jwk=jwk)
        genuine = Genuine(token, key)
        return [
            attempt
            for name, make in FORGED_KINDS.items()
            for attempt in _uses(_family(name), make(genuine))
        ]


def _family(forgery: str) -> str:
    """Return the kind that a forgery is counted as."""
    for kind, beginnings in FAMILIES.items():
        if forgery.startswith(beginnings):
            return kind
    return "changed_claims"


def _uses(kind: str, token: str) -> list[Attempt]:
    bearer = {"Authorization": f"Bearer {token}"}
    cookie = {"Cookie": f"cardea_access={token}"}
    return [Attempt(kind, "GET", ME, headers) for headers in (bearer, cookie)]

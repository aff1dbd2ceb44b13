"""What is measured: each case is a question put to every contender that can answer."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import hashing
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.contender import Contender, Seeded
from bench.load import CLIENTS, Load, Request

ROUNDS = 5
SECONDS = 5
WARM_UP_SECONDS = 3
MANY_TOKENS = 10_000

CHAINS = 100
"""Sessions that are refreshed in turn in one round, each from an address of its own:
services limit what one network asks."""

HASHING_SECONDS = 20
HASHING_CLIENTS = 4
"""wrk does not count what is under way when it ends: few clients, and a long round."""

PEOPLE = 400
"""More than are signed in or up in one round, each from an address of its own."""

Asks = Callable[[Contender, Seeded, int], Load | None]
"""The load for a contender in the n-th round, where 0 is to warm up."""


@dataclass(frozen=True)
class Case:
    """One question.

    Attributes:
        key: Its name in files and on the command line.
        title: What is asked.
        asks: What is sent.
        baseline: Whom the others are compared with.
        hashes: Whether passwords are hashed, on both cores; the load needs little then.
        fresh: Whether the server is started anew for each round, and not warmed up.
        seconds: How long a round takes.
        warm_up_seconds: How long it is asked before that.
    """

    key: str
    title: str
    asks: Asks
    baseline: str
    hashes: bool = False
    fresh: bool = False
    seconds: int = SECONDS
    warm_up_seconds: int = WARM_UP_SECONDS


def one_token(who: Contender, seeded: Seeded, _: int) -> Load | None:
    """Ask who somebody is, again and again."""
    return _load(who.token_check(seeded.access_tokens[0]))


def many_tokens(who: Contender, seeded: Seeded, _: int) -> Load | None:
    """Ask who ten thousand people are, in turn."""
    return _load(*[who.token_check(token) for token in seeded.access_tokens])


def refresh(who: Contender, seeded: Seeded, turn: int) -> Load | None:
    """Exchange tokens, each for the next; sessions of their own in each round."""
    tokens = seeded.refresh_tokens[turn * CHAINS : (turn + 1) * CHAINS]
    asked = [one for token in tokens if (one := who.refresh(token))]
    spread = [one.coming_from(n) for n, one in enumerate(asked)]
    return Load(spread, token=who.refresh_token) if spread else None


def sign_in(who: Contender, _: Seeded, __: int) -> Load | None:
    """Sign people in, the same in each round."""
    asked = [who.sign_in(n) for n in range(PEOPLE)]
    return _load(*asked, connections=HASHING_CLIENTS)


def sign_up(who: Contender, _: Seeded, turn: int) -> Load | None:
    """Sign new people up."""
    asked = [who.sign_up(turn * PEOPLE + n) for n in range(PEOPLE)]
    return _load(*asked, connections=HASHING_CLIENTS)


def first_page(who: Contender, seeded: Seeded, _: int) -> Load | None:
    """List the newest accounts."""
    return _load(who.list_users(seeded.admin_token, ""))


def last_page(who: Contender, seeded: Seeded, _: int) -> Load | None:
    """List the oldest accounts."""
    return _load(who.list_users(seeded.admin_token, seeded.last_page))


def _load(*asked: Request | None, connections: int = CLIENTS) -> Load | None:
    requests = [one for one in asked if one is not None]
    return Load(requests, connections=connections) if requests else None


BARE, UPDATE, BCRYPT = BareRoute.name, BareUpdate.name, hashing.NAME

CASES = (
    Case("one-token", "Token check, one token", one_token, BARE),
    Case(
        "many-tokens",
        "Token check, 10,000 tokens in turn",
        many_tokens,
        BARE,
        warm_up_seconds=15,
    ),
    Case(
        "cold-tokens",
        "Token check, 10,000 tokens, right after start",
        many_tokens,
        BARE,
        fresh=True,
        seconds=2,
    ),
    Case("refresh", "Refresh", refresh, UPDATE),
    Case(
        "sign-in",
        "Sign-in, both cores",
        sign_in,
        BCRYPT,
        hashes=True,
        seconds=HASHING_SECONDS,
    ),
    Case(
        "sign-up",
        "Sign-up, both cores",
        sign_up,
        BCRYPT,
        hashes=True,
        # Cardea lets a hundred accounts be made a minute, and counts from its start.
        fresh=True,
        seconds=10,
    ),
    Case("first-page", "Admin list, first page", first_page, BARE),
    Case("last-page", "Admin list, last page", last_page, BARE),
)

"""What is asked of the contenders, and what a good answer holds."""

from collections.abc import Callable

from bench.contenders.contender import Contender, Seeded
from bench.contenders.people import PAGE, email
from bench.load import CLIENTS, Load, Request

CHAINS = 100
"""Sessions that are refreshed in turn in one round, each from an address of its own:
services limit what one network asks."""

HASHING_CLIENTS = 4
"""wrk does not count what is under way when it ends: few clients, and a long round."""

PEOPLE = 400
"""More than are signed in or up in one round, each from an address of its own."""

Asks = Callable[[Contender, Seeded, int], Load | None]
"""The load for a contender in the n-th round, where 0 is to warm up."""


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


def names_the_caller(answer: str) -> bool:
    """Tell whether a token check says who the first person is."""
    return f'"{email(0)}"' in answer


def is_a_full_page(answer: str) -> bool:
    """Tell whether a list has as many accounts as were asked for."""
    return answer.count('"email":') == PAGE


def _load(*asked: Request | None, connections: int = CLIENTS) -> Load | None:
    requests = [one for one in asked if one is not None]
    return Load(requests, connections=connections) if requests else None

"""What is measured: each case with whom its ratios are to, and how long it takes."""

from bench import hashing
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.cardea import Cardea
from bench.field import TOKENS
from bench.measuring import Case, Saturated, Start
from bench.questions import (
    first_page,
    is_a_full_page,
    last_page,
    many_tokens,
    names_the_caller,
    one_token,
    refresh,
    sign_in,
    sign_up,
)
from bench.throughput import Throughput

ROUNDS = 5

BARE, UPDATE, BCRYPT = BareRoute.name, BareUpdate.name, hashing.NAME

CASES: tuple[Case, ...] = (
    Throughput(
        "one-token",
        "Token check, one token",
        BARE,
        one_token,
        names_the_caller,
    ),
    Throughput(
        "many-tokens",
        f"Token check, {TOKENS:,} tokens in turn",
        BARE,
        many_tokens,
        names_the_caller,
        # So that all have been seen once: the first time costs ten times as much.
        warm_up_seconds=30,
    ),
    Throughput(
        "cold-tokens",
        f"Token check, {TOKENS:,} tokens, right after start",
        BARE,
        many_tokens,
        names_the_caller,
        fresh=True,
        seconds=2,
    ),
    Throughput("refresh", "Refresh", UPDATE, refresh),
    Throughput(
        "sign-in",
        "Sign-in, both cores",
        BCRYPT,
        sign_in,
        hashes=True,
        # wrk does not count what is under way when it ends.
        seconds=12,
    ),
    Throughput(
        "sign-up",
        "Sign-up, both cores",
        BCRYPT,
        sign_up,
        hashes=True,
        # Cardea lets a hundred accounts be made a minute, and counts from its start.
        fresh=True,
        seconds=9,
    ),
    Throughput(
        "first-page",
        "Admin list, first page",
        Cardea.name,
        first_page,
        is_a_full_page,
    ),
    Throughput(
        "last-page",
        "Admin list, last page",
        Cardea.name,
        last_page,
        is_a_full_page,
    ),
    Start("start", "Start", BARE),
    Saturated("saturated", "Token check while sign-ins saturate", Cardea.name),
)

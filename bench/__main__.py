"""Measure Cardea side by side with others, with more users, on other databases."""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from bench import comparisons, machine, report
from bench.cases import CASES, ROUNDS
from bench.comparisons import COMPARISONS, DATABASES, RIVALS, SIZES, Comparison
from bench.contenders.contender import Contender
from bench.field import Field
from bench.load import MissingToolError, check_tools
from bench.postgresql import postgresql
from bench.results import Results
from tests.support.servers.range_api import RangeApi

SEEDING_USERS_A_SECOND = 10_000
SEEDING_SECONDS = 10
"""What making the database of few users takes, mostly for signing tokens."""


def main() -> int:
    """Measure what is asked for; return 2 if a tool is missing."""
    chosen = _chosen()
    try:
        check_tools()
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 2
    with ExitStack() as stack:
        wanted = [_narrowed(one, chosen) for one in _wanted(chosen, stack)]
        _say_how_long(wanted, chosen)
        for comparison in wanted:
            results = _measure(comparison, chosen)
            print(report.page(results))
    return 0


def _chosen() -> argparse.Namespace:
    cases = [case.key for case in CASES]
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument(
        "comparisons", nargs="*", metavar="comparison", help=", ".join(COMPARISONS)
    )
    parser.add_argument("--cases", nargs="+", choices=cases, default=cases)
    parser.add_argument("--contenders", nargs="+", help="their names; default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--users", type=int, default=comparisons.USERS)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=comparisons.USERS_BY_SIZE
    )
    parser.add_argument("--report", type=Path, default=Path("bench-report"))
    chosen = parser.parse_args()
    chosen.comparisons = chosen.comparisons or COMPARISONS
    if unknown := set(chosen.comparisons) - set(COMPARISONS):
        parser.error(f"there is no comparison {', '.join(unknown)}")
    if min(chosen.users, *chosen.sizes) < comparisons.FEWEST_USERS:
        parser.error(f"there must be at least {comparisons.FEWEST_USERS:,} users")
    return chosen


def _wanted(chosen: argparse.Namespace, stack: ExitStack) -> Iterator[Comparison]:
    """Yield the comparisons, with what they need running until the stack unwinds."""
    portal = stack.enter_context(start_blocking_portal())
    breached_url = stack.enter_context(
        portal.wrap_async_context_manager(RangeApi())
    ).url
    if RIVALS in chosen.comparisons:
        yield comparisons.rivals(breached_url, chosen.users)
    if SIZES in chosen.comparisons:
        yield comparisons.sizes(breached_url, chosen.sizes)
    if DATABASES in chosen.comparisons:
        on_postgresql = stack.enter_context(postgresql(portal))
        yield comparisons.databases(breached_url, chosen.users, on_postgresql)


def _narrowed(comparison: Comparison, chosen: argparse.Namespace) -> Comparison:
    """Leave out what is not asked for, and who can't be installed."""
    entrants = [
        one
        for one in comparison.entrants
        if one.contender.name in (chosen.contenders or [one.contender.name])
        and _is_installed(one.contender)
    ]
    cases = [case.key for case in comparison.cases if case.key in chosen.cases]
    without = [case.key for case in CASES if case.key not in cases]
    return replace(comparison, entrants=entrants, without=without)


def _is_installed(contender: Contender) -> bool:
    """Install it if it is not; say why if that can't be done."""
    try:
        contender.install()
    except (MissingToolError, subprocess.CalledProcessError) as error:
        print(f"{contender.name} is left out: {error}", file=sys.stderr)
        return False
    return True


def _say_how_long(wanted: Sequence[Comparison], chosen: argparse.Namespace) -> None:
    seconds = {one.name: _seconds_for(one, chosen.rounds) for one in wanted}
    each = ", ".join(f"{name} {took / 60:.0f}" for name, took in seconds.items())
    print(f"This takes about {sum(seconds.values()) / 60:.0f} minutes: {each}.")


def _seconds_for(comparison: Comparison, rounds: int) -> float:
    field = Field(comparison.entrants, comparison.baseline)
    seeding = sum(
        SEEDING_SECONDS + one.users / SEEDING_USERS_A_SECOND
        for one in comparison.entrants
    )
    return seeding + sum(case.seconds_for(field, rounds) for case in comparison.cases)


def _measure(comparison: Comparison, chosen: argparse.Namespace) -> Results:
    """Measure case by case, and keep what there is after each."""
    contenders = [one.contender for one in comparison.entrants]
    facts = {
        **machine.origin(),
        **machine.description(),
        **comparison.facts,
        **_versions(contenders),
    }
    results = Results(comparison.name, facts)
    with Field(comparison.entrants, comparison.baseline) as field:
        for case in comparison.cases:
            results.measured += case.measure(field, chosen.rounds)
            results.write(chosen.report)
    results.measured += list(results.pages())
    results.write(chosen.report)
    return results


def _versions(contenders: Sequence[Contender]) -> dict[str, str]:
    return {
        one.name: ", ".join(f"{name} {one.version_of(name)}" for name in one.versions)
        for one in contenders
    }


if __name__ == "__main__":
    sys.exit(main())

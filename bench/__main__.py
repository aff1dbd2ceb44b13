"""Measure Cardea and its rivals side by side: `python -m bench`."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from bench import machine, report
from bench.cases import CASES, CHAINS, ROUNDS
from bench.contenders.bare import BareRoute, BareUpdate
from bench.contenders.better_auth import BetterAuth
from bench.contenders.cardea import Cardea
from bench.contenders.contender import Contender
from bench.contenders.django import Django
from bench.contenders.fastapi_users import FastapiUsers
from bench.load import MissingToolError, check_tools
from bench.measuring import Field, Measured
from tests.support.servers.range_api import RangeApi

EXTRA = ("start", "saturated")
USERS = 10_000


def main() -> int:
    """Measure what is asked for; return 2 if a tool is missing."""
    chosen = _chosen()
    try:
        check_tools()
    except MissingToolError as error:
        print(error, file=sys.stderr)
        return 2
    measured: list[Measured] = []
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        breached = portal.wrap_async_context_manager(RangeApi())
        known = [
            Cardea(stack.enter_context(breached).url),
            BareRoute(),
            BareUpdate(),
            FastapiUsers(),
            Django(),
            BetterAuth(),
        ]
        contenders = _installed(
            [one for one in known if one.name in (chosen.contenders or [one.name])]
        )
        facts = machine.description() | _versions(contenders)
        for users in chosen.users:
            with Field(contenders, users) as field:
                for case in CASES:
                    if case.key in chosen.cases:
                        measured += field.measure(case, chosen.rounds)
                        report.write(chosen.report, facts, measured)
                if "start" in chosen.cases:
                    measured += field.measure_start(chosen.rounds)
                if "saturated" in chosen.cases:
                    measured += field.measure_saturated(chosen.rounds)
                report.write(chosen.report, facts, measured)
    print(report.table(measured))
    return 0


def _chosen() -> argparse.Namespace:
    cases = [*(case.key for case in CASES), *EXTRA]
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=cases, default=cases)
    parser.add_argument("--contenders", nargs="+", help="their names; default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--users", type=int, nargs="+", default=[USERS])
    parser.add_argument("--report", type=Path, default=Path("bench-report"))
    chosen = parser.parse_args()
    fewest = (chosen.rounds + 1) * CHAINS
    if min(chosen.users) < fewest:
        parser.error(f"--users: {chosen.rounds} rounds need at least {fewest}")
    return chosen


def _installed(contenders: Sequence[Contender]) -> list[Contender]:
    """Return those that could be installed; say who is left out, and why."""
    able = []
    for one in contenders:
        try:
            one.install()
        except (MissingToolError, subprocess.CalledProcessError) as error:
            print(f"{one.name} is left out: {error}", file=sys.stderr)
        else:
            able.append(one)
    return able


def _versions(contenders: Sequence[Contender]) -> dict[str, str]:
    return {
        f"{one.name}: {package}": one.version_of(package)
        for one in contenders
        for package in one.versions
    }


if __name__ == "__main__":
    sys.exit(main())

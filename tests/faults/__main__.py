"""`python -m tests.faults`: hurt the service under load, and see whether it holds.

Exits with 0 if nothing was lost, phantom, let in or broken, and every fault was
injected and recovered from. With a seeded defect it exits with 0 if that was found.
"""

import asyncio
import sys
from pathlib import Path

import click

from tests.faults.cluster import POSTGRESQL, SQLITE
from tests.faults.defects import DEFECTS
from tests.faults.injecting import Options
from tests.faults.injections import FAULTS
from tests.faults.run import run

SHORT_MINUTES = 1.0
NAMES = sorted(fault.name for fault in FAULTS)


def _names(_: object, __: object, value: str) -> frozenset[str] | None:
    if value == "all":
        return None
    names = frozenset(value.split(","))
    if unknown := sorted(names - set(NAMES)):
        raise click.BadParameter(f"no such faults: {', '.join(unknown)}")
    return names


@click.command()
@click.option("--database", type=click.Choice([SQLITE, POSTGRESQL]), default=SQLITE)
@click.option("--minutes", type=click.FloatRange(0.1), default=20.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--processes", type=click.IntRange(1), help="1 on SQLite, else 3.")
@click.option("--faults", callback=_names, default="all", help=", ".join(NAMES))
@click.option("--defect", type=click.Choice(sorted(DEFECTS)), help="Expect findings.")
@click.option("--report", type=click.Path(path_type=Path), help="A folder for it.")
@click.option("--short", is_flag=True, help="A minute, one fault of each family.")
def main(
    database: str,
    minutes: float,
    seed: int,
    processes: int | None,
    faults: frozenset[str] | None,
    defect: str | None,
    report: Path | None,
    short: bool,
) -> None:
    """Hurt the service under load, and see whether it holds."""
    options = Options(
        database=database,
        processes=processes or (1 if database == SQLITE else 3),
        minutes=SHORT_MINUTES if short else minutes,
        seed=seed,
        report=report or Path(f"faults-{database}"),
        faults=faults,
        defect=defect,
        short=short,
    )
    if database == SQLITE and options.processes > 1:
        raise click.UsageError("One process owns a SQLite file.")
    sys.exit(asyncio.run(run(options)))


if __name__ == "__main__":
    main()

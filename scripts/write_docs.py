"""Writes the papers that are made from the code: `python -m scripts.write_docs`.

Those on performance are made from saved measurements.

With `--check` it writes nothing, names what is stale and ends with status 1.
"""

from collections.abc import Callable
from pathlib import Path

import click

from scripts import api_papers, mail_papers, performance_papers, settings_papers

ROOT = Path(__file__).parents[1]
PAPERS: dict[str, Callable[[], str]] = {
    "docs/configuration.md": settings_papers.configuration,
    "docs/errors.md": api_papers.errors,
    "docs/performance.md": performance_papers.performance,
    **performance_papers.pictures(),
    ".env.example": settings_papers.env_example,
    "openapi.json": api_papers.openapi,
    **mail_papers.letters(),
}


def stale(root: Path = ROOT) -> dict[str, str]:
    """Return what the code and the measurements say, by the papers that do not."""
    said = {name: make() for name, make in PAPERS.items()}
    return {name: text for name, text in said.items() if _read(root / name) != text}


def write(root: Path = ROOT) -> list[str]:
    """Write the papers that are stale, and return them."""
    papers = stale(root)
    for name, text in papers.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(papers)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if one is stale.")
def main(check: bool) -> None:
    """Write the papers that are made from the code."""
    if not check:
        for name in write():
            click.echo(f"{name} was written")
    elif names := stale():
        raise click.ClickException(
            f"stale: {', '.join(names)}; run `python -m scripts.write_docs`"
        )


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    main()

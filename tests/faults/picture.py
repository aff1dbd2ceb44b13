"""The picture of a run: throughput and latency over time, with the faults marked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tests.faults.figures import Second, Series
from tests.faults.records import FaultRecord

SLICES = 300
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "font.size": 9,
    "svg.hashsalt": "cardea",
}
COLOURS = (
    "#d62728",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#bcbd22",
    "#17becf",
    "#7f7f7f",
    "#2ca02c",
)
HATCHES = ("", "//", "..", "xx")
"""With more faults than colours, the colours come again with a pattern."""

LINE = "#333333"
MANY = 40
"""A fault that comes more often than this is a thin line, not a band with a name."""


def draw(
    series: Series,
    faults: Sequence[FaultRecord],
    findings: Sequence[float],
    began: float,
    folder: Path,
) -> None:
    """Write timeline.png and timeline.svg."""
    with rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(14, 8), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(
            3, 1, sharex=True, height_ratios=[3, 3, 1], squeeze=True
        )
        _fill(panels, series, findings)
        _mark(panels, faults, began)
        _legend(figure, panels[0], faults)
        figure.savefig(folder / "timeline.png", dpi=110)
        figure.savefig(folder / "timeline.svg", metadata={"Date": None})


def _fill(panels: Any, series: Series, findings: Sequence[float]) -> None:
    length = max((began for began, _ in series.slices(1)), default=0) + 1
    width = max(1, round(length / SLICES))
    slices = list(series.slices(width))
    starts = [began + width / 2 for began, _ in slices]
    seconds = [second for _, second in slices]
    _throughput(panels[0], starts, seconds, width)
    _latency(panels[1], starts, seconds)
    _forbidden(panels[2], starts, seconds, width)
    for at in findings:
        for panel in panels:
            panel.axvline(at, color="black", linewidth=1.5, linestyle=":")
    panels[2].set_xlim(0, length)
    panels[2].set_xlabel("seconds since the start")


def _throughput(
    panel: Any, starts: list[float], seconds: list[Second], width: int
) -> None:
    writes = [second.writes / width for second in seconds]
    reads = [second.reads / width for second in seconds]
    unknown = [second.unknown / width for second in seconds]
    panel.stackplot(
        starts, writes, reads, colors=["#2b6a99", "#a9cce3"], labels=["writes", "reads"]
    )
    panel.plot(starts, unknown, color="black", linewidth=0.9, label="outcome unknown")
    panel.set_ylabel("acknowledged a second")
    panel.set_ylim(bottom=0)


def _latency(panel: Any, starts: list[float], seconds: list[Second]) -> None:
    for share, colour in ((0.5, "#2b6a99"), (0.99, "#e67e22")):
        quantiles = [second.latencies.quantile(share) for second in seconds]
        times = [float("nan") if q is None else q * 1000 for q in quantiles]
        name = f"p{share * 100:.0f}"
        panel.plot(starts, times, color=colour, linewidth=1.1, label=name)
    panel.set_yscale("log")
    panel.set_ylabel("latency, ms")
    panel.legend(loc="upper right", ncols=2, frameon=True, framealpha=0.9)


def _forbidden(
    panel: Any, starts: list[float], seconds: list[Second], width: int
) -> None:
    attempts = [second.intrusions / width for second in seconds]
    panel.fill_between(starts, attempts, color="#7f8c8d", linewidth=0)
    panel.set_ylabel("forbidden\na second")
    panel.set_ylim(bottom=0)


def _looks(faults: Sequence[FaultRecord]) -> dict[str, tuple[str, str]]:
    """Return colour and pattern of each kind of fault."""
    names = sorted({fault.name for fault in faults})
    return {
        name: (COLOURS[n % len(COLOURS)], HATCHES[n // len(COLOURS) % len(HATCHES)])
        for n, name in enumerate(names)
    }


def _mark(panels: Any, faults: Sequence[FaultRecord], began: float) -> None:
    looks = _looks(faults)
    names = [fault.name for fault in faults]
    for fault in faults:
        colour, hatch = looks[fault.name]
        since = fault.began - began
        until = (fault.recovered or fault.healed) - began
        for panel in panels:
            if names.count(fault.name) > MANY:
                panel.axvline(since, color=LINE, linewidth=0.6, alpha=0.6, zorder=0)
            else:
                panel.axvspan(since, until, **_band(colour, hatch))


def _band(colour: str, hatch: str) -> dict[str, Any]:
    return {
        "facecolor": colour,
        "edgecolor": "white",
        "hatch": hatch,
        "alpha": 0.3,
        "linewidth": 0,
        "zorder": 0,
    }


def _legend(figure: Figure, panel: Any, faults: Sequence[FaultRecord]) -> None:
    looks = _looks(faults)
    handles, labels = panel.get_legend_handles_labels()
    names = [fault.name for fault in faults]
    for name, (colour, hatch) in looks.items():
        often = names.count(name)
        if often > MANY:
            handles.append(Line2D([], [], color=LINE, linewidth=0.8))
        else:
            handles.append(Patch(**_band(colour, hatch)))
        labels.append(f"{name} ({often})")
    figure.legend(
        handles, labels, loc="outside upper center", ncols=6, frameon=False, fontsize=9
    )

"""The picture of a comparison: how many times as good as its baseline everybody is."""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from bench.results import COMPARED, Measured, Results

STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "font.size": 9,
    "figure.constrained_layout.w_pad": 0.1,
    "svg.hashsalt": "cardea",
}
COLOURS = (
    "#2b6a99",
    "#9a9a9a",
    "#e67e22",
    "#2ca02c",
    "#9467bd",
    "#bcbcbc",
    "#6f6f6f",
)
DRAWN = {
    "per_second": "answers a second",
    "seconds": "quickness",
    "mib": "thrift with memory",
    "times_p99": "p99 beside sign-ins / p99 in peace; less is better",
    "times_first": "cost of the last page / cost of the first; less is better",
}
"""What is drawn of a case."""

COLUMNS = 2
BAR_INCHES = 0.2
PANEL_INCHES = 0.62
"""What a panel takes beside its bars: title, axis, and some air."""

Bar = tuple[str, float]


def svg(results: Results) -> str:
    """Return the picture; the same results give the same text."""
    panels = list(_panels(results))
    rows = [panels[at : at + COLUMNS] for at in range(0, len(panels), COLUMNS)]
    heights = [
        PANEL_INCHES + BAR_INCHES * max(len(bars) for _, bars in row) for row in rows
    ]
    with rc_context(STYLE), io.StringIO() as text:  # type: ignore[arg-type]
        figure = Figure(figsize=(9, sum(heights)), layout="constrained")
        FigureCanvasSVG(figure)
        grid = figure.subplots(len(rows), COLUMNS, height_ratios=heights, squeeze=False)
        colours = _colours(results)
        for place, panel in zip(grid.flat, panels, strict=False):
            _fill(place, *panel, colours)
        for empty in list(grid.flat)[len(panels) :]:
            empty.set_axis_off()
        metadata = {"Date": None, "Creator": None}
        figure.savefig(text, format="svg", facecolor="white", metadata=metadata)
        return text.getvalue()


def _panels(results: Results) -> Iterator[tuple[str, Sequence[Bar]]]:
    """Yield a title and bars for each case and each of its values that is drawn."""
    for case in results.cases():
        for what in (what for what in DRAWN if what in case[0].values):
            title = f"{case[0].title}\n{DRAWN[what]}{_against(case[0], what)}"
            bars = [
                (one.entrant, ratio)
                for one in case
                if (ratio := _ratio(results, one, what)) is not None
            ]
            if bars:
                yield title, bars


def _against(one: Measured, what: str) -> str:
    return f"; {one.baseline} = 1" if what in COMPARED else ""


def _ratio(results: Results, one: Measured, what: str) -> float | None:
    return results.ratio(one, what) if what in COMPARED else one.median(what)


def _colours(results: Results) -> Mapping[str, str]:
    """Return one colour for each entrant, in all panels."""
    names = dict.fromkeys(one.entrant for one in results.measured)
    return dict(zip(names, itertools.cycle(COLOURS), strict=False))


def _fill(
    panel: Any, title: str, bars: Sequence[Bar], colours: Mapping[str, str]
) -> None:
    names = [name for name, _ in bars]
    ratios = [ratio for _, ratio in bars]
    drawn = panel.barh(names, ratios, color=[colours[name] for name in names])
    panel.axvline(1, color="#333333", linewidth=0.8)
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    panel.bar_label(drawn, fmt="%.2f", padding=3, bbox=behind, zorder=3)
    panel.set_xlim(0, 1.15 * max(1, *ratios))
    panel.invert_yaxis()
    panel.tick_params(left=False)
    panel.set_title(title, loc="left", fontsize=9)

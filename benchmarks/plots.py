"""Three pictures of a run, as SVG files beside docs/performance.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.results import PhotoResult, Results

_OURS, _OTHERS, _LIMIT = "#1b7f5c", "#9aa0a6", "#c2410c"
_STYLE: Any = {  # matplotlib types it as the literals of all its settings
    "svg.hashsalt": "parrot",  # the same results give the same file
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


def write(results: Results, folder: Path, *, kind: str = "svg") -> None:
    """Write latency, load and fleets."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        for name, draw in (("latency", _latency), ("load", _load), ("fleets", _fleets)):
            metadata = {"Date": None} if kind == "svg" else None
            draw(results).savefig(folder / f"{name}.{kind}", metadata=metadata)


def _latency(results: Results) -> Figure:
    """Each way as a multiple of the limit; the first version is off every scale."""
    heights = [1.5 + len(photo.ways) for photo in results.photos]
    figure = Figure(figsize=(8, 0.6 + 0.25 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, photo in zip(panels, results.photos, strict=True):
        _ways(axes, photo)
    panels[-1].set_xlabel("times the limit (decoding and forward pass), median and quartiles")
    return figure


def _ways(axes: Axes, photo: PhotoResult) -> None:
    ways = [way for way in photo.ways if way.name != "first version"]
    for row, way in enumerate(ways):
        ratio = way.to_limit
        axes.barh(row, ratio.median, color=_OTHERS if way.name == "LitServe" else _OURS, height=0.7)
        axes.plot([ratio.low, ratio.high], [row, row], color="black", linewidth=1.2)
        axes.text(ratio.high, row, f"  {ratio.median:.2f}", va="center")
    axes.axvline(1, color=_LIMIT, linewidth=1.5)
    axes.set_yticks(range(len(ways)), [way.name for way in ways])
    axes.invert_yaxis()
    axes.set_xlim(0, max(way.to_limit.high for way in ways) * 1.15)
    first = next((way for way in photo.ways if way.name == "first version"), None)
    beside = f"; the first version: {first.to_limit.median:.0f} times" if first else ""
    twice = "" if photo.looks == 1 else " for two looks"
    axes.set_title(
        f"{photo.photo}, limit{twice} {photo.limit_ms.median:.0f} ms{beside}",
        loc="left",
        fontsize=10,
    )


def _load(results: Results) -> Figure:
    """Photos per second with eight clients, as a share of what the cores can do."""
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    photos = list(dict.fromkeys(row.photo for row in results.loads))
    panels = figure.subplots(1, len(photos), squeeze=False)[0]
    for axes, photo in zip(panels, photos, strict=True):
        rows = [row for row in results.loads if row.photo == photo]
        names = [row.service for row in rows]
        shares = [100 * row.to_limit.median for row in rows]
        colours = [_OURS if name == "ours" else _OTHERS for name in names]
        bars = axes.bar(names, shares, color=colours, width=0.6)
        axes.bar_label(bars, [f"{row.per_second:.3g}/s" for row in rows], padding=2)
        axes.axhline(100, color=_LIMIT, linewidth=1.5)
        axes.set_ylim(0, max(118, *(share * 1.15 for share in shares)))
        axes.set_title(photo, loc="left", fontsize=10)
        axes.grid(axis="y", color="#e5e7eb")
    panels[0].set_ylabel("% of all cores' limit")
    return figure


def _fleets(results: Results) -> Figure:
    """Instances and dollars, both with logarithmic axes."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = [row.photos_per_second for row in results.fleets]
    left.loglog(
        rates, [row.functions for row in results.fleets], "o-", color=_OURS, label="functions"
    )
    left.loglog(
        rates,
        [row.model_servers for row in results.fleets],
        "s--",
        color=_LIMIT,
        label="model servers",
    )
    left.set_ylabel("instances")
    left.legend(frameon=False)
    right.loglog(rates, [row.dollars_per_million for row in results.fleets], "o-", color=_OURS)
    for row in results.fleets:
        right.annotate(
            f"${row.dollars_per_million:,.2f}",
            (row.photos_per_second, row.dollars_per_million),
            textcoords="offset points",
            xytext=(6, 6),
        )
    right.set_ylabel("$ for a million photos")
    right.margins(x=0.15, y=0.15)
    for axes in (left, right):
        axes.set_xlabel("photos per second")
        axes.grid(color="#e5e7eb")
    return figure

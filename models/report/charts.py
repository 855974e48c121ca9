"""Charts as SVG; their colours come from the page's style sheet and follow its theme."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from models.evaluation.curves import Bin

    Spot = tuple[float, float]

_WIDTH, _HEIGHT = 440, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 46
_ROW = 22  # height of a row in an interval chart
_NAMES = 172  # space for the names to the left
_TINY = 1e-9


def _same(value: float) -> float:
    return value


def logit(share: float) -> float:
    """Stretches both ends of 0..1, where most probabilities are."""
    inside = min(max(share, _TINY), 1 - _TINY)
    return math.log(inside / (1 - inside))


def log(share: float) -> float:
    """Gives every power of ten the same space."""
    return math.log(max(share, _TINY))


@dataclass(frozen=True, slots=True)
class Axis:
    """Shares from the first tick to the last."""

    title: str
    ticks: Sequence[float]
    stretch: Callable[[float], float] = _same

    def place(self, share: float) -> float:
        """0 at the first tick, 1 at the last."""
        low, high = self.stretch(self.ticks[0]), self.stretch(self.ticks[-1])
        return (self.stretch(share) - low) / (high - low)

    def held(self, share: float) -> float:
        """The share, or the nearest end of the axis."""
        return min(max(share, self.ticks[0]), self.ticks[-1])


@dataclass(frozen=True, slots=True)
class Line:
    """Points to connect, and the gate's working point; `style` is a class of the style sheet."""

    name: str
    style: str
    points: Sequence[Spot]
    marked: Spot


@dataclass(frozen=True, slots=True)
class Bars:
    """A share for each category."""

    name: str
    style: str
    shares: Sequence[float]


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its interval and a tooltip."""

    name: str
    share: float
    low: float
    high: float
    note: str


def curves(label: str, x: Axis, y: Axis, lines: Sequence[Line]) -> Markup:
    """Lines, clipped to the frame, with a dot at the gate's working point."""
    drawn = Markup("").join(
        Markup('<polyline class="line {}" points="{}"/>').format(
            line.style,
            " ".join(
                f"{left:.1f},{top:.1f}"
                for left, top in _corners(_spot(x, y, *point) for point in line.points)
            ),
        )
        for line in lines
    )
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    frame = f"{_LEFT} {_TOP} {width} {height}"
    cut_off = Markup('<svg x="{}" y="{}" width="{}" height="{}" viewBox="{}">{}</svg>').format(
        _LEFT, _TOP, width, height, frame, drawn
    )
    dots = [
        _dot(
            _spot(x, y, x.held(line.marked[0]), y.held(line.marked[1])),
            line.style,
            f"{line.name}: {x.title} {line.marked[0]:.2%}, {y.title} {line.marked[1]:.2%}",
        )
        for line in lines
    ]
    return _svg(label, _HEIGHT, [*_grid(x, y), cut_off, *dots])


def reliability(label: str, stated: Axis, observed: Axis, bins: Iterable[Bin]) -> Markup:
    """A dot with its interval for each bin; a calibrated probability lies on the diagonal."""
    ends = [_spot(stated, observed, end, end) for end in (stated.ticks[0], stated.ticks[-1])]
    parts = [*_grid(stated, observed), _stroke("rule", *ends)]
    for found in bins:
        across = stated.held(found.stated)
        low, high, middle = (
            _spot(stated, observed, across, observed.held(share))
            for share in (found.low, found.high, found.observed)
        )
        note = f"stated {found.stated:.1%}, observed {found.observed:.1%} of {found.photos}"
        parts += [_stroke("whisker", low, high), _dot(middle, "one", note)]
    return _svg(label, _HEIGHT, parts)


def bars(label: str, title: str, categories: Sequence[str], groups: Sequence[Bars]) -> Markup:
    """Bars side by side for each category, each with its percentage above."""
    bottom, room = _HEIGHT - _BOTTOM, _WIDTH - 2 * _RIGHT
    step = room / len(categories)
    width = min(38.0, step * 0.84 / len(groups))
    tallest = max((share for group in groups for share in group.shares), default=0.0) or 1.0
    parts = [_stroke("grid", (_RIGHT, bottom), (_WIDTH - _RIGHT, bottom))]
    for column, category in enumerate(categories):
        middle = _RIGHT + step * (column + 0.5)
        parts.append(_text((middle, bottom + 17), category))
        for number, group in enumerate(groups):
            share = group.shares[column]
            left = middle + (number - len(groups) / 2) * width
            height = share / tallest * (bottom - _TOP - 20)
            note = f"{group.name}: {share:.1%} have {category}"
            parts.append(
                Markup(
                    '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                    "<title>{}</title></rect>"
                ).format(group.style, left + 1, bottom - height, width - 2, height, note)
            )
            if share:
                text = f"{share * 100:.0f}" if share >= 0.01 else "<1"  # noqa: PLR2004 - 1 %
                parts.append(_text((left + width / 2, bottom - height - 5), text))
    parts.append(_text((_WIDTH / 2, _HEIGHT - 8), title, style="title"))
    return _svg(label, _HEIGHT, parts)


def intervals(label: str, axis: Axis, lines: Sequence[Interval], rule: float) -> Markup:
    """A row per share with its interval, and a line at `rule` to compare with."""
    bottom = _TOP + _ROW * len(lines)

    def left(share: float) -> float:
        return _NAMES + axis.place(axis.held(share)) * (_WIDTH - _NAMES - _RIGHT - 8)

    parts = [_text(((_NAMES + _WIDTH) / 2, bottom + 38), axis.title, style="title")]
    for tick in axis.ticks:
        parts.append(_stroke("grid", (left(tick), _TOP), (left(tick), bottom)))
        parts.append(_text((left(tick), bottom + 17), _percent(tick)))
    parts.append(_stroke("rule", (left(rule), _TOP), (left(rule), bottom)))
    for number, line in enumerate(lines):
        middle = _TOP + _ROW * (number + 0.5)
        parts += [
            _text((_NAMES - 10, middle + 4), line.name, "end", "name"),
            _stroke("whisker", (left(line.low), middle), (left(line.high), middle)),
            _dot((left(line.share), middle), "one", line.note),
        ]
    return _svg(label, bottom + _BOTTOM, parts)


def _grid(x: Axis, y: Axis) -> list[Markup]:
    bottom, middle = _HEIGHT - _BOTTOM, (_HEIGHT - _BOTTOM + _TOP) / 2
    parts = [
        _text(((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8), x.title, style="title"),
        Markup(
            '<text class="title" text-anchor="middle" transform="translate(12,{}) rotate(-90)">'
            "{}</text>"
        ).format(middle, y.title),
    ]
    for tick in x.ticks:
        left, _ = _spot(x, y, tick, y.ticks[0])
        parts.append(_stroke("grid", (left, _TOP), (left, bottom)))
        parts.append(_text((left, bottom + 17), _percent(tick)))
    for tick in y.ticks:
        _, top = _spot(x, y, x.ticks[0], tick)
        parts.append(_stroke("grid", (_LEFT, top), (_WIDTH - _RIGHT, top)))
        parts.append(_text((_LEFT - 7, top + 4), _percent(tick), "end"))
    return parts


def _spot(x: Axis, y: Axis, across: float, up: float) -> Spot:
    left = _LEFT + x.place(across) * (_WIDTH - _LEFT - _RIGHT)
    return left, _HEIGHT - _BOTTOM - y.place(up) * (_HEIGHT - _BOTTOM - _TOP)


def _corners(spots: Iterable[Spot]) -> list[Spot]:
    """Drop the points inside straight runs: a run needs only its two ends."""
    kept: list[Spot] = []
    for spot in spots:
        if len(kept) > 1 and any(kept[-2][i] == kept[-1][i] == spot[i] for i in (0, 1)):
            kept[-1] = spot
        else:
            kept.append(spot)
    return kept


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _stroke(style: str, start: Spot, end: Spot) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        style, *start, *end
    )


def _dot(spot: Spot, style: str, note: str) -> Markup:
    return Markup(
        '<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="5"><title>{}</title></circle>'
    ).format(style, *spot, note)


def _text(spot: Spot, text: str, anchor: str = "middle", style: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        style, *spot, anchor, text
    )


def _svg(label: str, height: float, parts: Iterable[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {:g}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height, label, Markup("").join(parts)
    )

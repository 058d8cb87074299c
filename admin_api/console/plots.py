"""Plots drawn on the server: SVG that needs no script, with its title, its words and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, log10
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 720
HEIGHT: Final = 230
LEFT: Final = 46
BOTTOM: Final = 26
TOP: Final = 10
COLOURS: Final = 8
ROW: Final = 26
NAMES: Final = 280
WIDE: Final = 1120
"""Of a picture that fills a page; letters then come out as large as in the others."""


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one name, one for each label of the plot."""

    name: str
    values: tuple[int, ...]
    colour: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, what its colours mean, and the same as a table. No rows: there is nothing yet."""

    title: str
    svg: SafeString
    legend: tuple[tuple[str, int], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in a row of a timeline; without ``until`` it runs out of the picture."""

    since: datetime
    until: datetime | None
    colour: int
    says: str


def columns(title: str, labels: Sequence[str], series: Sequence[Series], *, every: int = 1) -> Plot:
    """Stacked columns over time. Every ``every``-th label is written below them."""
    totals = [sum(one.values[place] for one in series) for place in range(len(labels))]
    top = _round_up(max(totals, default=0))
    inner, floor = WIDTH - LEFT, HEIGHT - BOTTOM
    step = inner / max(len(labels), 1)
    scale = (floor - TOP) / top
    marks = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (LEFT, WIDTH, _flat(y), _flat(y), LEFT - 6, _flat(y + 4), _short(value))
            for value in (0, top // 2, top)
            for y in [floor - value * scale]
        ),
    )
    bars, names = [], []
    for place, label in enumerate(labels):
        x, y = LEFT + place * step, float(floor)
        for one in series:
            value = one.values[place]
            if not value:
                continue
            high = value * scale
            y -= high
            bars.append(
                (
                    one.colour,
                    _flat(x + step * 0.12),
                    _flat(y),
                    _flat(step * 0.76),
                    _flat(high),
                    f"{label}, {one.name}: {value:,}",
                )
            )
        if place % every == 0:
            names.append((_flat(x + step / 2), HEIGHT - 8, label))
    body = format_html(
        "{}{}{}",
        marks,
        format_html_join(
            "",
            '<rect class="s{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
            bars,
        ),
        format_html_join("", '<text x="{}" y="{}" text-anchor="middle">{}</text>', names),
    )
    busy = [one for one in series if any(one.values)]
    words = "; ".join(f"{one.name} {sum(one.values):,}" for one in busy) or "nothing"
    rows = tuple(
        (label, *(one.values[place] for one in busy), totals[place])
        for place, label in enumerate(labels)
        if totals[place]
    )
    return Plot(
        title,
        _picture(title, words, HEIGHT, body),
        tuple((one.name, one.colour) for one in busy),
        ("Time", *(one.name for one in busy), "Total"),
        rows,
    )


def bars(title: str, head: tuple[str, str], counts: Sequence[tuple[str, int]]) -> Plot:
    """One bar for each name, the longest first."""
    most = max((count for _, count in counts), default=1)
    room = WIDTH - NAMES - 70
    body = format_html_join(
        "",
        '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>'
        '<rect class="s5" x="{}" y="{}" width="{}" height="{}" rx="3"/>'
        '<text x="{}" y="{}">{}</text>',
        (
            (
                NAMES - 8, y + 17, _clipped(name), NAMES, y + 5, long, ROW - 9,
                NAMES + long + 6, y + 17, f"{count:,}",
            )
            for row, (name, count) in enumerate(counts)
            for y, long in [(row * ROW, round(max(room * count / most, 2)))]
        ),
    )  # fmt: skip
    words = "; ".join(f"{name} {count:,}" for name, count in counts) or "nothing"
    svg = _picture(title, words, max(len(counts) * ROW, ROW), body)
    return Plot(title, svg, (), head, tuple(counts))


def timeline(
    title: str, rows: Sequence[tuple[str, Sequence[Span]]], *, now: datetime, words: str
) -> SafeString:
    """What held when, one line each, with a mark for the present."""
    moments = [span.since for _, spans in rows for span in spans]
    moments += [span.until for _, spans in rows for span in spans if span.until]
    first, last = min([*moments, now]), max([*moments, now])
    margin = max((last - first) / 12, timedelta(hours=1))
    first, last = first - margin / 3, last + margin
    inner = WIDE - NAMES

    def across(moment: datetime | None) -> float:
        end = min(moment or last, last)
        return NAMES + inner * ((end - first) / (last - first))

    texts = format_html_join(
        "",
        '<text class="label" x="{}" y="{}" text-anchor="end">{}</text>',
        ((NAMES - 8, row * ROW + 17, _clipped(name)) for row, (name, _) in enumerate(rows)),
    )
    spans = format_html_join(
        "",
        '<rect class="s{}" x="{}" y="{}" width="{}" height="{}" rx="3"><title>{}</title></rect>',
        (
            (
                span.colour, _flat(across(span.since)), row * ROW + 5,
                _flat(max(across(span.until) - across(span.since), 2)), ROW - 9, span.says,
            )
            for row, (_, found) in enumerate(rows)
            for span in found
        ),
    )  # fmt: skip
    high = len(rows) * ROW + 20
    present = format_html(
        '<line class="now" x1="{}" x2="{}" y1="0" y2="{}"/>'
        '<text x="{}" y="{}" text-anchor="middle">now</text>',
        _flat(across(now)), _flat(across(now)), high - 18, _flat(across(now)), high - 4,
    )  # fmt: skip
    drawing = format_html("{}{}{}", texts, spans, present)
    return _picture(title, words, high, drawing, width=WIDE)


def _picture(
    title: str, words: str, high: int, body: SafeString, *, width: int = WIDTH
) -> SafeString:
    return format_html(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>",
        width, high, f"{title}: {words}", title, words, body,
    )  # fmt: skip


def _round_up(value: int) -> int:
    """The next number whose half is a good one as well: 2, 4, 10, 20, 30, 40, 60 and so on."""
    if value <= 10:  # noqa: PLR2004 - the first steps go by two
        return max(2, 2 * ceil(value / 2))
    size: int = 10 ** int(log10(value))
    return next(
        part * size // 10 for part in (20, 30, 40, 60, 80, 100) if part * size >= 10 * value
    )


def _short(value: int) -> str:
    for size, unit in ((1_000_000, "M"), (1000, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return str(value)


def _clipped(name: str) -> str:
    return name if len(name) <= 48 else f"{name[:47]}…"  # noqa: PLR2004 - what fits


def _flat(value: float) -> str:
    return f"{value:.1f}"

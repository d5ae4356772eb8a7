"""Line charts as inline SVG: drawn here, so that a page needs no script and nothing from elsewhere."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 560, 168
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 24
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Axis:
    """A scale from 0 to a round number."""

    top: float
    is_share: bool

    def label(self, value: float) -> str:
        """A value as it stands beside the axis."""
        if self.is_share:
            return f"{value * 100:.3g} %"
        for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if value >= size:
                return f"{value / size:.3g} {letter}"
        return f"{value:.3g}"


def round_up(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _seconds(bucket: str) -> float:
    return dt.datetime.fromisoformat(bucket).timestamp()


def line_chart(
    points: Sequence[tuple[str, float | None]], bucket_size: str, title: str, is_share: bool = False
) -> Markup:
    """A filled line over time. A bucket without a value, or without events, is a gap."""
    known = [(bucket, value) for bucket, value in points if value is not None]
    if not known:
        return Markup('<p class="quiet">Nothing to draw: no bucket of this time has a value.</p>')
    axis = Axis(round_up(max(value for _, value in known)), is_share)
    first, last = _seconds(known[0][0]), _seconds(known[-1][0])
    span = max(last - first, 1.0)

    def place(bucket: str, value: float) -> tuple[float, float]:
        x = LEFT + (_seconds(bucket) - first) / span * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(TOP + (1 - value / axis.top) * (HEIGHT - TOP - BOTTOM), 1)

    runs: list[list[tuple[float, float]]] = []
    before = None
    for bucket, value in known:
        now = _seconds(bucket)
        if before is None or now - before > SECONDS[bucket_size] * 1.5:
            runs.append([])
        runs[-1].append(place(bucket, value))
        before = now
    base = HEIGHT - BOTTOM
    shapes = []
    for run in runs:
        line = " ".join(f"{x},{y}" for x, y in run)
        if len(run) == 1:
            shapes.append(f'<circle class="dot" cx="{run[0][0]}" cy="{run[0][1]}" r="2"/>')
        else:
            shapes.append(f'<polygon class="area" points="{run[0][0]},{base} {line} {run[-1][0]},{base}"/>')
            shapes.append(f'<polyline class="line" points="{line}"/>')
    for share in (0, 0.5, 1):
        y = round(TOP + (1 - share) * (HEIGHT - TOP - BOTTOM), 1)
        shapes.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        shapes.append(
            f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{axis.label(axis.top * share)}</text>'
        )
    for bucket, anchor, x in ((known[0][0], "start", LEFT), (known[-1][0], "end", WIDTH - RIGHT)):
        shown = bucket[:10] if bucket_size == "day" else bucket[:16].replace("T", " ")
        shapes.append(f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{escape(shown)}</text>')
    summary = (
        f"{title}: {len(known)} buckets from {known[0][0]} to {known[-1][0]},"
        f" newest {axis.label(known[-1][1])}, highest {axis.label(max(value for _, value in known))}"
    )
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(summary)}">'
        f"<title>{escape(summary)}</title>{''.join(shapes)}</svg>"
    )

"""A timeline as SVG: what was shown, what was answered, and by which streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from headstart.runtime.demo.judging import Span, Verdict
from headstart.runtime.demo.performance import Look, Performance

WIDTH_PX = 1120
_GUTTER_PX = 78
_ROW_S = 30.0
"""About so many seconds in a row, as lines of music: at one glance, yet every name is readable."""

_ROW_PX = 232
_AXIS_Y, _PICTURE_Y, _PICTURE_PX, _ANSWER_Y, _ANSWER_PX, _SHARE_Y, _SHARE_PX = (
    14, 26, 84, 122, 40, 176, 28,
)  # fmt: skip
_LETTER_PX = 6.4
"""Mean width of a letter at 12 px, to shorten names before they run into each other."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One line of the timeline: its stretch of time and where it goes."""

    start_s: float
    end_s: float
    top: float
    seconds: float

    def x(self, time_s: float) -> float:
        inside = min(max(time_s, self.start_s), self.end_s) - self.start_s
        return _GUTTER_PX + inside * (WIDTH_PX - _GUTTER_PX - 2) / self.seconds

    def holds(self, start_s: float, end_s: float) -> bool:
        return start_s < self.end_s and end_s > self.start_s


def timeline(performance: Performance, *, style: str = "") -> str:
    """The live clip as SVG.

    Args:
        performance: what to draw.
        style: CSS to put inside, for a picture that stands alone; a page brings its own.
    """
    rows = _rows(performance)
    height = rows[-1].top + _ROW_PX
    margin = 20 if style else 0
    box = f"{-margin} {-margin} {WIDTH_PX + 2 * margin} {height + margin:.0f}"
    classes = class_numbers(performance)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"'
        ' class="timeline" role="img" aria-labelledby="timeline-title">'
        '<title id="timeline-title">What was shown and what was answered over'
        f" {performance.duration_s:.0f} seconds</title>",
        "<defs>"
        '<clipPath id="round" clipPathUnits="objectBoundingBox">'
        '<rect width="1" height="1" rx=".07" ry=".1"/></clipPath></defs>',
    ]
    if style:
        parts.append(f"<style>{style}</style>")
        parts.append(
            f'<rect class="sheet" x="{-margin}" y="{-margin}" width="110%" height="110%"/>'
        )
    for row in rows:
        parts.append(f'<g transform="translate(0 {row.top:.0f})">')
        parts += _axis(row)
        for verdict, picture in zip(performance.verdicts, performance.thumbnails, strict=True):
            if row.holds(verdict.segment.start_s, verdict.segment.end_s):
                parts += _shown(row, verdict, picture)
        for span in performance.spans:
            if row.holds(span.start_s, span.end_s):
                parts += _answered(row, span, classes)
        parts += _shares(row, performance.looks)
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def class_numbers(performance: Performance) -> dict[str, int]:
    """Class → number of its colour, 0 to 7."""
    return {enrolled.name: i % 8 for i, enrolled in enumerate(performance.enrolled)}


def shorten(text: str, width_px: float) -> str:
    """The text, cut with an ellipsis to fit; empty where not even three letters would."""
    letters = int(width_px / _LETTER_PX)
    if len(text) <= letters:
        return text
    return text[: letters - 1].rstrip(" ,;'") + "…" if letters > 3 else ""


def _rows(performance: Performance) -> list[_Row]:
    """Rows of about the same length; they break before something is shown, when all is said."""
    duration_s = performance.duration_s
    count = max(1, round(duration_s / _ROW_S))
    gaps = [v.segment.end_s for v in performance.verdicts if v.segment.kind == "nothing"]
    edges = [0.0]
    for number in range(1, count):
        target = duration_s * number / count
        edges.append(min(gaps, key=lambda at: abs(at - target), default=target))
    edges = [*dict.fromkeys(edges), duration_s]
    longest = max(b - a for a, b in zip(edges, edges[1:], strict=False))
    return [
        _Row(start_s=a, end_s=b, top=i * _ROW_PX, seconds=longest)
        for i, (a, b) in enumerate(zip(edges, edges[1:], strict=False))
    ]


def _axis(row: _Row) -> Iterator[str]:
    for name, y in (
        ("shown", _PICTURE_Y + 44),
        ("answered", _ANSWER_Y + 24),
        ("by", _SHARE_Y + 18),
    ):
        yield f'<text class="lane" x="0" y="{y}">{name}</text>'
    first = int(-(-row.start_s // 5)) * 5
    for second in range(first, int(row.end_s) + 1, 5):
        x = row.x(second)
        yield _upright("tick", x, _AXIS_Y + 4, _ROW_PX - 26)
        said = f"{second // 60}:{second % 60:02}"
        yield f'<text class="axis" x="{x:.1f}" y="{_AXIS_Y}">{said}</text>'


def _shown(row: _Row, verdict: Verdict, picture: str) -> Iterator[str]:
    segment = verdict.segment
    if segment.kind == "nothing":
        return
    x, end = row.x(segment.start_s), row.x(segment.end_s)
    width = end - x
    title = f"{segment.start_s:.1f} to {segment.end_s:.1f} s: {segment.thing}"
    yield f"<g><title>{escape(title)}</title>"
    if "image" in segment.modalities and picture:
        yield (
            f'<image href="{picture}" x="{x:.1f}" y="{_PICTURE_Y}" width="{width:.1f}"'
            f' height="{_PICTURE_PX}" preserveAspectRatio="xMidYMid slice"'
            ' clip-path="url(#round)"/>'
        )
    else:
        yield (
            f'<rect class="heard" x="{x:.1f}" y="{_PICTURE_Y}" width="{width:.1f}"'
            f' height="{_PICTURE_PX}" rx="8"/>'
        )
        yield from _wave(x + width / 2, _PICTURE_Y + _PICTURE_PX / 2)
        note = "lens covered" if segment.covered else "only heard"
        yield (
            f'<text class="note" x="{x + width / 2:.1f}" y="{_PICTURE_Y + _PICTURE_PX - 9}">'
            f"{note}</text>"
        )
    if {"image", "audio"} <= set(segment.modalities):
        yield from _badge(x + width - 15, _PICTURE_Y + 15)
    mark = "right" if verdict.right else "wrong"
    yield (
        f'<rect class="frame {mark} {segment.kind.split()[0]}" x="{x:.1f}" y="{_PICTURE_Y}"'
        f' width="{width:.1f}" height="{_PICTURE_PX}" rx="8"/></g>'
    )


def _wave(x: float, y: float) -> Iterator[str]:
    for number, half in enumerate((6, 14, 9, 18, 11, 15, 6)):
        yield _upright("wave", x + (number - 3) * 6, y - half, y + half)


def _badge(x: float, y: float) -> Iterator[str]:
    """The mark on a picture that it is heard as well."""
    yield f'<circle class="badge" cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
    for number, half in enumerate((2.5, 5, 3.5)):
        yield _upright("badge-wave", x + (number - 1) * 4, y - half, y + half)


def _upright(kind: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _answered(row: _Row, span: Span, classes: dict[str, int]) -> Iterator[str]:
    x, end = row.x(span.start_s), row.x(span.end_s)
    width = max(end - x - 2, 2.0)
    name = "unknown" if span.label is None else span.label
    kind = "no" if span.label is None else f"c{classes.get(name, 0)}"
    high, drop = (_ANSWER_PX, 0) if span.label is not None else (14, 13)
    y = _ANSWER_Y + drop
    title = f"{span.start_s:.1f} to {span.end_s:.1f} s: {name}"
    yield (
        f'<g class="answer {kind}"><title>{escape(title)}</title><rect x="{x:.1f}" y="{y}"'
        f' width="{width:.1f}" height="{high}" rx="{min(8, high / 2)}"/>'
    )
    text = shorten(name, width - 10)
    if text and (span.label is not None or width > 60):
        yield f'<text x="{x + width / 2:.1f}" y="{_ANSWER_Y + 24}">{escape(text)}</text>'
    yield "</g>"


def _shares(row: _Row, looks: Sequence[Look]) -> Iterator[str]:
    """One thin stacked bar for each decision, fainter where it was unknown."""
    for before, look in zip((None, *looks), looks, strict=False):
        start_s = look.time_s - 0.25 if before is None else before.time_s
        if not row.start_s < look.time_s <= row.end_s + 1e-6:
            continue
        x, end, y = row.x(start_s), row.x(look.time_s), float(_SHARE_Y)
        for stream, share in look.streams.items():
            high = share * _SHARE_PX
            if high >= 0.3:
                faint = " faint" if look.label is None else ""
                yield (
                    f'<rect class="s-{escape(stream)}{faint}" x="{x:.1f}" y="{y:.1f}"'
                    f' width="{max(end - x - 1, 1):.1f}" height="{high:.1f}"/>'
                )
            y += high

"""The demo's result as one HTML page that needs nothing else, and as a picture."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from headstart.runtime.demo.drawing import class_numbers, timeline
from headstart.runtime.demo.judging import Count, Verdict
from headstart.runtime.demo.performance import Enrolled, Performance
from headstart.runtime.errors import ConfigError

PAGE, PICTURE = "index.html", "timeline.svg"
_PARTS = Path(__file__).parent / "page"
_TIMELINE_END = "/* End of the timeline. */"
_WAVE = (
    '<svg class="sounds" viewBox="0 0 80 60" aria-hidden="true">'
    + "".join(
        f'<line x1="{x}" x2="{x}" y1="{30 - half}" y2="{30 + half}"/>'
        for x, half in zip(range(22, 59, 6), (5, 12, 8, 16, 9, 13, 5), strict=True)
    )
    + "</svg>"
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """Where the result went."""

    page: Path
    picture: Path


def write_result(performance: Performance, folder: Path, *, footer: str = "") -> Written:
    """Write page and picture into a folder, which is made if it is missing.

    Args:
        performance: what to show.
        folder: files of an earlier demo in it are replaced.
        footer: a line about what made it: versions, bundle.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    written = Written(page=folder / PAGE, picture=folder / PICTURE)
    style = (_PARTS / "style.css").read_text(encoding="utf-8")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written.page.write_text(render_page(performance, footer=footer), encoding="utf-8")
        drawn = timeline(performance, style=style[: style.index(_TIMELINE_END)])
        written.picture.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the demo's result cannot be written to {folder} ({error.strerror}); expected a folder"
            " with some free space: choose another one with --out"
        ) from error
    return written


def render_page(performance: Performance, *, footer: str = "") -> str:
    """The whole page as text; it makes no request of any kind and holds no script."""
    style = (_PARTS / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    counts = performance.counts
    asked = (counts["enrolled"], counts["never enrolled"])
    right, of = sum(c.right for c in asked), sum(c.of for c in asked)
    things = len(performance.enrolled)
    took_s = sum(e.took_ms for e in performance.enrolled) / 1e3
    template = Template((_PARTS / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        style=style,
        style_hash=digest,
        title=f"{right} of {of} right",
        headline=f"{right} of {of} answers right, {took_s:.1f} seconds of teaching",
        lead=(
            f"{things} things were taught from a few moments of picture and sound each. Then a"
            f" clip of {performance.duration_s:.0f} seconds was recognised as it would be live: the"
            " same things again, most of them in another photograph, another recording or another"
            " voice, and between them things that were never taught."
        ),
        tiles="".join(_tiles(performance)),
        stream_note=(
            "Above, what the camera and the microphone were shown; below, what was answered; at the"
            " bottom, how much picture, sound and speech counted in each decision, faint where the"
            " answer was unknown."
        ),
        timeline=timeline(performance),
        taught_note=(
            f"Besides, {performance.background_things} other things were shown as background: they"
            " set where “unknown” begins. None of them comes up in the live clip."
        ),
        taught="".join(_taught(e, class_numbers(performance)) for e in performance.enrolled),
        table_note="Gaps in which nothing was shown are left out where nothing was said.",
        answers="".join(
            _row(verdict, picture, class_numbers(performance))
            for verdict, picture in zip(performance.verdicts, performance.thumbnails, strict=True)
            if verdict.segment.kind != "nothing" or verdict.said
        ),
        footer=escape(footer),
    )


def _tiles(performance: Performance) -> list[str]:
    counts = performance.counts
    quiet = counts["nothing"]
    slowest = max((e.took_ms for e in performance.enrolled), default=0.0)
    return [
        _goal(counts["enrolled"], "enrolled things recognised"),
        _goal(counts["never enrolled"], "never enrolled, answered with “unknown”"),
        _tile(
            f"{quiet.right} of {quiet.of}", "gaps without a name said", "nothing was shown in them"
        ),
        _tile(
            f"{slowest / 1e3:.1f} s",
            "to teach one thing, at most",
            f"from the file to the gallery; then {performance.adapt_ms:.0f} ms to adapt to all",
        ),
        _tile(
            f"{performance.decision_ms:.0f} ms",
            "for one decision",
            f"median of {len(performance.looks)}, on this machine's processor",
        ),
    ]


def _goal(count: Count, what: str) -> str:
    kind = "good" if count.reached else "bad"
    note = f"{count.share:.0%}; asked: at least {count.goal:.0%}"
    return _tile(f"{count.right} of {count.of}", what, note, kind)


def _tile(number: str, what: str, note: str, kind: str = "") -> str:
    return (
        f'<li class="tile {kind}"><b>{number}</b><span>{what}</span>'
        f'<span class="soft">{note}</span></li>'
    )


def _taught(enrolled: Enrolled, classes: dict[str, int]) -> str:
    picture = (
        f'<img src="{enrolled.thumbnail}" alt="{escape(enrolled.thing)}">'
        if enrolled.thumbnail
        else _WAVE
    )
    held = {"image": "picture", "audio": "sound"}
    by = " and ".join(held[m] for m in enrolled.modalities)
    return (
        f"<li>{picture}<div><h3>{_dot(classes[enrolled.name])}{escape(enrolled.name)}</h3>"
        f"<p>{escape(enrolled.thing)}</p>"
        f"<p>{enrolled.samples} samples, {by}, {enrolled.took_ms:.0f} ms</p></div></li>"
    )


def _dot(number: int) -> str:
    return f'<i class="b{number}"></i>'


def _row(verdict: Verdict, picture: str, classes: dict[str, int]) -> str:
    segment = verdict.segment
    seen = "image" in segment.modalities and picture
    shown = f'<img src="{picture}" alt="" loading="lazy">' if seen else _WAVE
    names = "".join(
        f'<span class="name b{classes.get(name, 0)}">{escape(name)}</span> '
        for name in verdict.said
    )
    said = names or '<span class="name none">unknown</span>'
    sure = f"<small>{verdict.sure:.0%} sure</small>" if verdict.right and verdict.said else ""
    by = f"{_bar(verdict.streams)}<small>{_by(verdict.streams)}</small>" if verdict.said else ""
    expected = f"enrolled as {segment.label}" if segment.label else segment.kind
    how = "; ".join(segment.view.values())
    mark, word = ("good", "✓ right") if verdict.right else ("bad", "✗ wrong")
    return (
        f'<tr class="{mark}"><td class="time">{segment.start_s:.1f}–{segment.end_s:.1f} s</td>'
        f'<td class="pic">{shown}</td>'
        f'<th scope="row">{escape(segment.thing)}<small>{escape(expected)}'
        f"{': ' if how else ''}{escape(how)}</small></th>"
        f'<td class="said">{said}{sure}</td><td class="by">{by}</td>'
        f'<td class="ok"><span class="mark {mark}">{word}</span></td></tr>'
    )


def _bar(streams: dict[str, float]) -> str:
    parts, at = [], 0.0
    for stream, share in streams.items():
        parts.append(
            f'<rect class="s-{escape(stream)}" x="{at:.3f}" width="{share:.3f}" height="1"/>'
        )
        at += share
    return (
        '<span class="bar" aria-hidden="true"><svg viewBox="0 0 1 1" preserveAspectRatio="none">'
        + "".join(parts)
        + "</svg></span>"
    )


def _by(streams: dict[str, float]) -> str:
    shares = [f"{escape(s)} {share:.0%}" for s, share in streams.items() if share >= 0.005]
    return ", ".join(shares)

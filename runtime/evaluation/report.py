"""What an evaluation found: for machines as JSON, for people as a table."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class UnknownResult:
    """How queries of classes that were never enrolled were told apart. All shares 0…1.

    Args:
        auroc: chance that a known query scores above an unknown one; mean over episodes.
        far_asked: the share of unknown queries that the user allows to be accepted.
        far: the share that was; mean over episodes.
        frr: share of known queries answered "unknown"; mean over episodes.
        far_median: median of the false-accept share over episodes.
        far_p90: its 90 % quantile.
    """

    auroc: float
    far_asked: float
    far: float
    frr: float
    far_median: float
    far_p90: float


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """One evaluation. All shares 0…1.

    Args:
        accuracy: over known queries, before rejection; mean over episodes.
        ci95: half-width of its 95 % interval over episodes; NaN for one episode.
        macro_f1: mean over episodes.
        average_precision: one class against the rest, mean over classes and episodes.
        ways: classes enrolled in an episode.
        shots: samples enrolled of each.
        classes: classes that episodes were drawn from.
        samples: samples of those classes.
        episodes: how many.
        head: the head asked for.
        modalities: those that samples were given with.
        streams: those that were used.
        ece: expected calibration error, all queries pooled.
        seconds: wall time of the whole evaluation.
        classes_left_out: classes with too few samples.
        samples_left_out: samples that could not be decoded or encoded.
        unknown: how unknown queries fared; None when none were asked.
    """

    accuracy: float
    ci95: float
    macro_f1: float
    average_precision: float
    ways: int
    shots: int
    classes: int
    samples: int
    episodes: int
    head: str
    modalities: tuple[str, ...]
    streams: tuple[str, ...]
    ece: float
    seconds: float
    classes_left_out: int = 0
    samples_left_out: int = 0
    unknown: UnknownResult | None = None

    def to_json(self) -> str:
        """One line of JSON; the fields of ``unknown`` stand beside the others, NaN is null."""
        fields = asdict(self)
        fields.update(fields.pop("unknown") or {})
        for name, value in fields.items():
            if isinstance(value, float) and math.isnan(value):
                fields[name] = None
        return json.dumps(fields, ensure_ascii=False, allow_nan=False)


def render_table(result: EvaluationResult) -> Table:
    """The result as a table of two columns, for a terminal."""
    from rich.table import Table

    table = Table(title=f"{result.ways}-way {result.shots}-shot, {result.episodes} episodes")
    table.add_column("measure")
    table.add_column("value", justify="right")
    for name, value in _rows(result):
        table.add_row(name, value)
    return table


def _rows(result: EvaluationResult) -> list[tuple[str, str]]:
    interval = "" if math.isnan(result.ci95) else f" ± {100 * result.ci95:.1f}"
    rows = [
        ("accuracy", f"{100 * result.accuracy:.1f}{interval} %"),
        ("macro F1", _percent(result.macro_f1)),
        ("average precision", _percent(result.average_precision)),
        ("calibration error", _percent(result.ece)),
    ]
    if result.unknown is not None:
        u = result.unknown
        rows += [
            ("AUROC, known against unknown", _percent(u.auroc)),
            (f"unknown accepted, {_percent(u.far_asked)} asked", _percent(u.far)),
            (
                "  median, 90 % of episodes below",
                f"{_percent(u.far_median)}, {_percent(u.far_p90)}",
            ),
            ("known rejected", _percent(u.frr)),
        ]
    rows += [
        ("head", result.head),
        ("modalities", ", ".join(result.modalities)),
        ("streams", ", ".join(result.streams)),
        ("classes", _counted(result.classes, result.classes_left_out)),
        ("samples", _counted(result.samples, result.samples_left_out)),
        ("time", f"{result.seconds:.1f} s"),
    ]
    return rows


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _counted(used: int, left_out: int) -> str:
    return f"{used} ({left_out} left out)" if left_out else str(used)

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO

from rich.console import Console

from headstart.runtime.evaluation.report import EvaluationResult, UnknownResult, render_table

PLAIN = EvaluationResult(
    accuracy=0.8431,
    ci95=0.0112,
    macro_f1=0.83,
    average_precision=0.9,
    ways=5,
    shots=1,
    classes=35,
    samples=840,
    episodes=300,
    head="auto",
    modalities=("image",),
    streams=("image",),
    ece=0.041,
    seconds=12.34,
    classes_left_out=2,
)
UNKNOWN = UnknownResult(
    auroc=0.79, far_asked=0.05, far=0.014, frr=0.83, far_median=0.0, far_p90=0.1
)


def printed(result: EvaluationResult) -> str:
    text = StringIO()
    Console(file=text, width=100).print(render_table(result))
    return text.getvalue()


def test_json_holds_exactly_the_agreed_fields() -> None:
    assert json.loads(PLAIN.to_json()) == {
        "accuracy": 0.8431,
        "ci95": 0.0112,
        "macro_f1": 0.83,
        "average_precision": 0.9,
        "ways": 5,
        "shots": 1,
        "classes": 35,
        "samples": 840,
        "episodes": 300,
        "head": "auto",
        "modalities": ["image"],
        "streams": ["image"],
        "ece": 0.041,
        "seconds": 12.34,
        "classes_left_out": 2,
        "samples_left_out": 0,
    }


def test_unknown_ways_add_their_fields_beside_the_others() -> None:
    plain = json.loads(PLAIN.to_json())
    both = json.loads(replace(PLAIN, unknown=UNKNOWN).to_json())

    assert both == plain | {
        "auroc": 0.79,
        "far_asked": 0.05,
        "far": 0.014,
        "frr": 0.83,
        "far_median": 0.0,
        "far_p90": 0.1,
    }


def test_the_interval_of_one_episode_is_null_in_json_and_absent_in_the_table() -> None:
    one = replace(PLAIN, ci95=math.nan, episodes=1)

    assert json.loads(one.to_json())["ci95"] is None
    assert "84.3 %" in printed(one)
    assert "±" not in printed(one)


def test_the_table_gives_percentages_and_what_was_left_out() -> None:
    text = printed(PLAIN)

    assert "5-way 1-shot, 300 episodes" in text
    assert "84.3 ± 1.1 %" in text
    assert "35 (2 left out)" in text
    assert "840" in text
    assert "known rejected" not in text


def test_the_table_shows_false_rejects_beside_false_accepts() -> None:
    text = printed(replace(PLAIN, unknown=UNKNOWN))

    assert "unknown accepted, 5.0 % asked" in text
    assert "1.4 %" in text
    assert "83.0 %" in text

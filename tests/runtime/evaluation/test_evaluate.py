"""The yardstick against real enrolments, and what it must not be fooled by."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.runtime.errors import CaptureError, ConfigError
from headstart.runtime.evaluation.episodes import draw_episodes
from headstart.runtime.evaluation.evaluate import EvaluationPlan, evaluate
from headstart.runtime.evaluation.report import EvaluationResult
from headstart.runtime.recognizer import Recognizer
from headstart.runtime.sources.folder import MediaItem, read_sample, scan

AUDIO = ("sound", "speech")


@pytest.fixture
def plan(cache: Path) -> EvaluationPlan:
    return EvaluationPlan(
        ways=3, shots=2, queries=2, episodes=4, modalities=("audio",), cache_folder=cache
    )


@pytest.fixture
def hearing(recognizer: Any, tmp_path: Path) -> Recognizer:
    one: Recognizer = recognizer(tmp_path / "unused.sqlite", streams=AUDIO)
    return one


def _timeless(result: EvaluationResult) -> EvaluationResult:
    return replace(result, seconds=0.0)


@pytest.mark.parametrize("head", ["auto", "prototype"])
def test_an_episode_is_a_real_enrolment_and_real_questions(
    recognizer: Any,
    hearing: Recognizer,
    sounds: Path,
    plan: EvaluationPlan,
    tmp_path: Path,
    head: str,
) -> None:
    """Each episode once more, by hand, through a gallery on disk."""
    plan = replace(plan, unknown_ways=2, head=head)
    result = evaluate(hearing, sounds, plan)
    items: dict[str, list[MediaItem]] = {}
    for item in scan(sounds):
        items.setdefault(item.label, []).append(item)
    episodes = draw_episodes(
        {name: [item.stem for item in each] for name, each in items.items()},
        ways=3, shots=2, queries=2, episodes=4, seed=0, unknown_ways=2,
    )  # fmt: skip
    right, accepted, rejected = [], [], []
    for number, episode in enumerate(episodes):
        one = recognizer(tmp_path / f"{number}.sqlite", streams=AUDIO, head=head)
        for known in episode.known:
            one.enroll(known.name, [read_sample(items[known.name][i]) for i in known.support])
        for known in episode.known:
            for i in known.queries:
                answer = one.recognize(read_sample(items[known.name][i]))
                right.append(answer.top[0][0] == known.name)
                rejected.append(answer.unknown)
        for unknown in episode.unknown:
            for i in unknown.queries:
                accepted.append(not one.recognize(read_sample(items[unknown.name][i])).unknown)
    assert result.accuracy == pytest.approx(np.mean(right))
    assert result.unknown is not None
    assert result.unknown.far == pytest.approx(np.mean(accepted))
    assert result.unknown.frr == pytest.approx(np.mean(rejected))


def test_the_result_says_what_was_measured(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    result = evaluate(hearing, sounds, plan)
    assert (result.ways, result.shots, result.episodes) == (3, 2, 4)
    assert (result.classes, result.samples) == (6, 24)
    assert (result.classes_left_out, result.samples_left_out) == (0, 0)
    assert (result.modalities, result.streams, result.head) == (("audio",), AUDIO, "auto")
    assert result.unknown is None
    assert result.accuracy > 0.8 and 0 <= result.ece <= 1 and result.seconds > 0


def test_the_gallery_is_not_touched(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    evaluate(hearing, sounds, plan)
    assert (hearing.gallery.version, hearing.classes()) == (0, ())


def test_the_same_seed_gives_the_same_result(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    plan = replace(plan, ways=4, shots=1, head="prototype:manhattan")
    once, again = evaluate(hearing, sounds, plan), evaluate(hearing, sounds, plan)
    assert _timeless(once) == _timeless(again)


def test_without_a_cache_the_result_is_the_same(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    cached = evaluate(hearing, sounds, plan)
    assert _timeless(evaluate(hearing, sounds, replace(plan, cache_folder=None))) == _timeless(
        cached
    )


def test_a_query_with_nothing_left_is_a_wrong_answer_not_a_lucky_one(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    plan = replace(plan, corruption="audio:missing", unknown_ways=2)
    result = evaluate(hearing, sounds, plan)
    assert (result.accuracy, result.macro_f1, result.ece) == (0.0, 0.0, 0.0)
    assert result.unknown is not None
    assert (result.unknown.far, result.unknown.frr) == (0.0, 1.0)
    assert result.unknown.auroc == 0.5


def test_a_stricter_budget_accepts_fewer(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    plan = replace(plan, unknown_ways=3, episodes=10)
    loose, strict = (
        evaluate(hearing, sounds, replace(plan, false_accept_share=share)).unknown
        for share in (0.5, 0.001)
    )
    assert loose is not None and strict is not None
    assert (loose.far_asked, strict.far_asked) == (0.5, 0.001)
    assert strict.far <= loose.far and strict.frr >= loose.frr
    assert strict.frr > loose.frr or strict.far < loose.far
    assert strict.auroc == loose.auroc


# ---- background ----


@pytest.fixture
def site(tmp_path: Path, sounds: Path) -> Path:
    """A background folder with one thing that is also in the data, and one that is not."""
    shutil.copytree(sounds / "kind-5", tmp_path / "site" / "kind-5")
    shutil.copytree(sounds / "kind-4", tmp_path / "site" / "fan")
    return tmp_path / "site"


def test_classes_of_the_background_are_neither_known_nor_unknown(
    hearing: Recognizer, sounds: Path, site: Path, plan: EvaluationPlan
) -> None:
    plan = replace(plan, unknown_ways=2)
    assert evaluate(hearing, sounds, plan, background=site).classes == 5
    with pytest.raises(ConfigError, match="need 6 classes .* found 5"):
        evaluate(hearing, sounds, replace(plan, ways=4), background=site)


def test_a_flat_folder_is_a_background_of_one_thing_a_file(
    hearing: Recognizer, sounds: Path, tmp_path: Path, plan: EvaluationPlan
) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(sounds / "kind-5", flat)
    plan = replace(plan, unknown_ways=2)
    plain, around = (
        evaluate(hearing, sounds, plan),
        evaluate(hearing, sounds, plan, background=flat),
    )
    assert around.classes == 6
    assert around.accuracy == plain.accuracy
    assert around.unknown != plain.unknown


# ---- streams that are not everywhere ----


@pytest.fixture
def mixed(tmp_path: Path, write: Any, thing: Any) -> Path:
    """Two classes seen and heard, one only seen, one only heard; three samples each."""
    for take in range(3):
        for kind, parts in enumerate(({}, {}, {"audio": False}, {"image": False})):
            write(tmp_path / "mixed" / f"kind-{kind}", str(take), thing(kind, take, **parts))
    return tmp_path / "mixed"


def test_classes_with_different_streams_meet_in_one_evaluation(
    recognizer: Any, mixed: Path, cache: Path, tmp_path: Path
) -> None:
    plan = EvaluationPlan(ways=4, shots=2, queries=1, episodes=3, cache_folder=cache)
    one = recognizer(tmp_path / "unused.sqlite")
    result = evaluate(one, mixed, plan)
    assert (result.classes, result.streams) == (4, ("image", "sound", "speech"))
    assert result.accuracy > 0.8
    only_seen = evaluate(one, mixed, replace(plan, ways=3, modalities=("image",)))
    assert (only_seen.classes, only_seen.streams) == (3, ("image",))


# ---- what cannot be evaluated ----


@pytest.mark.parametrize("modalities", [(), ("smell",), ("image", "smell")])
def test_modalities_that_do_not_exist_are_refused(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan, modalities: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError, match="expected some of .*image.*audio"):
        evaluate(hearing, sounds, replace(plan, modalities=modalities))


def test_data_without_the_modality_is_refused(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    with pytest.raises(ConfigError, match="no sample in .* could be used .* classes with image"):
        evaluate(hearing, sounds, replace(plan, modalities=("image",)))


def test_too_few_classes_are_refused(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan
) -> None:
    with pytest.raises(ConfigError, match="--ways 7 need 7 classes with at least 2 \\+ 1 samples"):
        evaluate(hearing, sounds, replace(plan, ways=7))


@pytest.mark.parametrize("option", ["data", "background"])
def test_a_missing_folder_is_refused(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan, tmp_path: Path, option: str
) -> None:
    folders = {"data": sounds, "background": None, option: tmp_path / "absent"}
    with pytest.raises(CaptureError, match="absent does not exist"):
        evaluate(hearing, folders["data"], plan, background=folders["background"])  # type: ignore[arg-type]


def test_classes_with_too_few_samples_are_left_out_and_counted(
    hearing: Recognizer, sounds: Path, plan: EvaluationPlan, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(sounds, data)
    for take in (1, 2, 3):
        (data / "kind-0" / f"{take}.wav").unlink()
    (data / "kind-1" / "0.wav").write_text("no sound")
    result = evaluate(hearing, data, plan)
    assert (result.classes, result.classes_left_out) == (5, 1)
    assert (result.samples, result.samples_left_out) == (19, 1)

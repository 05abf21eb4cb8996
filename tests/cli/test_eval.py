"""`headstart eval`: its arguments and its fields, on pictures and sounds made here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import MakePicture, MakeSound, Outcome, Run

_FIELDS = (
    "accuracy ci95 macro_f1 average_precision ways shots classes samples episodes head modalities"
    " streams ece seconds"
).split()
_UNKNOWN_FIELDS = "auroc far_asked far frr far_median far_p90".split()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, picture: MakePicture, sound: MakeSound) -> Path:
    """Five classes that are easily told apart: a picture and a tone each, by anna and by ben."""
    root = tmp_path_factory.mktemp("data")
    for thing in range(5):
        for look, stem in enumerate(("anna-1", "anna-2", "ben-1")):
            picture(root / f"thing-{thing}" / f"{stem}.png", thing, look)
            hertz = 300 * 1.5**thing + 5 * look
            sound(root / f"thing-{thing}" / f"{stem}.wav", hertz, seconds=0.5)
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def evaluate(run: Run, data: Path, cache: Path) -> Run:
    def evaluate_here(*options: object) -> Outcome:
        usual = ("--ways", 2, "--queries", 1, "--episodes", 4, "--cache", cache)
        return run("eval", data, *usual, *options)

    return evaluate_here


def test_json_has_the_agreed_fields(evaluate: Run) -> None:
    result = evaluate("--json").json()

    assert [name for name in _FIELDS if name not in result] == []
    assert not set(_UNKNOWN_FIELDS) & set(result)
    assert (result["ways"], result["shots"], result["episodes"]) == (2, 1, 4)
    assert (result["classes"], result["samples"], result["head"]) == (5, 15, "auto")
    assert result["modalities"] == ["image", "audio"]
    assert result["streams"] == ["image", "sound", "speech"]
    assert result["accuracy"] == 1.0


def test_unknown_ways_add_their_fields(evaluate: Run) -> None:
    result = evaluate("--unknown-ways", 2, "--far", 0.1, "--json").json()

    assert [name for name in _UNKNOWN_FIELDS if name not in result] == []
    assert result["far_asked"] == 0.1


@pytest.mark.parametrize(
    ("options", "field", "expected"),
    [
        (("--modalities", "audio"), "streams", ["sound", "speech"]),
        (("--modalities", "image"), "modalities", ["image"]),
        (("--streams", "sound,image"), "streams", ["image", "sound"]),
        (("--head", "ridge"), "head", "ridge"),
        (("--support", "anna*", "--shots", 2), "shots", 2),
        (("--corrupt", "image:dark,audio:missing"), "classes", 5),
        (("--seed", 7), "episodes", 4),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_every_argument_is_heard(
    evaluate: Run, options: tuple[object, ...], field: str, expected: object
) -> None:
    assert evaluate(*options, "--json").json()[field] == expected


def test_background_classes_are_neither_known_nor_unknown(
    evaluate: Run, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thing-0").symlink_to(data / "thing-0")

    result = evaluate("--background", tmp_path / "site", "--unknown-ways", 1, "--json").json()

    assert result["classes"] == 4


def test_people_get_a_table(evaluate: Run) -> None:
    outcome = evaluate()

    assert outcome.code == 0
    assert "2-way 1-shot, 4 episodes" in outcome.out
    assert "100.0 ± 0.0 %" in outcome.out
    assert outcome.err == ""  # progress is for terminals


def test_embeddings_are_kept_where_it_was_asked(run: Run, data: Path, tmp_path: Path) -> None:
    quick = ("--ways", 2, "--episodes", 1, "--streams", "speech", "--modalities", "audio")

    assert run("eval", data, *quick, "--cache", tmp_path / "kept").code == 0

    assert len(list((tmp_path / "kept").glob("*/*.embedding"))) == 15


def test_no_cache_keeps_nothing(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    quick = ("--ways", 2, "--episodes", 1, "--streams", "speech", "--modalities", "audio")

    assert run("eval", data, *quick, "--no-cache").code == 0

    assert not (tmp_path / "cache").exists()


def test_the_user_s_gallery_is_not_touched(
    evaluate: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))

    assert evaluate("--gallery", tmp_path / "given.sqlite").code == 0

    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "given.sqlite").exists()


def test_a_sample_that_cannot_be_read_is_counted_and_said(
    run: Run, sound: MakeSound, tmp_path: Path
) -> None:
    for thing in range(2):
        for look in range(2):
            sound(tmp_path / f"thing-{thing}" / f"{look}.wav", 300 + 900 * thing + look)
    (tmp_path / "thing-0" / "bad.wav").write_text("no sound")

    outcome = run(
        "eval", tmp_path, "--ways", 2, "--episodes", 2, "--streams", "speech", "--no-cache"
    )

    assert outcome.code == 0
    assert outcome.err == f"headstart: 1 sample of {tmp_path} could not be used\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--head", "svm"), "there is no head 'svm'; expected one of: auto, prototype"),
        (("--streams", "smell"), "expected some of: image, sound, speech"),
        (("--modalities", "smell"), "expected some of ('image', 'audio')"),
        (("--corrupt", "image:drak"), "did you mean 'image:dark'?"),
        (("--far", 2), "expected a share between 0 and 1"),
        (("--ways", 40), "--ways 40 need 40 classes"),
        (("--shots", 0), "--shots was 0; expected 1 or more"),
        (("--episodes", 0), "--episodes was 0; expected 1 or more"),
        (("--support", "zoe*"), "--support 'zoe*' matches no sample"),
        (("--background", "/nowhere"), "/nowhere does not exist; expected a folder"),
        (("--bundle", "/nowhere"), "bundle /nowhere does not exist"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_wrong_value_names_what_is_allowed(
    evaluate: Run, options: tuple[object, ...], said: str
) -> None:
    outcome = evaluate(*options)

    assert outcome.code == 1
    assert said in outcome.failure()


def test_a_folder_that_is_not_there_is_a_failure(run: Run) -> None:
    outcome = run("eval", "/nowhere")

    assert outcome.code == 1
    assert outcome.failure() == (
        "/nowhere does not exist; expected a folder with media: check the path"
    )


def test_where_nothing_can_be_used_the_first_reason_is_named(
    run: Run, picture: MakePicture, tmp_path: Path
) -> None:
    for thing in range(2):
        picture(tmp_path / f"thing-{thing}" / "a.png", thing)

    outcome = run("eval", tmp_path, "--ways", 2, "--streams", "sound", "--no-cache")

    assert outcome.code == 1
    assert "(2 failed, the first because " in outcome.failure()
    assert "a.png holds only image, which none of the streams in use (sound)" in outcome.failure()

"""The product in one object, on the real bundle and a real gallery."""

from __future__ import annotations

import logging
import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.embedding.embedding import Embedding
from headstart.runtime.errors import (
    ArtifactError,
    CaptureError,
    ConfigError,
    EnrolmentError,
)
from headstart.runtime.gallery.gallery import Gallery
from headstart.runtime.recognition.answer import Answer
from headstart.runtime.recognizer import Recognizer
from headstart.runtime.sample import AudioClip, Frame, Sample

NAMES = ("zero", "one", "two")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.sqlite"


@pytest.fixture(scope="session")
def embed(embedder: Embedder, thing: Any) -> Any:
    """``embed(kind, take=0, role="query", **parts)``: each look is encoded once a session."""
    found: dict[Any, Embedding] = {}

    def once(kind: int, take: int = 0, role: Any = "query", **parts: Any) -> Embedding:
        key = (kind, take, role, tuple(sorted(parts.items())))
        if key not in found:
            found[key] = embedder.embed(thing(kind, take, **parts), role)
        return found[key]

    return once


@pytest.fixture
def teach(embed: Any) -> Any:
    """``teach(recognizer, name, kind, takes=2, **parts)``: enrol without encoding anew."""

    def put(one: Recognizer, name: str, kind: int, takes: int = 2, **parts: Any) -> None:
        given = [embed(kind, take, "support", **parts) for take in range(takes)]
        hashes = {s: h for s, h in one.embedder.hashes.items() if s in given[0].streams}
        one.gallery.enroll(name, given, hashes)

    return put


@pytest.fixture
def taught(recognizer: Any, teach: Any, path: Path) -> Recognizer:
    one: Recognizer = recognizer(path)
    for kind, name in enumerate(NAMES):
        teach(one, name, kind)
    return one


def _answers(one: Recognizer, embed: Any) -> list[Answer]:
    """What a recogniser says about known and unknown things, whole and in parts."""
    asked = [embed(kind, 7) for kind in range(6)]
    asked += [embed(kind, 7, audio=False) for kind in range(3)]
    asked += [embed(kind, 7, image=False) for kind in range(3)]
    return [one.answer(query) for query in asked]


# ---- enrol and recognise ----


def test_pictures_and_sounds_are_enrolled_and_recognised(
    recognizer: Any, path: Path, thing: Any
) -> None:
    one = recognizer(path)
    for kind, name in enumerate(NAMES):
        enrolment = one.enroll(name, [thing(kind, 0), thing(kind, 1)])
        assert (enrolment.added, enrolment.failures) == (2, ())
        assert dict(enrolment.record.streams) == {"image": 2, "sound": 2, "speech": 2}
    for kind, name in enumerate(NAMES):
        answer = one.recognize(thing(kind, 9))
        assert (answer.label, answer.unknown, answer.reason) == (name, False, "")
        assert sum(answer.streams.values()) == pytest.approx(1.0)
    stranger = one.recognize(thing(5))
    assert (stranger.label, stranger.unknown) == (None, True)
    assert stranger.reason == "nothing enrolled is close enough"


def test_the_public_face_opens_bundle_and_gallery(path: Path, thing: Any) -> None:
    with headstart.Recognizer.open(gallery=path, streams=["speech"], threads=1) as one:
        one.enroll("beep", [thing(0, take, image=False) for take in range(2)])
        assert [record.name for record in one.classes()] == ["beep"]
        assert one.recognize(thing(0, 5, image=False)).top[0][0] == "beep"
    one.close()
    with Gallery.open(path, read_only=True) as gallery:
        assert [record.name for record in gallery.classes()] == ["beep"]


def test_an_empty_gallery_answers_unknown(recognizer: Any, path: Path, embed: Any) -> None:
    answer = recognizer(path).answer(embed(0))
    assert (answer.label, answer.reason) == (None, "nothing is enrolled yet")


@pytest.mark.parametrize("parts", [{"audio": False}, {"image": False}], ids=["image", "audio"])
def test_either_modality_alone_is_enough(taught: Recognizer, embed: Any, parts: Any) -> None:
    for kind, name in enumerate(NAMES):
        answer = taught.answer(embed(kind, 7, **parts))
        assert answer.top[0][0] == name
        assert ("image" in answer.streams) is (parts == {"audio": False})


def test_enrolled_by_picture_and_asked_by_sound_is_unknown_for_that_reason(
    recognizer: Any, teach: Any, path: Path, embed: Any
) -> None:
    one = recognizer(path)
    teach(one, "seen", 0, audio=False)
    answer = one.answer(embed(0, 7, image=False))
    assert (answer.label, answer.probability) == (None, 0.0)
    assert answer.reason == "the query has only sound, speech, which nothing enrolled has"


def test_seen_and_heard_classes_live_in_one_gallery(
    recognizer: Any, teach: Any, path: Path, embed: Any
) -> None:
    one = recognizer(path)
    teach(one, "seen", 0, takes=3, audio=False)
    teach(one, "heard", 1, takes=3, image=False)
    teach(one, "both", 2, takes=3)
    found = {
        name: one.answer(embed(kind, 7)) for kind, name in enumerate(("seen", "heard", "both"))
    }
    assert [answer.top[0][0] for answer in found.values()] == ["seen", "heard", "both"]
    assert set(found["seen"].streams) == {"image"}
    assert set(found["heard"].streams) == {"sound", "speech"}
    assert set(found["both"].streams) == {"image", "sound", "speech"}


def test_adding_samples_to_a_known_name_keeps_one_class(
    recognizer: Any, path: Path, thing: Any
) -> None:
    one = recognizer(path)
    first = one.enroll("mug", [thing(0, 0, image=False)])
    second = one.enroll("mug", [thing(0, 1, image=False)])
    assert (first.record.existed, second.record.existed) == (False, True)
    assert (first.record.id, second.record.samples) == (second.record.id, 2)


def test_renaming_changes_the_label_and_nothing_else(taught: Recognizer, embed: Any) -> None:
    before = _answers(taught, embed)
    taught.rename("one", "uno")
    for old, new in zip(before, _answers(taught, embed), strict=True):
        assert new.label == ("uno" if old.label == "one" else old.label)
        assert (new.score, new.probability, new.streams) == (
            old.score,
            old.probability,
            old.streams,
        )


# ---- background ----


def test_what_the_background_shows_becomes_less_known(taught: Recognizer, embed: Any) -> None:
    near, plain = embed(4, 5), taught.answer(embed(4, 5)).score
    hashes = taught.embedder.hashes
    taught.gallery.add_background([embed(4, take) for take in range(3)], hashes)
    assert taught.answer(near).score < plain
    assert taught.answer(embed(1, 7)).top[0][0] == "one"


def test_background_is_counted_and_what_cannot_be_used_is_logged(
    recognizer: Any, path: Path, thing: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one = recognizer(path, streams=("speech",))
    with caplog.at_level(logging.WARNING):
        added = one.add_background([thing(0, image=False), thing(1, audio=False)])
    assert added == 1
    assert "left out of the background: thing-1-0: thing-1-0 holds only image" in caplog.text
    assert [sample.role for sample in one.gallery.samples()] == ["background"]


def test_background_without_anything_usable_is_refused(
    recognizer: Any, path: Path, thing: Any
) -> None:
    one = recognizer(path, streams=("speech",))
    with pytest.raises(EnrolmentError, match="no usable background sample: .* holds only image"):
        one.add_background([thing(1, audio=False)])
    with pytest.raises(EnrolmentError, match="no usable background sample: nothing was given"):
        one.add_background([])
    assert one.gallery.version == 0


# ---- good and broken files ----


def _write_png(path: Path, pixels: Any) -> Path:
    import cv2

    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), pixels[:, :, ::-1])
    return path


def test_good_files_are_enrolled_and_broken_ones_named(
    recognizer: Any, path: Path, tmp_path: Path, thing: Any
) -> None:
    good = _write_png(tmp_path / "mug" / "good.png", thing(0).image.pixels)
    whole = good.read_bytes()
    cut_off = tmp_path / "mug" / "cut-off.png"
    cut_off.write_bytes(whole[: len(whole) // 2])
    text = tmp_path / "mug" / "text.jpg"
    text.write_text("this is no picture")
    enrolment = recognizer(path).enroll("mug", [tmp_path / "mug", thing(0, 1)])
    assert enrolment.added == 2
    failed = {Path(source).name: error for source, error in enrolment.failures}
    assert set(failed) == {"cut-off.png", "text.jpg"}
    assert all(isinstance(error, CaptureError) for error in failed.values())


def test_files_alone_and_strings_are_read_too(
    recognizer: Any, path: Path, tmp_path: Path, thing: Any
) -> None:
    files = [_write_png(tmp_path / f"{t}.png", thing(0, t).image.pixels) for t in range(2)]
    one = recognizer(path)
    assert one.enroll("mug", [files[0], str(files[1])]).added == 2
    assert one.recognize(thing(0, 5, audio=False)).top[0][0] == "mug"


def test_nothing_usable_is_refused_and_nothing_is_stored(
    recognizer: Any, path: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("this is no picture")
    one = recognizer(path)
    with pytest.raises(EnrolmentError, match="no usable sample for 'mug': .*text.jpg"):
        one.enroll("mug", [text])
    with pytest.raises(EnrolmentError, match="no usable sample for 'mug': nothing was given"):
        one.enroll("mug", [])
    with pytest.raises(CaptureError, match="absent.jpg does not exist"):
        one.enroll("mug", [text, tmp_path / "absent.jpg"])
    assert (one.classes(), one.gallery.version) == ((), 0)


@pytest.mark.parametrize("name", ["", "  ", "x" * 10_000], ids=["empty", "blank", "long"])
def test_a_name_that_cannot_be_used_stores_nothing(
    recognizer: Any, path: Path, thing: Any, name: str
) -> None:
    one = recognizer(path)
    with pytest.raises(EnrolmentError):
        one.enroll(name, [thing(0, image=False)])
    assert one.gallery.version == 0


def test_samples_that_no_stream_in_use_encodes_are_named(
    recognizer: Any, path: Path, thing: Any
) -> None:
    one = recognizer(path, streams=("speech",))
    enrolment = one.enroll("beep", [thing(0, image=False), thing(0, audio=False)])
    ((source, error),) = enrolment.failures
    assert (enrolment.added, source) == (1, "thing-0-0")
    assert isinstance(error, EnrolmentError)
    answer = one.recognize(thing(0, audio=False))
    assert answer.unknown
    assert answer.reason.startswith("thing-0-0 holds only image, which none of the streams in use")


@pytest.mark.parametrize("given", ["mug.jpg", Path("mug.jpg")], ids=["text", "path"])
def test_one_path_instead_of_several_is_refused(
    recognizer: Any, path: Path, given: str | Path
) -> None:
    with pytest.raises(ConfigError, match="samples came as one .*; expected several: give a list"):
        recognizer(path).enroll("mug", given)


def test_no_shot_is_refused_for_pictures_too(recognizer: Any, path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 shots were asked for; expected at least 1"):
        recognizer(path).enroll("mug", [tmp_path / "mug.jpg"], shots=0)


def test_a_query_embedded_with_other_streams_is_refused(
    recognizer: Any, path: Path, embed: Any
) -> None:
    with pytest.raises(EnrolmentError, match="the query holds only image; expected some of speech"):
        recognizer(path, streams=("speech",)).answer(embed(0, audio=False))


# ---- the same gallery gives the same answers ----


def test_answers_are_bit_identical_after_reopening(
    taught: Recognizer, recognizer: Any, path: Path, embed: Any
) -> None:
    assert _answers(recognizer(path), embed) == _answers(taught, embed)


def test_enrolling_gives_what_a_fresh_recogniser_would_say(
    taught: Recognizer, recognizer: Any, teach: Any, path: Path, embed: Any
) -> None:
    """Answers between the changes leave no trace: nothing is adapted from what was fitted."""
    _answers(taught, embed)
    teach(taught, "three", 3, takes=1)
    assert _answers(taught, embed) == _answers(recognizer(path), embed)


@pytest.mark.parametrize("takes", [1, 3])
def test_forgetting_equals_never_having_enrolled(
    recognizer: Any, teach: Any, tmp_path: Path, embed: Any, takes: int
) -> None:
    never, forgot = recognizer(tmp_path / "never.sqlite"), recognizer(tmp_path / "forgot.sqlite")
    for kind, name in enumerate(NAMES):
        teach(forgot, name, kind)
        _answers(forgot, embed)
        teach(forgot, "secret", 3, takes=takes)
        forgot.forget("secret")
        teach(never, name, kind)
    assert _answers(forgot, embed) == _answers(never, embed)


def test_forgetting_everything_is_an_empty_gallery(taught: Recognizer, embed: Any) -> None:
    for name in NAMES:
        taught.forget(name)
    answer = taught.answer(embed(0))
    assert (answer.reason, answer.score) == ("nothing is enrolled yet", -math.inf)


def test_rolling_back_brings_the_answers_back(taught: Recognizer, teach: Any, embed: Any) -> None:
    before, version = _answers(taught, embed), taught.gallery.version
    teach(taught, "three", 3)
    assert _answers(taught, embed) != before
    taught.gallery.rollback(version)
    assert _answers(taught, embed) == before


def test_a_burst_is_one_look(recognizer: Any, path: Path, embedder: Embedder, thing: Any) -> None:
    """Three frames of one burst: nothing is known yet about how the class varies."""
    one = recognizer(path)
    for kind, name in enumerate(NAMES):
        burst = [thing(kind, take, image=False, group=f"burst {name}") for take in range(3)]
        one.enroll(name, burst)
    space = one.model().subspace(("sound", "speech"))
    assert space is not None
    assert np.isnan(space.rule.scale.own).all()
    one.enroll("zero", [thing(0, 5, image=False)])
    space = one.model().subspace(("sound", "speech"))
    assert space is not None
    assert np.isfinite(space.rule.scale.own).tolist() == [True] * 4 + [False] * 6


# ---- other processes ----


def test_a_change_by_another_recogniser_is_noticed(
    taught: Recognizer, recognizer: Any, path: Path, embed: Any
) -> None:
    other = recognizer(path)
    assert other.answer(embed(1, 7)).label == "one"
    taught.rename("one", "uno")
    assert other.answer(embed(1, 7)).label == "uno"
    taught.forget("uno")
    assert "uno" not in [name for name, _ in other.answer(embed(1, 7)).top]


_FORGET = """
import sys
from pathlib import Path
from headstart.runtime.gallery.gallery import Gallery
with Gallery.open(Path(sys.argv[1])) as gallery:
    gallery.forget("one")
"""


def test_a_change_by_another_process_is_noticed(taught: Recognizer, path: Path, embed: Any) -> None:
    assert taught.answer(embed(1, 7)).top[0][0] == "one"
    subprocess.run([sys.executable, "-c", _FORGET, str(path)], check=True, timeout=60)
    answer = taught.answer(embed(1, 7))
    assert sorted(name for name, _ in answer.top) == ["two", "zero"]


def test_a_gallery_that_is_only_read_is_answered_from_and_not_changed(
    taught: Recognizer, recognizer: Any, path: Path, thing: Any, embed: Any
) -> None:
    reader = recognizer(path, read_only=True)
    assert _answers(reader, embed) == _answers(taught, embed)
    changes: tuple[Callable[[], object], ...] = (
        lambda: reader.enroll("three", [thing(3, image=False)]),
        lambda: reader.forget("one"),
        lambda: reader.rename("one", "uno"),
        lambda: reader.add_background([thing(3, image=False)]),
    )
    for change in changes:
        with pytest.raises(ArtifactError, match="opened for reading only"):
            change()
    assert [record.name for record in taught.classes()] == list(NAMES)


# ---- what does not fit ----


def test_embeddings_of_another_encoder_are_refused(
    taught: Recognizer, recognizer: Any, starter: Bundle, path: Path, embed: Any, thing: Any
) -> None:
    one = recognizer(path)
    one.embedder = _Renewed(starter, one.embedder)
    with pytest.raises(ArtifactError, match="speech"):
        one.answer(embed(0))
    with pytest.raises(ArtifactError, match="speech"):
        one.enroll("new", [thing(0, image=False)])
    assert [record.name for record in taught.classes()] == list(NAMES)


class _Renewed(Embedder):
    """An embedder whose speech encoder says that it is another one."""

    def __init__(self, starter: Bundle, whole: Embedder) -> None:
        super().__init__(starter.manifest.streams, whole._encoders)

    @property
    def hashes(self) -> dict[str, str]:
        return {**super().hashes, "speech": "f" * 64}


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan])
def test_an_impossible_share_is_refused(path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="expected a share between 0 and 1, such as 0.05"):
        Recognizer.open(gallery=path, streams=["speech"], threads=1, false_accept_share=share)


def test_what_was_opened_is_closed_when_the_rest_does_not_fit(path: Path) -> None:
    """The gallery's file is free again: nothing is left open behind an error."""
    with pytest.raises(ConfigError, match="there is no head 'magic'"):
        Recognizer.open(gallery=path, streams=["speech"], threads=1, head="magic")
    with sqlite3.connect(path) as free:
        free.execute("PRAGMA locking_mode = EXCLUSIVE")
        free.execute("BEGIN EXCLUSIVE")
        free.rollback()
    free.close()


@pytest.mark.parametrize("streams", [["thermal"], []], ids=["unknown", "none"])
def test_streams_that_the_bundle_lacks_are_refused(path: Path, streams: list[str]) -> None:
    with pytest.raises(ConfigError, match="expected some of: image, sound, speech"):
        Recognizer.open(gallery=path, streams=streams)
    assert not path.exists()


def test_a_gallery_that_is_none_is_refused(path: Path) -> None:
    path.write_text("this is no gallery, but it is long enough to look like one " * 3)
    with pytest.raises(ArtifactError, match="is not a gallery"):
        Recognizer.open(gallery=path, streams=["speech"], threads=1)


# ---- hard input ----


@pytest.mark.parametrize(
    "sample",
    [
        Sample(image=Frame(pixels=np.zeros((1, 1, 3), np.uint8)), source="dot"),
        Sample(image=Frame(pixels=np.zeros((480, 640, 3), np.uint8)), source="dark"),
        Sample(audio=AudioClip(samples=np.zeros(1, np.float32)), source="tick"),
        Sample(audio=AudioClip(samples=np.zeros(32_000, np.float32)), source="mute"),
    ],
    ids=lambda sample: sample.source,
)
def test_nothing_to_see_or_hear_is_unknown_with_that_reason(
    taught: Recognizer, sample: Sample
) -> None:
    answer = taught.recognize(sample)

    assert (answer.label, answer.unknown, dict(answer.streams)) == (None, True, {})
    assert answer.reason.startswith(f"{sample.source}: nothing to see or hear")


@pytest.mark.parametrize("level", [0.02, 1.0, 50.0])
def test_loud_and_faint_sounds_are_answered(taught: Recognizer, thing: Any, level: float) -> None:
    sample = thing(1, 7, image=False)
    louder = AudioClip(samples=np.float32(level) * sample.audio.samples)
    answer = taught.recognize(replace(sample, audio=louder))
    assert not math.isnan(answer.score)


def test_a_budget_of_fewer_false_accepts_is_stricter(
    taught: Recognizer, recognizer: Any, path: Path, embed: Any
) -> None:
    strict = recognizer(path, false_accept_share=0.001)
    for kind in range(6):
        usual, rare = taught.answer(embed(kind, 7)), strict.answer(embed(kind, 7))
        assert rare.score < usual.score
        assert rare.probability == usual.probability


@pytest.mark.parametrize("head", ["prototype", "lda", "gradient", "prototype:manhattan"])
def test_every_head_recognises_what_was_enrolled(
    taught: Recognizer, recognizer: Any, path: Path, embed: Any, head: str
) -> None:
    one = recognizer(path, head=head)
    assert [one.answer(embed(kind, 7)).top[0][0] for kind in range(3)] == list(NAMES)

"""Class folders become items, mixes of files become samples, and one bad file spoils no other."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError
from headstart.runtime.sources.folder import (
    MediaItem,
    items_in,
    media_kind,
    read_sample,
    read_samples,
    scan,
)

Make = Callable[..., Path]
Tone = Callable[..., NDArray[np.float64]]


def picture(path: Path, level: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((32, 32, 3), level, np.uint8))
    return path


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def sound(tmp_path: Path, make_wav: Make, make_tone: Tone) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        return make_wav(path, make_tone(0.5), 16_000)

    return make


def test_files_of_one_class_that_share_a_stem_are_one_item(tmp_path: Path) -> None:
    names = ("mug/003.jpg", "mug/003.wav", "mug/001.png", "bell/1.flac", "bell/2.mp4")
    files = {name: touch(tmp_path / name) for name in names}
    assert scan(tmp_path) == [
        MediaItem(label="bell", stem="1", audio=files["bell/1.flac"]),
        MediaItem(label="bell", stem="2", video=files["bell/2.mp4"]),
        MediaItem(label="mug", stem="001", image=files["mug/001.png"]),
        MediaItem(label="mug", stem="003", image=files["mug/003.jpg"], audio=files["mug/003.wav"]),
    ]


def test_hidden_and_foreign_files_are_left_out(tmp_path: Path) -> None:
    for name in (
        "mug/a.jpg", "mug/.b.jpg", "mug/._a.jpg", "mug/notes.txt", "mug/.DS_Store",
        "mug/deeper/c.jpg", ".git/d.jpg", "e.jpg", "empty/f.txt",
    ):  # fmt: skip
        touch(tmp_path / name)
    assert [item.paths for item in scan(tmp_path)] == [(tmp_path / "mug" / "a.jpg",)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.JPG", "image"), ("a.Tiff", "image"), ("a.WAV", "audio"), ("a.Mp4", "video"),
     ("a.txt", None), ("jpg", None)],
)  # fmt: skip
def test_extensions_count_in_any_case(name: str, kind: str | None) -> None:
    assert media_kind(Path(name)) == kind


def test_names_are_compared_in_one_normal_form(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    touch(tmp_path / decomposed / f"{composed}.jpg")
    touch(tmp_path / decomposed / f"{decomposed}.wav")
    (item,) = scan(tmp_path)
    assert (item.label, item.stem) == (composed, composed)
    assert len(item.paths) == 2


@pytest.mark.parametrize(
    ("one", "other"), [("a.jpg", "a.png"), ("a.wav", "a.flac"), ("a.mp4", "a.wav")]
)
def test_two_files_that_claim_the_same_half_are_refused(
    tmp_path: Path, one: str, other: str
) -> None:
    touch(tmp_path / "mug" / one)
    touch(tmp_path / "mug" / other)
    with pytest.raises(CaptureError, match="share a name; expected one picture.*rename one"):
        scan(tmp_path)


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    with pytest.raises(CaptureError, match="holds no class folder with media; expected .*/<class>"):
        scan(tmp_path)


@pytest.mark.parametrize("read", [scan, items_in])
def test_a_missing_folder_is_refused(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(CaptureError, match="nowhere does not exist; expected a folder"):
        read(tmp_path / "nowhere")


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is not a folder"):
        scan(touch(tmp_path / "a.jpg"))


def test_picture_and_sound_become_one_sample(tmp_path: Path, sound: Callable[[Path], Path]) -> None:
    image, audio = picture(tmp_path / "mug" / "1.png"), sound(tmp_path / "mug" / "1.wav")
    sample = read_sample(scan(tmp_path)[0])
    assert sample.modalities == ("image", "audio")
    assert (sample.time_s, sample.source, sample.group) == (None, str(image), "")
    assert audio.exists()


def test_a_silent_item_is_read_as_it_is(tmp_path: Path, make_wav: Make) -> None:
    path = make_wav(tmp_path / "a.wav", np.zeros(8_000), 16_000)
    sample = read_sample(MediaItem(label="", stem="a", audio=path))
    assert sample.audio is not None
    assert not sample.audio.samples.any()


def test_a_video_item_becomes_its_best_moment(
    tmp_path: Path, make_video: Make, make_grey: Any
) -> None:
    make_video(tmp_path / "a.mp4", [make_grey(90, sharp=i == 7) for i in range(20)])
    (item,) = items_in(tmp_path)
    assert read_sample(item).time_s == pytest.approx(7 / 20, abs=1e-3)


def test_files_and_folders_mix_and_pair_by_stem(
    tmp_path: Path, sound: Callable[[Path], Path], make_video: Make, make_grey: Any
) -> None:
    shots = tmp_path / "shots"
    picture(shots / "1.png")
    sound(shots / "1.wav")
    picture(shots / "2.png")
    alone = picture(tmp_path / "1.png")
    film = make_video(tmp_path / "film.mp4", [make_grey(90)] * 20)
    reading = read_samples([film, shots, alone, shots / "1.png"], shots=2)
    assert reading.failures == ()
    assert [(s.source, s.modalities) for s in reading.samples] == [
        (str(film), ("image",)),
        (str(film), ("image",)),
        (str(shots / "1.png"), ("image", "audio")),
        (str(shots / "2.png"), ("image",)),
        (str(alone), ("image",)),
    ]


def test_one_corrupt_picture_spoils_no_other(tmp_path: Path) -> None:
    good, bad = picture(tmp_path / "good.png"), tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 not much more")
    reading = read_samples([bad, good])
    assert [s.source for s in reading.samples] == [str(good)]
    ((path, error),) = reading.failures
    assert path == bad
    assert "is cut off" in str(error)


@pytest.mark.parametrize("broken", ["1.png", "1.wav"])
def test_the_good_half_of_a_pair_still_counts(
    tmp_path: Path, sound: Callable[[Path], Path], broken: str
) -> None:
    picture(tmp_path / "1.png")
    sound(tmp_path / "1.wav")
    (tmp_path / broken).write_bytes(b"")
    reading = read_samples([tmp_path])
    assert [s.modalities for s in reading.samples] == [
        ("audio",) if broken == "1.png" else ("image",)
    ]
    assert [path for path, _ in reading.failures] == [tmp_path / broken]


def test_silence_is_a_failure_where_a_class_is_learnt(tmp_path: Path, make_wav: Make) -> None:
    picture(tmp_path / "1.png")
    path = make_wav(tmp_path / "1.wav", np.zeros(16_000), 16_000)
    reading = read_samples([tmp_path])
    assert [s.modalities for s in reading.samples] == [("image",)]
    ((failed, error),) = reading.failures
    assert failed == path
    assert "is silent from start to end" in str(error)


def test_files_that_claim_the_same_half_fail_alone(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        picture(tmp_path / name)
    reading = read_samples([tmp_path])
    assert [Path(s.source).name for s in reading.samples] == ["b.png"]
    assert [path.name for path, _ in reading.failures] == ["a.jpg", "a.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.jpg", r"nowhere\.jpg does not exist; expected a media file"),
        ("notes.txt", r"notes\.txt is not a kind of file that we read; expected one of \.jpg"),
        ("empty", "holds no media; expected pictures, sounds or videos directly in it"),
    ],
)
def test_a_wrong_path_is_refused_before_anything_is_read(
    tmp_path: Path, name: str, message: str
) -> None:
    touch(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CaptureError, match=message):
        read_samples([picture(tmp_path / "good.png"), tmp_path / name])


def test_no_path_is_refused() -> None:
    with pytest.raises(CaptureError, match="no file or folder was given"):
        read_samples([])

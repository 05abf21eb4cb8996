"""The clips that are committed hold what their storyboard promises."""

from __future__ import annotations

import itertools
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import headstart.runtime
from headstart.training.demo_clips.photographs import PHOTOGRAPHS
from headstart.training.demo_clips.recordings import SOUNDS
from headstart.training.demo_clips.shots import Recorded
from headstart.training.demo_clips.storyboard import CLIPS
from headstart.training.demo_clips.storyboard_file import described

FOLDER = Path(headstart.runtime.__file__).parent / "demo" / "clips"
STORYBOARD: dict[str, Any] = json.loads((FOLDER / "storyboard.json").read_text(encoding="utf-8"))
CLIP_BY_FILE: dict[str, Any] = {clip["file"]: clip for clip in STORYBOARD["clips"]}
MIB = 1 << 20
RATE_HZ = 16_000
PICTURE_SHARE = 0.05  # a thing changes at least this share of the coarse picture
EMPTY_SHARE = 0.01  # and a swaying camera before an empty room at most this

sounding_segments = pytest.mark.parametrize(
    ("file", "index"),
    [
        (clip["file"], index)
        for clip in STORYBOARD["clips"]
        if "audio" in clip["tracks"]
        for index in range(len(clip["segments"]))
    ],
    ids=lambda value: str(value).removesuffix(".mp4"),
)


@lru_cache(maxsize=2)
def pictures(file: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Times ``(frames,)`` and small pictures ``(frames, 45, 60, rgb)``, 0–255."""
    times, frames = [], []
    with av.open(str(FOLDER / file)) as container:
        for frame in container.decode(video=0):
            times.append(frame.time)
            frames.append(frame.to_ndarray(format="rgb24", width=60, height=45))
    return np.asarray(times, np.float64), np.asarray(frames, np.float32)


@lru_cache(maxsize=2)
def sound(file: str) -> NDArray[np.float32]:
    """The whole sound track, ``(samples,)`` at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(str(FOLDER / file)) as container:
        blocks = [
            block.to_ndarray()[0]
            for frame in [*container.decode(audio=0), None]
            for block in resampler.resample(frame)
        ]
    samples: NDArray[np.float32] = np.concatenate(blocks).astype(np.float32)
    return samples


@lru_cache(maxsize=64)
def cells(file: str, index: int) -> NDArray[np.float32]:
    """A segment's mean picture in coarse cells, ``(9, 12, rgb)``, without its coming and going."""
    segment = CLIP_BY_FILE[file]["segments"][index]
    times, frames = pictures(file)
    # A gap's beginning may hold the camera's pan to the next place.
    start = segment["end_s"] - 0.45 if segment["kind"] == "nothing" else segment["start_s"] + 0.5
    end = segment["end_s"] - (0.05 if segment["kind"] == "nothing" else 0.5)
    mean = frames[(times > start) & (times < end)].mean(axis=0)
    coarse: NDArray[np.float32] = mean.reshape(9, 5, 12, 5, 3).mean(axis=(1, 3))
    return coarse


def changed_share(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The share of cells that differ by more than ten steps of 255 in some colour."""
    return float((np.abs(one - other).max(axis=-1) > 10).mean())


def test_the_storyboard_beside_the_clips_is_the_one_in_the_code() -> None:
    assert described(CLIPS) == STORYBOARD


def test_all_clips_together_take_at_most_eight_mebibytes() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 8 * MIB


def test_the_folder_holds_the_clips_and_the_storyboard_and_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*CLIP_BY_FILE, "storyboard.json"}


@pytest.mark.parametrize("file", CLIP_BY_FILE)
def test_a_clip_has_its_tracks_in_codecs_that_play_everywhere(file: str) -> None:
    with av.open(str(FOLDER / file)) as container:
        found = {stream.type: stream.codec_context.name for stream in container.streams}
    codecs = {"image": ("video", "h264"), "audio": ("audio", "aac")}
    assert found == dict(codecs[track] for track in CLIP_BY_FILE[file]["tracks"])


@pytest.mark.parametrize("file", CLIP_BY_FILE)
def test_a_clip_lasts_as_long_as_its_segments(file: str) -> None:
    clip = CLIP_BY_FILE[file]
    ends = [0.0, *(segment["end_s"] for segment in clip["segments"])]
    assert [segment["start_s"] for segment in clip["segments"]] == ends[:-1]
    assert clip["duration_s"] == ends[-1]
    # One picture, or one block of sound and its encoder's delay.
    if "image" in clip["tracks"]:
        assert pictures(file)[0][-1] == pytest.approx(clip["duration_s"], abs=0.1)
    if "audio" in clip["tracks"]:
        assert sound(file).size / RATE_HZ == pytest.approx(clip["duration_s"], abs=0.1)


@sounding_segments
def test_a_segment_sounds_when_it_promises_sound_and_only_then(file: str, index: int) -> None:
    clip = CLIP_BY_FILE[file]
    segment = clip["segments"][index]
    start, end = (round(segment[key] * RATE_HZ) for key in ("start_s", "end_s"))
    # The first quarter second may hold what is left of the segment before.
    heard = sound(file)[start + RATE_HZ // 4 : end]
    parts = heard[: heard.size // 4000 * 4000].reshape(-1, 4000)
    loudest_db = 20 * np.log10(np.sqrt(np.mean(parts**2, axis=1)).max())
    if "audio" in segment["modalities"]:
        assert loudest_db > -35
    else:
        assert loudest_db < -50


LIVE = CLIP_BY_FILE["live.mp4"]["segments"]
GAPS = [i for i, segment in enumerate(LIVE) if segment["kind"] == "nothing"]


@pytest.mark.parametrize("index", range(len(LIVE)))
def test_a_live_segment_shows_a_thing_when_it_promises_one_and_only_then(index: int) -> None:
    segment = LIVE[index]
    seen = cells("live.mp4", index)
    if segment["covered"]:
        assert seen.mean() < 8
        return
    nearest_empty_room = min(
        changed_share(seen, cells("live.mp4", gap)) for gap in GAPS if gap != index
    )
    if "image" in segment["modalities"]:
        assert nearest_empty_room > PICTURE_SHARE
    else:
        assert nearest_empty_room < EMPTY_SHARE


def test_every_enrolment_picture_shows_another_thing() -> None:
    files = [f for f, c in CLIP_BY_FILE.items() if c["role"] == "enrol" and "image" in c["tracks"]]
    assert len(files) == 3
    for one, other in itertools.combinations(files, 2):
        assert changed_share(cells(one, 0), cells(other, 0)) > PICTURE_SHARE


def test_every_background_picture_shows_another_thing_than_the_one_before() -> None:
    file = "background.mp4"
    segments = CLIP_BY_FILE[file]["segments"]
    shown = [i for i, segment in enumerate(segments) if "image" in segment["modalities"]]
    assert len(shown) >= 20
    for before, after in itertools.pairwise(shown):
        assert changed_share(cells(file, before), cells(file, after)) > PICTURE_SHARE


def test_every_combination_of_modalities_is_enrolled_and_missed_once() -> None:
    enrolled = {
        tuple(c["segments"][0]["modalities"]) for c in CLIP_BY_FILE.values() if c["role"] == "enrol"
    }
    assert enrolled == {("image", "audio"), ("image",), ("audio",)}
    assert any(s["covered"] and s["class"] for s in LIVE)
    assert any(s["class"] == "multimeter" and s["modalities"] == ["image"] for s in LIVE)
    assert len({s["thing"] for s in LIVE if s["kind"] == "never enrolled"}) >= 4


def test_the_background_is_neither_enrolled_nor_seen_or_heard_later() -> None:
    def material(role: str) -> set[str]:
        shots = [shot for clip in CLIPS if clip.role == role for shot in clip.shots]
        seen = {shot.held.photograph for shot in shots if shot.held}
        sounds = {
            heard.sound if isinstance(heard, Recorded) else heard.text
            for shot in shots
            for heard in shot.sounds
        }
        return seen | sounds

    assert material("background").isdisjoint(material("live") | material("enrol"))


def test_every_photograph_and_sound_is_used_and_may_be_redistributed() -> None:
    shots = [shot for clip in CLIPS for shot in clip.shots]
    seen = {shot.held.photograph for shot in shots if shot.held}
    heard = {s.sound for shot in shots for s in shot.sounds if isinstance(s, Recorded)}
    assert seen | {"granite", "brick"} == set(PHOTOGRAPHS)
    assert heard == set(SOUNDS)
    items = [*PHOTOGRAPHS.values(), *SOUNDS.values()]
    assert {item.licence for item in items} == {"CC0 1.0", "public domain"}


def test_every_photograph_and_sound_stands_in_the_provenance_page() -> None:
    root = Path(headstart.runtime.__file__).resolve().parents[1]
    page = (root / "docs" / "demo-material.md").read_text(encoding="utf-8")
    items = [*PHOTOGRAPHS.values(), *SOUNDS.values()]
    missing = [
        i.path for i in items if i.path.rsplit("/", 1)[1] not in page or i.author not in page
    ]
    assert missing == []

"""The embedder on the starter's own encoders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headstart.runtime.bundle.load import Bundle
from headstart.runtime.bundle.manifest import ImageViews
from headstart.runtime.embedding.embedder import Embedder
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import BackendError, EnrolmentError
from headstart.runtime.sample import AudioClip, Frame, Sample


def test_streams_stand_in_the_manifest_s_order(embedder: Embedder, starter: Bundle) -> None:
    assert embedder.streams == ("image", "sound", "speech") == tuple(starter.manifest.streams)
    assert embedder.hashes == {
        stream: starter.manifest.files[f"{stream}.onnx"].sha256 for stream in embedder.streams
    }


def test_a_query_is_the_first_of_the_support_s_views(
    embedder: Embedder, starter: Bundle, thing: Any
) -> None:
    plan = starter.manifest.streams["image"].views
    assert isinstance(plan, ImageViews)
    sample = thing(0, audio=False)
    support, query = embedder.embed(sample, "support"), embedder.embed(sample, "query")
    assert support.streams["image"].vectors.shape == (len(plan.support), 1280)
    assert query.streams["image"].vectors.shape == (1, 1280)
    np.testing.assert_allclose(
        support.streams["image"].vectors[0], query.streams["image"].vectors[0], atol=1e-5
    )


@pytest.mark.parametrize(
    ("image", "audio", "streams"),
    [
        (True, False, ("image",)),
        (False, True, ("sound", "speech")),
        (True, True, ("image", "sound", "speech")),
    ],
    ids=["image", "audio", "both"],
)
def test_streams_of_absent_modalities_are_absent(
    embedder: Embedder, thing: Any, image: bool, audio: bool, streams: tuple[str, ...]
) -> None:
    embedding = embedder.embed(thing(1, image=image, audio=audio), "query")
    assert tuple(embedding.streams) == streams


def test_one_modality_is_encoded_the_same_with_or_without_the_other(
    embedder: Embedder, thing: Any
) -> None:
    whole = embedder.embed(thing(1), "query")
    for part in (thing(1, audio=False), thing(1, image=False)):
        for stream, views in embedder.embed(part, "query").streams.items():
            np.testing.assert_array_equal(views.vectors, whole.streams[stream].vectors)


def test_time_source_and_group_travel_along(embedder: Embedder, thing: Any) -> None:
    sample = replace(thing(0, 3, audio=False, group="burst"), time_s=12.5)
    embedding = embedder.embed(sample, "query")
    assert (embedding.time_s, embedding.source, embedding.group) == (12.5, "thing-0-3", "burst")


def test_a_second_of_sound_gives_one_sound_window_and_five_for_speech(
    embedder: Embedder, thing: Any
) -> None:
    ready = embedder.inputs(thing(0, image=False), "query")
    shapes = {stream: batch.shape for stream, (batch, _) in ready.items()}
    assert shapes == {"sound": (1, 16_000), "speech": (5, 16_000)}


BLACK = Frame(pixels=np.zeros((48, 64, 3), np.uint8))
SILENCE = AudioClip(samples=np.zeros(20_000, np.float32))


def test_a_covered_lens_or_a_muted_microphone_gives_no_stream(
    embedder: Embedder, thing: Any
) -> None:
    seen = embedder.embed(replace(thing(0), audio=SILENCE), "query")
    heard = embedder.embed(replace(thing(0), image=BLACK), "query")
    assert (tuple(seen.streams), tuple(heard.streams)) == (("image",), ("sound", "speech"))


@pytest.mark.parametrize(
    ("image", "audio"),
    [(BLACK, None), (None, SILENCE), (BLACK, SILENCE)],
    ids=["image", "audio", "both"],
)
def test_a_sample_with_nothing_to_see_or_hear_is_refused(
    embedder: Embedder, image: Frame | None, audio: AudioClip | None
) -> None:
    with pytest.raises(EnrolmentError, match="night.mp4: nothing to see or hear; expected a pict"):
        embedder.embed(Sample(image=image, audio=audio, source="night.mp4"), "query")


@pytest.mark.parametrize("length", [2, 300, 15_999, 50_000])
def test_a_sound_of_any_length_is_encoded_to_finite_numbers(
    embedder: Embedder, length: int
) -> None:
    clicks = np.tile(np.array([0.3, -0.3], np.float32), length)[:length]
    embedding = embedder.embed(Sample(audio=AudioClip(samples=clicks)), "query")
    assert tuple(embedding.streams) == ("sound", "speech")


def test_a_sample_that_no_stream_encodes_is_refused(starter: Bundle, thing: Any) -> None:
    with Embedder(starter.manifest.streams, open_encoders(starter, ["speech"], 1)) as hearing:
        with pytest.raises(
            EnrolmentError, match=r"thing-0-0 holds only image, which none of .*\(speech\) encodes"
        ):
            hearing.embed(thing(0, audio=False), "query")


def test_a_closed_embedder_says_so_and_can_be_closed_again(starter: Bundle, thing: Any) -> None:
    closed = Embedder(starter.manifest.streams, open_encoders(starter, ["speech"], 1))
    closed.close()
    closed.close()
    with pytest.raises(BackendError, match="the speech encoder is closed"):
        closed.embed(thing(0, image=False), "query")

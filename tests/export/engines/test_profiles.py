from __future__ import annotations

import pytest

from headstart.export.engines.profiles import stream_profile
from headstart.runtime.bundle.load import Bundle
from headstart.runtime.bundle.manifest import AudioWindows, ImageViews, StreamEntry
from headstart.runtime.errors import ArtifactError

VIEWS = ImageViews(support=("full", "flip", "centre"), query=("full",))
SPREAD = AudioWindows(window_s=1.0, placement="spread", count=5, pool="energy")
LOUDEST = AudioWindows(window_s=1.0, placement="loudest", offsets_s=(-0.2, 0.0, 0.2), pool="mean")


def entry(bundle: Bundle, stream: str, views: ImageViews | AudioWindows) -> StreamEntry:
    return bundle.manifest.streams[stream].model_copy(update={"views": views})


@pytest.mark.parametrize(
    ("stream", "views", "max_batch", "expected"),
    [
        ("image", VIEWS, 8, "image:1x224x224x3:1x224x224x3:3x224x224x3"),
        ("sound", SPREAD, 8, "sound:1x16000:5x16000:5x16000"),
        ("sound", LOUDEST, 8, "sound:1x16000:3x16000:3x16000"),
        ("sound", SPREAD, 2, "sound:1x16000:2x16000:2x16000"),
    ],
    ids=["one picture live", "windows over the clip", "windows at the loudest", "small device"],
)
def test_the_view_plan_decides_what_goes_through_at_once(
    bundle: Bundle, stream: str, views: ImageViews | AudioWindows, max_batch: int, expected: str
) -> None:
    assert str(stream_profile(stream, entry(bundle, stream, views), max_batch)) == expected


@pytest.mark.parametrize("shape", [(1, 16_000), ("batch", "time")], ids=["fixed", "open"])
def test_only_the_batch_may_and_must_be_open(bundle: Bundle, shape: tuple[int | str, ...]) -> None:
    sound = entry(bundle, "sound", SPREAD)
    changed = sound.model_copy(update={"input": sound.input.model_copy(update={"shape": shape})})
    with pytest.raises(ArtifactError, match="input 'sound' of stream 'sound' has the shape"):
        stream_profile("sound", changed, 8)

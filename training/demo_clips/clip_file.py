"""Writes a clip as MP4: H.264 baseline and AAC, which every decoder plays."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from headstart.training.demo_clips.camera import FRAME_PX, FRAME_RATE_HZ
from headstart.training.demo_clips.material import AUDIO_RATE_HZ

if TYPE_CHECKING:
    import av

_AAC_FRAME = 1024
_AUDIO_BIT_RATE = 56_000
_QUALITY = "26"  # x264's constant rate factor: at 25 the clips no longer fit in 8 MB comfortably


def write_clip(
    path: Path,
    frames: Iterator[NDArray[np.uint8]] | None,
    sound: NDArray[np.float32] | None,
) -> None:
    """Write one file; a track that is None is left out.

    Args:
        path: the MP4 file.
        frames: uint8 ``(360, 480, rgb)`` pictures at ``FRAME_RATE_HZ``.
        sound: float32 ``(samples,)``, −1…1, at ``AUDIO_RATE_HZ``.
    """
    import av

    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = audio = None
        if frames is not None:
            height, width = FRAME_PX
            video = container.add_stream("libx264", rate=FRAME_RATE_HZ)
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            # One thread: the number of threads would change the bits.
            video.options = {
                "crf": _QUALITY,
                "preset": "veryslow",
                "profile": "baseline",
                "threads": "1",
            }
        if sound is not None:
            audio = container.add_stream("aac", rate=AUDIO_RATE_HZ, layout="mono")
            audio.bit_rate = _AUDIO_BIT_RATE
        blocks = _sound_frames(sound) if sound is not None else iter(())
        written = 0
        for index, pixels in enumerate(frames or ()):
            assert video is not None
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
            # Sound goes beside its pictures, so that a player need not look far.
            while audio is not None and written < (index + 1) * AUDIO_RATE_HZ // FRAME_RATE_HZ:
                block = next(blocks, None)
                if block is None:
                    break
                container.mux(audio.encode(block))
                written += block.samples
        if audio is not None:
            for block in blocks:
                container.mux(audio.encode(block))
            container.mux(audio.encode(None))
        if video is not None:
            container.mux(video.encode(None))


def _sound_frames(sound: NDArray[np.float32]) -> Iterator[av.AudioFrame]:
    import av

    for start in range(0, sound.size, _AAC_FRAME):
        part = np.ascontiguousarray(sound[None, start : start + _AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = AUDIO_RATE_HZ, start
        frame.time_base = Fraction(1, AUDIO_RATE_HZ)
        yield frame

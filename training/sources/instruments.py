"""General MIDI instruments and drums, rendered from several sound fonts, pitches and velocities."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import CaptureError, MissingDependency
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.sources.cache import Cache
from headstart.training.sources.item import Item
from headstart.training.sources.packages import Package
from headstart.training.sources.unpack import unpacked

FONTS = {
    "timgm6mb": (
        Package(
            registry="debian",
            name="timgm6mb-soundfont",
            version="1.3-5",
            sha256="034abdfb296d9353433513dad5dbdcab46425ee6008fc02fe7039b46e75edc54",
        ),
        "usr/share/sounds/sf2/TimGM6mb.sf2",
        "GPL-2.0",
    ),
    "csound": (
        Package(
            registry="debian",
            name="csound-soundfont",
            version="1:6.18.1+dfsg-1",
            sha256="0d05bec0cff2486f4537dd0236fece99f3565b62959717f82e975be8e0cf1393",
        ),
        "usr/share/sounds/sf2/sf_GMbank.sf2",
        "public domain",
    ),
    "fluid": (
        Package(
            registry="debian",
            name="fluid-soundfont-gm",
            version="3.1-5.3",
            sha256="6f531493ac4e4d9772fd96b2488ea1790af81c196135fbdd25997da0781fc60e",
        ),
        "usr/share/sounds/sf2/FluidR3_GM.sf2",
        "MIT",
    ),
}
"""Sound font → package, file, licence."""

PITCHES = (48, 60, 67)
"""MIDI keys: C3, C4, G4, inside most instruments' range."""
VELOCITY = {48: 0.9, 60: 0.7, 67: 0.5}
DRUM_KEYS = range(35, 82)
HELD_S, TOTAL_S = 1.0, 1.6
_DRUM_BANK = 128
_SYNTH_RATE_HZ = 2 * SAMPLE_RATE_HZ
"""Rendered at twice the rate and filtered down: the synthesizer interpolates without a filter."""


def instruments(cache: Cache) -> list[Item]:
    """128 instruments (class ``gm-000``), 47 drums (class ``drum-35``); variant the sound font."""
    items = []
    for font, (package, file, licence) in FONTS.items():
        path = unpacked(package, cache, keep=("*.sf2",)) / file
        notes = [
            (f"gm-{program:03d}", 0, program, key) for program in range(128) for key in PITCHES
        ]
        notes += [(f"drum-{key}", _DRUM_BANK, 0, key) for key in DRUM_KEYS]
        for class_name, bank, program, key in notes:
            items.append(
                Item(
                    key=f"{font}/{class_name}-{key}",
                    origin=functools.partial(_render, path, bank, program, key),
                    modality="audio",
                    class_name=class_name,
                    variant=font,
                    kind="sound",
                    source="instruments",
                    licence=licence,
                )
            )
    return items


@functools.lru_cache(maxsize=1)
def _loaded(path: Path) -> tuple[object, int]:
    """A synthesizer with the font, and the font's handle there; the last one is kept."""
    try:
        import tinysoundfont
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "tinysoundfont is not installed; it plays sound fonts:"
            " pip install --no-deps tinysoundfont"
        ) from error
    synth = tinysoundfont.Synth(gain=-6, samplerate=_SYNTH_RATE_HZ)
    return synth, synth.sfload(str(path))


def _render(path: Path, bank: int, program: int, key: int) -> NDArray[np.float32]:
    """One note, float32 ``(samples,)`` at 16 kHz.

    Raises:
        CaptureError: the font has no such instrument or is silent there.
    """
    synth, font = _loaded(path)
    channel = 9 if bank else 0
    synth.sounds_off()  # type: ignore[attr-defined]
    synth.program_select(channel, font, bank, program)  # type: ignore[attr-defined]
    velocity = round(127 * VELOCITY.get(key, 0.8))
    synth.noteon(channel, key, velocity)  # type: ignore[attr-defined]
    held = _generate(synth, HELD_S)
    synth.noteoff(channel, key)  # type: ignore[attr-defined]
    stereo = np.concatenate([held, _generate(synth, TOTAL_S - HELD_S)])
    mono = _halved(stereo.mean(1))
    if float(np.abs(mono).max()) < 1e-3:
        raise CaptureError(f"{path.name} is silent for bank {bank} program {program} key {key}")
    return np.clip(mono, -1, 1).astype(np.float32)


def _generate(synth: object, seconds: float) -> NDArray[np.float32]:
    count = round(seconds * _SYNTH_RATE_HZ)
    view = synth.generate(count)  # type: ignore[attr-defined]
    return np.frombuffer(bytes(view), np.float32).reshape(-1, 2)


def _halved(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the rate: a windowed-sinc low-pass at a quarter of the rate, every second sample."""
    taps = np.arange(-15, 16)
    kernel = np.sinc(taps / 2) / 2 * np.hamming(taps.size)
    return np.convolve(samples, kernel, "same")[::2].astype(np.float32)

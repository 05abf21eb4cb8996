"""Adds FP16 and INT8 models to the starter bundle, judged on validation classes of registry data.

    python -m headstart.training.starter_flavours --bundle bundles/starter --precisions int8-cpu

The calibration samples come from training classes, the gate's from validation classes; see
`headstart.training.gate_material`. A bundle that replaces the installed starter also rewrites
``bundles/trusted.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from headstart.bundles import STARTER_PATH
from headstart.export.assembly import contents_of, with_flavours
from headstart.export.bundle_writer import write_trusted
from headstart.export.flavours import (
    PRECISIONS,
    Precision,
    Report,
    as_precisions,
    make_flavours,
    verdict_of,
)
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.errors import HeadstartError
from headstart.training.gate_material import write_material
from headstart.training.sources.cache import Cache, default_root


def add_flavours(
    bundle: Path,
    out: Path,
    cache: Cache,
    *,
    precisions: Sequence[Precision] = PRECISIONS,
    report: Report = lambda line: None,
) -> str:
    """Write ``bundle`` with its flavours to ``out``; returns the manifest's sha256.

    Raises:
        ArtifactError: the gate refuses a flavour; ``out`` is then as it was.
        ConfigError, MissingDependency: as the sources.
    """
    opened = load_bundle(bundle)
    with tempfile.TemporaryDirectory(prefix="headstart-gate-") as scratch:
        gate_set, calibration = Path(scratch) / "validation", Path(scratch) / "train"
        write_material(gate_set, "validation", cache, report=report)
        write_material(calibration, "train", cache, report=report)
        made = make_flavours(
            opened,
            gate_set=gate_set,
            calibration=calibration,
            precisions=precisions,
            report=report,
        )
        verdict = verdict_of(made, Path("validation classes of registry data"))
    report(verdict.text())
    verdict.require()
    return with_flavours(contents_of(opened), made).write(out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m headstart.training.starter_flavours",
        description="Add FP16 and INT8 models to the starter bundle.",
    )
    parser.add_argument("--bundle", type=Path, default=STARTER_PATH, help="a bundle's folder")
    parser.add_argument("--out", type=Path, help="where it goes; default: the same folder")
    parser.add_argument("--precisions", default=",".join(PRECISIONS), help="separated by commas")
    parser.add_argument("--cache", type=Path, help="where downloads are kept")
    options = parser.parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    out = options.out or options.bundle
    try:
        digest = add_flavours(
            options.bundle,
            out,
            Cache(root=options.cache or default_root()),
            precisions=as_precisions(options.precisions.split(",")),
            report=lambda line: console.print(line, soft_wrap=True, markup=False),
        )
    except HeadstartError as error:
        console.print(f"error: {error}", soft_wrap=True, markup=False)
        return 1
    if out.resolve() == STARTER_PATH:
        write_trusted(STARTER_PATH.parent / "trusted.py", digest)
    console.print(f"{out}: manifest sha256 {digest}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())

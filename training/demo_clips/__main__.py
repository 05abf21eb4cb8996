"""The command line: ``python -m headstart.training.demo_clips --out FOLDER``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from headstart.runtime.errors import HeadstartError
from headstart.training.demo_clips.build import build
from headstart.training.demo_clips.material import Material


def main() -> int:
    """Build every clip; 0 when done, 1 with one line on stderr when something is missing."""
    parser = argparse.ArgumentParser(description="Build the demo's clips and their storyboard.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the MP4 files")
    parser.add_argument(
        "--material",
        type=Path,
        default=Path("build/demo-material"),
        help="where the packages are fetched to and unpacked (default: %(default)s)",
    )
    parser.add_argument("--only", help="build this clip only, for instance enrol-guitar")
    options = parser.parse_args()
    try:
        build(Material(options.material), options.out, only=options.only)
    except HeadstartError as error:
        print(f"demo clips: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

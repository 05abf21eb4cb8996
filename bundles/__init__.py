"""The bundles that are installed with the package: data, and where they lie."""

from __future__ import annotations

from pathlib import Path

STARTER_PATH = Path(__file__).resolve().parent / "starter"
"""The folder of the pretrained starter bundle; ``trusted.py`` pins its manifest."""

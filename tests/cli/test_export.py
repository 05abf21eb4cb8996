"""`headstart export`: flavours through the gate, own encoders, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")

import typer
from typer.testing import CliRunner

from headstart.bundles import STARTER_PATH
from headstart.cli.export import export
from headstart.runtime.bundle.load import load_bundle
from headstart.runtime.errors import ConfigError
from headstart.training.sources.media import write_sound

app = typer.Typer()
app.command()(export)


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    return result


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sounds")
    for number in range(16):
        (root / f"tone-{number}").mkdir()
        time_s = np.arange(16_000) / 16_000
        tone = 0.3 * np.sin(2 * np.pi * (100 + 90 * number) * time_s)
        write_sound(root / f"tone-{number}" / "one.wav", tone.astype(np.float32))
    return root


def test_a_bundle_is_copied_under_a_new_name(tmp_path: Path) -> None:
    result = run(tmp_path / "mine", "--name", "mine", "--version", "1.2.3", "--json")
    told = json.loads(result.stdout)
    mine = load_bundle(tmp_path / "mine")
    assert result.exit_code == 0
    assert (mine.manifest.name, mine.manifest.version, mine.digest) == (
        "mine", "1.2.3", told["digest"],
    )  # fmt: skip
    assert told["flavours"] == [] and told["gate"] is None


def test_an_own_onnx_file_takes_a_streams_place(tmp_path: Path, sounds: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes((STARTER_PATH / "speech.onnx").read_bytes())
    result = run(
        tmp_path / "mine", "--licence", "MIT",
        "--encoder", f"speech={own}", "--calibration", sounds,
    )  # fmt: skip
    assert result.exit_code == 0
    entry = load_bundle(tmp_path / "mine").manifest.streams["speech"]
    assert (entry.provenance.what, entry.provenance.licence) == ("own.onnx", "MIT")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--precisions", "int8-cpu"), "int8-cpu have to pass the gate; .* give --gate DATA"),
        (("--precisions", "int4"), r"precisions \['int4'\]"),
        (("--encoder", "image"), "expected STREAM=SOURCE"),
        (("--encoder", "image=gone.onnx"), "gone.onnx does not exist"),
    ],
    ids=["no gate", "precision", "encoder", "file"],
)
def test_what_cannot_be_done_is_refused(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        run(tmp_path / "mine", *arguments)
    assert not (tmp_path / "mine").exists()


def test_an_own_encoder_needs_samples(tmp_path: Path) -> None:
    source = f"speech={STARTER_PATH / 'speech.onnx'}"
    with pytest.raises(ConfigError, match="samples to centre the new embeddings on"):
        run(tmp_path / "mine", "--encoder", source)

"""`headstart bundle`: what it holds, and whether that is true. Damage stands in test_bad_input."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.bundles import STARTER_PATH
from headstart.bundles.trusted import STARTER_MANIFEST_SHA256

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_info_shows_streams_and_licences(run: Run) -> None:
    lines = run("bundle", "info").out.splitlines()

    assert lines[0].startswith("starter ")
    assert lines[2] == "trusted: installed with headstart"
    assert [line.split()[0] for line in lines[5:8]] == ["image", "sound", "speech"]
    assert lines[5].endswith("Apache-2.0")


def test_info_as_json_holds_the_manifest(run: Run) -> None:
    told = run("bundle", "info", "--json").json()

    assert told["digest"] == STARTER_MANIFEST_SHA256
    assert told["trusted"] is True
    assert set(told["manifest"]["streams"]) == {"image", "sound", "speech"}


def test_the_starter_bundle_is_whole(run: Run) -> None:
    outcome = run("bundle", "verify", "--json")

    assert outcome.code == 0
    assert outcome.json() == {"path": str(STARTER_PATH), "ok": True, "findings": []}


def test_verify_says_all_that_is_wrong(run: Run, tmp_path: Path) -> None:
    bundle = shutil.copytree(STARTER_PATH, tmp_path / "bundle")
    (bundle / "speech.onnx").write_bytes(b"short")
    (bundle / "extra.txt").write_text("not listed")

    outcome = run("bundle", "verify", bundle, "--json")

    assert outcome.code == 1
    found = outcome.json()["findings"]
    assert len(found) == 2
    assert "'extra.txt' is not listed in the manifest" in found[0]
    assert "'speech.onnx' has 5 bytes; expected " in found[1]
    assert outcome.err.splitlines() == [f"headstart: {line}" for line in found]


def test_the_bare_word_shows_its_help(run: Run) -> None:
    assert run("bundle").out == run("bundle", "--help").out

"""The starter with its FP32 models alone, whatever else ships, and a gate set that is made here."""

from __future__ import annotations

import pytest

from headstart.benchmarks.gpu_gate import made_up
from headstart.export.bundle_writer import file_entries, write_bundle
from headstart.export.gate_set import GateSet
from headstart.runtime.bundle.load import Bundle, load_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    starter = load_bundle()
    plain = {
        name: entry.model_copy(update={"models": {"fp32": entry.models["fp32"]}})
        for name, entry in starter.manifest.streams.items()
    }
    kept = [starter.manifest.head, *(entry.models["fp32"] for entry in plain.values())]
    files = {name: starter.read(name) for name in kept}
    manifest = starter.manifest.model_copy(
        update={"streams": plain, "files": file_entries(files), "card": {}}
    )
    folder = tmp_path_factory.mktemp("plain") / "bundle"
    write_bundle(folder, manifest, files)
    return load_bundle(folder)


@pytest.fixture(scope="session")
def gate_set() -> GateSet:
    return made_up()

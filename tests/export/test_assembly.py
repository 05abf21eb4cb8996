from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")

from headstart.export.assembly import (
    contents_of,
    named,
    with_flavours,
    with_learned,
    with_own_encoders,
)
from headstart.export.few_shot import FewShot
from headstart.export.flavours import Made
from headstart.export.gate import StreamVerdict
from headstart.export.own_encoder import OwnEncoder
from headstart.export.parity import Parity
from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.bundle.manifest import Provenance
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.errors import ArtifactError, ConfigError
from headstart.training.sources.media import write_sound

PARITY = Parity(cosine=0.99, mean_cosine=0.995, max_error=0.1, scale=2.0, items=5)
FEW_SHOT = FewShot(
    reference_accuracy=90.0, accuracy=89.5, accuracy_loss=0.5, ci95=0.1, reference_auroc=88.0,
    auroc=88.0, auroc_loss=0.0, far_rise=0.0, threshold_shift=0.0, episodes=300, samples=40,
)  # fmt: skip


def flavour(data: bytes, refused: tuple[str, ...] = ()) -> Made:
    verdict = StreamVerdict(
        stream="speech", precision="int8-cpu", parity=PARITY, few_shot=FEW_SHOT, refused=refused
    )
    return Made(
        stream="speech", precision="int8-cpu", data=data, share=0.25, how="made", verdict=verdict
    )


def test_what_was_read_is_written_again(bundle: Bundle, tmp_path: Path) -> None:
    contents_of(bundle).write(tmp_path / "copy")
    again = load_bundle(tmp_path / "copy")
    assert again.manifest == bundle.manifest
    assert set(again.head) == set(bundle.head)


def test_a_flavour_that_passed_is_listed_described_and_opened(
    bundle: Bundle, tmp_path: Path
) -> None:
    made = flavour(bundle.model("speech"))
    with_flavours(contents_of(bundle), [made]).write(tmp_path / "more")
    more = load_bundle(tmp_path / "more")
    models = more.manifest.streams["speech"].models
    assert models["int8-cpu"] == "speech.int8-cpu.onnx"
    assert more.manifest.card["speech int8-cpu"] == made.card()
    encoders = open_encoders(more, ["speech"], threads=1, precision="int8-cpu")
    # Whatever the precision: what a gallery knows an encoder by stays.
    assert encoders["speech"].spec.sha256 == more.manifest.files["speech.onnx"].sha256
    with pytest.raises(ArtifactError, match="has no int8-cpu model of 'image'"):
        open_encoders(more, precision="int8-cpu")


def test_a_flavour_that_was_refused_is_left_out_even_where_an_older_one_was(
    bundle: Bundle,
) -> None:
    older = with_flavours(contents_of(bundle), [flavour(b"older")])
    left = with_flavours(older, [flavour(b"newer", refused=("accuracy loss 2.00 points",))])
    assert "int8-cpu" not in left.manifest.streams["speech"].models
    assert set(left.files) == set(contents_of(bundle).files)
    assert "speech int8-cpu" not in left.manifest.card


def test_a_precision_that_the_cpu_does_not_run_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="precision 'fp16' was asked for on the CPU"):
        open_encoders(bundle, precision="fp16")


def test_a_learned_head_replaces_tensors_and_says_so(bundle: Bundle, tmp_path: Path) -> None:
    learned = {"ridge.penalty": np.array([0.7])}
    origin = Provenance(what="a head", source="a training", licence="Apache-2.0")
    contents = with_learned(contents_of(bundle), learned, {"Training": "20 steps"}, [origin])
    named(contents, name="mine", version="2.0.0").write(tmp_path / "mine")
    mine = load_bundle(tmp_path / "mine")
    assert mine.head["ridge.penalty"] == 0.7
    assert (mine.manifest.name, mine.manifest.version) == ("mine", "2.0.0")
    assert mine.manifest.card["Training"] == "20 steps"
    assert mine.manifest.provenance[-1] == origin


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(16):
        noise = 0.1 * rng.standard_normal(16_000)
        write_sound(folder / f"{number:02d}.wav", noise.astype(np.float32))
    return folder


def test_an_own_encoder_brings_a_mean_and_takes_what_was_measured_on_the_old_one(
    bundle: Bundle, calibration: Path
) -> None:
    before = with_flavours(contents_of(bundle), [flavour(b"of the old encoder")])
    before = with_learned(before, {"speech.distance": np.array([0.5])}, {}, [])
    own = OwnEncoder(
        entry=bundle.manifest.streams["speech"], data=bundle.model("speech"), parity=PARITY
    )
    after = with_own_encoders(before, {"speech": own}, calibration)
    assert set(after.manifest.streams["speech"].models) == {"fp32"}
    assert "speech.distance" not in after.head
    assert after.manifest.card["speech fp32"].startswith("The ONNX file against the torch module")
    mean = after.head["speech.mean"]
    # Noise is all alike: the mean of its unit vectors is nearly as long as each.
    assert mean.shape == (96,) and 0.8 < float(np.linalg.norm(mean)) <= 1.0

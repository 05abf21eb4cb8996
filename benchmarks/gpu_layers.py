"""Is each CUDA layer right? Copies, threads, and one context with torch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headstart.runtime.encoders.cuda.protocol import CudaLayer

THREADS, ROUNDS = 4, 50
_NUMBERS = 100_003


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of one layer.

    Args:
        layer: its package.
        what: was checked.
        wrong: what was found; empty when all is well.
    """

    layer: str
    what: str
    wrong: str


def check_layer(name: str, open_layer: Callable[[], CudaLayer]) -> list[Check]:
    """Run every check; one that raises has failed.

    Raises:
        HeadstartError: the layer cannot be opened.
    """
    layer = open_layer()
    checks: tuple[tuple[str, Callable[[CudaLayer], str]], ...] = (
        ("a round trip through the device", copies_come_back),
        (f"{THREADS} threads, {ROUNDS} round trips each", threads_keep_apart),
        ("one context with torch", shares_with_torch),
        ("a recorded graph", graph_repeats),
    )
    found = []
    for what, check in checks:
        try:
            wrong = check(layer)
        except Exception as error:  # a check that cannot run has failed, whatever the reason
            wrong = f"{type(error).__name__}: {error}"
        found.append(Check(layer=name, what=what, wrong=wrong))
    return found


def copies_come_back(layer: CudaLayer, seed: int = 0) -> str:
    """Random numbers to the device and back, page-locked on both sides."""
    with layer.attach():
        there = layer.pinned((_NUMBERS,), np.float32)
        back = layer.pinned((_NUMBERS,), np.float32)
        address, stream = layer.allocate(there.nbytes), layer.open_stream()
        try:
            there[:] = np.random.default_rng(seed).normal(size=_NUMBERS)
            back[:] = np.nan
            layer.copy_to_device(address, there, stream)
            layer.copy_to_host(back, address, stream)
            layer.synchronize(stream)
            return "" if np.array_equal(there, back) else "what came back is not what was sent"
        finally:
            layer.close_stream(stream)
            layer.free(address)
            layer.free_pinned(there)
            layer.free_pinned(back)


def threads_keep_apart(layer: CudaLayer) -> str:
    """Several threads at once, each with its own buffers and stream."""
    wrong: list[str] = []

    def work(number: int) -> None:
        try:
            for turn in range(ROUNDS):
                said = copies_come_back(layer, 1000 * number + turn)
                if said:
                    wrong.append(said)
        except Exception as error:  # a thread's error must reach the report
            wrong.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "; ".join(wrong[:2])


def shares_with_torch(layer: CudaLayer) -> str:
    """Memory that torch made is read through the layer, and torch goes on working."""
    import torch

    made = torch.arange(_NUMBERS, dtype=torch.float32, device="cuda")
    torch.cuda.synchronize()
    with layer.attach():
        back, stream = layer.pinned((_NUMBERS,), np.float32), layer.open_stream()
        try:
            layer.copy_to_host(back, made.data_ptr(), stream)
            layer.synchronize(stream)
            same = np.array_equal(back, np.arange(_NUMBERS, dtype=np.float32))
        finally:
            layer.close_stream(stream)
            layer.free_pinned(back)
    if not same:
        return "torch's memory reads differently through the layer: two contexts"
    return "" if float((made + 1).sum()) > 0 else "torch computes wrongly afterwards"


def graph_repeats(layer: CudaLayer) -> str:
    """A copy that was recorded runs again with what its source holds then."""
    with layer.attach():
        source = layer.pinned((_NUMBERS,), np.float32)
        back = layer.pinned((_NUMBERS,), np.float32)
        address, stream = layer.allocate(source.nbytes), layer.open_stream()

        def work() -> None:
            layer.copy_to_device(address, source, stream)
            layer.copy_to_host(back, address, stream)

        try:
            graph = layer.capture(stream, work)
            if graph is None:
                return ""  # this layer offers no graphs, and says so
            for value in (1.0, 2.0):
                source[:] = value
                layer.launch(graph, stream)
                layer.synchronize(stream)
                if not (back == value).all():
                    return f"a launched graph gave {back[0]} instead of {value}"
            layer.close_graph(graph)
            return ""
        finally:
            layer.close_stream(stream)
            layer.free(address)
            layer.free_pinned(source)
            layer.free_pinned(back)

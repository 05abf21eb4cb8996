"""The backend over a stand-in TensorRT: its plans are ONNX files, its kernels ONNX Runtime, its
memory the host's. What only a GPU can show is not shown here.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.encoders.cuda.host_layer import HostLayer
from headstart.runtime.encoders.onnxruntime import encoder_spec, open_encoders
from headstart.runtime.encoders.tensorrt import TensorRtEncoder, encode_together
from headstart.runtime.engines.tensorrt_api import MessageLog, TensorRt
from headstart.runtime.errors import BackendError, ShapeError

MAX_BATCH = 3
SOUNDS = np.stack([np.sin(np.arange(16_000) * (k + 1) / 50) / 2 for k in range(8)]).astype("f4")
_TYPES = {"tensor(uint8)": "UINT8", "tensor(float)": "FLOAT"}


class StandInContext:
    """Runs where TensorRT would: when the stream gets to it, from and to plain addresses."""

    def __init__(self, engine: StandInEngine) -> None:
        self.engine, self.addresses, self.shape = engine, dict[str, int](), tuple[int, ...]()

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return name not in self.engine.refused

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert shape[0] <= MAX_BATCH
        self.shape = shape
        return True

    def execute_async_v3(self, stream: int) -> bool:
        if self.engine.broken:
            return False
        shape = self.shape
        self.engine.enqueued += 1
        self.engine.cuda.queue(stream, lambda: self._run(shape))
        return True

    def _run(self, shape: tuple[int, ...]) -> None:
        names = self.engine.names
        kind = np.dtype("uint8" if self.engine.dtypes[names[0]] == "UINT8" else "float32")
        source = _at(self.addresses[names[0]], shape, kind)
        result = self.engine.session.run(None, {names[0]: source.copy()})[0]
        _at(self.addresses[names[1]], result.shape, np.dtype("float32"))[...] = result


class StandInEngine:
    def __init__(self, plan: bytes, cuda: HostLayer) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(plan, options)
        self.cuda, self.contexts, self.enqueued = cuda, 0, 0
        self.broken, self.refused, self.contexts_left = False, set[str](), 100
        tensors = [*self.session.get_inputs(), *self.session.get_outputs()]
        self.names: list[str] = [tensor.name for tensor in tensors]
        self.dtypes = {tensor.name: _TYPES[tensor.type] for tensor in tensors}
        self.shapes = {tensor.name: (-1, *tensor.shape[1:]) for tensor in tensors}

    @property
    def num_io_tensors(self) -> int:
        return len(self.names)

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_mode(self, name: str) -> str:
        return "in" if name == self.names[0] else "out"

    def get_tensor_dtype(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(name=self.dtypes[name])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [(batch, *self.shapes[name][1:]) for batch in (1, 1, MAX_BATCH)]

    def create_execution_context(self) -> StandInContext | None:
        if self.contexts == self.contexts_left:
            return None
        self.contexts += 1
        return StandInContext(self)


class Machine:
    """A stand-in TensorRT and the memory beneath it."""

    def __init__(self) -> None:
        self.cuda, self.engines, self.messages = HostLayer(), list[StandInEngine](), MessageLog()
        runtime = SimpleNamespace(deserialize_cuda_engine=self._deserialize)
        module = SimpleNamespace(
            Runtime=lambda logger: runtime, TensorIOMode=SimpleNamespace(INPUT="in", OUTPUT="out")
        )
        self.api = TensorRt(
            module=module, flavour="tensorrt", version="10.3.0", logger=None, messages=self.messages
        )

    def _deserialize(self, plan: bytes) -> StandInEngine | None:
        if not plan:
            self.messages.add(
                "Serialization assertion stdVersionRead == serializationVersion failed"
            )
            return None
        self.engines.append(StandInEngine(plan, self.cuda))
        return self.engines[-1]

    def open(self, bundle: Bundle, stream: str = "speech", **options: bool) -> TensorRtEncoder:
        spec = encoder_spec(bundle, stream)
        return TensorRtEncoder(bundle.model(stream), spec, api=self.api, cuda=self.cuda, **options)

    def left(self) -> list[int]:
        """How many blocks, page-locked arrays, streams and graphs are not given back."""
        held = self.cuda.memory, self.cuda.pinned_arrays, self.cuda.streams, self.cuda.graphs
        return [len(things) for things in held]


def _at(address: int, shape: tuple[int, ...], kind: np.dtype[Any]) -> NDArray[Any]:
    size = int(np.prod(shape)) * kind.itemsize
    memory: Any = (ctypes.c_byte * size).from_address(address)
    array: NDArray[Any] = np.ndarray(shape, kind, buffer=memory)
    return array


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture(scope="module")
def expected(bundle: Bundle) -> NDArray[np.float32]:
    return open_encoders(bundle, ["speech"], threads=1)["speech"].encode(SOUNDS)


@pytest.fixture(params=[True, False], ids=["graphs", "no graphs"])
def encoder(
    request: pytest.FixtureRequest, machine: Machine, bundle: Bundle
) -> Iterator[TensorRtEncoder]:
    opened = machine.open(bundle, graphs=request.param)
    yield opened
    opened.close()
    assert machine.left() == [0, 0, 0, 0]


def assert_near(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    # ONNX Runtime sums a batch in another order than single items.
    np.testing.assert_allclose(found, wanted, atol=2e-3)


@pytest.mark.parametrize("items", [1, 2, 3, 4, 8], ids="{} items".format)
def test_batches_of_every_size_are_cut_to_the_profile(
    encoder: TensorRtEncoder, expected: NDArray[np.float32], items: int
) -> None:
    assert encoder.max_batch == MAX_BATCH
    for _ in range(3):  # the first run, the recording, the graph
        assert_near(encoder.encode(SOUNDS[:items]), expected[:items])


def test_the_caller_owns_the_result(encoder: TensorRtEncoder) -> None:
    first = encoder.encode(SOUNDS[:2])
    kept = first.copy()
    encoder.encode(SOUNDS[2:4])
    np.testing.assert_array_equal(first, kept)
    assert first.flags.writeable


def test_uint8_pictures_go_through(machine: Machine, bundle: Bundle) -> None:
    pictures = (np.arange(2 * 224 * 224 * 3) % 251).astype(np.uint8).reshape(2, 224, 224, 3)
    encoder = machine.open(bundle, "image")
    wanted = open_encoders(bundle, ["image"], threads=1)["image"].encode(pictures)
    np.testing.assert_allclose(encoder.encode(pictures), wanted, atol=1e-4)
    encoder.close()


def test_several_batches_may_be_on_their_way_and_be_taken_in_any_order(
    encoder: TensorRtEncoder, expected: NDArray[np.float32]
) -> None:
    first, second = encoder.submit(SOUNDS[:2]), encoder.submit(SOUNDS[2:6])
    assert_near(second.result(), expected[2:6])
    assert_near(first.result(), expected[:2])


def test_threads_have_lanes_of_their_own_which_are_used_again(
    machine: Machine, bundle: Bundle, expected: NDArray[np.float32]
) -> None:
    encoder = machine.open(bundle)
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def ask(item: int) -> None:
        try:
            for _ in range(5):
                pending = encoder.submit(SOUNDS[item : item + 1])
                together.wait(30)  # all four are on their way now
                assert_near(pending.result(), expected[item : item + 1])
        except BaseException as error:
            failures.append(error)
            together.abort()

    asking = [threading.Thread(target=ask, args=(item,)) for item in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert failures == []
    assert machine.engines[0].contexts == 4
    encoder.close()
    assert machine.left() == [0, 0, 0, 0]


def test_a_recorded_batch_size_is_no_longer_queued_call_by_call(
    machine: Machine, bundle: Bundle
) -> None:
    encoder = machine.open(bundle)
    for _ in range(5):
        encoder.encode(SOUNDS[:1])
    # Once to run, once to record; the graph stands for all later ones.
    assert machine.engines[0].enqueued == 2
    assert len(machine.cuda.graphs) == 1
    encoder.close()


def test_a_layer_without_graphs_works_and_is_not_asked_again(
    machine: Machine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(machine.cuda, "capture", lambda stream, work: asked.append(stream))
    encoder = machine.open(bundle)
    for _ in range(3):
        encoder.encode(SOUNDS[:1])
    assert (len(asked), machine.engines[0].enqueued) == (1, 3)
    encoder.close()


def test_a_recording_that_fails_is_said_once_and_calls_go_on(
    machine: Machine,
    bundle: Bundle,
    expected: NDArray[np.float32],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(stream: int, work: object) -> None:
        raise BackendError("cuStreamEndCapture failed")

    monkeypatch.setattr(machine.cuda, "capture", refuse)
    encoder = machine.open(bundle)
    for _ in range(3):
        assert_near(encoder.encode(SOUNDS[:2]), expected[:2])
    assert caplog.text.count("runs without CUDA graphs, which is slower") == 1
    encoder.close()


def test_streams_are_all_queued_before_the_first_is_waited_for(
    machine: Machine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoders = {name: machine.open(bundle, name, graphs=False) for name in ("sound", "speech")}
    order: list[str] = []
    wait = machine.cuda.synchronize

    def synchronize(stream: int) -> None:
        order.append("wait")
        wait(stream)

    def queue(stream: int, work: Any) -> None:
        order.append("queue")
        machine.cuda.streams[stream].append(work)

    monkeypatch.setattr(machine.cuda, "synchronize", synchronize)
    monkeypatch.setattr(machine.cuda, "queue", queue)
    found = encode_together({name: (encoder, SOUNDS[:1]) for name, encoder in encoders.items()})
    assert order == ["queue"] * 6 + ["wait"] * 2
    for name, wanted in open_encoders(bundle, list(encoders), threads=1).items():
        np.testing.assert_allclose(found[name], wanted.encode(SOUNDS[:1]), atol=2e-3)
    for encoder in encoders.values():
        encoder.close()


def test_a_stream_that_fails_leaves_the_others_usable(
    machine: Machine, bundle: Bundle, expected: NDArray[np.float32]
) -> None:
    sound, speech = machine.open(bundle, "sound"), machine.open(bundle, "speech")
    machine.engines[0].broken = True
    with pytest.raises(BackendError, match=r"the sound engine does not run \(it gave no reason\)"):
        encode_together({"speech": (speech, SOUNDS[:1]), "sound": (sound, SOUNDS[:1])})
    assert_near(speech.encode(SOUNDS[:1]), expected[:1])
    for encoder in (sound, speech):
        encoder.close()
    assert machine.left() == [0, 0, 0, 0]


def test_a_wrong_batch_is_refused_before_anything_is_queued(encoder: TensorRtEncoder) -> None:
    with pytest.raises(ShapeError, match="the speech encoder was given float64"):
        encoder.encode(SOUNDS.astype(np.float64))


def test_a_closed_encoder_says_so_and_closes_twice(machine: Machine, bundle: Bundle) -> None:
    encoder = machine.open(bundle)
    encoder.close()
    encoder.close()
    with pytest.raises(BackendError, match="the speech encoder is closed; expected an open one"):
        encoder.encode(SOUNDS)


def test_an_encoder_with_work_on_its_way_is_not_closed(machine: Machine, bundle: Bundle) -> None:
    encoder = machine.open(bundle)
    pending = encoder.submit(SOUNDS[:1])
    with pytest.raises(BackendError, match="still works on 1 batches; expected none"):
        encoder.close()
    pending.result()
    encoder.close()


def test_a_plan_that_tensorrt_refuses_gives_its_reason(machine: Machine, bundle: Bundle) -> None:
    with pytest.raises(
        BackendError, match=r"tensorrt 10.3.0 refuses the speech engine \(Serialization assertion"
    ):
        TensorRtEncoder(b"", encoder_spec(bundle, "speech"), api=machine.api, cuda=machine.cuda)


def test_a_driver_that_is_too_old_is_told_from_a_wrong_plan(
    machine: Machine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    # TensorRT-RTX's own words on a machine without a driver.
    said = "(cudaError 35: CUDA driver version is insufficient for CUDA runtime version)"

    def refuse(plan: bytes) -> None:
        machine.messages.add(said)

    monkeypatch.setattr(machine.api.module.Runtime(None), "deserialize_cuda_engine", refuse)
    with pytest.raises(BackendError, match=r"too old for tensorrt 10.3.0: update the driver"):
        machine.open(bundle)


def test_an_engine_of_another_model_is_refused(machine: Machine, bundle: Bundle) -> None:
    spec = replace(encoder_spec(bundle, "speech"), dim=95)
    with pytest.raises(BackendError, match=r"takes and gives \[\('float32', \(16000,\)\), .*96"):
        TensorRtEncoder(bundle.model("speech"), spec, api=machine.api, cuda=machine.cuda)
    assert machine.left() == [0, 0, 0, 0]


def test_too_little_memory_for_another_lane_is_an_error_and_the_first_serves_on(
    machine: Machine, bundle: Bundle, expected: NDArray[np.float32]
) -> None:
    encoder = machine.open(bundle)
    machine.engines[0].contexts_left = 1
    pending = encoder.submit(SOUNDS[:1])
    with pytest.raises(BackendError, match="makes no execution context .* expected enough GPU mem"):
        encoder.encode(SOUNDS[:1])
    assert_near(pending.result(), expected[:1])
    assert_near(encoder.encode(SOUNDS[:1]), expected[:1])
    encoder.close()


def test_an_address_that_is_refused_leaves_no_memory_behind(
    machine: Machine, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StandInContext, "set_tensor_address", lambda self, name, address: False)
    with pytest.raises(BackendError, match="refuses the address of 'sound'|refuses the address of"):
        machine.open(bundle)
    assert machine.left() == [0, 0, 0, 0]

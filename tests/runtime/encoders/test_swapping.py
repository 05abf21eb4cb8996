"""With two real ONNX Runtime encoders of the same model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from headstart.runtime.bundle.load import Bundle, load_bundle
from headstart.runtime.encoders.onnxruntime import open_encoders
from headstart.runtime.encoders.protocol import Encoder, EncoderSpec
from headstart.runtime.encoders.swapping import SwappingEncoder
from headstart.runtime.errors import BackendError

SOUND = np.linspace(-0.5, 0.5, 32_000, dtype=np.float32).reshape(2, 16_000)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle()


def speech(bundle: Bundle) -> Encoder:
    return open_encoders(bundle, ["speech"], threads=1)["speech"]


class Held:
    """An encoder whose calls wait for a sign; counts how often it was closed."""

    def __init__(self, inner: Encoder) -> None:
        self.inner, self.closed = inner, 0
        self.begun, self.go_on = threading.Event(), threading.Event()

    @property
    def spec(self) -> EncoderSpec:
        return self.inner.spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        self.begun.set()
        assert self.go_on.wait(30)
        return self.inner.encode(batch)

    def close(self) -> None:
        self.closed += 1
        self.inner.close()


@pytest.fixture
def held(bundle: Bundle) -> Iterator[Held]:
    encoder = Held(speech(bundle))
    yield encoder
    encoder.go_on.set()


def test_a_call_that_has_begun_ends_on_the_encoder_it_began_with(
    bundle: Bundle, held: Held
) -> None:
    swapping, successor = SwappingEncoder(held), speech(bundle)
    expected = successor.encode(SOUND)
    answers: list[NDArray[np.float32]] = []
    call = threading.Thread(target=lambda: answers.append(swapping.encode(SOUND)))
    call.start()
    assert held.begun.wait(30)
    swapping.swap(successor)
    assert held.closed == 0
    np.testing.assert_array_equal(swapping.encode(SOUND), expected)
    held.go_on.set()
    call.join()
    np.testing.assert_array_equal(answers[0], expected)
    assert held.closed == 1


def test_an_idle_encoder_is_closed_at_once(bundle: Bundle, held: Held) -> None:
    swapping = SwappingEncoder(held)
    swapping.swap(speech(bundle))
    assert held.closed == 1


def test_many_swaps_under_load_lose_no_request(bundle: Bundle) -> None:
    encoders = [Held(speech(bundle)) for _ in range(12)]
    for encoder in encoders:
        encoder.go_on.set()
    swapping = SwappingEncoder(encoders[0])
    expected = swapping.encode(SOUND)
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                np.testing.assert_array_equal(swapping.encode(SOUND), expected)
            except BaseException as error:
                failures.append(error)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for encoder in encoders[1:]:
        swapping.swap(encoder)
        assert encoder.begun.wait(30)
    stop.set()
    for thread in asking:
        thread.join()
    assert failures == []
    assert [encoder.closed for encoder in encoders] == [1] * 11 + [0]
    swapping.close()
    assert encoders[-1].closed == 1


def test_an_encoder_of_something_else_is_refused_and_the_first_serves_on(bundle: Bundle) -> None:
    swapping = SwappingEncoder(speech(bundle))
    sound = open_encoders(bundle, ["sound"], threads=1)["sound"]
    with pytest.raises(BackendError, match="speech encoder cannot be exchanged for .*'sound'"):
        swapping.swap(sound)
    assert swapping.encode(SOUND).shape == (2, 96)
    assert sound.encode(SOUND).shape == (2, 1024)


def test_swapping_an_encoder_with_itself_changes_nothing(held: Held) -> None:
    swapping = SwappingEncoder(held)
    swapping.swap(held)
    assert held.closed == 0


def test_a_closed_one_says_so_closes_twice_and_takes_no_successor(bundle: Bundle) -> None:
    swapping = SwappingEncoder(speech(bundle))
    swapping.close()
    swapping.close()
    with pytest.raises(BackendError, match="the speech encoder is closed; expected an open one"):
        swapping.encode(SOUND)
    with pytest.raises(BackendError, match="is closed; expected an open one to exchange"):
        swapping.swap(speech(bundle))


def test_closing_waits_for_nobody_but_the_last_call_closes(held: Held) -> None:
    swapping = SwappingEncoder(held)
    call = threading.Thread(target=lambda: swapping.encode(SOUND))
    call.start()
    assert held.begun.wait(30)
    swapping.close()
    assert held.closed == 0
    held.go_on.set()
    call.join()
    assert held.closed == 1

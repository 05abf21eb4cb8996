from __future__ import annotations

import numpy as np
import pytest

from headstart.runtime.encoders.cuda.host_layer import HostLayer
from headstart.runtime.errors import BackendError


def test_work_happens_when_the_stream_is_waited_for_and_not_before() -> None:
    layer = HostLayer()
    with layer.attach():
        source, target = layer.pinned((4,), "float32"), layer.pinned((4,), "float32")
        address, stream = layer.allocate(source.nbytes), layer.open_stream()
        source[:] = 7
        layer.copy_to_device(address, source, stream)
        layer.copy_to_host(target, address, stream)
        assert target.tolist() == [0, 0, 0, 0]
        layer.synchronize(stream)
    np.testing.assert_array_equal(target, source)


def test_a_thread_without_a_context_is_refused() -> None:
    layer = HostLayer()
    with pytest.raises(BackendError, match="no context is current on this thread"):
        layer.allocate(8)

from __future__ import annotations

import sys

import pytest

from headstart.runtime.encoders.cuda import opening
from headstart.runtime.encoders.cuda.opening import open_cuda
from headstart.runtime.errors import ConfigError, MissingDependency


@pytest.fixture
def _gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU and neither package."""
    monkeypatch.setattr(opening, "find_gpu", lambda: None)
    for name in ("cuda", "cuda.bindings", "pycuda", "pycuda.driver"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("_gpu")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("auto", r'pip install "headstart\[tensorrt\]" or pip install "headstart\[pycuda\]"'),
        ("cuda-python", r'cuda-python cannot be .*pip install "headstart\[tensorrt\]"'),
        ("pycuda", r'pycuda cannot be .*pip install "headstart\[pycuda\]"'),
    ],
)
def test_a_missing_package_names_the_exact_command(name: str, words: str) -> None:
    with pytest.raises(MissingDependency, match=words):
        open_cuda(name)


def test_an_unknown_layer_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'cupy'; expected one of auto, cuda-python, pycuda"):
        open_cuda("cupy")

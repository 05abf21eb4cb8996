"""Both real Python packages over a stand-in for NVIDIA's driver library, compiled here: every call
that we make is a call that they accept. Whether a GPU does what is asked, only a GPU can tell.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headstart

_HERE = Path(__file__).parent
_SOURCES = Path(headstart.__file__).parents[1]
_MODULES = {"cuda-python": "cuda.bindings.driver", "pycuda": "pycuda.driver"}
_WORK = """
import ctypes, json, os, sys, threading
sys.setdlopenflags(os.RTLD_LAZY)  # the stand-in has the functions that we need, and no others
import numpy as np
from headstart.runtime.encoders.cuda.opening import open_cuda
from headstart.runtime.errors import HeadstartError

def round_trip(layer, value):
    with layer.attach():
        source, target = layer.pinned((4, 3), "float32"), layer.pinned((4, 3), "float32")
        address, stream = layer.allocate(source.nbytes), layer.open_stream()
        def copy():
            layer.copy_to_device(address, source, stream)
            layer.copy_to_host(target, address, stream)
        source[:] = value
        copy()
        layer.synchronize(stream)
        seen = [float(target.sum())]
        graph = layer.capture(stream, copy)
        if graph is not None:
            source[:] = 2 * value
            layer.launch(graph, stream)
            layer.synchronize(stream)
            seen.append(float(target.sum()))
            layer.close_graph(graph)
        layer.close_stream(stream)
        layer.free(address)
        layer.free_pinned(source)
        layer.free_pinned(target)
    return seen

try:
    layer = open_cuda(sys.argv[1])
    seen = {}
    def work(value):
        seen[value] = round_trip(layer, value)
    threads = [threading.Thread(target=work, args=(value,)) for value in (1, 2, 3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    driver = ctypes.CDLL("libcuda.so.1")
    left, depth, refused = driver.stand_in_live(), driver.stand_in_depth(), ""
    with layer.attach():
        try:
            layer.allocate(1 << 31)
        except HeadstartError as error:
            refused = str(error)
    print(json.dumps({"seen": seen, "left": left, "depth": depth, "refused": refused}))
except HeadstartError as error:
    print(json.dumps({"error": str(error)}))
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled stand-in."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler: sudo apt-get install gcc")
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run(
        [
            *(compiler, "-shared", "-fPIC", "-w", "-Wl,-soname,libcuda.so.1"),
            *("-o", str(folder / "libcuda.so.1"), str(_HERE / "stand_in_driver.c"), "-ldl"),
        ],
        check=True,
    )
    (folder / "libcuda.so").symlink_to("libcuda.so.1")  # some builds of pycuda ask for this name
    return folder


def ask(driver: Path, layer: str, **settings: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", _WORK, layer],
        env={
            **os.environ,
            **settings,
            "LD_LIBRARY_PATH": str(driver),
            "PYTHONPATH": os.pathsep.join([str(_SOURCES), *sys.path]),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture(params=list(_MODULES))
def layer(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    extra = {"cuda-python": "tensorrt", "pycuda": "pycuda"}[name]
    # Looked for and not imported: pycuda needs the driver for that.
    try:
        __import__(_MODULES[name].partition(".")[0])
    except ImportError:
        pytest.skip(f'{name} is not installed: pip install "headstart[{extra}]"')
    return name


def test_copies_graphs_and_threads_work_and_everything_is_given_back(
    driver: Path, layer: str
) -> None:
    found = ask(driver, layer)
    graphs = layer == "cuda-python"
    assert found["seen"] == {
        str(value): [12.0 * value] + [24.0 * value] * graphs for value in (1, 2, 3)
    }
    assert (found["left"], found["depth"]) == (0, 0)
    assert "expected success: check the GPU's free memory" in found["refused"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"STAND_IN_DEVICES": "0"}, "the NVIDIA driver sees no GPU"),
        ({"STAND_IN_INIT": "999"}, "the NVIDIA driver does not start (CUDA error 999)"),
    ],
)
def test_a_machine_without_a_gpu_is_told_before_the_package_is_asked(
    driver: Path, layer: str, settings: dict[str, str], words: str
) -> None:
    assert words in ask(driver, layer, **settings)["error"]

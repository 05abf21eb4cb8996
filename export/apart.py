"""An encoder in a process of its own: a model that may crash the runtime cannot take us with it.

ONNX Runtime's CPU provider dies creating a session on some FP16 graphs with all optimizations on
(seen with 1.31); it runs them with the extended ones. So FP16 files are checked here.

    python -m headstart.export.apart MODEL    reads batches from stdin, writes embeddings to stdout
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.encoders.protocol import EncoderSpec, check_batch
from headstart.runtime.errors import BackendError


class ApartEncoder:
    """Runs a model in a child process on ONNX Runtime's CPU provider, without fusions of layouts.

    Not for several threads at once.

    Args:
        model: the ONNX file's bytes.
        spec: what it takes and gives.
    """

    def __init__(self, model: bytes, spec: EncoderSpec) -> None:
        self._spec = spec
        self._folder = tempfile.TemporaryDirectory(prefix="headstart-apart-")
        path = Path(self._folder.name) / "model.onnx"
        path.write_bytes(model)
        self._errors = (Path(self._folder.name) / "errors.txt").open("w+b")
        self._child: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-m", "headstart.export.apart", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder takes and gives."""
        return self._spec

    def encode(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Embed ``(batch, *input_shape)`` as float32 ``(batch, dim)``; the caller owns the result.

        Raises:
            ShapeError: the batch does not fit ``spec``.
            BackendError: the child died, or the encoder is closed.
        """
        check_batch(batch, self._spec)
        if self._child is None:
            raise BackendError(
                f"the {self._spec.stream} encoder is closed; expected an open one: open it again"
            )
        try:
            _write(cast(IO[bytes], self._child.stdin), batch)
            return np.asarray(_read(cast(IO[bytes], self._child.stdout)), np.float32)
        except (OSError, EOFError, ValueError) as error:
            code = self._child.wait()
            raise BackendError(
                f"the {self._spec.stream} model ended its process with code {code}"
                f" ({self._last_words()}); expected an embedding: do not use this file on a CPU"
            ) from error

    def close(self) -> None:
        """End the child; safe to call twice."""
        if self._child is not None:
            cast(IO[bytes], self._child.stdin).close()
            self._child.wait()
            cast(IO[bytes], self._child.stdout).close()
            self._child = None
            self._errors.close()
            self._folder.cleanup()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _write(stream: IO[bytes], array: NDArray[Any]) -> None:
    """One array into a pipe: its length in eight bytes, then the array as .npy."""
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=False)
    stream.write(packed.tell().to_bytes(8, "little") + packed.getvalue())
    stream.flush()


def _read(stream: IO[bytes]) -> NDArray[Any]:
    """One array from a pipe.

    Raises:
        EOFError: the stream has ended.
    """
    size = stream.read(8)
    data = stream.read(int.from_bytes(size, "little")) if len(size) == 8 else b""
    if not data:
        raise EOFError("the pipe ended")
    found: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return found


def _serve(model: Path, given: IO[bytes], taken: IO[bytes]) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    while True:
        try:
            batch = _read(given)
        except EOFError:
            return
        _write(taken, session.run(None, {name: batch})[0])


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)

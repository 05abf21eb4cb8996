"""Embeddings of data files, computed once: a folder with one small file for each.

An entry is found by what its embedding depends on: the bytes of the data files, the encoders, the
view plan, the corruption and the code in between. Renaming or moving data finds it again; changing
any of these computes anew. Losing the folder loses nothing but time.

An entry is written under another name and then renamed, so processes can share the folder without
locks: at worst two compute the same thing. It starts with a checksum; one that is damaged is
computed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors.numpy import load, save

from headstart.runtime.embedding.embedding import Embedding, StreamViews
from headstart.runtime.errors import CaptureError

LIMIT_BYTES = 1 << 30
"""The folder's size above which the entries that were used longest ago are removed."""
_KEEP_SHARE = 0.75
_SUFFIX = ".embedding"
_PART_SUFFIX = ".part"
_PART_AGE_S = 3600
"""A half-written file this old was left by a process that was killed while it wrote."""
_DIGEST_BYTES = 32
_CODE = (
    "sample.py",
    "embedding",
    "encoders",
    "sources",
    "evaluation/corruptions.py",
    "evaluation/cache.py",
)
"""What stands between a file and its embedding, under ``runtime/``."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CacheKey:
    """What embeddings depend on besides the data files.

    Args:
        encoders: stream → sha256 of its encoder; only the streams that are computed.
        view_plan: the bundle's view plan in any fixed spelling, such as its JSON.
        backend: what runs the encoders: numbers differ in the last digits between backends.
        corruption: as given to ``--corrupt``; empty for clean samples.
        seed: of the corruption; counts only together with one.
    """

    encoders: Mapping[str, str]
    view_plan: str
    backend: str = "onnxruntime"
    corruption: str = ""
    seed: int = 0


class EmbeddingCache:
    """Embeddings by what they depend on, in a folder that processes may share.

    One cache serves one thread. Where the folder cannot be written, that is logged once and
    embeddings are computed every time.

    Args:
        folder: where entries lie, made when needed; None computes everything every time.
        key: what all embeddings of this cache depend on.
        limit_bytes: the folder's size above which old entries are removed, those of other keys
            included.
    """

    def __init__(
        self, folder: Path | None, key: CacheKey, *, limit_bytes: int = LIMIT_BYTES
    ) -> None:
        self.hits = 0
        self.misses = 0
        self._folder = folder
        self._key = key
        self._limit_bytes = limit_bytes
        self._unchecked_bytes = limit_bytes
        self._warned = False

    def embed(
        self,
        files: Sequence[Path],
        compute: Callable[[], Embedding],
        *,
        name: str,
        source: str = "",
        group: str = "",
    ) -> Embedding:
        """The embedding of one sample, from the folder or else from ``compute``.

        Args:
            files: the data files that make up the sample, in any order, at least one.
            compute: encodes the sample; called only when the folder does not know it. Its errors
                pass through and nothing is stored.
            name: ``<class>/<stem>``, which seeds a corruption's noise; without a corruption it
                does not matter.
            source: put into the result: the same bytes may lie elsewhere today.
            group: put into the result, likewise.

        Raises:
            CaptureError: a file cannot be read.
        """
        if self._folder is None:
            self.misses += 1
            return replace(compute(), source=source, group=group)
        path = self._path(self._folder, files, name)
        found = self._read(path)
        if found is not None:
            self.hits += 1
            return replace(found, source=source, group=group)
        self.misses += 1
        computed = compute()
        self._write(path, _to_bytes(computed))
        return replace(computed, source=source, group=group)

    def _path(self, folder: Path, files: Sequence[Path], name: str) -> Path:
        key = self._key
        corruption = [key.corruption, key.seed, name] if key.corruption else []
        parts = {
            "files": sorted(_file_digest(file) for file in files),
            "encoders": dict(key.encoders),
            "view_plan": key.view_plan,
            "backend": key.backend,
            "corruption": corruption,
            "code": code_digest(),
        }
        spelled = json.dumps(parts, sort_keys=True).encode()
        digest = hashlib.sha256(spelled).hexdigest()
        return folder / digest[:2] / (digest[2:] + _SUFFIX)

    def _read(self, path: Path) -> Embedding | None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(error)
            return None
        with suppress(OSError):  # a folder that can only be read need not know what was used
            os.utime(path)
        found = _from_bytes(content)
        if found is None:
            _log.warning("the cached embedding %s is damaged; computing it again", path)
        return found

    def _write(self, path: Path, content: bytes) -> None:
        assert self._folder is not None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(path, content)
            self._unchecked_bytes += len(content)
            # Listing the folder costs more than writing to it: at first, then now and again.
            if self._unchecked_bytes > self._limit_bytes / 8:
                self._unchecked_bytes = 0
                prune(self._folder, self._limit_bytes)
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "the embedding cache %s cannot be used (%s); embeddings are computed every time:"
                " free space there, or point XDG_CACHE_HOME at a folder that can be written",
                self._folder,
                error,
            )


def default_cache_folder() -> Path:
    """``headstart/embeddings`` in the user's cache folder: ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    return user_cache_path("headstart", appauthor=False) / "embeddings"


def prune(folder: Path, limit_bytes: int) -> None:
    """Bring the entries under ``folder`` below the limit, those used longest ago first.

    Other processes may add or remove entries at the same time. A limit of 0 clears the cache.

    Raises:
        OSError: an entry cannot be removed.
    """
    entries = []
    for path in chain(folder.glob(f"*/*{_SUFFIX}"), folder.glob(f"*/*{_PART_SUFFIX}")):
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        if path.suffix == _PART_SUFFIX and time.time() - facts.st_mtime < _PART_AGE_S:
            continue
        entries.append((facts.st_mtime_ns, facts.st_size, path))
    total = sum(size for _, size, _ in entries)
    if total <= limit_bytes:
        return
    for _, size, path in sorted(entries):
        if total <= limit_bytes * _KEEP_SHARE:
            return
        path.unlink(missing_ok=True)
        total -= size


@lru_cache(maxsize=1)
def code_digest() -> str:
    """sha256 over the code between a data file and its embedding.

    Without it a changed crop or window would go on being judged by yesterday's embeddings.
    """
    runtime = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for part in _CODE:
        path = runtime / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(runtime)).encode() + b"\0")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _file_digest(file: Path) -> str:
    """sha256 of the bytes, and the suffix, which decides how they are decoded."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise CaptureError(
            f"{str(file)!r} cannot be read ({error.strerror}); expected a media file: check the"
            " path and its permissions"
        ) from error
    return digest.hexdigest() + file.suffix.lower()


def _to_bytes(embedding: Embedding) -> bytes:
    tensors = {}
    for stream, views in embedding.streams.items():
        tensors[f"{stream}/vectors"] = np.ascontiguousarray(views.vectors)
        tensors[f"{stream}/weights"] = np.ascontiguousarray(views.weights)
    # The order of the streams is part of the value; safetensors keeps its own.
    facts = {"streams": list(embedding.streams), "time_s": embedding.time_s}
    body = save(tensors, metadata={"facts": json.dumps(facts)})
    return hashlib.sha256(body).digest() + body


def _from_bytes(content: bytes) -> Embedding | None:
    """None where the bytes are not what was written."""
    body = content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != content[:_DIGEST_BYTES]:
        return None
    tensors = load(body)
    # safetensors' NumPy reader does not give its metadata: an 8-byte length, then JSON.
    header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])
    facts = json.loads(header["__metadata__"]["facts"])
    streams = {
        stream: StreamViews(
            vectors=tensors[f"{stream}/vectors"], weights=tensors[f"{stream}/weights"]
        )
        for stream in facts["streams"]
    }
    return Embedding(streams=streams, time_s=facts["time_s"])


def _write_atomically(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_PART_SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise

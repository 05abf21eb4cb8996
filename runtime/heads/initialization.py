"""The head start: everything that adaptation starts from and that a bundle ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headstart.runtime.errors import ArtifactError


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedInitialization:
    """Values that meta-training finds; the defaults are the untrained start.

    Args:
        ridge_penalty: of `fit_ridge`, above 0.
        gradient_scale: of `fit_gradient`, above 0.
        gradient_steps: of `fit_gradient`, 0–5 relative step sizes.
        lda_prior_rows: of `fit_lda`, above 0.
        temperatures: inverse temperature of the head's scores for 1, 2 and ≥ 3 shots, by head
            method; ``softmax(temperature · score)`` is the probability among the enrolled.
        distances: stream → usual cosine distance between two classes: the scale of a gallery that
            has only one.
        unknown_prior: rows ``(cells, 10)``: shots, background things, five coefficients of the
            prior mean, prior deviation, its two strengths; see `headstart.runtime.unknown.prior`.
        trust: ``<modality>.<part>`` → array of its trust network, see
            `headstart.runtime.fusion.trust`; empty trusts all streams alike.
        streams: stream → named arrays of its space: ``mean`` ``(dim,)``; where they exist
            ``whitening``, ``metric`` and ``covariance`` ``(dim, dim)``.
    """

    ridge_penalty: float = 0.3
    gradient_scale: float = 8.0
    gradient_steps: tuple[float, ...] = (1.0, 1.0, 1.0)
    lda_prior_rows: float = 50.0
    temperatures: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    distances: Mapping[str, float] = field(default_factory=dict)
    unknown_prior: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 10)))
    trust: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    streams: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The head file's tensors; the inverse of `from_tensors`."""
        tensors: dict[str, NDArray[Any]] = {
            "ridge.penalty": np.array([self.ridge_penalty]),
            "gradient.scale": np.array([self.gradient_scale]),
            "gradient.steps": np.array(self.gradient_steps, np.float64),
            "lda.prior_rows": np.array([self.lda_prior_rows]),
            "unknown.prior": self.unknown_prior,
        }
        for method, values in self.temperatures.items():
            tensors[f"temperature.{method}"] = np.array(values, np.float64)
        for name, array in self.trust.items():
            tensors[f"trust.{name}"] = array
        for stream, distance in self.distances.items():
            tensors[f"{stream}.distance"] = np.array([distance])
        for stream, arrays in self.streams.items():
            for name, array in arrays.items():
                tensors[f"{stream}.{name}"] = array
        return tensors

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> LearnedInitialization:
        """Read a head file's tensors; what it does not hold keeps its untrained value.

        Raises:
            ArtifactError: a tensor with an unknown name, a wrong shape or numbers that are not
                finite.
        """
        scalars: dict[str, Any] = {}
        temperatures: dict[str, tuple[float, float, float]] = {}
        distances: dict[str, float] = {}
        trust: dict[str, NDArray[np.float32]] = {}
        streams: dict[str, dict[str, NDArray[np.float32]]] = {}
        for key, tensor in tensors.items():
            group, _, name = key.partition(".")
            if not np.isfinite(tensor).all():
                raise ArtifactError(f"tensor {key!r} of the head file holds NaN or infinity")
            if key in _SCALARS and tensor.shape == (1,):
                scalars[_SCALARS[key]] = float(tensor[0])
            elif key == "gradient.steps" and tensor.ndim == 1 and tensor.size <= 5:
                scalars["gradient_steps"] = tuple(float(v) for v in tensor)
            elif key == "unknown.prior" and tensor.ndim == 2 and tensor.shape[1] == 10:
                scalars["unknown_prior"] = tensor.astype(np.float64)
            elif group == "temperature" and tensor.shape == (3,):
                one, two, more = (float(v) for v in tensor)
                temperatures[name] = (one, two, more)
            elif group == "trust" and _TRUST_ARRAYS.get(name.partition(".")[2]) == tensor.ndim:
                trust[name] = tensor.astype(np.float32, copy=False)
            elif name == "distance" and tensor.shape == (1,):
                distances[group] = float(tensor[0])
            elif name in _SPACE_ARRAYS and tensor.ndim == _SPACE_ARRAYS[name]:
                streams.setdefault(group, {})[name] = tensor.astype(np.float32, copy=False)
            else:
                raise ArtifactError(
                    f"tensor {key!r} {tensor.shape} of the head file is not one that this version"
                    " reads: use a newer headstart or rebuild the bundle"
                )
        return cls(
            temperatures=temperatures, distances=distances, trust=trust, streams=streams, **scalars
        )


_SCALARS = {
    "ridge.penalty": "ridge_penalty",
    "gradient.scale": "gradient_scale",
    "lda.prior_rows": "lda_prior_rows",
}
_TRUST_ARRAYS = {"hidden": 2, "hidden_bias": 1, "out": 2, "out_bias": 1}
_SPACE_ARRAYS = {"mean": 1, "whitening": 2, "metric": 2, "covariance": 2}

"""The few array operations that every head shares, in the Python array API standard.

The device runs them on NumPy; meta-training runs the same functions on torch tensors and
differentiates through them. So parity between training and device holds by construction.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from array_api_compat import array_namespace, device

from headstart.runtime.errors import ShapeError

Array: TypeAlias = Any
"""An array of any library that follows the array API standard: NumPy, torch, …"""

_TINY = 1e-12


def unit(x: Array) -> Array:
    """Scale the last axis to Euclidean length 1; a zero vector stays zero."""
    xp = array_namespace(x)
    squared = xp.sum(x * x, axis=-1, keepdims=True)
    return x / xp.sqrt(xp.where(squared > _TINY, squared, xp.ones_like(squared)))


def one_hot(labels: Array, ways: int, like: Array) -> Array:
    """Labels ``(rows,)`` 0…ways−1 as ``(rows, ways)`` of ones and zeros, dtype of ``like``.

    Raises:
        ShapeError: a label outside 0…ways−1, or a class without any row.
    """
    xp = array_namespace(like)
    classes = xp.arange(ways, dtype=labels.dtype, device=device(like))
    hot = xp.astype(labels[:, None] == classes[None, :], like.dtype)
    rows_of_class = xp.sum(hot, axis=0)
    if bool(xp.any(rows_of_class == 0)) or int(xp.sum(rows_of_class)) != labels.shape[0]:
        raise ShapeError(
            f"labels came as {sorted({int(v) for v in labels})}; expected every class from 0 to"
            f" {ways - 1} at least once and no other: number the classes without gaps"
        )
    return hot


def class_means(x: Array, hot: Array) -> Array:
    """Mean of each class's rows: ``(rows, dim)``, ``(rows, ways)`` → ``(ways, dim)``."""
    xp = array_namespace(x)
    return (xp.matrix_transpose(hot) @ x) / xp.sum(hot, axis=0)[:, None]


def balance(hot: Array) -> Array:
    """Row weights ``(rows,)`` that give every class the same total, averaging 1.

    Without them a class shown ten times pulls queries away from a class shown once.
    """
    xp = array_namespace(hot)
    rows, ways = hot.shape
    return (rows / ways) * xp.sum(hot / xp.sum(hot, axis=0)[None, :], axis=1)


def log_sum_exp(x: Array) -> Array:
    """Stable ``log Σ exp`` over the last axis, which is kept with length 1."""
    xp = array_namespace(x)
    top = xp.max(x, axis=-1, keepdims=True)
    return top + xp.log(xp.sum(xp.exp(x - top), axis=-1, keepdims=True))


def softmax(x: Array) -> Array:
    """Stable softmax over the last axis."""
    xp = array_namespace(x)
    return xp.exp(x - log_sum_exp(x))

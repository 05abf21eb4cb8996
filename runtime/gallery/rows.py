"""Rows as SQLite gives them, believed only when every value has the type that was written.

A forged or damaged file can hold anything in any column, whatever its declaration says.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from headstart.runtime.errors import ArtifactError

Values: TypeAlias = "Mapping[str, object] | Sequence[object]"
Types: TypeAlias = "type | tuple[type, ...]"

OR_EMPTY = type(None)
"""Beside another type: the column may be empty (NULL)."""


def damaged(what: str) -> ArtifactError:
    """Make the error for content that Headstart did not write; ``what`` is a sentence's start."""
    return ArtifactError(
        f"{what}; expected a gallery that only Headstart has written: it is damaged or forged,"
        " restore a copy"
    )


def typed_rows(
    db: sqlite3.Connection, query: str, values: Values, *types: Types
) -> Iterator[tuple[Any, ...]]:
    """Run ``query`` and give its rows.

    Args:
        db: inside a transaction.
        query: SQL with placeholders for ``values``.
        values: bound to the placeholders.
        types: of each column.

    Raises:
        ArtifactError: a value has another type.
    """
    for row in db.execute(query, values):
        for value, expected in zip(row, types, strict=True):
            if not isinstance(value, expected):
                raise damaged(f"the gallery holds {repr(value)[:40]} where it cannot be")
        yield row

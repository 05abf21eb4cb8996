"""`import headstart` shows one short list of names, and exactly that list."""

from __future__ import annotations

from types import ModuleType

import headstart


def test_the_list_is_sorted_and_has_no_duplicates() -> None:
    assert list(headstart.__all__) == sorted(set(headstart.__all__))


def test_every_listed_name_can_be_had() -> None:
    missing = [name for name in headstart.__all__ if not hasattr(headstart, name)]

    assert missing == []


def test_nothing_public_is_left_off_the_list() -> None:
    for name in headstart.__all__:
        getattr(headstart, name)  # a name that is imported on first use lands in the namespace now
    exported = {
        name
        for name, value in vars(headstart).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }

    assert exported <= set(headstart.__all__)


def test_dir_shows_every_listed_name() -> None:
    assert set(headstart.__all__) <= set(dir(headstart))

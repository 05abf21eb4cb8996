from __future__ import annotations

from pathlib import Path

import pytest

from headstart.training.sources.item import Item
from headstart.training.splits import HELD_OUT, SPLITS, partition, split_of


def item(class_name: str, variant: str = "someone") -> Item:
    return Item(
        key=f"{class_name}/{variant}",
        origin=Path("nowhere"),
        modality="audio",
        class_name=class_name,
        variant=variant,
        kind="speech",
        source="test",
        licence="CC0-1.0",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("apple", "train"), ("class 2", "train"), ("mug", "validation"), ("goose", "test")],
)
def test_a_class_has_the_same_split_on_every_machine(name: str, expected: str) -> None:
    assert split_of(name) == expected


def test_shares_are_seventy_fifteen_fifteen() -> None:
    found = [split_of(f"class {i}") for i in range(20_000)]
    shares = {name: found.count(name) / len(found) for name in SPLITS}
    assert shares == pytest.approx({"train": 0.70, "validation": 0.15, "test": 0.15}, abs=0.01)


def test_no_class_is_in_two_splits() -> None:
    items = [item(f"class {i % 50}", f"speaker {i}") for i in range(200)]
    parts = partition(items)
    classes = [{i.class_name for i in parts[name]} for name in SPLITS]
    assert classes[0] & classes[1] == classes[0] & classes[2] == classes[1] & classes[2] == set()
    assert sum(len(part) for part in parts.values()) == len(items)


def test_held_out_variants_are_seen_in_test_classes_only() -> None:
    held = sorted(HELD_OUT)[0]
    parts = partition(item(f"class {i}", v) for i in range(100) for v in ("someone", held))
    variants = {name: {i.variant for i in parts[name]} for name in SPLITS}
    assert variants == {
        "train": {"someone"},
        "validation": {"someone"},
        "test": {"someone", held},
    }

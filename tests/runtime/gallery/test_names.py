from __future__ import annotations

import pytest

from headstart.runtime.errors import EnrolmentError
from headstart.runtime.gallery.names import MAX_CHARACTERS, clean_name, new_name, unknown_name


@pytest.mark.parametrize(
    "name",
    [
        "mug",
        "a/b",
        "..",
        "C:\\x",
        "☕️",
        "👨‍👩‍👧",
        "كوب",
        "ספל",
        "ばら",
        "a\u200fb",
        "n" * MAX_CHARACTERS,
    ],
)
def test_names_that_are_kept_as_they_are(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  mug ", "mug"),
        ("\u00a0red\u2003\u3000mug\u2009", "red mug"),
        ("m\u200bu\u2060g\ufeff", "mug"),
        ("cafe\u0301", "café"),
        ("x" * MAX_CHARACTERS + " ", "x" * MAX_CHARACTERS),
    ],
    ids=["spaces", "look-alike spaces", "zero width", "composed", "trimmed to the limit"],
)
def test_names_that_look_alike_become_one(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the class name '' is empty; expected at least one visible character"),
        (" \u3000\u200b", "is empty"),
        ("\u200d", "is empty"),
        ("n" * 201, "has 201 characters; expected at most 200: choose a shorter one"),
        ("n" * 10_000, r"'n{57}\.\.\.' has 10000 characters"),
        ("two\nlines", r"holds a control character or line break \(U\+000A\)"),
        ("mug\n", r"U\+000A"),
        ("nul\0", r"U\+0000"),
        ("tab\tbed", r"U\+0009"),
        ("two\u2028lines", r"a line break \(U\+2028\)"),
        ("gum\u202egpj", r"a bidirectional override.*\(U\+202E\): leave|U\+202E"),
        ("\u2066x\u2069", r"U\+2066"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_names_that_are_refused(name: str, message: str) -> None:
    with pytest.raises(EnrolmentError, match=message) as refused:
        clean_name(name)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    error = unknown_name("red mgu", ["Red mug", "plate", "red jug"])
    assert str(error) == "no class is called 'red mgu'; did you mean 'Red mug', 'red jug'?"


def test_an_unknown_name_far_from_all_is_answered_with_what_to_do() -> None:
    assert "`headstart classes` lists what is enrolled" in str(unknown_name("zebra", ["mug"]))
    assert "enrol something first" in str(unknown_name("zebra", []))


@pytest.mark.parametrize("name", ["unknown", " Unknown ", "UNKNOWN"])
def test_no_class_can_be_called_like_the_answer_that_nothing_fits(name: str) -> None:
    with pytest.raises(EnrolmentError, match="that is the answer when nothing enrolled fits"):
        new_name(name)
    assert clean_name(name).casefold() == "unknown"

"""Nothing that is printed can act on a terminal."""

from __future__ import annotations

import json

import pytest

from headstart.cli.terminal import counted, per_stream, say, say_json, say_table, shown

_BAD = "a\x1b[31mb\nc\x9bd\u202ee\udcfff"
_SPELT = r"a\x1b[31mb\nc\x9bd\u202ee\udcfff"


@pytest.mark.parametrize(
    "text",
    ["mug", "C:/it's [bold]here[/]", "☕👩‍👩‍👧", "كوب أحمر", "über \u200f מ", ""],  # noqa: RUF001
)
def test_text_that_does_no_harm_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_what_could_act_on_a_terminal_is_spelt_out() -> None:
    assert shown(_BAD) == _SPELT


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(_BAD)

    assert capsys.readouterr().out == _SPELT + "\n"


def test_json_is_one_line_that_gives_the_same_text_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_json({"name": _BAD, "emoji": "☕"})

    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.rstrip("\n").isprintable()
    assert "☕" in out
    assert json.loads(out) == {"name": _BAD, "emoji": "☕"}


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        say_json({"score": float("-inf")})


def test_a_table_prints_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("class", "samples"), [("[bold]mug[/bold] :cup:", 3), ("\x1b[2J", 10)])

    assert capsys.readouterr().out.splitlines() == [
        "class                   samples",
        "[bold]mug[/bold] :cup:  3",
        r"\x1b[2J                 10",
    ]


def test_a_table_in_a_file_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    say_table(("path",), [("x" * 500,)])

    assert capsys.readouterr().out.splitlines()[1] == "x" * 500


@pytest.mark.parametrize(
    ("count", "what", "said"),
    [(1, "sample", "1 sample"), (0, "sample", "0 samples"), (2, "class", "2 classes")],
)
def test_counts_agree_with_their_nouns(count: int, what: str, said: str) -> None:
    assert counted(count, what) == said


def test_streams_are_listed_with_their_counts() -> None:
    assert per_stream({"image": 3, "sound": 1}) == "image 3, sound 1"

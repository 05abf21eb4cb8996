"""Progress bars: only where somebody looks, and never in the way of the loop."""

from __future__ import annotations

import pytest

from headstart.cli.progress import tracker


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    items = [1, 2, 3]

    assert tracker("embedding")(items) is items
    assert capsys.readouterr().err == ""


def test_a_terminal_sees_what_is_being_done(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")

    assert list(tracker("embedding")([1, 2, 3])) == [1, 2, 3]

    said = capsys.readouterr()
    assert "embedding" in said.err
    assert said.out == ""

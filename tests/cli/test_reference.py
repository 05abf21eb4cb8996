"""The reference page is what the commands say."""

from __future__ import annotations

from pathlib import Path

from headstart.cli.reference import render

_PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_committed_page_is_what_the_commands_say() -> None:
    again = "write it again: python -m headstart.cli.reference > docs/commands.md"

    assert _PAGE.read_text() == render(), again


def test_the_page_shows_options_examples_and_no_hidden_option() -> None:
    page = render()
    section = page[page.index("## headstart classes") : page.index("## headstart rename")]

    assert "$ headstart classes --samples --gallery kiosk.sqlite" in section
    assert "| `--samples` | List every sample too" in section
    assert "--bundle" not in section

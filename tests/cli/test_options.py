"""Options that several commands share."""

from __future__ import annotations

import pytest

from headstart.cli.app import command_tree
from headstart.cli.options import comma_list
from headstart.cli.reference import commands_of
from headstart.runtime.errors import ConfigError


def test_a_list_is_split_at_commas() -> None:
    assert comma_list("sound, speech", "--streams") == ("sound", "speech")


def test_no_list_is_no_list() -> None:
    assert comma_list(None, "--streams") is None


@pytest.mark.parametrize("text", ["", "sound,", "sound,sound"])
def test_an_empty_or_doubled_part_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--streams was given .*expected names separated by"):
        comma_list(text, "--streams")


@pytest.mark.parametrize("option", ["--gallery", "--bundle", "--json"])
def test_every_command_takes_it(option: str) -> None:
    without = [
        " ".join(path)
        for path, command in commands_of(command_tree())
        if option not in {word for param in command.params for word in param.opts}
    ]

    assert without == []

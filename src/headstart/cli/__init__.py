"""The command line: one file for each command."""

from headstart.cli.entry import main

__all__ = ["main"]

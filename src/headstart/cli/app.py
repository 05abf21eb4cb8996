"""All commands under one name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headstart.cli.bench import bench
from headstart.cli.bundle import bundle_app
from headstart.cli.calibrate import calibrate
from headstart.cli.classes import classes
from headstart.cli.demo import demo
from headstart.cli.doctor import doctor
from headstart.cli.engine import engine_app
from headstart.cli.enroll import enroll
from headstart.cli.eval import evaluate_data
from headstart.cli.export import export
from headstart.cli.forget import forget
from headstart.cli.history import history
from headstart.cli.rename import rename
from headstart.cli.rollback import rollback
from headstart.cli.run import run
from headstart.cli.terminal import say
from headstart.cli.train import train

DEBUG_FLAG = "--debug"

app = typer.Typer(
    name="headstart",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from headstart import __version__

        say(f"headstart {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def headstart(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option(DEBUG_FLAG, help="Show where an error came from; goes anywhere.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Teach this device new things by showing them, and recognise them live.

    \b
    headstart enroll mug mug-1.jpg mug-2.jpg
    headstart enroll bell --mic default --shots 3
    headstart run --camera 0 --mic default

    Nothing leaves the device. Exit codes: 0 done, 1 a failure that one line on stderr explains,
    2 wrong usage.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command()(doctor)
app.command()(demo)
app.command()(enroll)
app.command()(run)
app.command()(classes)
app.command()(rename)
app.command()(forget)
app.command()(history)
app.command()(rollback)
app.command()(calibrate)
app.command("eval")(evaluate_data)
app.command()(bench)
app.command()(train)
app.command()(export)
app.add_typer(bundle_app, name="bundle")
app.add_typer(engine_app, name="engine")


def command_tree() -> Any:
    """The commands as Typer's own objects, for running and for describing them."""
    return typer.main.get_command(app)

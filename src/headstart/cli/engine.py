"""`headstart engine …`: TensorRT engines of this device."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery
from headstart.cli.terminal import notice, say, say_json, say_table

if TYPE_CHECKING:
    from headstart.runtime.device_config import DeviceConfig
    from headstart.runtime.engines.record import BuildState

engine_app = typer.Typer(rich_markup_mode=None)

DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="A device such as jetson-orin-nano-8gb, or a .toml of your own. Default: this one.",
        show_default=False,
    ),
]
EnginesOption = Annotated[
    Path | None,
    typer.Option(
        "--engines",
        metavar="DIR",
        help="The folder of engines. Default: headstart/engines in your cache folder.",
        show_default=False,
    ),
]
TensorRtOption = Annotated[
    str,
    typer.Option(
        "--tensorrt", metavar="NAME", help="auto, tensorrt or tensorrt_rtx: which one to use."
    ),
]


@engine_app.callback(invoke_without_command=True)
def engine(context: typer.Context) -> None:
    """Build TensorRT engines on the device that will run them, and see how that goes.

    \b
    headstart engine build
    headstart engine list
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@engine_app.command()
def build(
    device: DeviceOption = None,
    bundle: BundleOption = None,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", metavar="NAME", help="Only this stream; may come several times."),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="NAME",
            help="fp32, fp16 or int8. Default: the device's best that the bundle has.",
            show_default=False,
        ),
    ] = None,
    engines: EnginesOption = None,
    tensorrt: TensorRtOption = "auto",
    force: Annotated[bool, typer.Option("--force", help="Build again what is there.")] = False,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Build the engines that are not there yet; interrupted builds start again.

    Recognition may run meanwhile. What was built with another TensorRT, on another GPU or from
    another bundle is never loaded. Exit code 1 where an engine could not be built.

    \b
    headstart engine build
    headstart engine build --device jetson-orin-nano-8gb --stream image --precision fp32
    """
    from headstart.export.engines.options import check_device
    from headstart.export.engines.request import engine_requests
    from headstart.export.engines.session import BuildSession
    from headstart.runtime.board import detect_board
    from headstart.runtime.bundle.load import load_bundle
    from headstart.runtime.device_config import parse_precision
    from headstart.runtime.engines.store import EngineStore
    from headstart.runtime.engines.target import find_target
    from headstart.runtime.engines.tensorrt_api import open_tensorrt

    board = detect_board()
    config = _device(device)
    wanted = None if precision is None else parse_precision(precision)
    opened = load_bundle(bundle)
    api = open_tensorrt(tensorrt)
    target = find_target(api)
    check_device(config, target)
    requests = engine_requests(opened, config, target, streams=stream or (), precision=wanted)
    notice(f"{len(requests)} engines for {config.name}, {target}")
    session = BuildSession(
        opened,
        EngineStore(engines),
        api,
        power_mode=board.power_mode,
        watch=_Narrator().show,
    )
    states = session.run(requests, force=force)
    if as_json:
        say_json({"device": config.name, "engines": [state.model_dump() for state in states]})
    else:
        rows = ((s.stream, s.precision, s.state, s.stage or _took(s)) for s in states)
        say_table(("stream", "precision", "state", "took"), rows)
    for state in states:
        if state.error:
            notice(f"{state.stream}: {state.error}")
    return 1 if any(state.state == "failed" for state in states) else 0


@engine_app.command("list")
def list_command(
    device: DeviceOption = None,
    bundle: BundleOption = None,
    engines: EnginesOption = None,
    tensorrt: TensorRtOption = "auto",
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Show engines and builds: queued, building, ready, failed or stale, and why.

    \b
    headstart engine list
    headstart engine list --json
    """
    from headstart.export.engines.listing import list_engines
    from headstart.runtime.bundle.load import load_bundle
    from headstart.runtime.engines.store import EngineStore
    from headstart.runtime.engines.target import find_target
    from headstart.runtime.engines.tensorrt_api import open_tensorrt
    from headstart.runtime.errors import HeadstartError

    config = _device(device)
    target, unknown = None, ""
    try:
        target = find_target(open_tensorrt(tensorrt))
    except HeadstartError as error:
        unknown = str(error)
    store = EngineStore(engines)
    lines = list_engines(store, load_bundle(bundle), target)
    if as_json:
        say_json(
            {
                "device": config.name,
                "folder": str(store.folder),
                "target": None if target is None else target.model_dump(),
                "not_compared": unknown,
                "engines": [asdict(line) for line in lines],
            }
        )
        return 0
    say(f"{len(lines)} engines in {store.folder}, device {config.name}")
    say_table(
        ("stream", "precision", "state", "stage", "elapsed", "expected", "reason"),
        (
            (
                line.stream,
                line.precision,
                line.state,
                line.stage,
                f"{line.elapsed_s:.1f} s",
                "" if line.expected_s is None else f"{line.expected_s:.1f} s",
                line.reason,
            )
            for line in lines
        ),
    )
    if unknown:
        notice(f"not compared with this machine's TensorRT and GPU: {unknown}")
    return 0


def _device(name: str | None) -> DeviceConfig:
    """The device asked for, or the one this is."""
    from headstart.runtime.board import detect_board, device_for
    from headstart.runtime.device_config import load_device, load_devices

    if name is not None:
        return load_device(name)
    config, reason = device_for(detect_board(), load_devices())
    notice(f"device {config.name}: {reason}")
    return config


def _took(state: BuildState) -> str:
    return f"{state.elapsed_s:.1f} s"


class _Narrator:
    """One line for each state and stage, not for each step."""

    def __init__(self) -> None:
        self._last: tuple[str, ...] = ()

    def show(self, state: BuildState) -> None:
        stage = state.stage.partition(":")[0]
        now = (state.name, state.state, stage)
        if now != self._last and state.state in ("building", "ready"):
            expected = (
                "" if state.expected_s is None else f" (took {state.expected_s:.0f} s before)"
            )
            what = f"{stage or 'starting'}{expected}" if state.state == "building" else "ready"
            notice(f"{state.stream} {state.precision}: {what}")
        self._last = now

"""`headstart export`: a bundle with other encoders, a learned head, FP16 and INT8 models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery, comma_list
from headstart.cli.terminal import counted, notice, say, say_json, say_table
from headstart.runtime.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from headstart.export.assembly import Contents
    from headstart.export.flavours import Made, Precision


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The new bundle's folder.")],
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            metavar="STREAM=SOURCE",
            help="Use this encoder: an .onnx file, or module:name of a torch encoder.",
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What training learnt, a .safetensors file.", show_default=False
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Pictures and sounds like the device's, to choose 8-bit ranges on.",
            show_default=False,
        ),
    ] = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="DATA/<class>/<name>.jpg and the like, or a .zip of it, to judge the models on.",
            show_default=False,
        ),
    ] = None,
    precisions: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="fp16, int8-cpu, int8-trt. Default: all that --gate and --calibration allow.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Licence of the .onnx files given with --encoder.")
    ] = "not stated",
    name: Annotated[str | None, typer.Option(help="The new bundle's name.")] = None,
    version: Annotated[str | None, typer.Option(help="The new bundle's version.")] = None,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Make a bundle: other encoders, a learned head, FP16 and INT8 models.

    It starts from a bundle. Each FP16 or INT8 model is compared with its FP32 model on the --gate
    samples, as numbers and as few-shot results; one that loses too much is left out, the table is
    shown, and the exit code is 1.

    \b
    headstart export my-bundle --calibration photos --gate test-photos
    headstart export my-bundle --encoder image=mine.onnx --calibration photos --precisions ""
    headstart export my-bundle --encoder image=my_package.encoder:Mine --calibration photos
    """
    from headstart.runtime.bundle.load import load_bundle

    _require_extra()
    from headstart.export.assembly import contents_of, named, with_flavours
    from headstart.export.flavours import make_flavours, verdict_of

    wanted = _wanted(precisions, calibration, gate)
    contents = named(contents_of(load_bundle(bundle)), name=name, version=version)
    contents = _with_encoders(contents, encoder or [], calibration, licence)
    if head is not None:
        contents = _with_head(contents, head)
    made: list[Made] = []
    if wanted and gate is not None:
        with contents.opened() as base:
            made = make_flavours(
                base, gate_set=gate, calibration=calibration, precisions=wanted, report=notice
            )
        contents = with_flavours(contents, made)
    digest = contents.write(out)
    _say(out, digest, contents, made, verdict_of(made, gate or out), as_json)
    return 1 if any(one.verdict.refused for one in made) else 0


def _wanted(
    precisions: str | None, calibration: Path | None, gate: Path | None
) -> Sequence[Precision]:
    from headstart.export.flavours import PRECISIONS, as_precisions

    if precisions is None:
        possible = PRECISIONS if calibration is not None else as_precisions(["fp16"])
        return possible if gate is not None else ()
    wanted = as_precisions(comma_list(precisions or None, "--precisions") or ())
    if wanted and gate is None:
        raise ConfigError(
            f"{', '.join(wanted)} have to pass the gate; expected samples to judge on: give --gate"
            " DATA"
        )
    return wanted


def _with_encoders(
    contents: Contents, given: Sequence[str], calibration: Path | None, licence: str
) -> Contents:
    from headstart.export.assembly import with_own_encoders
    from headstart.export.own_encoder import own_encoder

    encoders = {}
    for text in given:
        stream, equals, source = text.partition("=")
        if not (stream and equals and source):
            raise ConfigError(
                f"--encoder was {text!r}; expected STREAM=SOURCE, such as image=mine.onnx"
            )
        usual = contents.manifest.streams.get(stream)
        encoders[stream] = own_encoder(stream, source, usual, licence)
        notice(f"{stream}: {source} taken in, {len(encoders[stream].data):,} bytes")
    if not encoders:
        return contents
    if calibration is None:
        raise ConfigError(
            "--encoder needs samples to centre the new embeddings on; expected a folder: give"
            " --calibration DATA"
        )
    return with_own_encoders(contents, encoders, calibration)


def _with_head(contents: Contents, path: Path) -> Contents:
    from headstart.export.assembly import with_learned
    from headstart.training.starter_statistics import read_statistics

    found = read_statistics(path)
    return with_learned(contents, found.tensors, found.card, found.provenance)


def _require_extra() -> None:
    try:
        import onnx  # noqa: F401, TID253 (asked for only here, behind the command)
        import torch  # noqa: F401, TID253
    except ImportError as error:
        raise MissingDependency(
            f"export needs a package that is not installed ({error}): run pip install"
            ' "headstart[export]"'
        ) from error


def _say(
    out: Path, digest: str, contents: Contents, made: Sequence[Made], verdict: object, as_json: bool
) -> None:
    from headstart.export.gate import Verdict

    assert isinstance(verdict, Verdict)
    if as_json:
        say_json(
            {
                "path": str(out),
                "digest": digest,
                "streams": {s: e.models for s, e in contents.manifest.streams.items()},
                "flavours": [
                    {"stream": m.stream, "precision": m.precision, "bytes": len(m.data),
                     "share": m.share, "how": m.how, "refused": list(m.verdict.refused)}
                    for m in made
                ],
                "gate": verdict.to_dict() if made else None,
            }
        )  # fmt: skip
        return
    if made:
        say_table(*verdict.table())
        say("")
    files = counted(len(contents.files) + 1, "file")
    say(f"{out}: {files}, verified, manifest sha256 {digest}")

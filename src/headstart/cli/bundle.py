"""`headstart bundle …`: what a bundle holds, and whether it is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli.options import BundleOption, JsonOption, UnusedGallery
from headstart.cli.terminal import counted, notice, say, say_json, say_table

if TYPE_CHECKING:
    from headstart.runtime.bundle.load import Bundle

bundle_app = typer.Typer(
    rich_markup_mode=None,
)

BundleArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[PATH]",
        help="Folder or .zip. Default: the starter bundle, installed with headstart.",
        show_default=False,
    ),
]


@bundle_app.callback(invoke_without_command=True)
def bundle(context: typer.Context) -> None:
    """Look into a bundle, or verify it.

    \b
    headstart bundle info
    headstart bundle verify kiosk-bundle.zip
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@bundle_app.command()
def info(
    path: BundleArgument = None,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Show what a bundle holds.

    And where it came from; it is verified first.

    \b
    headstart bundle info
    headstart bundle info kiosk-bundle.zip --json
    """
    from headstart.runtime.bundle.load import load_bundle

    opened = load_bundle(_chosen(path, bundle))
    if as_json:
        say_json(
            {
                "path": str(opened.path),
                "digest": opened.digest,
                "trusted": opened.trusted,
                "manifest": opened.manifest.model_dump(mode="json"),
            }
        )
    else:
        _say_info(opened)
    return 0


@bundle_app.command()
def verify(
    path: BundleArgument = None,
    bundle: BundleOption = None,
    gallery: UnusedGallery = None,
    as_json: JsonOption = False,
) -> int:
    """Check every file of a bundle.

    Against the manifest; says all that is wrong, and ends with exit code 1 then.

    \b
    headstart bundle verify
    headstart bundle verify kiosk-bundle.zip
    """
    from headstart.bundles import STARTER_PATH
    from headstart.runtime.bundle.load import load_bundle
    from headstart.runtime.bundle.verify import findings
    from headstart.runtime.errors import ArtifactError

    asked = _chosen(path, bundle)
    where = STARTER_PATH if asked is None else asked
    found = findings(where)
    if not found:
        try:
            load_bundle(asked)  # the pinned manifest, and a head that fits the encoders
        except ArtifactError as error:
            found = [str(error)]
    if as_json:
        say_json({"path": str(where), "ok": not found, "findings": found})
    elif not found:
        say(f"{where} is whole: every file is what the manifest says")
    for line in found:
        notice(line)
    return 1 if found else 0


def _chosen(path: Path | None, bundle: Path | None) -> Path | None:
    if path is not None and bundle is not None:
        raise typer.BadParameter("give the bundle once, as PATH or with --bundle")
    return bundle if path is None else path


def _say_info(opened: Bundle) -> None:
    manifest = opened.manifest
    say(f"{manifest.name} {manifest.version}: {manifest.description}")
    say(f"{opened.path}, {counted(len(manifest.files), 'file')}, sha256 {opened.digest}")
    say("trusted: installed with headstart" if opened.trusted else "not the installed starter")
    say("")
    rows = []
    for name, entry in manifest.streams.items():
        size_mb = manifest.files[entry.models["fp32"]].bytes / 1e6
        dim = entry.output.shape[-1]
        source = entry.provenance
        rows.append(
            (name, entry.modality, dim, ", ".join(entry.models), f"{size_mb:.1f} MB", source.what,
             source.licence)
        )  # fmt: skip
    say_table(("stream", "modality", "dim", "precisions", "size", "what", "licence"), rows)
    for title, text in manifest.card.items():
        say("")
        say(f"{title}: {text}")

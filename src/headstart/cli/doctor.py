"""`headstart doctor`: is this device ready?"""

from __future__ import annotations

from dataclasses import asdict

from headstart.cli.options import BundleOption, GalleryOption, JsonOption
from headstart.cli.terminal import notice, say, say_json, say_table


def doctor(
    gallery: GalleryOption = None, bundle: BundleOption = None, as_json: JsonOption = False
) -> int:
    """Check this device and say what is missing.

    Looks at Python, packages, bundle, gallery, cameras, microphones and extras.

    Exit code 1 where something required is broken; a missing camera, microphone or extra is fine.

    \b
    headstart doctor
    headstart doctor --json
    """
    from headstart.runtime.doctor import examine, is_ready
    from headstart.runtime.gallery.location import default_gallery_path

    findings = examine(bundle, default_gallery_path() if gallery is None else gallery)
    ready = is_ready(findings)
    if as_json:
        say_json({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        say_table(("what", "state", "found"), ((f.name, f.state, f.detail) for f in findings))
        say("")
        for finding in findings:
            if finding.todo:
                say(f"{finding.name}: {finding.todo}")
        say("ready" if ready else "not ready")
    broken = [finding.name for finding in findings if finding.state == "broken"]
    if broken:
        notice(f"broken: {', '.join(broken)}; see what `headstart doctor` says about it")
    return 0 if ready else 1

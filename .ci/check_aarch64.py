"""Resolves the device tier for aarch64 from ready-made wheels only, installing nothing.

Python 3.10 is JetPack 6's. pip chooses wheels for the platform it is told, but judges markers
(`python_version < '3.11'`) and each package's range of Pythons by the interpreter that runs it. So
markers are judged here first, and for the pins the range is left to the resolver that made them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).parents[1]
_PYTHONS = {"3.10": "3.10.12", "3.12": "3.12.3"}
_GLIBCS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_17", "manylinux2014")


def main() -> int:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (_ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for version in _PYTHONS:
        wanted = _that_apply(project["dependencies"], version)
        print(f"aarch64, Python {version}")
        print(f"  newest: {_resolve(version, wanted, [])}")
        print(f"  pinned: {_resolve(version, wanted, _that_apply(pins, version))}")
    return 0


def _that_apply(lines: list[str], version: str) -> list[str]:
    """The requirements whose markers hold on a Jetson with that Python, without their markers."""
    environment = {
        "python_version": version,
        "python_full_version": _PYTHONS[version],
        "platform_machine": "aarch64",
        "sys_platform": "linux",
    }
    kept = []
    for line in (text.partition("#")[0].strip() for text in lines):
        requirement = Requirement(line) if line else None
        if requirement and (not requirement.marker or requirement.marker.evaluate(environment)):
            requirement.marker = None
            kept.append(str(requirement))
    return kept


def _resolve(version: str, wanted: list[str], pins: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        constraints.write_text("\n".join(pins), encoding="utf-8")
        platforms = [word for glibc in _GLIBCS for word in ("--platform", f"{glibc}_aarch64")]
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--dry-run", "--only-binary=:all:", "--implementation", "cp"),
                *("--python-version", version, *platforms, "--target", folder),
                *("--constraint", str(constraints), "--report", str(report)),
                *(["--ignore-requires-python"] if pins else []),
                *wanted,
            ],
            check=True,
        )
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    packages = sorted(f"{p['metadata']['name']} {p['metadata']['version']}" for p in found)
    if any(package.startswith("torch ") for package in packages):
        raise SystemExit("the device tier pulls in torch, which it must not")
    return f"{len(packages)} packages: {', '.join(packages)}"


if __name__ == "__main__":
    raise SystemExit(main())

"""Every photograph and sound that goes into the clips: where it comes from and under which licence.

All of it is in the public domain or under CC0 1.0. Authors and licences are those that the
collections themselves state: the README beside each picture inside GCompris' resource containers
(Debian's copyright file describes an older set of pictures), the docstrings of scikit-image's
``data/_fetchers.py``, and the README of Sonic Pi's samples.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Package:
    """A registry package that holds material.

    Args:
        name: the package's name.
        version: the version that the hashes below were taken from.
        client: ``apt`` or ``pip``, the client that fetches it.
    """

    name: str
    version: str
    client: str


GCOMPRIS = Package(name="gcompris-qt-data", version="3.1-2", client="apt")
SONIC_PI = Package(name="sonic-pi-samples", version="3.2.2~repack-8", client="apt")
SCIKIT_IMAGE = Package(name="scikit-image", version="0.26.0", client="pip")

PUBLIC_DOMAIN = "public domain"
CC0 = "CC0 1.0"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One photograph or sound.

    Args:
        shows: what can be seen or heard, with its article.
        package: the package that holds it.
        path: the file's path inside the package or inside ``container``.
        container: the Qt resource container inside the package, or empty.
        author: who made it.
        licence: ``public domain`` or ``CC0 1.0``.
        source: where the collection says it comes from; empty where it was given directly.
        sha256: of the file itself.
    """

    shows: str
    package: Package
    path: str
    container: str = ""
    author: str
    licence: str
    source: str = ""
    sha256: str

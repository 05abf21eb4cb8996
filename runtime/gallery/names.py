"""What a class may be called. Names are for people and never become paths."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

from headstart.runtime.errors import EnrolmentError

MAX_CHARACTERS = 200
"""Longest name, counted in Unicode characters after normalisation."""

_INVISIBLE = re.compile("[\u180e\u200b\u2060\ufeff]")
# Embedding, override and isolate controls can make one name be displayed as another ("Trojan
# Source", CVE-2021-42574). Plain direction marks, joiners and right-to-left letters cannot.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED_CATEGORIES = {
    "Cc": "a control character or line break",
    "Zl": "a line break",
    "Zp": "a line break",
    "Cs": "half of a surrogate pair, which is not text",
}
_UNSEEN_CATEGORIES = frozenset({"Cf", "Mn", "Me", "Zs"})


def clean_name(name: str) -> str:
    """Return ``name`` in the one form that is stored and compared.

    Unicode NFC; every kind of space becomes one plain space, spaces at the ends and zero-width
    spaces go. Slashes, dots, emoji and right-to-left text stay as they are.

    Raises:
        EnrolmentError: nothing visible is left, the name is longer than ``MAX_CHARACTERS``, or it
            holds control characters, line breaks or bidirectional overrides.
    """
    for character in name:
        what = _REFUSED_CATEGORIES.get(unicodedata.category(character))
        if character in _BIDI_CONTROLS:
            what = "a bidirectional override, which can make it look like another name"
        if what is not None:
            raise EnrolmentError(
                f"the class name {_shown(name)} holds {what} (U+{ord(character):04X}); expected"
                " plain text on one line: leave that character out"
            )
    cleaned = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", name)).split())
    if all(unicodedata.category(character) in _UNSEEN_CATEGORIES for character in cleaned):
        raise EnrolmentError(
            f"the class name {_shown(name)} is empty; expected at least one visible character"
        )
    if len(cleaned) > MAX_CHARACTERS:
        raise EnrolmentError(
            f"the class name {_shown(name)} has {len(cleaned)} characters; expected at most"
            f" {MAX_CHARACTERS}: choose a shorter one"
        )
    return cleaned


def new_name(name: str) -> str:
    """Return ``name`` as `clean_name` does, if a class may be given it.

    Raises:
        EnrolmentError: as `clean_name`; or the name is "unknown", which is an answer of its own: on
            a screen nobody could tell the two apart.
    """
    cleaned = clean_name(name)
    if cleaned.casefold() == "unknown":
        raise EnrolmentError(
            f"no class can be called {_shown(cleaned)}: that is the answer when nothing enrolled"
            " fits; choose another name"
        )
    return cleaned


def unknown_name(name: str, known: Iterable[str]) -> EnrolmentError:
    """Make the error for a name that is not enrolled, with the nearest ones that are."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    if not by_folded:
        advice = "the gallery is empty: enrol something first"
    else:
        near = difflib.get_close_matches(name.casefold(), by_folded, n=3)
        meant = ", ".join(repr(by_folded[folded]) for folded in near)
        advice = f"did you mean {meant}?" if near else "`headstart classes` lists what is enrolled"
    return EnrolmentError(f"no class is called {_shown(name)}; {advice}")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "...")

"""How loud a place is when nothing happens in it.

A fan, an air conditioner or a cheap microphone lifts "silence" by ten decibels and more. What does
not stand out from it is no event; without this, a thing that is only seen is compared with how it
sounds, and the room's hum makes it a stranger.

Pure: a state and a clip give the next state.
"""

from __future__ import annotations

from dataclasses import dataclass

from headstart.runtime.sample import AudioClip
from headstart.runtime.sources.quality import QUIET_DBFS, levels_dbfs

ABOVE_FLOOR_DB = 6.0
"""Noise that does not change keeps within about 3 dB of its quietest tenth of a second."""

LOUDEST_FLOOR_DBFS = -45.0
"""Steady sound above this always counts: a running machine is a thing to be recognised, too."""

_MUTED_DBFS = -90.0
"""Below the noise of any microphone: a muted one, or a hole in a recording, tells nothing."""

_REMEMBERED = 40
"""Clips: ten seconds at four a second. Speech and music pause at least that often."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What was heard so far.

    Args:
        quietest_dbfs: quietest tenth of a second of each of the last clips, oldest first.
    """

    quietest_dbfs: tuple[float, ...] = ()

    @property
    def quiet_dbfs(self) -> float:
        """What stays below this does not stand out from the room."""
        if not self.quietest_dbfs:
            return QUIET_DBFS
        floor = min(self.quietest_dbfs)
        return min(max(QUIET_DBFS, floor + ABOVE_FLOOR_DB), LOUDEST_FLOOR_DBFS)


def listen(room: Room, clip: AudioClip | None) -> Room:
    """The room after one more clip; the same where there was none, or a muted one."""
    if clip is None:
        return room
    heard = [level for level in levels_dbfs(clip).tolist() if level > _MUTED_DBFS]
    if not heard:
        return room
    return Room(quietest_dbfs=(*room.quietest_dbfs, min(heard))[-_REMEMBERED:])

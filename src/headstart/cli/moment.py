"""A moment as people write it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

from headstart.runtime.errors import ConfigError

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"(\d{1,9})([smhd])")


def parse_moment(text: str, clock: Callable[[], float] = time.time) -> float:
    """Seconds since 1970 (UTC) of a date, a local time, a time with its zone, or ``15m`` ago.

    Args:
        text: ``2025-11-21``, ``2025-11-21T14:30``, ``2025-11-21T14:30:00+01:00``, or a number with
            ``s``, ``m``, ``h`` or ``d``.
        clock: gives now.

    Raises:
        ConfigError: it is none of these.
    """
    ago = _AGO.fullmatch(text.strip())
    if ago is not None:
        return clock() - int(ago[1]) * _UNIT_S[ago[2]]
    try:
        # Python 3.10 does not know the Z.
        return datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip())).timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(
            f"the time {text!r} cannot be read; expected 2025-11-21, 2025-11-21T14:30 or how long"
            " ago: 90s, 15m, 2h, 3d"
        ) from error

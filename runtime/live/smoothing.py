"""One steady answer out of many quick ones: k of the last m must agree.

Pure: a vote and the state before give the state after. No clock, no randomness, so that a replay
gives the same answers to the bit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from headstart.runtime.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """When an answer counts.

    Measured on the demo's live clip at four decisions a second: 3 of 5, the habit of home
    surveillance, named one stranger in nine from three votes that were hardly above the threshold;
    4 of 5, 4 of 6 and 5 of 7 named none, and all of them named everything that was enrolled. 4 of
    6 is the quickest of these that also forgives two odd decisions: a thing is named after 1 s.

    Args:
        window: how many of the last decisions vote.
        agree: votes that a class needs to be named; more than half of the window, so that what
            was said stays while the votes are divided: this is the hysteresis.
        release: votes for unknown that end a named class; more than ``agree`` for more of it.
        gap_s: votes on the other side of a hole in time that is longer, or of a step back in
            time, do not count: nobody knows what was there meanwhile.

    Raises:
        ConfigError: numbers that contradict each other.
    """

    window: int = 6
    agree: int = 4
    release: int = 4
    gap_s: float = 2.5

    def __post_init__(self) -> None:
        if not 1 <= self.agree <= self.release <= self.window:
            raise ConfigError(
                f"smoothing asks for {self.agree} to agree and {self.release} to release of"
                f" {self.window} decisions; expected 1 ≤ agree ≤ release ≤ window"
            )
        # Two classes could both have enough votes, and the answer would depend on their order.
        if 2 * self.agree <= self.window:
            raise ConfigError(
                f"smoothing lets {self.agree} of {self.window} decisions decide; expected more"
                " than half of them: raise agree or lower window"
            )
        if not self.gap_s > 0:
            raise ConfigError(f"smoothing has a gap of {self.gap_s} s; expected more than 0")


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What is agreed to be there.

    Args:
        label: the class; None for unknown, which is an answer like any other.
    """

    label: str | None


@dataclass(frozen=True, kw_only=True)
class Votes:
    """The state between two decisions.

    Args:
        recent: labels of the last decisions, oldest first; None is a vote for unknown.
        settled: what they agreed on; None before there was agreement.
        time_s: when the newest was cast.
        broken: the newest vote came after a hole in time, so that what was settled before it is
            over, whatever comes next.
    """

    recent: tuple[str | None, ...] = ()
    settled: Settled | None = None
    time_s: float | None = None
    broken: bool = False


def vote(votes: Votes, label: str | None, time_s: float | None, smoothing: Smoothing) -> Votes:
    """Cast one vote.

    Args:
        votes: the state before.
        label: what this decision says; None for unknown.
        time_s: when, on the source's clock.
        smoothing: the rule.

    Returns:
        The state after it.
    """
    broken = _is_hole(votes.time_s, time_s, smoothing.gap_s)
    recent = () if broken else votes.recent
    settled = None if broken else votes.settled
    recent = (*recent, label)[-smoothing.window :]
    for candidate, count in Counter(recent).items():
        if count >= _needed(candidate, settled, smoothing):
            settled = Settled(label=candidate)
            break
    return Votes(recent=recent, settled=settled, time_s=time_s, broken=broken)


def best_guess(votes: Votes) -> Settled | None:
    """What to say when the source ends before anything was agreed on; None without any vote.

    The class with most votes, the later one of equals; unknown only where no class has a vote.
    """
    if not votes.recent:
        return None
    named = [label for label in votes.recent if label is not None]
    if not named:
        return Settled(label=None)
    count = Counter(named)
    return Settled(label=max(reversed(named), key=lambda label: count[label]))


def _needed(candidate: str | None, settled: Settled | None, smoothing: Smoothing) -> int:
    ends_a_class = candidate is None and settled is not None and settled.label is not None
    return smoothing.release if ends_a_class else smoothing.agree


def _is_hole(before_s: float | None, now_s: float | None, gap_s: float) -> bool:
    if before_s is None or now_s is None:
        return False
    return not 0 <= now_s - before_s <= gap_s

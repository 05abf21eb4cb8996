"""Which samples an evaluation enrols and which it asks about, drawn the same way every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from numpy.random import PCG64, Generator, SeedSequence

from headstart.runtime.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class KnownClass:
    """One enrolled class of an episode.

    Args:
        name: the class's name.
        support: positions of the samples to enrol, in the sequence that was drawn from.
        queries: positions of the samples to ask about; none of them is in ``support``.
    """

    name: str
    support: tuple[int, ...]
    queries: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class UnknownClass:
    """One class of an episode that is asked about and was never enrolled."""

    name: str
    queries: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One small enrolment and the questions put to it.

    Args:
        index: which episode of its seed this is, from 0.
        known: the enrolled classes, in the order of enrolment.
        unknown: classes that were not enrolled; disjoint from ``known``.
    """

    index: int
    known: tuple[KnownClass, ...]
    unknown: tuple[UnknownClass, ...] = ()


def usable_classes(
    classes: Mapping[str, Sequence[str]], *, shots: int, support_glob: str | None = None
) -> tuple[str, ...]:
    """Names of the classes with enough samples: ``shots`` to enrol and one more to ask about.

    Args:
        classes: class name → stems of its samples.
        shots: samples to enrol, at least 1.
        support_glob: samples whose stem matches may only be enrolled, all others only asked about;
            None lets every sample be either.

    Returns:
        Sorted names; every other class is too small, to be left out and counted.
    """
    pools = {name: _pools(stems, support_glob) for name, stems in classes.items()}
    return tuple(sorted(name for name, pool in pools.items() if pool.suffices(shots)))


def draw_episodes(
    classes: Mapping[str, Sequence[str]],
    *,
    ways: int,
    shots: int,
    queries: int,
    episodes: int,
    seed: int,
    unknown_ways: int = 0,
    support_glob: str | None = None,
) -> list[Episode]:
    """Draw episodes without replacement inside each.

    Every class of every episode has its own random numbers. So an episode does not depend on how
    many are drawn, nor on the order of classes and samples; asking for unknown ways leaves its
    known part as it was; more ways, shots or queries add to what fewer would have drawn.

    Args:
        classes: class name → stems of its samples.
        ways: classes to enrol, at least 1.
        shots: samples to enrol of each, at least 1.
        queries: samples to ask about of each known and unknown class, capped by what it has.
        episodes: how many, at least 1.
        seed: 0 or more.
        unknown_ways: classes to ask about without enrolling them.
        support_glob: as for ``usable_classes``; case-sensitive.

    Raises:
        ConfigError: a number is out of range, or there are too few classes with enough samples.
    """
    _check_at_least("--ways", ways, 1)
    _check_at_least("--shots", shots, 1)
    _check_at_least("--queries", queries, 1)
    _check_at_least("--episodes", episodes, 1)
    _check_at_least("--seed", seed, 0)
    _check_at_least("--unknown-ways", unknown_ways, 0)
    pools = {name: _pools(classes[name], support_glob) for name in sorted(classes)}
    if support_glob is not None:
        _check_glob(classes, pools, support_glob)
    usable = [pool.suffices(shots) for pool in pools.values()]
    _check_enough(classes, usable, ways, shots, unknown_ways, support_glob)
    plan = _Plan(ways=ways, shots=shots, queries=queries, unknown_ways=unknown_ways)
    return [_draw_episode(pools, usable, plan, seed, index) for index in range(episodes)]


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """Positions of one class's samples, in the order of their stems."""

    support: tuple[int, ...]
    queries: tuple[int, ...]
    shared: bool
    """The two pools are one: what is enrolled can no longer be asked about."""

    def suffices(self, shots: int) -> bool:
        taken = shots if self.shared else 0
        return len(self.support) >= shots and len(self.queries) >= taken + 1


@dataclass(frozen=True, kw_only=True)
class _Plan:
    ways: int
    shots: int
    queries: int
    unknown_ways: int


def _pools(stems: Sequence[str], support_glob: str | None) -> _Pool:
    order = sorted(range(len(stems)), key=lambda i: stems[i])
    if support_glob is None:
        return _Pool(support=tuple(order), queries=tuple(order), shared=True)
    matching = tuple(i for i in order if fnmatchcase(stems[i], support_glob))
    others = tuple(i for i in order if not fnmatchcase(stems[i], support_glob))
    return _Pool(support=matching, queries=others, shared=False)


def _draw_episode(
    pools: Mapping[str, _Pool], usable: Sequence[bool], plan: _Plan, seed: int, index: int
) -> Episode:
    names = list(pools)
    # Shuffling all classes before leaving out the small ones keeps the others' order the same
    # when another number of shots leaves out more.
    order = [int(c) for c in _rng(seed, index).permutation(len(names)) if usable[c]]
    known, unknown = order[: plan.ways], order[plan.ways : plan.ways + plan.unknown_ways]
    return Episode(
        index=index,
        known=tuple(
            _draw_known(names[c], pools[names[c]], plan, _rng(seed, index, c)) for c in known
        ),
        unknown=tuple(
            UnknownClass(
                name=names[c],
                queries=_shuffled(pools[names[c]].queries, _rng(seed, index, c))[-plan.queries :],
            )
            for c in unknown
        ),
    )


def _draw_known(name: str, pool: _Pool, plan: _Plan, rng: Generator) -> KnownClass:
    """Support from the front of one shuffle, queries from its back: more of one moves the other
    only where the class runs short."""
    support = _shuffled(pool.support, rng)
    queries = support[plan.shots :] if pool.shared else _shuffled(pool.queries, rng)
    return KnownClass(name=name, support=support[: plan.shots], queries=queries[-plan.queries :])


def _shuffled(positions: Sequence[int], rng: Generator) -> tuple[int, ...]:
    return tuple(positions[int(i)] for i in rng.permutation(len(positions)))


def _rng(seed: int, *key: int) -> Generator:
    return Generator(PCG64(SeedSequence(seed, spawn_key=key)))


def _check_at_least(option: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"{option} was {value}; expected {least} or more")


def _check_glob(
    classes: Mapping[str, Sequence[str]], pools: Mapping[str, _Pool], support_glob: str
) -> None:
    support = sum(len(pool.support) for pool in pools.values())
    total = sum(len(stems) for stems in classes.values())
    if 0 < support < total or total == 0:
        return
    share = "no" if support == 0 else "every"
    example = min(stem for stems in classes.values() for stem in stems)
    raise ConfigError(
        f"--support {support_glob!r} matches {share} sample of {total}; expected a pattern that"
        f" matches the stems of some and not of others: a stem here looks like {example!r}"
    )


def _check_enough(
    classes: Mapping[str, Sequence[str]],
    usable: Sequence[bool],
    ways: int,
    shots: int,
    unknown_ways: int,
    support_glob: str | None,
) -> None:
    if sum(usable) >= ways + unknown_ways:
        return
    asked = f"--ways {ways}" + (f" and --unknown-ways {unknown_ways}" if unknown_ways else "")
    each = f"{shots} + 1 samples"
    if support_glob is not None:
        each = f"{shots} samples matching {support_glob!r} and 1 other"
    most = max((len(stems) for stems in classes.values()), default=0)
    raise ConfigError(
        f"{asked} need {ways + unknown_ways} classes with at least {each} each; found"
        f" {sum(usable)} such classes among {len(classes)} (the largest holds {most} samples):"
        " ask for fewer ways or shots, or add samples"
    )

"""Moments as people write them."""

from __future__ import annotations

import pytest

from headstart.cli.moment import parse_moment
from headstart.runtime.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "ago_s"), [("90s", 90), ("15m", 900), ("2h", 7200), (" 3d ", 259_200)]
)
def test_how_long_ago(text: str, ago_s: int) -> None:
    assert parse_moment(text, lambda: 1_000_000.0) == 1_000_000 - ago_s


@pytest.mark.parametrize(
    "text", ["2025-11-21T14:30:00Z", "2025-11-21T15:30:00+01:00", "2025-11-21 14:30+00:00"]
)
def test_a_time_with_its_zone(text: str) -> None:
    assert parse_moment(text) == 1_763_735_400.0


def test_a_date_is_its_first_local_moment() -> None:
    assert parse_moment("2025-11-21") == parse_moment("2025-11-21T00:00")


@pytest.mark.parametrize("text", ["", "yesterday", "15", "-15m", "2025-13-01", "9999999999d"])
def test_anything_else_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read; expected 2025-11-21, .* 15m, 2h, 3d"):
        parse_moment(text)

"""Plans refuse episodes that cannot be answered."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from headstart.training.episodes.plan import EpisodePlan


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"pairing": "random", "patterns": [["image", "audio"]]},
            "a query that holds 'audio' has nothing to be compared with in a support that holds"
            " 'image'",
        ),
        (
            {"patterns": [["both", "image"]]},
            "'patterns' need 'pairing' to be 'random' or 'natural'",
        ),
        ({"takes": "condition", "query_conditions": ["poor"]}, "every condition is a take of its"),
        ({"ways": [1]}, "greater than or equal to 2"),
        ({"shots": [0]}, "greater than or equal to 1"),
        ({"shots": []}, "at least 1 item"),
        ({"way": [5]}, "Extra inputs are not permitted"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EpisodePlan.model_validate(keys)


def test_a_mixed_support_reaches_every_query() -> None:
    plan = EpisodePlan.model_validate({"pairing": "random", "patterns": [["mixed", "audio"]]})

    assert plan.patterns == (("mixed", "audio"),)

"""What is said of a model right after training."""

from typing import Any

import pytest

from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.stages.publish import cautions


def contract(**changes: Any) -> dict[str, Any]:
    decision = {"policy": "cost", "measured_on": "validation"}
    return {"rounds": 41, "threshold": 0.3, "decision": decision} | changes


@pytest.mark.parametrize(("rounds", "words"), [(1, "1 round of"), (9, "9 rounds of"), (10, None)])
def test_a_model_that_hardly_learned_is_said_at_once(rounds: int, words: str | None) -> None:
    found = cautions(contract(rounds=rounds), {"rounds": 31})
    assert bool(found) == (words is not None)
    assert words is None or (words in found[0] and "of 31 trained" in found[0])


def test_alerting_nothing_is_said_in_words() -> None:
    (found,) = cautions(contract(threshold=NO_ALERTS), {"rounds": 80})
    assert found.startswith("alerting nothing is cheapest on validation")
    assert "evaluation.alert_cost" in found


@pytest.mark.parametrize(("policy", "threshold"), [("cost", 1.0), ("fixed", NO_ALERTS), ("f1", 0.2)])
def test_a_high_threshold_alone_is_no_such_choice(policy: str, threshold: float) -> None:
    decision = {"policy": policy, "measured_on": "validation"}
    assert cautions(contract(threshold=threshold, decision=decision), {"rounds": 80}) == []

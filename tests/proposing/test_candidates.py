"""What is worth trying: names and values both have to say so."""

import numpy as np
import pytest

from fraudlab.container.expressions.declared import MAX_NAME, examine
from fraudlab.container.expressions.kinds_of_values import ValueKind
from fraudlab.proposing.candidates import MAX_CANDIDATES, find_candidates

ROWS = 400


def money(seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).lognormal(3, 1, ROWS)).astype(np.float32)


def counts(seed: int, most: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, most, ROWS).astype(np.float32)


def expressions(values: dict, amount: str | None = None) -> list[str]:
    return [one.expression for one in find_candidates(values, amount=amount, taken=[])]


@pytest.mark.parametrize(
    ("mean", "written"),
    [
        ("mean_amount_30d", "mean_amount_30d"),
        ("avgAmount7d", "avgAmount7d"),
        ("avg amount (7 days)", '"avg amount (7 days)"'),
        ('avg "amount" 7d', '"avg ""amount"" 7d"'),
        ("where_avg_amount_7d", "where_avg_amount_7d"),
    ],
)
def test_an_amount_against_its_mean(mean: str, written: str) -> None:
    found = expressions({"amount": money(), mean: money(1)})
    assert found == [f"amount / {written}", f"amount - {written}"]


def test_the_named_amount_is_the_amount() -> None:
    values = {"x": money(), "mean_amount_7d": money(1)}
    assert expressions(values) == []
    assert expressions(values, amount="x") == ["x / mean_amount_7d", "x - mean_amount_7d"]


def test_windows_of_a_family_against_each_other() -> None:
    values = {f"nb_tx_{days}d": counts(days, 10 * days) for days in (30, 1, 7)}
    assert expressions(values) == [
        "nb_tx_1d / nb_tx_7d",
        "nb_tx_7d / nb_tx_30d",
        "nb_tx_1d / nb_tx_30d",
        "nb_tx_7d - nb_tx_1d",
        "nb_tx_30d - nb_tx_7d",
        "nb_tx_30d - nb_tx_1d",
    ]


def test_the_mean_of_the_others_where_mean_and_count_include_the_row() -> None:
    count, own = counts(1, 9) + 1, money()
    mean = ((own + money(2) * (count - 1)) / count).astype(np.float32)
    others = "amount / ((mean_amount_7d * nb_tx_7d - amount) / (nb_tx_7d - 1))"
    assert others in expressions({"amount": own, "mean_amount_7d": mean, "nb_tx_7d": count})
    assert others not in expressions({"amount": own, "mean_amount_7d": money(5, 0.1), "nb_tx_7d": count})


@pytest.mark.parametrize(
    "values",
    [
        {f"V{number}": np.random.default_rng(number).normal(size=ROWS) for number in range(1, 29)}
        | {"Amount": money()},
        {"amount": money(), "mean_amount_7d": np.full(ROWS, 3.0)},
        {"amount": money(), "mean_amount_7d": np.full(ROWS, np.nan)},
        {"amount": money(), "mean_amount_7d": -money(1)},
        {"amount": money(), "mean_amount_7d": money(1, 1e6)},
        {"amount": money(), "is_large_amount_7d": (money() > 20).astype(float)},
        {"nb_tx_7d": counts(1, 9), "nb_logins_30d": counts(2, 9)},
        {f"D{number}": counts(number, 99) for number in range(1, 16)},
        {},
    ],
    ids=[
        "creditcard",
        "constant",
        "missing",
        "negative",
        "other size",
        "flag",
        "strangers",
        "D1-D15",
        "none",
    ],
)
def test_what_does_not_look_like_it_is_left_alone(values: dict) -> None:
    assert expressions({name: np.asarray(column, np.float32) for name, column in values.items()}) == []


def test_candidates_are_bounded_and_can_all_be_declared() -> None:
    values = {"amount": money()}
    values |= {f"of_{'x' * 90}{k}_avg_amount_{d}d": money(k + d) for k in range(20) for d in (1, 7, 30)}
    found = find_candidates(values, amount="amount", taken=[])
    assert len(found) == MAX_CANDIDATES
    assert len({one.name for one in found}) == MAX_CANDIDATES
    assert max(len(one.name) for one in found) <= MAX_NAME
    declared = {one.name: one.expression for one in found}
    assert examine(declared, dict.fromkeys(values, ValueKind.NUMBER))[1] == []


def test_a_name_that_is_taken_is_not_given_again() -> None:
    values = {"amount": money(), "mean_amount_7d": money(1)}
    (first, *_) = find_candidates(values, amount=None, taken=["amount_to_mean_amount_7d"])
    assert first.name == "amount_to_mean_amount_7d_2"

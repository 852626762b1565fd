import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features

from .spoken import COLUMNS, EXPRESSIONS, ROWS, Row, Spoken, as_matrix, as_rows, float32

NUMBERS = Features([Column(name) for name in COLUMNS])
NAN = math.nan


def derived(expressions: dict[str, str], matrix: np.ndarray, features: Features = NUMBERS) -> np.ndarray:
    return features.deriving(expressions).given(matrix)[:, len(features) :]


def bits(values: object) -> list[list[int]]:
    """Bits of float32, so that missing is equal to missing and zero has one sign."""
    found = np.array(values, np.float32)
    found[np.isnan(found)] = np.nan
    return (found + np.float32(0)).view(np.uint32).tolist()


@settings(max_examples=200)
@given(EXPRESSIONS, ROWS)
def test_columns_are_what_plain_python_makes_of_each_row(one: Spoken, rows: list[tuple[float, ...]]) -> None:
    expected = [[NAN if (v := float32(one.of(row))) is None else v] for row in as_rows(rows)]
    assert bits(derived({"d": one.text}, as_matrix(rows))) == bits(expected), one.text


@settings(max_examples=50)
@given(st.lists(EXPRESSIONS, min_size=2, max_size=4), ROWS)
def test_a_declared_column_may_be_read_by_later_ones_as_the_model_is_given_it(
    several: list[Spoken], rows: list[tuple[float, ...]]
) -> None:
    given_ = {f"d{at}": one.text for at, one in enumerate(several)} | {"sum": "d0 + d1 * a"}
    found = derived(given_, as_matrix(rows))

    def total(row: Row) -> float:
        first, second = (float32(one.of(row)) for one in several[:2])
        if first is None or second is None or row["a"] is None:
            return NAN
        value = float32(first + second * row["a"])
        return NAN if value is None else value

    assert bits(found[:, -1]) == bits([total(row) for row in as_rows(rows)])


@settings(max_examples=40)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=3), st.integers(1, 5000), st.integers(0, 2**31))
def test_rows_are_alike_alone_and_among_others(several: list[Spoken], count: int, seed: int) -> None:
    given_ = {f"d{at}": f"log({one.text}) - ({one.text})" for at, one in enumerate(several)}
    random = np.random.default_rng(seed)
    matrix = np.float32(10.0 ** random.uniform(-30, 30, (count, len(COLUMNS))) * random.choice([-1, 1]))
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    features = NUMBERS.deriving(given_)
    together = features.given(matrix)
    for at in random.choice(count, min(count, 5)):
        assert features.given(matrix[at : at + 1]).tobytes() == together[at].tobytes()


TABLE = [
    ("a / `b c`", [1, 0, 0, 0], NAN),
    ("a / `b c`", [0, 0, 0, 0], NAN),
    ("1 / (a / `b c`)", [1, 0, 0, 0], NAN),  # not 1 / infinity, which is 0
    ("min(a / `b c`, 5)", [1, 0, 0, 0], NAN),
    ("where(a / `b c` > 1, 1, 0)", [1, 0, 0, 0], NAN),
    ("1 / 0 + a", [1, 0, 0, 0], NAN),
    ("a * a * a * a * a * a * a * a * a", [3e38, 0, 0, 0], NAN),  # beyond float64
    ("1 / (a * a * a * a * a * a * a * a * a)", [3e38, 0, 0, 0], NAN),
    ("a * a / a", [3e38, 0, 0, 0], 3e38),  # beyond float32 on the way
    ("a * a", [3e38, 0, 0, 0], NAN),
    ("-a * a", [3e38, 0, 0, 0], NAN),
    ("1e308 * a - 1e308 * a", [10, 0, 0, 0], NAN),
    ("a / 1e300 / 1e300", [1, 0, 0, 0], 0),
    ("log(a)", [0, 0, 0, 0], NAN),
    ("log(-a)", [0, 0, 0, 0], NAN),
    ("log(a)", [-1, 0, 0, 0], NAN),
    ("log(a)", [1, 0, 0, 0], 0),
    ("log(log + 1)", [0, 0, 0, 1], math.log(2)),  # a column called log
    ("a < `b c`", [1, NAN, 0, 0], NAN),
    ("a == `b c`", [NAN, NAN, 0, 0], NAN),
    ("a != `b c`", [NAN, 1, 0, 0], NAN),
    ("is_missing(a)", [NAN, 1, 0, 0], 1),
    ("is_missing(a / `b c`)", [1, 0, 0, 0], 1),
    ("where(is_missing(a), -1, a)", [NAN, 1, 0, 0], -1),
    ("where(a > 0, `b c`, 7)", [NAN, 1, 0, 0], NAN),
    ("where(a > 0, `b c`, 7)", [-1, NAN, 0, 0], 7),  # what is not taken may be missing
    ("where(a > 0, 7, 1 / `b c`)", [1, 0, 0, 0], 7),
    ("min(a > 0, `b c` > 0) + max(a > 0, `b c` > 0)", [1, -1, 0, 0], 1),
    ("(a > 0) + (`b c` > 0)", [1, 1, 0, 0], 2),
    ("a == 0.1", [0.1, 0, 0, 0], 1),  # of a column, which is float32
    ("0.1 == a", [0.1, 0, 0, 0], 1),
    ("a >= 99.99", [99.99, 0, 0, 0], 1),
    ("a == -0.1", [-0.1, 0, 0, 0], 1),
    ("a < 1e50", [1, 0, 0, 0], 1),
    ("a > -1e50", [1, 0, 0, 0], 1),
    ("a - `b c` - 1", [5, 3, 0, 0], 1),  # from the left
    ("a / `b c` / 2", [12, 3, 0, 0], 2),
    ("a / `b c` * 2", [12, 3, 0, 0], 8),
    ("1 + a * 2", [3, 0, 0, 0], 7),
    ("-a - -`b c`", [3, 1, 0, 0], -2),
    ("- - a", [3, 0, 0, 0], 3),
    ("-a * -2", [3, 0, 0, 0], 6),
    ("-2 - a", [3, 0, 0, 0], -5),
    ("abs(-a)", [-3, 0, 0, 0], 3),
    ("max(a, `b c`, Größe, log)", [1, 2, 4, 3], 4),
    ('"b c" * 1e3', [1, 2, 4, 3], 2000),
    (".5 * a + 1.", [1, 2, 4, 3], 1.5),
    ("\n a\t+ \n1 ", [1, 2, 4, 3], 2),
]


@pytest.mark.parametrize(("text", "row", "expected"), TABLE, ids=[text for text, _, _ in TABLE])
def test_values(text: str, row: list[float], expected: float) -> None:
    found = derived({"d": text}, np.float32([row]))
    assert bits(found) == bits([[expected]])
    assert bits(derived({"d": text}, np.float32([row] * 3))) == bits([[expected]] * 3)


def test_logarithms_are_within_a_unit_in_the_last_place_of_the_c_library() -> None:
    from fraudlab.container.expressions.logarithm import natural_logarithm

    random = np.random.default_rng(5)
    values = np.concatenate([10.0 ** random.uniform(-320, 308, 20_000), 1 + random.normal(0, 1e-3, 20_000)])
    values = np.concatenate([values, [5e-324, 1.7976931348623157e308, 1.0, 0.5, 2.0, math.e]])
    values = values[values > 0]
    expected = np.array([math.log(value) for value in values])
    assert np.all(np.abs(natural_logarithm(values) - expected) <= np.spacing(np.abs(expected)))


CATEGORIES = Features([Column("country", ("5", "DE", "FR's")), Column("amount")])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("country == 'DE'", [0, 1, 0, NAN]),
        ("'DE' != country", [1, 0, 1, NAN]),
        ("country == 'FR''s'", [0, 0, 1, NAN]),
        ("country == '5.0'", [1, 0, 0, NAN]),  # one category, however it is spelt
        ("is_missing(country)", [0, 0, 0, 1]),
        ("where(country == 'DE', amount, -amount)", [-1, 2, -3, NAN]),
    ],
)
def test_categories(text: str, expected: list[float]) -> None:
    matrix = np.float32([[0, 1], [1, 2], [2, 3], [NAN, 4]])
    assert bits(derived({"d": text}, matrix, CATEGORIES)[:, 0]) == bits(expected)


def test_a_declared_comparison_may_be_a_condition() -> None:
    found = derived({"large": "a > 1", "d": "where(large, 5, 6)"}, np.float32([[2, 0, 0, 0], [1, 0, 0, 0]]))
    assert found.tolist() == [[1, 5], [0, 6]]


def test_a_category_that_train_does_not_have_is_no_typing_error_to_be_silent_about() -> None:
    with pytest.raises(ConfigError, match=r"'d' compares 'country' with 'UK', a category that train does"):
        CATEGORIES.deriving({"d": "country == 'UK'"})


def test_a_hundred_columns_of_a_hundred_steps() -> None:
    text = " + ".join(["a * {0}"] * 40)
    features = NUMBERS.deriving({f"d{at}": text.format(at) for at in range(100)})
    found = features.given(np.ones((5_000, 4), np.float32))
    assert found[4_999, -1] == 40 * 99

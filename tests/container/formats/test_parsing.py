import math

import pytest

from fraudlab.container.formats.parsing import parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        (" -2.5e-3 ", -2.5e-3),
        ("+4", 4.0),
        (".5", 0.5),
        ("True", 1.0),
        ("FALSE", 0.0),
        ("inf", math.inf),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "  ", "NaN", "nan", "null", "NULL", "NA", "N/A", "None", "#N/A"])
def test_missing_numbers(text: str) -> None:
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize("text", ["abc", "1,5", "1_000", "١٢", "0x10", "1d5", "1 2", "--1", "$3"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        parse_number(text)

"""The exponential whose last bit does not depend on a processor."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.expressions.exponential import exponential


@given(st.lists(st.floats(-745.0, 709.7), min_size=1, max_size=40))
def test_it_is_the_c_librarys_to_the_last_place(values: list[float]) -> None:
    found = exponential(np.array(values))
    expected = np.array([math.exp(value) for value in values])
    assert np.all(np.abs(found - expected) <= 2 * np.spacing(np.maximum(expected, 5e-324)))
    alone = [exponential(np.array([value])).item() for value in values]
    assert found.tolist() == alone


@pytest.mark.parametrize(("value", "expected"), [(0.0, 1.0), (-0.0, 1.0), (-800.0, 0.0), (-1e308, 0.0)])
def test_ends(value: float, expected: float) -> None:
    assert exponential(np.array([value])).item() == expected


def test_bits_that_every_machine_has_to_give() -> None:
    found = exponential(np.array([-30.25, -1.0, -1e-9, 0.1, 17.75]))
    assert [value.hex() for value in found.tolist()] == [
        "0x1.4835bd010a41bp-44",
        "0x1.78b56362cef38p-2",
        "0x1.fffffff768fa1p-1",
        "0x1.1aec7b35a00d4p+0",
        "0x1.862311b0b7696p+25",
    ]

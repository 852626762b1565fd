"""The exponential function from the four basic operations, so that its last bit is the same everywhere.

As :mod:`fraudlab.container.expressions.logarithm`, and for the same reason.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: beyond these the result is 0, or infinite
_LEAST, _MOST = -745.2, 709.7
_OVER_LN2 = 1.44269504088896338700e00
#: the logarithm of 2, in a part whose multiples are exact, and the rest
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: of the rational function of Sun's fdlibm (``e_exp.c``, 1993), whose error is below one unit in the last
#: place
_SQUARES = (
    4.13813679705723846039e-08,
    -1.65339022054652515390e-06,
    6.61375632143793436117e-05,
    -2.77777777770155933842e-03,
    1.66666666666666019037e-01,
)


def exponential(values: Floats) -> Floats:
    """The power of Euler's number to each value.

    Parameters
    ----------
    values : ndarray of float64
        Finite; what is above 709.7 counts as that.
    """
    values = np.clip(values, _LEAST, _MOST)
    power = np.rint(values * _OVER_LN2)
    high, low = values - power * _LN2_HIGH, power * _LN2_LOW
    rest = high - low
    square = rest * rest
    even = square * _SQUARES[0]
    for coefficient in _SQUARES[1:]:
        even = square * (even + coefficient)
    close = rest - even
    found: Floats = np.ldexp(1.0 - ((low - rest * close / (2.0 - close)) - high), power.astype(np.int32))
    return found

"""The natural logarithm from the four basic operations, so that its last bit is the same everywhere.

The C library's, and numpy's, take another path on each processor: with or without fused multiplication, for
one value or for eight at once. What is served then would not be what was learnt.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROOT_HALF = math.sqrt(0.5)
#: the logarithm of 2, in a part whose multiples are exact, and the rest
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
#: of the polynomial of Sun's fdlibm (``e_log.c``, 1993), whose error is below one unit in the last place
_ODD = (
    1.479819860511658591e-01,
    1.818357216161805012e-01,
    2.857142874366239149e-01,
    6.666666666666735130e-01,
)
_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)


def natural_logarithm(values: Floats) -> Floats:
    """The logarithm of each value; NaN where it is 0 or less, or missing.

    Parameters
    ----------
    values : ndarray of float64
    """
    fraction, exponent = np.frexp(values)
    low = fraction < _ROOT_HALF
    fraction = np.where(low, fraction + fraction, fraction) - 1.0
    power = exponent.astype(np.float64) - low
    s = fraction / (fraction + 2.0)
    z = s * s
    w = z * z
    even = w * ((_EVEN[0] * w + _EVEN[1]) * w + _EVEN[2])
    odd = z * (((_ODD[0] * w + _ODD[1]) * w + _ODD[2]) * w + _ODD[3])
    half = 0.5 * fraction * fraction
    small = s * (half + (even + odd)) + power * _LN2_LOW
    found = power * _LN2_HIGH - ((half - small) - fraction)
    return np.where(values > 0.0, found, np.nan)

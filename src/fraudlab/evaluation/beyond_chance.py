"""Whether two shares differ by more than chance, and what is left of that where many are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

#: freedom from which on Student's distribution is taken for the normal one: they differ by less than 1 in 200
_NORMAL_FROM = 400


def fisher_p(part_a: int, whole_a: int, part_b: int, whole_b: int) -> float:
    """Two-sided p value of two shares being equal (Fisher 1922's exact test).

    Exact at any size: the chance, given all counts, of a table as unlikely as this one or more so. So it errs
    no more often than it says, and for few cases less often.

    Parameters
    ----------
    part_a, whole_a, part_b, whole_b : int
        Parts of no more than their wholes.

    Raises
    ------
    ValueError
        If a part is larger than its whole, or below 0.

    Examples
    --------
    >>> round(fisher_p(1, 10, 11, 14), 6)
    0.002759
    """
    for part, whole in ((part_a, whole_a), (part_b, whole_b)):
        if not 0 <= part <= whole:
            raise ValueError(f"{part} is no part of {whole}")
    parts, rows = part_a + part_b, whole_a + whole_b
    # log of the factorials up to the number of rows, of which all binomials here are made
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, rows + 1, dtype=np.float64)))])

    lowest, highest = max(0, whole_a - (rows - parts)), min(whole_a, parts)
    possible = np.arange(lowest, highest + 1)
    log_chance = -(
        log_factorial[possible]
        + log_factorial[parts - possible]
        + log_factorial[whole_a - possible]
        + log_factorial[rows - parts - whole_a + possible]
    )
    chance = np.exp(log_chance - log_chance.max())
    # as unlikely as what was seen, but for rounding
    extreme = chance <= chance[part_a - lowest] * (1 + 1e-7)
    return min(1.0, float(chance[extreme].sum() / chance.sum()))


def student_p(t: float, freedom: int) -> float:
    """Two-sided p value of a t statistic, by the finite sums for whole degrees of freedom.

    Abramowitz & Stegun 1964, 26.7.3 and 26.7.4.

    Parameters
    ----------
    t : float
    freedom : int
        Degrees of freedom, at least 1.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> round(student_p(2.262157, 9), 6)
    0.05
    """
    if freedom < 1:
        raise ValueError(f"Student's distribution needs a degree of freedom, not {freedom}")
    if math.isinf(t):
        return 0.0
    if freedom >= _NORMAL_FROM:
        return math.erfc(abs(t) / math.sqrt(2))
    angle = math.atan(abs(t) / math.sqrt(freedom))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for below in range(2 + odd, freedom - 1, 2):
        term *= squared * (below - 1) / below
        total += term
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 1.0 - inside))


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for how many there are, in their order (Holm 1979, Scand. J. Statist. 6:65).

    Those of at most .05 contain a false one in no more than 5 % of cases, however the comparisons depend on
    one another. Slices do: they share rows, and each is compared with all others.

    Examples
    --------
    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted

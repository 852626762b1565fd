"""How sure a share of few cases is."""

from __future__ import annotations

import math


def wilson(part: float, whole: float) -> tuple[float, float] | None:
    """95 % interval of a share (Wilson 1927, JASA 22:209), sound for few cases and shares near 0 and 1."""
    if whole <= 0:
        return None
    z = 1.959964
    share = part / whole
    centre = share + z * z / (2 * whole)
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)

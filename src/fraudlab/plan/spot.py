"""What spot machines save: a range that was seen, and nothing where nothing was."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpotRange:
    """Shares of the price that spot machines cost less.

    Attributes
    ----------
    low, high : float
    seen : str
        Where and of what; AWS publishes no spot prices of SageMaker's.
    """

    low: float
    high: float
    seen: str

    @property
    def words(self) -> str:
        """The range for people."""
        return f"{self.low * 100:.0f}–{self.high * 100:.0f} %"


_XLARGE = SpotRange(0.53, 0.75, "EC2's spot prices of m5.xlarge in seven regions")
_IRELAND = SpotRange(0.34, 0.41, "EC2's spot prices of m5.large in eu-west-1")
_BOTH = SpotRange(0.34, 0.75, "EC2's spot prices of m5.large and m5.xlarge in seven regions")


def spot_saving(region: str | None, instance_type: str) -> SpotRange | None:
    """What was seen for a type in a region; for other sizes of m5 what was seen for any; else None."""
    if not instance_type.startswith("ml.m5."):
        return None
    if instance_type == "ml.m5.xlarge":
        return _XLARGE
    return _IRELAND if (region, instance_type) == ("eu-west-1", "ml.m5.large") else _BOTH

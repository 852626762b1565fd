"""What metric definitions find in the log of a training job."""

from __future__ import annotations

import re
import time
from typing import Any


class FinalMetrics:
    """The last value of each metric that a definition finds in a log.

    Parameters
    ----------
    definitions : sequence of mapping
        ``MetricDefinitions`` of a request.
    """

    def __init__(self, definitions: Any) -> None:
        self._patterns = [(one["Name"], re.compile(one["Regex"])) for one in definitions]
        self._found: dict[str, tuple[float, float]] = {}

    def read(self, lines: list[str]) -> None:
        """Look for metrics in lines; what is no number is none."""
        for name, pattern in self._patterns:
            for line in lines:
                for found in pattern.finditer(line):
                    try:
                        self._found[name] = float(found[1]), time.time()
                    except (ValueError, IndexError):
                        continue

    def final(self) -> list[dict[str, Any]]:
        """As ``FinalMetricDataList`` holds it."""
        return [
            {"MetricName": name, "Value": value, "Timestamp": moment}
            for name, (value, moment) in self._found.items()
        ]

"""Durations as people write them; a number alone says nothing."""

import pytest

from fraudlab.durations import seconds
from fraudlab.errors import ConfigError

DAY = 86_400.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", 7 * DAY),
        ("7 d", 7 * DAY),
        (" 7D ", 7 * DAY),
        ("7days", 7 * DAY),
        ("1 day", DAY),
        ("1w", 7 * DAY),
        ("2 Weeks", 14 * DAY),
        ("P7D", 7 * DAY),
        ("p1w", 7 * DAY),
        ("PT36H", 1.5 * DAY),
        ("P1DT12H", 1.5 * DAY),
        ("PT7M", 420.0),
        ("PT0.5S", 0.5),
        ("1d12h", 1.5 * DAY),
        ("1d 12h", 1.5 * DAY),
        ("1 day, 12 hours", 1.5 * DAY),
        ("7m", 420.0),
        ("30 min", 1_800.0),
        ("7.5h", 27_000.0),
        (".5d", DAY / 2),
        ("90s", 90.0),
        ("500ms", 0.5),
        ("0", 0.0),
        ("0.0", 0.0),
        ("-0", 0.0),
        ("0s", 0.0),
        ("0d", 0.0),
    ],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text, key="data.delay") == expected


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("7", "data.delay='7' has no unit.", "did you mean data.delay=7d? Units:"),
        ("7.0", "data.delay='7.0' has no unit.", "did you mean data.delay=7.0d?"),
        ("+7", "data.delay='+7' has no unit.", "did you mean data.delay="),
        ("604800", "data.delay='604800' has no unit.", "did you mean data.delay=604800s?"),
        ("-7", "data.delay='-7' is negative.", "0 or more"),
        ("-7d", "data.delay='-7d' is negative.", "0 or more"),
        ("7M", "data.delay='7M' has a unit of no fixed length.", "data.delay=210d, or for minutes"),
        ("1 month", "data.delay='1 month' has a unit of no fixed length.", "data.delay=30d"),
        ("1y", "data.delay='1y' has a unit of no fixed length.", "data.delay=365d"),
        ("99999999999d", "data.delay='99999999999d' is longer than a century.", "7d"),
        ("9" * 400 + "d", "is longer than a century.", "7d"),
        ("9" * 400, "has no unit.", "s?"),
    ],
)  # fmt: skip
def test_durations_with_a_likely_meaning_are_refused_with_it(text: str, message: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        seconds(text, key="data.delay")
    assert message in caught.value.message
    assert fix in (caught.value.fix or "")


@pytest.mark.parametrize(
    "text",
    ["", " ", "soon", "d", "d7", "7x", "7d7", "7dd", "nan", "inf", "None", "P", "PT", "P1", "P7", "P1Y",
     "P1M", "1:30", "7,5h", "1_000s", "1e3s", "٧d", "7d-1h", "7 days 00:00:00", "[7d]", "7d\0"],
)  # fmt: skip
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match=r"split.gap=.* is not a duration") as caught:
        seconds(text, key="split.gap")
    assert "split.gap=7d" in (caught.value.fix or "")

from __future__ import annotations

import pytest

from fraudlab.report.kit import numerals


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0.81249, 3, "0.812"),
        (0.8125, 3, "0.813"),  # a tie that a float holds exactly
        (9.95, 1, "10.0"),  # and one that it holds as 9.9499999…
        (1234567.0, 0, "1,234,567"),
        (-0.0123, 3, "−0.012"),
        (-0.0001, 3, "0.000"),
        (None, 3, "–"),
        (float("nan"), 3, "–"),
        (float("inf"), 0, "–"),
    ],
)
def test_decimal(value: float | None, places: int, text: str) -> None:
    assert numerals.decimal(value, places) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.03, "+0.030"), (-0.03, "−0.030"), (0.0, "0.000"), (0.0001, "0.000"), (None, "–")]
)
def test_signed_shows_a_sign_only_where_a_digit_does(value: float | None, text: str) -> None:
    assert numerals.signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (800_000, "800,000"), (2_500_000, "2.5 M"), (1e10, "10 B")]
)
def test_tick(value: float, text: str) -> None:
    assert numerals.tick(value) == text.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.824, "0.82"), (9.25, "9.3"), (38.4, "38"), (1240.4, "1,240")]
)
def test_quantity(value: float, text: str) -> None:
    assert numerals.quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4156, "0.4156"), (0.99987, "0.9999"), (0.00042, "0.00042"), (3e-7, "0.00000030"), (0, "0.0000")],
)
def test_score_keeps_two_digits_however_small(value: float, text: str) -> None:
    assert numerals.score(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.7734, "77.3 %"), (0.0173, "1.73 %"), (0.001727, "0.17 %"), (0.00002, "0.002 %"), (1, "100.0 %")],
)
def test_percent(share: float, text: str) -> None:
    assert numerals.percent(share) == text.replace(" ", "\u00a0")


def test_interval_has_words_where_a_dash_would_be_a_minus() -> None:
    assert numerals.interval(0.751, 0.866) == "0.751–0.866"
    assert numerals.interval(-0.01, 0.02) == "−0.010\u00a0to\u00a00.020"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.42 s"),
        (73.2, "73.2 s"),
        (125, "2 min 05 s"),
        (3600, "1 h"),
        (22_300, "6.2 h"),
        (604_800, "7 days"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert numerals.duration(seconds) == text.replace(" ", "\u00a0")


def test_times() -> None:
    assert numerals.timestamp(1_522_540_800) == "2018-04-01 00:00"
    assert numerals.timestamp(1e15) == "1,000,000,000,000,000"
    assert numerals.day(1_522_540_800) == "1 Apr"
    assert numerals.instant("2026-02-03T10:14:07+01:00") == "2026-02-03 09:14 UTC"
    assert numerals.instant("2026-02-03T09:14:07.123Z") == "2026-02-03 09:14 UTC"
    assert numerals.instant("yesterday") == "yesterday"
    assert numerals.instant(None) == "–"

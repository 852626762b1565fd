"""The time column: every type and unit that tells a time, and the exact sentence of every refusal."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.failure import TableError
from fraudlab.container.formats.times import Times, read_times

EPOCH = dt.datetime(2018, 4, 1, 0, 0, 31, tzinfo=dt.UTC).timestamp()
#: 4,000 transactions of 60 days, to the second, in no order
SECONDS = np.random.default_rng(8).integers(EPOCH, EPOCH + 60 * 86_400, 4_000).astype(np.float64)


def column(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def read(values: Any, unit: str = "auto") -> Times:
    return read_times(pa.chunked_array([pa.array(values)]), "t", unit=unit)


def refusal(given: Any, unit: str = "auto") -> TableError:
    given = given if isinstance(given, pa.ChunkedArray) else pa.chunked_array([pa.array(given)])
    with pytest.raises(TableError) as caught:
        read_times(given, "t", unit=unit)
    return caught.value


def digits(pattern: str) -> list[int]:
    return [int(dt.datetime.fromtimestamp(second, dt.UTC).strftime(pattern)) for second in SECONDS]


@pytest.mark.parametrize(
    "given",
    [
        column("2018-04-01 00:00:31", "2018-04-01T00:00:31.5"),
        column("2018-04-01T00:00:31Z", "2018-04-01T00:00:31.500Z"),
        column("2018-04-01T02:00:31+02:00", "2018-03-31T19:00:31.5-05:00"),
        column("2018-04-01T02:00:31+0200", "2018-03-31T19:00:31.5-0500"),
        column("2018-04-01 02:00:31 +0200", "2018-03-31 19:00:31.5 -0500"),
        column("2018-04-01 00:00:31.000000000", "2018-04-01 00:00:31.500000000"),
        column("2018-04-01 00:00:31.0", "2018-04-01 00:00:31.5000000000"),
        column("2018-04-01 00:00:31 UTC", "2018-04-01 00:00:31.5 UTC"),
        column("2018-04-01 00:00:31 +0000 UTC", "2018-04-01 00:00:31.5 +0000 UTC"),
        column("2018-04-01T02:00:31+02:00[Europe/Madrid]", "2018-04-01T02:00:31.5+02:00[Europe/Madrid]"),
        column("2018/04/01 00:00:31", "2018-4-1 0:00:31,5"),
        column("20180401T000031Z", "20180401 00:00:31.5Z"),
        column(" 2018-04-01t00:00:31z", "2018-04-01 00:00:31.5 GMT "),
        column(dt.datetime(2018, 4, 1, 0, 0, 31), dt.datetime(2018, 4, 1, 0, 0, 31, 500_000)),  # noqa: DTZ001
        column(1522540831_000, 1522540831_500, kind=pa.timestamp("ms", "Europe/Madrid")),
        column(1522540831_000_000_000, 1522540831_500_000_000, kind=pa.timestamp("ns", "+05:30")),
        *(
            column("2018-04-01 00:00:31", "2018-04-01 00:00:31.5", kind=kind)
            for kind in (
                pa.large_string(),
                pa.string_view(),
                pa.dictionary(pa.int32(), pa.string()),
                pa.dictionary(pa.int8(), pa.large_string()),
            )
        ),
    ],
)
def test_times_that_need_no_unit(given: pa.ChunkedArray) -> None:
    found = read_times(given, "t")
    assert found.seconds.tolist() == [EPOCH, EPOCH + 0.5]
    assert (found.kind, found.unit, found.note) == ("timestamp", None, None)


@pytest.mark.parametrize(
    ("given", "seconds", "kind"),
    [
        (column(dt.date(1970, 1, 2)), [86_400.0], "timestamp"),
        (column(86_400_000, kind=pa.date64()), [86_400.0], "timestamp"),
        (column("1970-01-02", "1970-01-02 12"), [86_400.0, 129_600.0], "timestamp"),
        (column("0001-01-01", "9999-12-31"), [-62_135_596_800.0, 253_402_214_400.0], "timestamp"),
        (column("2020-02-29", "2000-02-29 23:59Z"), [1_582_934_400.0, 951_868_740.0], "timestamp"),
        (column(1_500, kind=pa.duration("ms")), [1.5], "number"),
        (column(dt.timedelta(days=1), dt.timedelta(0)), [86_400.0, 0.0], "number"),
    ],
)
def test_dates_and_durations(given: pa.ChunkedArray, seconds: list[float], kind: str) -> None:
    found = read_times(given, "t")
    assert found.seconds.tolist() == seconds
    assert (found.kind, found.unit) == (kind, None)


@pytest.mark.parametrize(
    ("write", "unit", "exact"),
    [
        (lambda s: s, "s", 0),
        (lambda s: s.astype(np.int64), "s", 0),
        (lambda s: s.astype(np.uint32), "s", 0),
        (lambda s: s * 1_000, "ms", 0),
        (lambda s: (s * 1_000_000).astype(np.int64), "us", 0),
        (lambda s: s.astype(np.int64) * 1_000_000_000, "ns", 0),
        (lambda s: s + 0.25, "s", 0.25),
        (lambda s: [str(int(second)) for second in s * 1_000], "ms", 0),
        (lambda s: [Decimal(int(second)) for second in s], "s", 0),
        (lambda s: s / 86_400 + 25_569, "excel", 1e-3),
        (lambda s: s / 86_400, "d", 1e-3),
        (lambda s: digits("%Y%m%d%H%M%S"), "yyyymmddhhmmss", 0),
        (lambda s: list(map(str, digits("%Y%m%d%H%M%S"))), "yyyymmddhhmmss", 0),
        (lambda s: digits("%Y%m%d%H%M"), "yyyymmddhhmmss", 60),
        (lambda s: digits("%Y%m%d%H"), "yyyymmddhhmmss", 3_600),
        (lambda s: digits("%Y%m%d"), "yyyymmddhhmmss", 86_400),
        (lambda s: s // 86_400, "d", 86_400),
        (lambda s: s // 86_400 + 25_569, "excel", 86_400),
    ],
)
def test_numbers_whose_unit_is_certain(write: Callable[[Any], Any], unit: str, exact: float) -> None:
    found = read(write(SECONDS))
    assert (found.kind, found.unit) == ("timestamp", unit)
    assert np.abs(found.seconds - SECONDS).max() <= exact
    # What was recognised may also be said.
    assert read(write(SECONDS), unit).seconds.tolist() == found.seconds.tolist()


@pytest.mark.parametrize(
    "values",
    [
        np.arange(4_000) * 43.0,  # 48 hours, as the ULB table
        np.random.default_rng(1).integers(0, 172_793, 280_000),
        np.random.default_rng(1).integers(
            86_400, 15_811_131, 4_000
        ),  # a table that begins a day after its start
        np.arange(400) * 60,
        [5, 6],
        ["5", "6"],
    ],
)
def test_seconds_from_a_start_are_seconds(values: Any) -> None:
    found = read(values)
    assert found.seconds.tolist() == [float(value) for value in values]
    assert (found.kind, found.unit) == ("number", "s")


def some(low: int, high: int, rows: int = 4_000) -> Any:
    return np.random.default_rng(2).integers(low, high, rows)


AS_COUNTS = (
    "may be a count of seconds over {} (data.time_unit=s), a count of minutes over {} (data.time_unit=min),"
    " a count of hours over {} (data.time_unit=h) or a count of days over {} (data.time_unit=d)"
)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            [1, *some(1, 744), 743],  # steps of an hour
            "1 in row 1 " + AS_COUNTS.format("12.4 min", "12.4 h", "30.9 days", "2.03 years"),
        ),
        (
            [0, *some(0, 183), 182],  # days, as TX_TIME_DAYS
            "0 in row 1 " + AS_COUNTS.format("3.03 min", "3.03 h", "7.58 days", "182 days"),
        ),
        (
            np.linspace(0, 48, 500),  # hours with a fraction
            "0 in row 1 " + AS_COUNTS.format("48 s", "48 min", "2 days", "48 days"),
        ),
        (
            [0, *some(0, 43_200, 90_000), 43_199],  # minutes of a month, two rows a minute
            "0 in row 1 " + AS_COUNTS.format("12 h", "30 days", "4.93 years", "118 years"),
        ),
        (
            np.arange(5_000) * 34_000,
            (
                "0 in row 1 may be a count of seconds over 5.39 years (data.time_unit=s)"
                " or a count of milliseconds over 47.2 h (data.time_unit=ms)"
            ),
        ),
        (
            [45_000.5],
            (
                "45000.5 in row 1 may be 2023-03-15 12:00:00 (data.time_unit=excel)"
                " or a count of seconds over 0 s (data.time_unit=s)"
            ),
        ),
        (
            [40_000, *some(40_000, 56_000), 55_999],
            (
                "40000 in row 1 may be 2009-07-06 00:00:00 (data.time_unit=excel)"
                " or a count of seconds over 4.44 h (data.time_unit=s)"
            ),
        ),
        (
            [180_514, *digits("%y%m%d")],
            "180514 in row 1 may be 18:05:14 of a day that is not told or 2018-05-14 with a two-digit year",
        ),
        (
            [3_031, *digits("%H%M%S")],
            (
                "3031 in row 1 may be a count of seconds over 2.73 days (data.time_unit=s)"
                " or 00:30:31 of a day that is not told"
            ),
        ),
    ],
)
def test_numbers_whose_unit_is_not_certain(values: Any, sentence: str) -> None:
    error = refusal(np.asarray(values, np.float64))
    assert error.sentence.startswith(f"the unit of time column 't' is not certain: {sentence}")
    assert error.fix.endswith("write times as 2018-04-01 13:45:00")
    for part in error.sentence.split("data.time_unit=")[1:]:
        assert f"add data.time_unit={part.split(')')[0]}, or " in error.fix


MIXES = "time column 't' mixes units: row 1 holds 1522540831 (2018-04-01 00:00:31 in s), and row 2 holds "


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (-SECONDS, "time column 't' holds -"),
        (SECONDS * 1e7 + 621_355_968e9, "time column 't' holds 636"),  # ticks of .NET
        (SECONDS * 1e7 + 116_444_736e9, "time column 't' holds 131"),  # ticks of Windows files
        (SECONDS / 86_400 + 2_440_587.5, "time column 't' holds 2458"),  # Julian days
        (digits("%Y%m"), "time column 't' holds 20180"),
        (np.full(200, 2_023), "time column 't' holds 2023 in row 1"),
        ([1_522_540_831, 1_522_540_831_000], MIXES + "1522540831000 (2018-04-01 00:00:31 in ms)"),
        ([1_522_540_831, 20_180_401, 1_522_540_832], MIXES + "20180401"),
        ([1_522_540_831, 0, 1_522_540_832], MIXES + "0"),
        ([1_522_540_831, -1], MIXES + "-1"),
    ],
)
def test_numbers_that_are_no_times(values: Any, sentence: str) -> None:
    error = refusal(np.asarray(values, np.float64))
    assert error.sentence.startswith(sentence)
    assert error.fix


@pytest.mark.parametrize("write", ["{:.5E}", "{:.2E}", " {:.4e} "])
@pytest.mark.parametrize("factor", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("unit", ["auto", "said"])
def test_numbers_that_a_spreadsheet_has_shortened(write: str, factor: float, unit: str) -> None:
    """Long numbers in a narrow column: three hours of milliseconds, or months, become one."""
    texts = [write.format((EPOCH + 3_600 * hour) * factor) for hour in range(200)]
    said = unit if unit == "auto" else {1e3: "ms", 1e6: "us", 1e9: "ns"}[factor]
    for given in (column(*texts), column(*map(float, texts))):
        error = refusal(given, unit=said)
        assert "every time is a multiple of 10,000 seconds: a spreadsheet has shortened" in error.sentence
        assert "without an exponent" in error.fix


@pytest.mark.parametrize("factor", [1e3, 1e6, 1e9])
def test_numbers_with_an_exponent_and_their_digits(factor: float) -> None:
    given = EPOCH // 86_400 * 86_400 + 86_400.0 * np.arange(200)
    for texts in (
        [f"{value * factor:.8e}" for value in given],
        [repr(float(value * factor)) for value in given],
    ):
        assert read_times(column(*texts), "t").seconds.tolist() == given.tolist()


@pytest.mark.parametrize(
    ("values", "unit", "seconds", "kind"),
    [
        ([1, 743], "h", [3_600.0, 743 * 3_600.0], "number"),
        ([0, 182], "d", [0.0, 182 * 86_400.0], "number"),
        ([0, 90], "min", [0.0, 5_400.0], "number"),
        ([-5, 10], "s", [-5.0, 10.0], "number"),
        ([0, 172_792_000], "ms", [0.0, 172_792.0], "number"),
        ([45_000.5, 61], "excel", [1_678_881_600.0, -2_203_891_200.0], "timestamp"),
        (["45000.5"], "excel", [1_678_881_600.0], "timestamp"),
        ([20_230_301_000_147], "yyyymmddhhmmss", [1_677_628_907.0], "timestamp"),
        ([19_000_101], "yyyymmddhhmmss", [-2_208_988_800.0], "timestamp"),
        ([1_677_628_907_123], "ms", [1_677_628_907.123], "timestamp"),
    ],
)
def test_a_unit_that_is_said(values: Any, unit: str, seconds: list[float], kind: str) -> None:
    found = read(values, unit)
    assert found.seconds.tolist() == seconds
    assert (found.kind, found.unit) == (kind, unit)


@pytest.mark.parametrize(
    ("given", "unit", "sentence"),
    [
        (
            column(1_677_628_907, 1_677_628_907_000),
            "s",
            "time column 't' holds 1677628907000 in row 2, which is no date with data.time_unit=s",
        ),
        (
            column(45_000.5, 60.0),
            "excel",
            "time column 't' holds 60 in row 2, which is no date with data.time_unit=excel",
        ),
        (
            column(20_230_301, 20_230_229),
            "yyyymmddhhmmss",
            "time column 't' holds 20230229 in row 2, which is no date with data.time_unit=yyyymmddhhmmss",
        ),
        (
            column(20_230_301.5),
            "yyyymmddhhmmss",
            "time column 't' holds 20230301.5 in row 1, which is no date with data.time_unit=yyyymmddhhmmss",
        ),
        (
            column("2018-04-01"),
            "ms",
            "data.time_unit=ms is the unit of numbers, and the times of 't' are text",
        ),
        (
            column(5, kind=pa.timestamp("us")),
            "s",
            "data.time_unit=s is the unit of numbers, and the times of 't' are of type timestamp[us]",
        ),
    ],
)
def test_a_unit_that_the_column_is_not_in(given: pa.ChunkedArray, unit: str, sentence: str) -> None:
    error = refusal(given, unit)
    assert error.sentence == sentence
    assert "data.time_unit" in error.fix


def test_times_without_a_zone_among_those_of_utc() -> None:
    found = read(["2018-04-01 00:00:31", "2018-04-01 00:00:31Z", "2018-04-01T00:00:31+00:00"])
    assert found.seconds.tolist() == [EPOCH] * 3
    assert found.note == "1 of 3 times in 't' have no zone; they are taken as UTC, which the others say"


@pytest.mark.parametrize(
    ("given", "sentence", "fix"),
    [
        (column(1.0, None, 2.0), "time column 't' is missing in row 2 (1 of 3 rows)", "give every row"),
        (column(1.0, float("-inf")), "time column 't' is infinite in row 2 (1 of 2 rows)", "give every row"),
        (column("", "2018-04-01"), "time column 't' is missing in row 1 (1 of 2 rows)", "give every row"),
        (column(None, "1522540831"), "time column 't' is missing in row 1 (1 of 2 rows)", "give every row"),
        (column("2018-04-01", "NaT"), "time column 't' is missing in row 2 (1 of 2 rows)", "give every row"),
        (column("2018-4-1", None), "time column 't' is missing in row 2 (1 of 2 rows)", "give every row"),
        (column(None, None), "time column 't' is missing in row 1 (2 of 2 rows)", "give every row"),
        (column(None, 5, kind=pa.timestamp("s")), "time column 't' is missing in row 1 (1 of 2 rows)", ""),
        (
            column("2018-04-01 00:00:31", "01/02/2018", "x"),
            "time column 't' holds '01/02/2018' in row 2, which is neither a number nor a timestamp",
            "write the year first, as ISO 8601 does: 2018-02-01 or 2018-01-02",
        ),
        (
            column("31.12.2018 10:00"),
            "time column 't' holds '31.12.2018 10:00' in row 1, which is neither a number nor a timestamp",
            "write the year first, as ISO 8601 does: 2018-12-31",
        ),
        (
            column("2018-04-01 00:00", "2018-04-01T00:00+02:00"),
            ("time column 't' holds '2018-04-01 00:00' without a zone in row 1,"
            " and '2018-04-01T00:00+02:00' with one in row 2"),
            "write all times with their offset, or all in UTC",
        ),
        (
            column("1522540831", "2018-04-01"),
            "time column 't' holds the number '1522540831' in row 1, and '2018-04-01' in row 2",
            "write all times alike",
        ),
        (
            column("2018-04-01", "1522540831"),
            "time column 't' holds the number '1522540831' in row 2, and '2018-04-01' in row 1",
            "write all times alike",
        ),
        *(
            (
                column("2018-04-01", text),
                f"time column 't' holds {text!r} in row 2, a date or time that does not exist",
                "correct it, or leave the row out",
            )
            for text in ("2018-02-29", "2018-13-01", "2018-04-01 24:00", "2018-04-01 00:00:60",
                         "2018-04-01T00:00+25:00", "2018-00-10")
        ),
        *(
            (
                column(text),
                f"time column 't' holds {text!r} in row 1, which is neither a number nor a timestamp",
                "write times as seconds or as ISO 8601: 2018-04-01 13:45:00",
            )
            for text in ("yesterday", "Apr 1, 2018", "1 Apr 2018", "18-04-01", "2018-04", "2018-W13-7",
                         "2018-04-01 01:45 PM", "2018-04-01 00:00 CET", "٢٠١٨-٠٤-٠١")
        ),
        (
            column([1]),
            "time column 't' holds [1] in row 1, which is neither a number nor a timestamp",
            "ISO 8601",
        ),
        (
            column(True, False),
            "time column 't' holds 'True' in row 1, which is neither a number nor a timestamp",
            "ISO 8601",
        ),
        (
            column(None, 5, kind=pa.time32("s")),
            "time column 't' holds '00:00:05' in row 2, which is neither a number nor a timestamp",
            "ISO 8601",
        ),
    ],
)  # fmt: skip
def test_times_refused(given: pa.ChunkedArray, sentence: str, fix: str) -> None:
    error = refusal(given)
    assert error.sentence == sentence
    assert fix in error.fix

"""hour(t) and weekday(t) from a table's time to a score: the same values, whoever reads the time.

A model that asks for neither is sent no time. One that does is sent it behind its columns, in any spelling
the table may have had, and every reader of a model's columns deals with it: see `READERS`.
"""

import datetime as dt
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container.bodies.content_types import read_content_type
from fraudlab.container.bodies.rows import BodyError, finish
from fraudlab.container.clock import Clock, clock_of
from fraudlab.container.contract import Fields, Tree
from fraudlab.container.described_features import read_features
from fraudlab.container.endpoint.following import _other_columns
from fraudlab.container.failure import ConfigError, TableError
from fraudlab.container.features import Column, Features
from fraudlab.container.formats.single_times import moment_of
from fraudlab.container.formats.time_columns import written
from fraudlab.container.formats.time_texts import parse_times
from fraudlab.container.prepared import read_split
from fraudlab.container.scorer import load_scorer
from fraudlab.container.train import run as train
from fraudlab.predict.file_rows import read_rows
from fraudlab.stages.score import sent_rows
from fraudlab.stages.scoring import csv_rows

DERIVE = {"hour": "hour(t)", "day": "weekday(t)", "night": "max(hour(t) < 6, hour(t) >= 22) * a"}
RANDOM = np.random.default_rng(4)
#: whole seconds of six weeks from a Thursday on, some the first and the last of an hour, a day, a week
START = 1_519_862_400
SECONDS = np.sort(
    np.concatenate(
        [
            RANDOM.integers(START, START + 42 * 86_400, 390),
            START + np.array([0, 3_599, 3_600, 86_399, 86_400, 4 * 86_400, 5 * 86_400 - 1, 5 * 86_400, 7, 8]),
        ]
    )
)
COUNT = SECONDS - START + 1_800


def moments(pattern: str, hours: int = 0) -> list[str]:
    zone = dt.timezone(dt.timedelta(hours=hours))
    return [dt.datetime.fromtimestamp(int(second), zone).strftime(pattern) for second in SECONDS]


#: how a table may hold its times: values, data.time_unit, and whether they are dates
SPELLINGS: dict[str, tuple[Any, str, bool]] = {
    "ISO": (moments("%Y-%m-%d %H:%M:%S"), "auto", True),
    "ISO with T": (moments("%Y-%m-%dT%H:%M:%S.250"), "auto", True),
    "ISO in UTC": (moments("%Y-%m-%dT%H:%M:%SZ"), "auto", True),
    "ISO ahead of UTC": (moments("%Y-%m-%dT%H:%M:%S%z", 2), "auto", True),
    "compact ISO": (moments("%Y%m%dT%H%M%SZ"), "auto", True),
    "slashes": (moments("%Y/%m/%d %H:%M:%S"), "auto", True),
    "timestamps": (pa.array(SECONDS).cast(pa.timestamp("s")).cast(pa.timestamp("us")), "auto", True),
    "nanoseconds": (pa.array(SECONDS).cast(pa.timestamp("s")).cast(pa.timestamp("ns")), "auto", True),
    "timestamps with a zone": (pa.array(SECONDS).cast(pa.timestamp("s", "Europe/Madrid")), "auto", True),
    "seconds": (SECONDS, "auto", True),
    "seconds as text": (list(map(str, SECONDS)), "auto", True),
    "milliseconds": (SECONDS * 1_000 + 7, "auto", True),
    "microseconds": (SECONDS * 1_000_000, "us", True),
    "nanoseconds as numbers": (SECONDS * 1_000_000_000, "ns", True),
    "days": (SECONDS / 86_400, "d", True),
    "Excel": (SECONDS / 86_400 + 25_569, "auto", True),
    "digits": ([int(text) for text in moments("%Y%m%d%H%M%S")], "auto", True),
    "digits of hours": ([int(text) for text in moments("%Y%m%d%H")], "yyyymmddhhmmss", True),
    "a count of seconds": (COUNT.astype(float), "s", False),
    "a count of minutes": (COUNT / 60, "min", False),
    "a count of hours": (COUNT / 3_600, "h", False),
    "a count of days": (COUNT / 86_400, "d", False),
    "a count of milliseconds": (COUNT * 1_000, "ms", False),
    "durations": (pa.array(COUNT).cast(pa.duration("s")), "auto", False),
}


def table_of(times: Any) -> pa.Table:
    fraud = np.arange(400) % 5 == 0
    return pa.table({"a": np.random.default_rng(1).normal(size=400) + fraud, "t": times, "y": fraud * 1})


def prepared_features(manifest: dict[str, Any], derive: dict[str, str] = DERIVE) -> Features:
    time = Column("t", clock=clock_of(Fields(manifest["time"], source="manifest.json")))
    return read_features(Fields(manifest, source="manifest.json")).deriving(derive, time=time)


def expected_hours(dated: bool) -> list[tuple[int, int]]:
    if dated:
        return [
            ((at := dt.datetime.fromtimestamp(int(second), dt.UTC)).hour, at.weekday()) for second in SECONDS
        ]
    return [(int(second) // 3_600 % 24, int(second) // 86_400 % 7) for second in COUNT]


def json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (dt.datetime, dt.date)) else value


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_reader_makes_the_same_of_every_spelling(
    prepare: Callable[..., Any], tree: Tree, tmp_path: Path, spelling: str
) -> None:
    times, unit, dated = SPELLINGS[spelling]
    table = table_of(times)
    split = {"kind": "time", "train": 0.9, "validation": 0.05, "test": 0.05}
    manifest = prepare(table, time="t", time_unit=unit, split=split)
    features = prepared_features(manifest)
    assert features.clocks[1].dated is dated
    matrix = read_split(tree.prepared / "train", features).matrix
    hours, days = np.array(expected_hours(dated)[: len(matrix)]).T
    np.testing.assert_array_equal(matrix[:, 1], hours)
    np.testing.assert_array_equal(matrix[:, 2], days)

    raw = table.slice(0, len(matrix)).select(["a", "t"])
    readers = {name: reader(raw, features, tmp_path) for name, reader in READERS.items()}
    readers["evaluation"] = of_split(tree, features)
    for name, found in readers.items():
        if found is not None:
            assert found.tobytes() == matrix.tobytes(), name


def through(kind: str, body: bytes, features: Features) -> Any:
    _, parse = read_content_type(kind)
    return finish([parse(body, features, 10_000)], features)


def as_lists(raw: pa.Table) -> list[list[Any]] | None:
    rows = [list(map(json_value, row.values())) for row in raw.to_pylist()]
    return None if pa.types.is_duration(raw["t"].type) else rows  # JSON has none


def as_json(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    return rows and through("application/json", json.dumps(rows).encode(), features)


def as_objects(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    objects = rows and [{"t": time, "a": a} for a, time in rows]
    return rows and through("application/json", json.dumps({"instances": objects}).encode(), features)


def as_lines(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    lines = rows and "\n".join(json.dumps({"features": row}) for row in rows)
    return rows and through("application/jsonlines", lines.encode(), features)


def one_by_one(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    kinds = {
        "application/json": lambda row: json.dumps({"a": row[0], "t": row[1]}).encode(),
        "text/csv": lambda row: ",".join(map(str, row)).encode(),
    }
    found = [
        np.concatenate([through(kind, body(row), features) for row in rows]) for kind, body in kinds.items()
    ] if rows else [None, None]  # fmt: skip
    assert rows is None or found[0].tobytes() == found[1].tobytes()
    return found[0]


def as_csv(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    return rows and through("text/csv", "\n".join(",".join(map(str, row)) for row in rows).encode(), features)


def as_tabs(raw: pa.Table, features: Features, _: Path) -> Any:
    rows = as_lists(raw)
    return rows and through(
        "text/csv", "\n".join("\t".join(map(str, row)) for row in rows).encode(), features
    )


def as_parquet(raw: pa.Table, features: Features, _: Path) -> Any:
    file = io.BytesIO()
    parquet.write_table(raw.select(["t", "a"]), file)
    return through("application/x-parquet", file.getvalue(), features)


def as_numbers(raw: pa.Table) -> list[tuple[float, float]]:
    kind = raw["t"].type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    text = raw["t"].to_pylist()[0]
    if numeric or (isinstance(text, str) and text.isdigit()):
        times = [float(value) for value in raw["t"].to_pylist()]
    else:  # then seconds are meant
        times = (COUNT if pa.types.is_duration(kind) else SECONDS)[: raw.num_rows].astype(float).tolist()
    return list(zip(raw["a"].to_pylist(), times, strict=True))


def as_libsvm(raw: pa.Table, features: Features, _: Path) -> Any:
    lines = "\n".join(f"1:{a!r} 2:{time!r}" for a, time in as_numbers(raw))
    return through("text/libsvm; base=1", lines.encode(), features)


def as_recordio(raw: pa.Table, features: Features, _: Path) -> Any:
    return through("application/x-recordio-protobuf", recordio(np.array(as_numbers(raw))), features)


def recordio(matrix: Any) -> bytes:
    """Records as SageMaker writes them: a tensor of 32 or of 64 bits, named values."""

    def part(tag: int, content: bytes) -> bytes:
        return bytes([tag << 3 | 2, len(content)]) + content  # shorter than 128 bytes

    tensor = 3 if matrix.dtype == np.float64 else 2
    records = [part(1, part(1, b"values") + part(2, part(tensor, part(1, row.tobytes())))) for row in matrix]
    return b"".join(
        struct.pack("<II", 0xCED7230A, len(record)) + record + b"\0" * (-len(record) % 4)
        for record in records
    )


def from_file(raw: pa.Table, features: Features, folder: Path) -> Any:
    """`predict`, from a Parquet file and from CSV."""
    parquet.write_table(raw, folder / "t.parquet")
    found, _ = read_rows(folder / "t.parquet", features)
    first = through("text/csv", csv_rows(found), features)
    rows = as_lists(raw)
    if rows is not None:
        (folder / "t.csv").write_text("a,t\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
        found, _ = read_rows(folder / "t.csv", features)
        assert through("text/csv", csv_rows(found), features).tobytes() == first.tobytes()
    return first


def of_split(tree: Tree, features: Features) -> Any:
    """What the evaluation of a run sends, to an endpoint or a transform job."""
    rows = sent_rows(parquet.read_table(tree.prepared / "train"), features.as_json())
    assert rows.column_names == ["a", "t"]
    return through("text/csv", csv_rows(rows), features)


#: whoever turns a raw row into a model's inputs
READERS: dict[str, Callable[[pa.Table, Features, Path], Any]] = {
    "JSON lists": as_json,
    "JSON objects": as_objects,
    "JSON lines": as_lines,
    "a row at a time": one_by_one,
    "CSV": as_csv,
    "CSV with tabs": as_tabs,
    "Parquet": as_parquet,
    "libsvm": as_libsvm,
    "recordio": as_recordio,
    "predict": from_file,
}

UTC, NAIVE, AHEAD = (Clock(dated=True, zone=zone) for zone in ("utc", "none", "offset"))
IN_S, IN_MS, EXCEL = (Clock(dated=True, unit=unit) for unit in ("s", "ms", "excel"))
COUNTED = Clock(dated=False, unit="s")


def sent(clock: Clock, *texts: str) -> list[float]:
    """The hours of times as JSON, in one body and one by one."""
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=clock))
    rows = [f'{{"a": 1, "t": {text}}}' for text in texts]
    found = through("application/jsonlines", "\n".join(rows).encode(), features)
    single = [through("application/json", row.encode(), features) for row in rows]
    assert np.concatenate(single).tobytes() == found.tobytes()
    return [float(value) for value in found[:, 1]]


def test_other_spellings_than_the_tables_mean_the_same_moment() -> None:
    moment = "2018-08-15T06:59:59.999"
    for clock in (UTC, NAIVE, IN_S, IN_MS, EXCEL):
        assert sent(clock, f'"{moment}"', f'"{moment}Z"', f'" {moment}+00:00"') == [6.0] * 3
    for clock in (UTC, AHEAD, IN_S):
        assert sent(clock, '"2018-08-15T06:59:59-05:30"', '"20180815T065959Z"') == [12.0, 6.0]
    for clock in (UTC, NAIVE, AHEAD, IN_S):
        assert sent(clock, "1534316399", '"1534316399"', "1534316399.9", "1534316400") == [6.0, 6.0, 6.0, 7.0]
    assert sent(IN_MS, "1534316399999", "1534316400000") == [6.0, 7.0]


@pytest.mark.parametrize("text", ["null", '""', '"NaT"', '"nan"', "NaN", '"NULL"'])
@pytest.mark.parametrize("clock", [UTC, IN_MS, COUNTED])
def test_a_time_that_is_missing_is_missing(clock: Clock, text: str) -> None:
    assert np.isnan(sent(clock, text)).all()


@pytest.mark.parametrize(
    ("clock", "text", "why"),
    [
        (NAIVE, '"2018-08-15T06:00:00+02:00"', "has an offset, and the times that the model learned from"),
        (AHEAD, '"2018-08-15T06:00:00"', "has no offset, and the times that the model"),
        (UTC, "1534316399000", "which is no time of the model's: numbers are seconds since"),
        (IN_MS, "1534316399", "numbers are milliseconds since 1970, as in training"),
        (IN_S, '"43000"', "numbers are seconds since 1970"),
        (EXCEL, "1534316399", "numbers are days of Excel"),
        (Clock(dated=True, unit="yyyymmddhhmmss"), "20181315", "digits of a date"),
        (COUNTED, "1534316399", "numbers are seconds, counted"),
        (COUNTED, '"2018-08-15"', "which is no count"),
        (UTC, '"15/08/2018"', "which is no time: write it as 2018-04-01T13:45:00"),
        (UTC, '"2018-02-30"', "which is no time"),
        (UTC, '"25:00"', "which is no time"),
        (UTC, "true", "True, which is no time"),
        (UTC, '"true"', "which is no time"),
        (UTC, "[1]", "which is no time"),
        (UTC, "1" + "0" * 400, "which is no time of the model's"),
        (COUNTED, "-1e300", "which is no time of the model's"),
    ],
)  # fmt: skip
def test_what_would_be_another_moment_is_refused_with_its_place(clock: Clock, text: str, why: str) -> None:
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=clock))
    good = '{"a": 1, "t": null}'
    for kind, body, row in (
        ("application/json", f'{{"a": 1, "t": {text}}}', 1),
        ("application/jsonlines", f'{good}\n{{"t": {text}, "a": 1}}\n{good}', 2),
    ):
        with pytest.raises(BodyError, match=f"^row {row}: column 't' holds ") as refused:
            through(kind, body.encode(), features)
        assert why in refused.value.sentence
        assert refused.value.column == "t"


def test_numbers_of_32_bits_are_no_times() -> None:
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=UTC))
    rows = np.array([[1, 1534316399], [2, 1534316400]])
    found = through("application/x-recordio-protobuf", recordio(rows.astype(np.float64)), features)
    assert found[:, 1].tolist() == [6, 7]
    with pytest.raises(
        BodyError, match="row 1: column 't' holds 1534316416, which 32 bits hold only roughly"
    ):
        through("application/x-recordio-protobuf", recordio(rows.astype(np.float32)), features)
    count = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=COUNTED))
    assert through("application/x-recordio-protobuf", recordio(np.float32([[1, 7200]])), count)[0, 1] == 2


@pytest.mark.parametrize(
    ("kind", "why"),
    [(pa.duration("s"), "is no date"), (pa.timestamp("s", "Asia/Tokyo"), "has an offset"), (pa.bool_(), "")],
)
def test_columns_of_another_sort_are_refused(kind: pa.DataType, why: str) -> None:
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=NAIVE))
    file = io.BytesIO()
    parquet.write_table(pa.table({"a": [1.0], "t": pa.array([1]).cast(kind)}), file)
    with pytest.raises(BodyError, match=f"column 't' holds .*{why}"):
        through("application/x-parquet", file.getvalue(), features)


def test_a_body_without_the_time_or_with_one_too_many_is_refused() -> None:
    clock = Column("t", clock=UTC)
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=clock)
    with pytest.raises(BodyError, match="has no column 't'; send null"):
        through("application/json", b'{"a": 1}', features)
    with pytest.raises(BodyError, match="row 1 has 1 values where 2 are expected"):
        through("text/csv", b"1", features)
    without = Features([Column("a")]).deriving({"h": "a * 2"}, time=clock)
    assert without.names == ["a"]
    with pytest.raises(BodyError, match="unknown column 't'"):
        through("application/json", b'{"a": 1, "t": 5}', without)


@pytest.fixture
def model(prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree) -> Tree:
    """A model of scaled numbers, categories and what it makes of the time."""
    table = table_of(SPELLINGS["ISO"][0])
    table = table.append_column("m", pa.array(np.array(["x", "y"])[np.arange(400) % 2]))
    split = {"kind": "time", "train": 0.6, "validation": 0.2, "test": 0.2}
    prepare(table, time="t", categorical=["m"], scale="standard", split=split)
    constraint = {"monotone_constraints": '{"night": 1}'}
    train(hand_over(tree, {"num_round": "20", **constraint}, derive=DERIVE))
    return tree


def test_a_model_asks_for_the_time_last_and_the_booster_is_not_given_it(model: Tree) -> None:
    contract = json.loads((model.model / "model.json").read_bytes())
    time = {"name": "t", "type": "time", "dated": True, "unit": None, "zone": "none"}
    assert contract["columns"][2] == time
    assert contract["preprocessing"]["scale"]["mean"][1:] == [None, None]
    scorer = load_scorer(model.model)
    assert scorer.features.input_names == ["a", "m", *DERIVE]
    matrix = read_split(model.prepared / "test", scorer.features).matrix
    rows = sent_rows(parquet.read_table(model.prepared / "test"), contract)
    assert through("text/csv", csv_rows(rows), scorer.features).tobytes() == matrix.tobytes()
    named = {name for row in scorer.reasons(matrix, most=5) for name, _ in row}
    assert named & set(DERIVE)
    assert "t" not in named
    canary = scorer.features.given(np.full((1, 3), np.nan, np.float32))
    assert np.isfinite(scorer.score(canary)).all()
    assert _other_columns(scorer, scorer) is None


def test_an_endpoint_does_not_switch_to_a_model_that_reads_the_time_otherwise() -> None:
    class Scored:
        def __init__(self, *columns: Column) -> None:
            self.features = Features(columns)

    old, new = Scored(Column("a"), Column("t", clock=UTC)), Scored(Column("a"), Column("t", clock=IN_MS))
    assert "differ in t" in str(_other_columns(old, new))  # type: ignore[arg-type]
    assert "differ in t" in str(_other_columns(old, Scored(Column("a"))))  # type: ignore[arg-type]


A = {"name": "a", "type": "number"}


@pytest.mark.parametrize(
    "change",
    [
        {"columns": [{"name": "t", "type": "time", "dated": True}, A]},
        {"derived": [{"name": "h", "expression": "a * 2"}]},
        {"derived": []},
        {"columns": [A, {"name": "t", "type": "time"}]},
        {"columns": [A, {"name": "t", "type": "time", "dated": 1}]},
        {"columns": [A, {"name": "t", "type": "time", "dated": True, "unit": "w"}]},
        {"columns": [A, {"name": "t", "type": "time", "dated": True, "zone": "Z"}]},
        {"columns": [A, *[{"name": name, "type": "time", "dated": True} for name in "ut"]]},
    ],
)
def test_a_forged_contract_is_refused(change: dict[str, Any]) -> None:
    features = Features([Column("a")]).deriving({"h": "hour(t)"}, time=Column("t", clock=IN_MS))
    content = {**features.as_json(), "preprocessing": {}}
    assert read_features(Fields(content, source="model.json")).as_json() == features.as_json()
    with pytest.raises(ConfigError):
        read_features(Fields({**content, **change}, source="model.json"))


PATTERNS = (
    "{0:%Y-%m-%d %H:%M:%S.%f}", "{0:%Y%m%dT%H%M%S}", "{0:%Y/%m/%d %H:%M}", "{0:%Y-%m-%dT%H}", "{0:%Y.%m.%d}",
    "{0:%Y-%m-%d %H:%M:%S},{0:%f}", "{0:%Y-%m-%d %H:%M:%S}.{0:%f}999", "{0:%Y-%d-%m}", "{0:%H:%M}",
    " {0:%Y-%m-%d} ",
)  # fmt: skip
OFFSETS = (
    "",
    "Z",
    " UTC",
    "+00:00",
    "-0530",
    "+14",
    " +0100 UTC",
    "+02:00[Europe/Madrid]",
    "+24:00",
    "z",
    "+01:75",
)


@given(
    st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(2250, 12, 30)),  # noqa: DTZ001
    st.sampled_from(PATTERNS),
    st.sampled_from(OFFSETS),
)
def test_one_time_is_read_as_a_column_of_it_is(moment: dt.datetime, pattern: str, zone: str) -> None:
    text = pattern.format(moment) + zone
    try:
        found = parse_times(pa.chunked_array([[text]]), "t")
    except TableError:
        assert moment_of(text) is None
        return
    assert moment_of(text) == (found.seconds[0], found.zone)


@given(st.lists(st.floats(0, 9e8), min_size=1), st.sampled_from(["s", "ms", "us", "ns", "min", "h", "d"]))
def test_a_count_is_sent_with_the_hour_it_has(seconds: list[float], unit: str) -> None:
    from fraudlab.container.formats.time_values import hours_of_numbers

    clock = Clock(dated=False, unit=unit)
    values = np.array(seconds)
    back = hours_of_numbers(written(values, clock).to_numpy(zero_copy_only=False), clock)
    np.testing.assert_array_equal(back, clock.hours(values))

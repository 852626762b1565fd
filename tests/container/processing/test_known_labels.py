"""When labels were known: against loops in plain words, in every spelling, and what is refused."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container import train
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError, TableError
from fraudlab.container.formats.times import Times
from fraudlab.container.processing.fold_windows import divide_folds
from fraudlab.container.processing.known_labels import late_labels, read_known
from fraudlab.container.processing.row_parts import Parts
from fraudlab.container.roles import Roles, Split, Windows, read_roles

DAY, HOUR = 86_400.0, 3_600.0
FIRST = 17_622 * DAY  # 2018-04-01
ROWS = 2_000


def asked(**changed: Any) -> Roles:
    split = Split("time", 0.6, 0.2, 0.2, 0.0)
    given = {"label": "y", "time": "t", "label_known": "known", "split": split, **changed}
    nothing = {
        "file": "t.csv",
        "table": None,
        "sha256": None,
        "duplicates": "keep",
        "scale": "none",
        "seed": 0,
    }
    return Roles(**nothing, **given)


def read(known: Any, label: list[int], time: Any, **changed: Any) -> Any:
    column = known if isinstance(known, pa.ChunkedArray) else pa.chunked_array([known])
    times = time if isinstance(time, Times) else Times(np.array(time, np.float64), "timestamp", zone="none")
    return read_known(column, np.array(label, np.uint8), times, asked(**changed))


rows_of_a_table = st.lists(
    st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 30), st.booleans()), min_size=1, max_size=40
)


@settings(max_examples=60, deadline=None)
@given(rows_of_a_table, st.integers(1, 20), st.integers(1, 20), st.sampled_from([0, 3]), st.booleans())
def test_labels_are_those_that_a_team_had(
    rows: list[tuple[bool, int, int, bool]], first: int, more: int, gap: int, validates: bool
) -> None:
    label = [1, *(int(fraud) for fraud, _, _, _ in rows)]
    time = [0.5, *(at + 0.25 for _, at, _, _ in rows)]
    told = [1.0, *(None if lacks else at + 0.25 + late for _, at, late, lacks in rows)]
    cuts = [float(first), float(first + more)][: 1 + validates]
    parts = {"train": np.flatnonzero(np.array(time) < cuts[0])}
    if validates:
        inside = [cuts[0] + gap <= at < cuts[1] for at in time]
        parts["validation"] = np.flatnonzero(inside)
    times = Times(np.array(time) * DAY, "number", "s")
    known = read(
        pa.array([None if at is None else at * DAY for at in told], pa.float64()),
        label,
        times,
        label_delay_seconds=5 * DAY,
    )
    found = late_labels(known, parts, [cut * DAY for cut in cuts], gap=gap * DAY)

    def by_hand(row: int, moment: float) -> int:
        when = time[row] + 5 if told[row] is None else told[row]
        return int(label[row] == 1 and when < moment)

    moments = {"train": cuts[0] + gap, "validation": cuts[-1] + gap, "refit": cuts[-1] + gap}
    for use, said in found.items():
        of_part = parts["train" if use == "refit" else use]
        expected = [by_hand(row, moments[use]) for row in of_part]
        frauds = sum(label[row] for row in of_part)
        assert said == {"moment": moments[use] * DAY, "frauds": frauds, "late": frauds - sum(expected)}
        assert known.by(said["moment"])[of_part].tolist() == expected
    assert found.keys() == ({"train", "validation", "refit"} if validates else {"train"})


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, DAY]), st.sampled_from([0.0, 2 * DAY, 30 * HOUR]))
def test_a_card_is_known_when_the_label_of_its_fraud_is(seed: int, gap: float, validation: float) -> None:
    random = np.random.default_rng(seed)
    time = FIRST + np.sort(random.integers(0, 16 * int(DAY), 600)).astype(np.float64)
    label = (random.random(600) < 0.2).astype(np.uint8)
    label[::5] = 1
    card = random.integers(0, 200, 600)
    known = np.where(label == 1, time + random.integers(0, 6 * int(DAY), 600), np.inf)
    windows = Windows(2, 3 * DAY, validation, DAY, FIRST + 4 * DAY, True)
    split = Split("prequential", 0, 0, 0, gap, windows)
    cards = pa.array([f"c{one}" for one in card])
    found = divide_folds(split, label, Times(time, "timestamp"), cards, known=known)
    for fold, division in enumerate(found):
        begin = FIRST + 4 * DAY - fold * DAY
        trained = begin + 3 * DAY + gap
        spans = {"validation": (trained, trained + validation)} if validation else {}
        start = trained + validation + gap if validation else trained
        spans["test"] = (start, start + DAY)
        for name, (since, end) in spans.items():
            expected = [
                row
                for row in range(600)
                if since <= time[row] < end
                and not any(
                    card[other] == card[row]
                    and time[other] >= begin
                    and known[other] < max(time[row] // DAY * DAY, trained)
                    for other in np.flatnonzero(label)
                )
            ]
            assert division.rows[name].tolist() == expected


def test_a_delay_that_all_have_is_the_gap(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    """A label known a gap after its transaction is known wherever a gap of that length is left out."""
    late = frauds.append_column("known", pa.array(frauds["t"].to_numpy() + 600.0))
    roles = {"id": ["tx"], "time": "t", "categorical": ["merchant"]}
    split = {"kind": "time", "gap_seconds": 600}
    plain = prepare(frauds, **roles, split=split)
    files = [parquet.read_table(tree.prepared / name / "part-0.parquet") for name in plain["splits"]]
    told = prepare(late, **roles, label_known="known", split=split)
    assert {use: facts["late"] for use, facts in told["split"]["labels"].items()} == dict.fromkeys(
        ("train", "validation", "refit"), 0
    )
    for name, file in zip(told["splits"], files, strict=True):
        found = parquet.read_table(tree.prepared / name / "part-0.parquet")
        for column in ("fraudlab.row", "fraudlab.label"):
            assert found[column] == file[column]


MOMENTS = ["2018-04-09T06:30:00", "2018-04-21T00:00:00", "2018-05-02T23:15:00"]
SECONDS = np.array(MOMENTS, "datetime64[s]").astype(np.int64)
STAMPS = pa.array(SECONDS, pa.timestamp("s"))
DATED = Times(np.full(3, FIRST), "timestamp", zone="utc")


@pytest.mark.parametrize(
    ("known", "time"),
    [
        (pa.array(MOMENTS), DATED),
        (pa.array([text.replace("T", " ") for text in MOMENTS]), DATED),
        (pa.array([text + "Z" for text in MOMENTS]), DATED),
        (pa.array(["2018-04-09T08:30:00+02:00", "2018-04-20T22:00:00-02:00", "20180502T231500Z"]), DATED),
        (pa.array(["2018/4/9 6:30", "2018/4/21 0:00", "2018/5/2 23:15"]), DATED),
        (pa.array(MOMENTS).dictionary_encode(), DATED),
        (STAMPS, DATED),
        (STAMPS.cast(pa.timestamp("ns")), DATED),
        (STAMPS.cast(pa.timestamp("ms", "Europe/Paris")), DATED),
        (pa.array(SECONDS), DATED),
        (pa.array(SECONDS * 1000), DATED),
        (pa.array([str(value) for value in SECONDS]), DATED),
        (pa.array([20180409063000, 20180421000000, 20180502231500]), DATED),
        (pa.array(SECONDS * 1000), Times(np.full(3, FIRST), "timestamp", "s")),
        (pa.array(SECONDS), Times(np.full(3, FIRST), "timestamp", "ms")),
        (pa.array(MOMENTS), Times(np.full(3, FIRST), "timestamp", "ms")),
        (pa.array(SECONDS / 86_400), Times(np.full(3, FIRST), "timestamp", "d")),
        (pa.array(SECONDS / 86_400 + 25_569), Times(np.full(3, FIRST), "timestamp", "excel")),
        (pa.array(SECONDS - 17_622 * 86_400), Times(np.zeros(3), "number", "s")),
        (pa.array((SECONDS - 17_622 * 86_400) / 60), Times(np.zeros(3), "number", "min")),
        (pa.array(SECONDS - 17_622 * 86_400, pa.duration("s")), Times(np.zeros(3), "number")),
    ],
)
def test_a_moment_has_the_spellings_of_a_time(known: pa.Array, time: Times) -> None:
    found = read(known, [1, 1, 1], time)
    start = 0.0 if time.kind == "timestamp" else FIRST
    assert np.abs(found.at + start - SECONDS).max() < 1e-3


@pytest.mark.parametrize("missing", ["", " ", "NaT", "NaN", "NULL", "None", "n/a", None])
def test_what_was_never_reported_is_missing_in_every_spelling(missing: str | None) -> None:
    found = read(pa.array([missing, MOMENTS[1], missing]), [0, 1, 0], DATED)
    assert np.isinf(found.at).tolist() == [True, False, True]
    with pytest.raises(
        TableError, match="no time for 1 of 2 frauds, the first in row 1, and data.delay is 0s"
    ):
        read(pa.array([missing, MOMENTS[1], missing]), [1, 1, 0], DATED)
    found = read(pa.array([missing, MOMENTS[1], missing]), [1, 1, 0], DATED, label_delay_seconds=7 * DAY)
    assert found.at[0] == FIRST + 7 * DAY
    assert found.lacking == 1
    assert "1 of 2 frauds have no time in 'known'" in found.notes[-1]


def test_what_legitimate_rows_say_is_not_looked_at() -> None:
    found = read(
        pa.array(["0", "01/02/2018", "what", MOMENTS[0]]), [0, 0, 0, 1], Times(np.full(4, FIRST), "timestamp")
    )
    assert np.isinf(found.at[:3]).all()


def test_days_are_known_when_they_end() -> None:
    found = read(
        pa.array(["2018-04-01", "2018-04-03"]), [1, 1], Times(np.full(2, FIRST + 5 * HOUR), "timestamp")
    )
    assert found.by(FIRST + DAY).tolist() == [1, 0]
    assert found.by(FIRST + 3 * DAY - 1).tolist() == [1, 0]
    assert found.by(FIRST + 3 * DAY).tolist() == [1, 1]
    assert "when its day ends" in found.notes[-1]
    never = read(pa.array(["2018-04-01", "9999-12-31"]), [1, 1], Times(np.full(2, FIRST), "timestamp"))
    assert never.by(FIRST + 9000 * DAY).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("known", "time", "sentence"),
    [
        (pa.array(["x", MOMENTS[0], "soon"]), DATED, "of data.label_known 'known' holds 'soon' in row 3"),
        (pa.array([None, MOMENTS[0], "03/04/2018"]), DATED, "holds '03/04/2018' in row 3"),
        (pa.array(["", "2018-04-31", MOMENTS[0]]), DATED, "in row 2, a date or time that does not exist"),
        (pa.array(["", MOMENTS[0], "1523000000"]), DATED, "holds the number '1523000000' in row 3"),
        (pa.array([0.0, 7.0, 14.0]), DATED, "column 'known' holds 7 in row 2, which is a count"),
        (pa.array(["", *MOMENTS[:2]]), Times(np.zeros(3), "number", "s"), "no count of s"),
        (pa.array([0, *SECONDS[:2]]), Times(np.zeros(3), "number", "s"), "no count of s"),
        (pa.array(["", *MOMENTS[:2]]), Times(np.zeros(3), "number"), "no count of time"),
        (STAMPS, Times(np.zeros(3), "number", "h"), "no count of h"),
        (pa.array([False, True, True]), DATED, "holds"),
        (pa.array([None, None, None], pa.string()), DATED, "no time for any of the 2 frauds"),
        (pa.array([float("nan"), float("inf"), 1.523e9]), DATED, "infinite in row 2"),
        (pa.array([text + "+02:00" for text in MOMENTS]), Times(np.full(3, FIRST), "timestamp", zone="none"),
         "the times of data.time have no zone, and those of 'known' have an offset"),
        (pa.array(MOMENTS), Times(np.full(3, FIRST), "timestamp", zone="offset"),
         "the times of 'known' have no zone, and those of data.time have an offset"),
        (pa.array(["", MOMENTS[0], MOMENTS[1] + "+02:00"]), DATED, "without a zone in row 2"),
        (pa.array(["", "2018-03-31T22:00:00", MOMENTS[1]]), DATED, "1 of 2 frauds were known before they"),
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(known: pa.Array, time: Times, sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        read(known, [0, 1, 1], time)
    assert sentence in caught.value.sentence
    assert caught.value.fix


def test_a_few_clocks_may_be_fast() -> None:
    time = np.full(400, FIRST + HOUR)
    known = FIRST + 2 * HOUR + np.arange(400.0)
    known[7] = FIRST + HOUR - 3
    found = read(pa.array(known), [1] * 400, Times(time, "timestamp", "s"))
    assert found.at[7] == FIRST + HOUR
    assert "1 of 400 frauds were known up to 3 s before they happened" in found.notes[0]


def test_a_part_without_a_known_fraud_is_refused() -> None:
    time = Times(np.arange(10.0) * DAY, "number", "s")
    label = np.array([1, 0] * 5, np.uint8)
    known = read(pa.array(time.seconds + 4 * DAY), label.tolist(), time)
    parts = Parts(label, time, {}, known=known)
    split = {"train": np.arange(4), "validation": np.arange(4, 7)}
    late = late_labels(known, split, [4 * DAY, 7 * DAY], gap=0.0)
    with pytest.raises(
        TableError, match="none of the 2 frauds of train is known to be one by the time it is"
    ):
        parts.of_split("train", late, measured=True)
    with pytest.raises(TableError, match="none of the 2 frauds of validation .* a threshold is chosen on it"):
        parts.of_split("validation", late, measured=True)
    assert parts.of_split("test", late, measured=True).label is label


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"split": {"kind": "stratified"}, "label_known": "known"}, "a stratified split has no moment"),
        ({"time": "t", "label_known": "t"}, "column 't' is both data.label_known and data.time"),
        ({"time": "t", "label_known": "y"}, "column 'y' is both data.label and data.label_known"),
        ({"time": "t", "label_known": "k", "card": "k"}, "column 'k' is both data.label_known and data.card"),
        ({"time": "t", "label_known": "k", "id": ["k"]}, "column 'k' is both data.label_known and data.id"),
        (
            {"time": "t", "label_known": "k", "features": ["k"]},
            "column 'k' is both data.label_known and data.features",
        ),
        (
            {"time": "t", "label_known": "k", "amount": "k"},
            "column 'k' is both data.label_known and data.amount",
        ),
        ({"time": "t", "label_known": "k", "slices": ["k"]}, "names 'k', which is data.label_known"),
        (
            {"time": "t", "label_known": "k", "categorical": ["k"]},
            "data.categorical names 'k', not a feature",
        ),
        ({"time": "t", "label_known": "k", "label_delay_seconds": -1}, "labels arrive -1 s late"),
    ],
)
def test_contradictions(place: Any, changes: dict[str, Any], sentence: str) -> None:
    split = changes.pop("split", {"kind": "time"})
    with pytest.raises(ConfigError) as caught:
        read_roles(place("", **changes, split=split).process_request)
    assert sentence in caught.value.sentence


# The whole of the two jobs.


@pytest.fixture
def transactions() -> pa.Table:
    random = np.random.default_rng(4)
    label = (random.random(ROWS) < 0.2).astype(np.int64)
    time = np.arange(ROWS) * 600.0
    known = np.where(label == 1, time + np.round(random.exponential(2 * DAY, ROWS)), np.nan)
    columns = {f"v{place}": random.normal(size=ROWS) + 1.5 * label * (place < 2) for place in range(4)}
    return pa.table({"t": time, **columns, "known": pa.array(known, from_pandas=True), "y": label})


ROLES = {"time": "t", "label_known": "known", "split": {"kind": "time"}}


def learned(tree: Tree, hand_over: Any, **parameters: str) -> bytes:
    hand_over(tree, {"num_round": "15", "max_depth": "3", **parameters})
    train.run(tree)
    return (tree.model / "model.ubj").read_bytes()


def with_known(table: pa.Table, known: Any) -> pa.Table:
    place = table.column_names.index("known")
    return table.set_column(place, "known", pa.array(known, from_pandas=True))


def test_files_hold_the_labels_of_their_moments(prepare: Any, transactions: pa.Table, tree: Tree) -> None:
    manifest = prepare(transactions, **ROLES)
    time, label = transactions["t"].to_numpy(), transactions["y"].to_numpy()
    known = transactions["known"].to_numpy()
    first, last = manifest["split"]["cuts"]
    files = {
        name: parquet.read_table(tree.prepared / name / "part-0.parquet")
        for name in ("train", "validation", "test")
    }
    row = {name: file["fraudlab.row"].to_numpy() for name, file in files.items()}
    by_first, by_last = ((label == 1) & (known < moment) for moment in (first, last))
    assert files["train"]["fraudlab.label"].to_pylist() == by_first[row["train"]].tolist()
    assert files["train"]["fraudlab.refit_label"].to_pylist() == by_last[row["train"]].tolist()
    assert files["validation"]["fraudlab.label"].to_pylist() == by_last[row["validation"]].tolist()
    assert files["test"]["fraudlab.label"].to_pylist() == label[row["test"]].tolist()
    assert by_first[row["train"]].sum() < by_last[row["train"]].sum() < label[row["train"]].sum()
    said = manifest["split"]["labels"]
    assert said["train"]["late"] == int(label[row["train"]].sum() - by_first[row["train"]].sum())
    assert said["refit"]["late"] == int(label[row["train"]].sum() - by_last[row["train"]].sum())
    delays = np.sort((known - time)[label == 1])
    assert manifest["label_known"]["quantiles"][10] == delays[int(np.ceil(delays.size / 2)) - 1]
    assert manifest["notes"][-1].startswith("labels of fraud were known ")
    for file in files.values():
        assert "known" not in file.column_names


def test_the_column_is_no_feature_and_labels_of_later_teach_nothing(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    """Values after the last moment may be anything: neither model nor threshold changes, with the refit."""
    manifest = prepare(transactions, **ROLES, duplicates="drop")
    assert "known" not in [column["name"] for column in manifest["columns"]]
    moment = manifest["split"]["labels"]["refit"]["moment"]
    assert manifest["label_copies"] == []
    before = learned(tree, hand_over, refit="true", early_stopping_rounds="3")
    known = transactions["known"].to_numpy()
    random = np.random.default_rng(1)
    after = np.maximum(moment, transactions["t"].to_numpy()) + random.integers(0, 10**6, ROWS)
    later = np.where(known >= moment, after, known)
    assert np.count_nonzero(later[known >= moment] != known[known >= moment]) > 50
    prepare(with_known(transactions, later), **ROLES, duplicates="drop")
    assert learned(tree, hand_over, refit="true", early_stopping_rounds="3") == before
    # and those of before do
    earlier = np.where(known >= moment, transactions["t"].to_numpy(), known)
    prepare(with_known(transactions, earlier), **ROLES, duplicates="drop")
    assert learned(tree, hand_over, refit="true", early_stopping_rounds="3") != before


def test_a_first_fit_has_the_labels_of_its_moment_and_the_refit_those_of_its_own(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    manifest = prepare(transactions, **ROLES)
    moments = [manifest["split"]["labels"][use]["moment"] for use in ("train", "refit")]
    alone = {"refit": "false", "early_stopping_rounds": "0"}
    first, second = (learned(tree, hand_over, **alone), learned(tree, hand_over, **alone | {"refit": "true"}))
    known = transactions["known"].to_numpy()
    of_train = transactions["t"].to_numpy() < manifest["split"]["cuts"][0]
    between = np.where(of_train & (known >= moments[0]) & (known < moments[1]), moments[1] + 1, known)
    prepare(with_known(transactions, between), **ROLES)
    assert learned(tree, hand_over, **alone) == first
    assert learned(tree, hand_over, **alone | {"refit": "true"}) != second


def test_the_refit_learns_from_labels_that_have_come_in(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    manifest = prepare(transactions, **ROLES)
    learned(tree, hand_over, refit="true")
    labels = manifest["split"]["labels"]
    known = {use: facts["frauds"] - facts["late"] for use, facts in labels.items()}
    contract = json.loads((tree.model / "model.json").read_bytes())
    assert contract["refit"]["frauds"] == known["refit"] + known["validation"]
    assert contract["refit"]["first_fit"]["frauds"] == known["train"]


@pytest.mark.parametrize("write", ["csv", "parquet"])
def test_a_file_of_text_is_read_as_one_of_types(
    prepare: Any, transactions: pa.Table, tree: Tree, write: str
) -> None:
    """The first hundred rows have no value, so that nothing tells of which kind the column is."""
    blank = np.where(np.arange(ROWS) < 100, np.nan, transactions["known"].to_numpy())
    label = np.where(np.arange(ROWS) < 100, 0, transactions["y"].to_numpy())
    place = transactions.column_names.index("y")
    table = with_known(transactions, blank).set_column(place, "y", pa.array(label))
    if write == "csv":
        lines = [",".join(table.column_names)]
        lines += [",".join("" if v is None else str(v) for v in row.values()) for row in table.to_pylist()]
        table = "\n".join(lines) + "\n"
    manifest = prepare(table, **ROLES)
    assert manifest["label_known"]["lacking"] == 0
    assert manifest["split"]["labels"]["train"]["frauds"] == int(label[:1200].sum())

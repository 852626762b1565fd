"""Channels without a process job: what is read, and the exact sentence of every refusal."""

import io
import os
import stat
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container.channels import ChannelTable, csv_rows, libsvm_rows, read_channel, sources
from fraudlab.container.failure import ConfigError, JobError, TableError

RANDOM = np.random.default_rng(3)
ROWS = 200
LABEL = (np.arange(ROWS) % 4 == 0).astype(int)
MATRIX = np.round(RANDOM.normal(size=(ROWS, 5)) * 100, 4)
MATRIX[::7, 2] = np.nan
NAN = float("nan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "train"


@pytest.fixture(params=["whole", "in small blocks"])
def blocks(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text files in one block, and in many."""
    if request.param != "whole":
        monkeypatch.setattr(sources, "_BLOCK_BYTES", 100)


def put(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(
    folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any
) -> ChannelTable:
    return read_channel(put(folder, files), content_type=content_type, **options)


def refusal(folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any) -> JobError:
    with pytest.raises(JobError) as caught:
        read(folder, files, content_type, **options)
    assert caught.value.fix
    return caught.value


def sentence(folder: Path, files: dict[str, Any], content_type: str | None = None, **options: Any) -> str:
    error = refusal(folder, files, content_type, **options)
    assert isinstance(error, TableError)
    return error.sentence


def as_csv(label: Any, matrix: Any) -> str:
    fields = [["" if value != value else repr(value) for value in row] for row in matrix.tolist()]  # noqa: PLR0124
    return "".join(",".join([str(y), *row]) + "\n" for y, row in zip(label, fields, strict=True))


def as_libsvm(label: Any, matrix: Any, first: int = 1) -> str:
    rows = [
        " ".join(f"{at}:{value!r}" for at, value in enumerate(row, first) if value == value)  # noqa: PLR0124
        for row in matrix.tolist()
    ]
    return "".join(f"{y} {row}\n" for y, row in zip(label, rows, strict=True))


def as_table(label: Any, matrix: Any) -> pa.Table:
    columns = {f"v{at}": pa.array(column, from_pandas=True) for at, column in enumerate(matrix.T)}
    return pa.table({"y": label, **columns})


def as_recordio(label: Any, matrix: Any) -> bytes:
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
        from sagemaker.amazon.common import write_numpy_to_dense_tensor
    file = io.BytesIO()
    write_numpy_to_dense_tensor(file, np.asarray(matrix, np.float64), np.asarray(label, np.float64))
    return file.getvalue()


def assert_is_the_table(found: ChannelTable) -> None:
    np.testing.assert_array_equal(found.matrix, MATRIX.astype(np.float32))
    np.testing.assert_array_equal(found.label, LABEL)
    assert found.matrix.dtype == np.float32
    assert found.matrix.flags.c_contiguous
    assert found.label.dtype == np.uint8
    assert found.weight is None


NAMES = ("f0", "f1", "f2", "f3", "f4")
FORMATS = {
    "text/csv": (as_csv, NAMES),
    "text/libsvm": (as_libsvm, ("f1", "f2", "f3", "f4", "f5")),
    "application/x-parquet": (as_table, ("v0", "v1", "v2", "v3", "v4")),
    "application/x-recordio-protobuf": (as_recordio, NAMES),
}


# What all formats have in common


@pytest.mark.parametrize("content_type", FORMATS)
def test_every_format_gives_the_same_table(folder: Path, content_type: str, blocks: None) -> None:
    write, names = FORMATS[content_type]
    halves = {"a/part-1": write(LABEL[:90], MATRIX[:90]), "b": write(LABEL[90:], MATRIX[90:])}
    for declared in (None, content_type):
        found = read(folder, halves, declared)
        assert_is_the_table(found)
        assert found.names == names
        assert found.content_type == content_type


@pytest.mark.parametrize("content_type", FORMATS)
def test_a_channel_beside_train_has_its_columns(folder: Path, content_type: str) -> None:
    write, names = FORMATS[content_type]
    some = {"part": write([0] * 12, MATRIX[:12])}
    assert sentence(folder, some) == "channel train has no fraud in 12 rows"
    found = read(folder, some, columns=names)
    assert found.names == names
    assert found.label.sum() == 0


@pytest.mark.parametrize(
    "content_type", ["text/csv", "application/x-parquet", "application/x-recordio-protobuf"]
)
def test_another_number_of_columns(tmp_path: Path, content_type: str) -> None:
    write, names = FORMATS[content_type]
    error = refusal(tmp_path / "validation", {"part": write(LABEL, MATRIX[:, :4])}, columns=names)
    assert error.sentence == "channel validation has 4 feature columns, and channel train has 5"


def test_a_channel_of_another_format_than_train(folder: Path) -> None:
    assert read(folder, {"a": as_csv(LABEL, MATRIX)}, columns=tuple("abcde")).names == tuple("abcde")
    put(folder, {"a": as_libsvm(LABEL, MATRIX)})
    assert refusal(folder, {}, columns=tuple("abcde")).sentence == (
        "channel train is libsvm, whose columns are numbers, and channel train has 'a'"
    )


def test_only_nested_files_in_sorted_order(folder: Path) -> None:
    files = {
        "b.csv": "1,3\n",
        "a/z/one.csv": "0,1\n",
        "a/two.csv": "1,0.5\n",
        ".hidden": b"\x00",
        ".git/config": b"\x00",
        "_SUCCESS": b"junk",
        "_temporary/0/part.csv": "9,9\n",
        "empty.csv": "",
        "blank.csv": "\n\n",
    }
    assert read(folder, files).matrix.tolist() == [[0.5], [1], [3]]


def test_links_are_followed_and_may_go_in_circles(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", {"a.csv": "0,1\n", "more/b.csv": "1,2\n"})
    folder.mkdir()
    (folder / "1.csv").symlink_to(tmp_path / "elsewhere/a.csv")
    (folder / "2").symlink_to(tmp_path / "elsewhere/more")
    (tmp_path / "elsewhere/more/again").symlink_to(folder)
    assert read(folder, {}).matrix[:, 0].tolist()[:2] == [1, 2]
    (tmp_path / "link").symlink_to(folder)
    assert read(tmp_path / "link", {}).label.tolist()[:2] == [0, 1]


def test_folders_that_hold_nothing(folder: Path) -> None:
    assert sentence(folder, {}) == "there is no channel train"
    assert refusal(folder, {}).fix == "give the job an input channel named train"
    folder.mkdir()
    assert sentence(folder, {}) == "channel train has no files"
    assert sentence(folder, {"_SUCCESS": "x", ".a": "x", "_b/c.csv": "1,2\n"}) == "channel train has no files"
    assert sentence(folder, {"a.csv": "", "b/c.csv": ""}) == "channel train has only empty files"


@pytest.mark.parametrize(
    ("files", "content_type"),
    [
        ({"a.csv": "\n \n"}, None),
        ({"a.svm": "\n\n"}, None),
        ({"a.svm": "# nothing\n"}, None),
        ({"a.parquet": as_table([], np.empty((0, 2)))}, None),
    ],
)
def test_files_without_rows(folder: Path, files: Any, content_type: Any) -> None:
    assert sentence(folder, files, content_type) == "channel train has no rows"


def test_what_is_no_regular_file(folder: Path) -> None:
    put(folder, {"a.csv": "1,2\n"})
    (folder / "b").symlink_to(folder / "gone")
    assert sentence(folder, {}) == "b of channel train is a link to nothing"
    (folder / "b").unlink()
    os.mkfifo(folder / "b")
    assert sentence(folder, {}) == "b of channel train is no regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_files_that_may_not_be_read(folder: Path) -> None:
    put(folder, {"a.csv": "1,2\n"})
    (folder / "a.csv").chmod(0)
    assert sentence(folder, {}).startswith("channel train cannot be read: [Errno 13] Permission denied")


@pytest.mark.parametrize("content_type", FORMATS)
def test_a_read_only_channel_is_left_as_it_is(folder: Path, content_type: str) -> None:
    write, _ = FORMATS[content_type]
    path = put(folder, {"part": write(LABEL, MATRIX)}) / "part"
    path.chmod(stat.S_IRUSR)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = path.stat().st_mtime_ns, sorted(folder.iterdir())
    assert_is_the_table(read(folder, {}))
    assert (path.stat().st_mtime_ns, sorted(folder.iterdir())) == before
    folder.chmod(stat.S_IRWXU)


def test_a_channel_that_breaks_off(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(5, "Input/output error", "a.csv")

    monkeypatch.setattr(csv_rows, "line_blocks", fail)
    expected = "channel train cannot be read: [Errno 5] Input/output error: 'a.csv'"
    assert sentence(folder, {"a.csv": "1,2\n"}) == expected


# Formats


@pytest.mark.parametrize(
    ("content_type", "canonical"),
    [
        ("text/csv", "text/csv"),
        ("CSV", "text/csv"),
        ("text/csv;label_size=1", "text/csv"),
        ('Text/CSV; charset=utf-8; Label_Size="1"', "text/csv"),
        ("text/libsvm", "text/libsvm"),
        ("text/x-libsvm", "text/libsvm"),
        (" libsvm ;charset=utf8", "text/libsvm"),
        ("application/x-parquet", "application/x-parquet"),
        ("application/parquet", "application/x-parquet"),
        ("parquet", "application/x-parquet"),
        ("application/x-recordio-protobuf", "application/x-recordio-protobuf"),
        ("recordio-protobuf", "application/x-recordio-protobuf"),
    ],
)
def test_content_types(folder: Path, content_type: str, canonical: str) -> None:
    write, _ = FORMATS[canonical]
    found = read(folder, {"part": write(LABEL, MATRIX)}, content_type)
    assert_is_the_table(found)
    assert found.content_type == canonical


VALID = (
    "text/csv, text/libsvm, application/x-parquet, application/x-recordio-protobuf, csv, text/x-libsvm,"
    " libsvm, application/parquet, parquet, recordio-protobuf"
)


@pytest.mark.parametrize(
    ("content_type", "sentence", "fix"),
    [
        (
            "text/cvs",
            "channel train has the content type 'text/cvs' (did you mean 'text/csv'?)",
            f"use one of: {VALID}; or none, to go by the files",
        ),
        (
            "image/png",
            "channel train has the content type 'image/png'",
            f"use one of: {VALID}; or none, to go by the files",
        ),
        ("", "channel train has the content type ''", f"use one of: {VALID}; or none, to go by the files"),
        (
            "text/csv;label_size=0",
            "channel train has the content type 'text/csv;label_size=0': a row has one label",
            "use text/csv;label_size=1, with the label in the first column",
        ),
    ],
)
def test_unknown_content_types(folder: Path, content_type: str, sentence: str, fix: str) -> None:
    error = refusal(folder, {"a.csv": "1,2\n0,3\n"}, content_type)
    assert isinstance(error, ConfigError)
    assert (error.sentence, error.fix) == (sentence, fix)


CSV_TEXT, SVM_TEXT = "1,2\n0,3\n", "1 1:2\n0 1:3\n"
TABLE = pa.table({"y": [0, 1], "a": [2.0, 3.0]})


@pytest.mark.parametrize(
    ("files", "content_type", "sentence", "fix"),
    [
        (
            {"a": TABLE},
            "text/csv",
            "a holds Parquet, and channel train is declared text/csv",
            "set the channel's ContentType to application/x-parquet",
        ),
        (
            {"a.parquet": CSV_TEXT},
            None,
            "a.parquet holds CSV, and its suffix says something else",
            "rename the file, or set the channel's ContentType to text/csv",
        ),
        (
            {"a.csv": SVM_TEXT},
            "csv",
            "a.csv holds libsvm, and channel train is declared text/csv",
            "set the channel's ContentType to text/libsvm",
        ),
        (
            {"a.svm": CSV_TEXT},
            None,
            "a.svm holds CSV, and its suffix says something else",
            "rename the file, or set the channel's ContentType to text/csv",
        ),
        (
            {"a": "1\n"},
            "parquet",
            "a holds text, and channel train is declared application/x-parquet",
            "write it as Parquet",
        ),
        (
            {"a": b"\x0a\x23\xd7\xce1234"},
            "libsvm",
            "a holds recordio-protobuf, and channel train is declared text/libsvm",
            "set the channel's ContentType to application/x-recordio-protobuf",
        ),
        (
            {"a.csv": CSV_TEXT, "b.parquet": TABLE, "c.csv": CSV_TEXT},
            None,
            "channel train mixes formats: a.csv is CSV, b.parquet is Parquet",
            "give each channel files of one format",
        ),
        (
            {"a.csv.gz": b"\x1f\x8b\x08\x00"},
            "text/csv",
            "a.csv.gz of channel train is packed with gzip",
            "unpack it if it is packed, and write CSV, libsvm, Parquet, recordio-protobuf",
        ),
        ({"a": b"PK\x03\x04"}, None, "a of channel train is packed with zip", None),
        ({"a": b"BZh9"}, None, "a of channel train is packed with bzip2", None),
        (
            {"a.csv": "1,2\n".encode("utf-16")},
            None,
            "a.csv of channel train is binary data of another kind, or text that is not UTF-8",
            None,
        ),
    ],
)
def test_files_that_are_something_else(
    folder: Path, files: Any, content_type: Any, sentence: str, fix: str | None
) -> None:
    error = refusal(folder, files, content_type)
    assert isinstance(error, TableError)
    assert error.sentence == sentence
    assert fix is None or error.fix == fix


@pytest.mark.parametrize(
    ("head", "held"),
    [
        (b"1 1:2\n", "text/libsvm"),
        (b"# a, b\n\n1\n0 7:nan 8:1 # x,y\n", "text/libsvm"),
        (b"1 qid:3 1:2\n", "text/libsvm"),
        (b"1 -1:2\n", "text/libsvm"),
        (b"1,2\n", "text/csv"),
        (b"2024-01-01 10:30:00,5\n", "text/csv"),
        (b"1\n0\n", None),
        (b"1\t2\n", None),
        (b"", None),
        (b"1 " + b"1:2 " * 20_000, "text/libsvm"),
        (b"1:0.5 1:2\n" * 20_000, "text/libsvm"),
        (b"1,222" * 20_000, "text/csv"),
    ],
)
def test_what_a_file_holds(head: bytes, held: str | None) -> None:
    assert sources.held_format(head[: 64 << 10]) == held


# Labels, weights, indices


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize(("value", "shown"), [(2, "2"), (-1, "-1"), (0.5, "0.5"), (NAN, "missing")])
def test_other_labels(folder: Path, content_type: str, value: float, shown: str) -> None:
    write, _ = FORMATS[content_type]
    label = LABEL.astype(float)
    label[123] = value
    found = sentence(folder, {"a": write(label[:100], MATRIX[:100]), "b": write(label[100:], MATRIX[100:])})
    name = "the label 'y'" if content_type == "application/x-parquet" else "the label"
    assert found == f"{name} in row 24 of b is {shown}; a label is 0 or 1"


def test_labels_may_be_decimals_and_parquet_has_booleans(folder: Path) -> None:
    assert read(folder, {"a": "1.0,2\n0.0,3\n1e0,3\n"}).label.tolist() == [1, 0, 1]
    assert read(folder, {"a": pa.table({"y": [True, False], "a": [1, 2]})}).label.tolist() == [1, 0]


@pytest.mark.parametrize("content_type", FORMATS)
def test_one_class(folder: Path, content_type: str) -> None:
    write, _ = FORMATS[content_type]
    found = sentence(folder, {"a": write(np.ones(ROWS, int), MATRIX)})
    assert found == "channel train has nothing but fraud in 200 rows"


def counting(first: int, rows: int = 10) -> list[list[Any]]:
    return [[number % 2, first + number, number * 1.5] for number in range(rows)]


def lines(rows: list[list[Any]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "write", [as_csv, as_recordio, as_table, lambda label, matrix: as_libsvm(label, matrix, 0)]
)
def test_a_feature_that_counts_the_rows(folder: Path, first: int, write: Any) -> None:
    rows = np.array(counting(first, 30))
    files = {
        "a": write(rows[:20, 0].astype(int), rows[:20, 1:]),
        "b": write(rows[20:, 0].astype(int), rows[20:, 1:]),
    }
    error = refusal(folder, files)
    name = "v0" if write is as_table else "f0"
    assert error.sentence == (
        f"column {name!r} of channel train is an index column: it counts the rows from {first}"
    )
    assert error.fix == (
        "leave the index out: pandas writes none with index=False;"
        " or set keep_counter=true, if it is a feature"
    )
    found = read(folder, {}, keep_counter=True)
    assert found.matrix[:, 0].tolist() == list(range(first, first + 30))


@pytest.mark.parametrize("keep_counter", [True, False])
def test_a_label_that_counts_the_rows(folder: Path, keep_counter: bool) -> None:
    error = refusal(folder, {"a": lines([row[1:] for row in counting(1)])}, keep_counter=keep_counter)
    assert error.sentence == "the label of channel train is an index column: it counts the rows from 1"
    assert error.fix == "leave the index out: pandas writes none with index=False"


def test_a_weight_that_counts_the_rows(folder: Path) -> None:
    error = refusal(folder, {"a": lines(counting(1))}, csv_weights=True)
    assert error.sentence == "the weight of channel train is an index column: it counts the rows from 1"


def test_an_index_that_begins_anew_in_every_file(folder: Path) -> None:
    files = {"a": lines(counting(0, 15)), "b": lines(counting(0, 3)), "c": lines(counting(3, 3))}
    assert "is an index column" in sentence(folder, files)


@pytest.mark.parametrize(
    "files",
    [
        {"a": lines(counting(0, 9))},
        {"a": lines(counting(2, 30))},
        {"a": lines(counting(-1, 30))},
        {"a": lines([*counting(0, 30), [0, 5, 5]])},
        {"a": lines(counting(0, 30)), "b": lines(counting(31, 30))},
        {f"{number}": "0,0,2\n1,1,3\n" for number in range(10)},
        {f"{number}": f"{number % 2},0,2\n" for number in range(20)},
    ],
)
def test_what_is_no_index(folder: Path, files: Any) -> None:
    assert read(folder, files).names == ("f0", "f1")


def test_an_index_is_found_beyond_what_float32_counts(folder: Path) -> None:
    from fraudlab.container.channels.rows import Part, _counts_from

    rows = (1 << 24) + 1000
    column = np.arange(rows).astype(np.float32)
    assert _counts_from(column, [Part("a", 0, rows)]) == 0
    column[-1] += 4
    assert _counts_from(column, [Part("a", 0, rows)]) is None


def test_csv_weights(folder: Path) -> None:
    found = read(folder, {"a": "1,2.5,7\n0,1,8\n"}, "text/csv", csv_weights=True)
    assert found.weight is not None
    assert found.weight.tolist() == [2.5, 1]
    assert found.weight.dtype == np.float32
    assert found.matrix.tolist() == [[7], [8]]
    assert found.names == ("f0",)


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0", "0"), ("-1", "-1"), ("", "missing"), ("inf", "inf"), ("1e39", "1e+39"), ("1e-50", "1e-50")],
)
def test_other_weights(folder: Path, value: str, shown: str) -> None:
    found = sentence(folder, {"a": f"1,2.5,7\n0,{value},8\n"}, "text/csv", csv_weights=True)
    assert found == f"the weight in row 2 of a is {shown}; a weight is above 0 and finite"


def test_weights_are_for_csv(folder: Path) -> None:
    error = refusal(folder, {"a": TABLE}, csv_weights=True)
    assert isinstance(error, ConfigError)
    assert error.sentence == "csv_weights is set, and channel train is application/x-parquet"


# Numbers


@pytest.mark.parametrize("content_type", FORMATS)
@pytest.mark.parametrize(
    ("value", "what"), [(float("-inf"), "infinite"), (-4e38, "-4e+38, too large for 32 bits,")]
)
def test_numbers_that_float32_does_not_have(folder: Path, content_type: str, value: float, what: str) -> None:
    write, names = FORMATS[content_type]
    matrix = MATRIX.copy()
    matrix[150, 3] = value
    found = sentence(folder, {"a": write(LABEL[:90], matrix[:90]), "b": write(LABEL[90:], matrix[90:])})
    if content_type == "text/libsvm" and what == "infinite":
        assert found == "row 61 of b has '-inf' for index 4, which is infinite"
    else:
        assert found == f"column {names[3]!r} is {what} in row 61 of b"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.lists(
            st.floats(allow_infinity=False, min_value=-3e38, max_value=3e38) | st.just(NAN),
            min_size=3,
            max_size=3,
        ),
        min_size=2,
        max_size=30,
    )
)
@pytest.mark.parametrize("write", [as_csv, as_libsvm, as_table])
def test_what_is_written_comes_back(tmp_path: Path, write: Any, rows: Any) -> None:
    matrix = np.array([*rows, [1.5] * 3])
    label = np.arange(len(matrix)) % 2
    found = read(tmp_path / "train", {"a": write(label, matrix)}, keep_counter=True)
    np.testing.assert_array_equal(found.matrix, matrix.astype(np.float32))
    np.testing.assert_array_equal(found.label, label)


def xgboost_table(path: Path, options: str) -> tuple[Any, Any]:
    """What xgboost itself reads, NaN where it has nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xgboost

        data = xgboost.DMatrix(f"{path}?{options}", silent=True)
    sparse = data.get_data()
    matrix = np.full(sparse.shape, np.nan, np.float32)
    matrix[np.repeat(np.arange(sparse.shape[0]), np.diff(sparse.indptr)), sparse.indices] = sparse.data
    return matrix, data.get_label()


def test_csv_is_what_xgboost_reads(folder: Path) -> None:
    matrix = RANDOM.normal(size=(500, 8)).astype(np.float32)
    label = RANDOM.integers(0, 2, 500)
    found = read(folder, {"a.csv": as_csv(label, matrix)})
    np.testing.assert_array_equal(found.matrix, matrix)
    theirs = xgboost_table(folder / "a.csv", "format=csv&label_column=0")
    # Theirs is off by a bit in the last place at times: it adds up digits in float32.
    np.testing.assert_allclose(found.matrix, theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(found.label, theirs[1])


def test_libsvm_is_what_xgboost_reads(folder: Path) -> None:
    matrix = np.round(RANDOM.normal(size=(500, 8)), 3)
    matrix[RANDOM.random(matrix.shape) < 0.4] = np.nan
    matrix[0] = 1
    label = RANDOM.integers(0, 2, 500)
    found = read(folder, {"a.svm": as_libsvm(label, matrix, 0)})
    theirs = xgboost_table(folder / "a.svm", "format=libsvm")
    np.testing.assert_allclose(found.matrix, theirs[0], rtol=1e-6)
    np.testing.assert_array_equal(found.label, theirs[1])


# CSV


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("0,1,2\n1,3,4", [[1, 2], [3, 4]]),
        ("\ufeff0,1,2\r\n\r\n1,3,4\r\n\r\n", [[1, 2], [3, 4]]),
        ('"0","1",2\n1,"3",4\n', [[1, 2], [3, 4]]),
        ("0,,NA\n1,null,nan\n0,NaN,None\n1, n/a ,#N/A\n", [[NAN, NAN]] * 4),
        ("0,true,1\n1,false,0.5\n", [[1, 1], [0, 0.5]]),
        ("0,True,1\n1,,2\n", [[1, 1], [NAN, 2]]),
        ("0,1,True\n1,TRUE,2\n", [[1, 1], [1, 2]]),
        ("0, 1 ,+2\n1,.5,5.\n", [[1, 2], [0.5, 5]]),
        ("\n\n0,1,2\n\n1,3,4\n", [[1, 2], [3, 4]]),
        ("0,0,1\n1,1,2\n", [[0, 1], [1, 2]]),
        ("0,1,\n1,2,\n", [[1, NAN], [2, NAN]]),
    ],
)
def test_csv_in_all_its_ways(folder: Path, blocks: None, text: str, matrix: Any) -> None:
    found = read(folder, {"a.csv": text}, "text/csv")
    np.testing.assert_array_equal(found.matrix, np.array(matrix, np.float32))
    assert found.label.tolist() == [number % 2 for number in range(len(matrix))]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Time,V1,Class\n1,2,0\n", "row 1 of a.csv is a header ('Time', …)"),
        ('"y","a"\n1,2\n', "row 1 of a.csv is a header ('y', …)"),
        ("y\n1\n", "row 1 of a.csv is a header ('y')"),
        (",Time,V1\n0,1,2\n", "row 1 of a.csv is a header ('', …)"),
        ("0,1,2,3,4\n1,7,7,7,7\n", "row 1 of a.csv is a header ('0', …)"),
        (",0,1,2,3,4\n0,1,7,7,7,7\n", "row 1 of a.csv is a header ('', …)"),
        ("0;1,5;2,5\n1;2;3\n", "a.csv is separated by semicolons, not by commas"),
        ("Time;V1\n1;2\n", "a.csv is separated by semicolons, not by commas"),
        ("0\t1\t2\n", "a.csv is separated by tabs, not by commas"),
        ("0|1|2\n", "a.csv is separated by vertical bars, not by commas"),
        ("0 1.5 2\n", "a.csv is separated by spaces, not by commas"),
        ("0\n1\n", "a.csv has 1 column; a row is the label, then the features"),
        ("0,1,2\n1,2\n", "row 2 of a.csv has 2 values where those before it have 3"),
        ("0,1,2\n\n1,2,3\n1,2,3,4\n", "row 3 of a.csv has 4 values where those before it have 3"),
        ("0,1,2\n1,2,x\n", "column 'f1' is not numeric: row 2 of a.csv holds 'x'"),
        ("0,1,x\n1,2,3\n", "column 'f1' is not numeric: row 1 of a.csv holds 'x'"),
        ("0,1,2\n1,1_0,3\n", "column 'f0' is not numeric: row 2 of a.csv holds '1_0'"),
        ("0,1,2\n1,0x1,3\n", "column 'f0' is not numeric: row 2 of a.csv holds '0x1'"),
        ("0,1,2\n1,١,3\n", "column 'f0' is not numeric: row 2 of a.csv holds '١'"),
        ("0,1,2\n1,nan(1),3\n", "column 'f0' is not numeric: row 2 of a.csv holds 'nan(1)'"),
        ("0,1,2\n1,2,2024-01-01\n", "column 'f1' is not numeric: row 2 of a.csv holds '2024-01-01'"),
        ('0,1,2\n1,"2\n3",3\n', "column 'f0' is not numeric: row 2 of a.csv holds '2\\n3'"),
        (f"0,1,2\n1,2,{'x' * 99}\n", f"column 'f1' is not numeric: row 2 of a.csv holds '{'x' * 39}…'"),
        ("fraud,1,2\n0,1,2\n", "the label in row 1 of a.csv is 'fraud'; a label is 0 or 1"),
        ("0,1,2\ntrue,1,2\n", "the label in row 2 of a.csv is 'true'; a label is 0 or 1"),
        ("True,1,2\n0,1,2\n", "the label in row 1 of a.csv is 'True'; a label is 0 or 1"),
        ("0,1,2\n,1,2\n", "the label in row 2 of a.csv is missing; a label is 0 or 1"),
        ("0,1,2\ninf,1,2\n", "the label in row 2 of a.csv is inf; a label is 0 or 1"),
        ('0,1,2\n1,"2"3,4\n', "row 2 of a.csv is not CSV: ',' expected after '\"'"),
        (
            "0,1,2\n" + "1" * 200_000 + "\n",
            "row 2 of a.csv is not CSV: field larger than field limit (131072)",
        ),
        ("1" * 200_000 + "\n", "row 1 of a.csv is not CSV: field larger than field limit (131072)"),
        ("0,1,Infinity\n", "column 'f1' is infinite in row 1 of a.csv"),
    ],
)
def test_refused_csv(folder: Path, blocks: None, text: str, sentence: str) -> None:
    error = refusal(folder, {"a.csv": text}, "text/csv")
    assert isinstance(error, TableError)
    assert error.sentence == sentence


def test_refused_weighted_csv(folder: Path) -> None:
    found = sentence(folder, {"a": "0,1\n1,2\n"}, csv_weights=True)
    assert found == "a has 2 columns; a row is the label, the weight, then the features"
    found = sentence(folder, {"a": "0,1,2\n1,x,2\n"}, csv_weights=True)
    assert found == "column 'weight' is not numeric: row 2 of a holds 'x'"


def test_rows_are_counted_over_blocks_and_files(folder: Path, blocks: None) -> None:
    good = "".join(f"{number % 2},{number % 3},1\n" for number in range(100))
    files = {"a.csv": good, "b.csv": good + "1,2,bad\n" + good}
    assert sentence(folder, files) == "column 'f1' is not numeric: row 101 of b.csv holds 'bad'"
    files["b.csv"] = good + "1,2\n"
    assert sentence(folder, files) == "row 101 of b.csv has 2 values where those before it have 3"
    files["b.csv"] = "1,2\n"
    assert sentence(folder, files) == "row 1 of b.csv has 2 values where those before it have 3"
    files["b.csv"] = good + good + "2,2,2\n"
    assert sentence(folder, files) == "the label in row 201 of b.csv is 2; a label is 0 or 1"
    assert sentence(folder, {"b.csv": "y,a,b\n" + good}) == "row 1 of b.csv is a header ('y', …)"


def test_text_that_is_not_utf8(folder: Path) -> None:
    found = sentence(folder, {"a.csv": b"0,1,2\n1,2,caf\xe9\n"})
    assert found.startswith("a.csv is not UTF-8: 'utf-8' codec can't decode byte 0xe9")


def test_a_row_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LONGEST_ROW_BYTES", 1 << 20)
    found = sentence(folder, {"a.csv": b"1," * (8 << 20)})
    assert found == "a.csv has a row of more than 1 MiB"


def test_odd_values_mean_the_same_to_both_parsers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Arrow takes, the careful parser takes alike; all else goes to the careful one."""

    def outcome(text: str) -> Any:
        try:
            return read(folder, {"a.csv": text}, keep_counter=True).matrix
        except TableError as error:
            return error.sentence

    odd = [
        "1",
        "-0",
        " 2",
        "3 ",
        "1e5",
        "1E-3",
        "+1",
        ".5",
        "5.",
        "1e",
        "e5",
        "--1",
        "1.2.3",
        "nan",
        "-nan",
        "NAN",
    ]
    odd += [
        "inf",
        "INF",
        "-Infinity",
        "1e400",
        "1e-400",
        "0x1",
        "1f",
        "1d",
        "1_0",
        "1,000",
        '"7"',
        '"7',
        '7"',
        '""',
    ]
    odd += [
        '"7"8',
        '"7""8"',
        "nan(2)",
        "NaN(ind)",
        "None",
        "NULL",
        " NA",
        "true",
        "TRUE",
        "yes",
        "1\x0b",
        "\xa01",
        "١",
    ]
    odd += ["9" * 30, "0." + "3" * 40, "1e22", "5e-324", "007", "1 2", "'1'", "$1", "1%", "(1)"]
    texts = [f"0,1,2\n1,{value},4\n" for value in odd]
    fast = [outcome(text) for text in texts]
    monkeypatch.setattr(csv_rows, "_parse", lambda *_: None)
    for text, found in zip(texts, fast, strict=True):
        np.testing.assert_array_equal(found, outcome(text), err_msg=text)


def test_plain_csv_is_not_read_carefully(folder: Path, blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_parse_carefully", None)
    assert_is_the_table(read(folder, {"a.csv": as_csv(LABEL, MATRIX)}))
    assert read(folder, {"a.csv": "0,True\n1,False\n" * 500}).matrix.sum() == 500


# libsvm


def test_columns_keep_their_numbers(tmp_path: Path, blocks: None) -> None:
    """Train and endpoint agree on what column 1 is, whether or not there is a column 0."""
    found = read(tmp_path / "one", {"a": "1 1:10 3:30\n0 2:20\n"})
    assert found.names == ("f1", "f2", "f3")
    np.testing.assert_array_equal(found.matrix, np.array([[10, NAN, 30], [NAN, 20, NAN]], np.float32))
    found = read(tmp_path / "zero", {"a": "1 2:10\n", "b": "0 0:20\n"})
    assert found.names == ("f0", "f1", "f2")
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, NAN, 10], [20, NAN, NAN]], np.float32))
    found = read(tmp_path / "three", {"a": "1 3:10\n0 3:11\n"})
    assert found.names == ("f1", "f2", "f3")


def test_a_libsvm_channel_beside_train(tmp_path: Path) -> None:
    folder = tmp_path / "validation"
    found = read(folder, {"a": "0 2:5\n"}, columns=("f1", "f2", "f3"))
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, 5, NAN]], np.float32))
    found = read(folder, {"a": "0 2:5\n"}, columns=("f0", "f1", "f2"))
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, NAN, 5]], np.float32))
    for index, first in ((4, 1), (0, 1), (3, 0)):
        columns = tuple(f"f{number}" for number in range(first, first + 3))
        expected = f"row 2 of a has index {index}, and channel train has {first} to {first + 2}"
        assert sentence(folder, {"a": f"0 2:5\n0 {index}:5\n"}, columns=columns) == expected


def test_libsvm_weights(folder: Path, blocks: None) -> None:
    found = read(folder, {"a": "1:0.5 1:2\n" * 50, "b": "0:2 1:3\n"})
    assert found.weight is not None
    assert found.weight.tolist() == [0.5] * 50 + [2]
    expected = "row 1 of b has no weight, where the rows before it have one"
    assert sentence(folder, {"b": "0 1:3\n"}) == expected
    expected = "row 1 of b has a weight, where the rows before it have none"
    assert sentence(folder, {"a": "1 1:3\n", "b": "0:2 1:3\n"}) == expected


def test_refused_libsvm(folder: Path, blocks: None) -> None:
    good = "1 1:2.5 2:3\n0 1:4\n" * 40
    assert sentence(folder, {"a": good, "b": good + "\n\n" + good}) == "row 81 of b is blank"
    assert sentence(folder, {"b": good + "1 2:1 2:1\n"}) == "row 81 of b has index 2 twice"
    assert sentence(folder, {"b": good + "1 qid:1 2:1\n"}).startswith("row 81 of b has a qid")
    assert sentence(folder, {"b": good + "1 x:1\n"}, "libsvm").startswith("row 81 of b has 'x' for an index")
    assert read(folder, {"b": good + "\n \n\n"}).label.size == 160
    error = refusal(folder, {"b": good + "1 1:x\n"})
    assert error.fix == "write a row as: label index:value index:value, with indices that increase"


def test_libsvm_without_features(folder: Path) -> None:
    assert sentence(folder, {"a": "1\n0\n"}, "libsvm") == "channel train has no features"


def test_tables_too_large_to_be_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "row 2 of a has index 100001; at most 100,000 are possible"
    assert sentence(folder, {"a": "1 1:2\n0 100001:3\n"}) == expected
    assert "index 999999999999999;" in sentence(folder, {"a": "1 999999999999999:2\n"})
    assert read(folder, {"a": "1 1:2\n0 100000:3\n"}).matrix.shape == (2, 100_000)
    monkeypatch.setattr(libsvm_rows, "MAX_TABLE_BYTES", 1 << 30)
    expected = "channel train would have 4,000 rows of 100,000 columns as a table: 1.5 GiB, more than 1"
    assert sentence(folder, {"a": "1 1:2\n0 100000:3\n" * 2000}) == expected


# Parquet


def test_parquet_types(folder: Path) -> None:
    table = pa.table(
        {
            "label": pa.array([1, 0, 1], pa.int8()),
            "f4": pa.array([0.1, None, 3], pa.float32()),
            "f8": pa.array([0.1, None, 3]),
            "f2": pa.array(np.array([0.5, 1, 2], np.float16)),
            "i8": pa.array([1, None, 3]),
            "u1": pa.array([1, 2, 255], pa.uint8()),
            "b": pa.array([True, None, False]),
            "d": pa.array([Decimal("1.25"), None, Decimal(-3)], pa.decimal128(9, 2)),
            "n": pa.nulls(3),
        }
    )
    found = read(folder, {"a": table})
    assert found.names == tuple(table.column_names[1:])
    expected = [
        [0.1, 0.1, 0.5, 1, 1, 1, 1.25, NAN],
        [NAN, NAN, 1, NAN, 2, NAN, NAN, NAN],
        [3, 3, 2, 3, 255, 0, -3, NAN],
    ]
    np.testing.assert_array_equal(found.matrix, np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["a", "b"], "string"),
        ([[1], [2]], "list<element: int64>"),
        (pa.array([1, 2], pa.timestamp("us")), "timestamp[us]"),
        (pa.array([1, 2], pa.date32()), "date32[day]"),
        (pa.array(["a", "b"]).dictionary_encode(), "dictionary<values=string, indices=int32, ordered=0>"),
        ([{"x": 1}, {"x": 2}], "struct<x: int64>"),
    ],
)
@pytest.mark.parametrize("name", ["y", "country"])
def test_parquet_that_is_not_numeric(folder: Path, column: Any, kind: str, name: str) -> None:
    columns = {"y": [0, 1], "country": [1.0, 2.0], name: column}
    error = refusal(folder, {"a.parquet": pa.table(columns)})
    assert error.sentence == f"column {name!r} of a.parquet is of type {kind}, which is not numeric"
    assert error.fix == "write it as numbers, or leave it out"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (pa.table({"y": [0, 1]}), "a has 1 column; a row is the label, then the features"),
        (
            pa.table([[0, 1], [1.0, 2.0], [1.0, 2.0]], names=["y", "v", "v"]),
            "a has 2 columns named 'v'",
        ),
        (pa.table({"y": [0, 1], "Unnamed: 0": [5, 9]}), "column 'Unnamed: 0' of a is an index column"),
        (pa.table({"Unnamed: 0": [0, 1], "y": [0, 1]}), "column 'Unnamed: 0' of a is an index column"),
        (
            pa.table({"y": [0, 1], "v": [2, 3], "__index_level_0__": [5, 9]}),
            "column '__index_level_0__' of a is an index column",
        ),
    ],
)
def test_refused_parquet(folder: Path, table: pa.Table, sentence: str) -> None:
    assert refusal(folder, {"a": table}).sentence == sentence


def test_an_index_that_pandas_named(folder: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"y": [0, 1], "v": [2.5, 3.5]}, index=pd.Index([7, 9], name="tx"))
    put(folder, {})
    folder.mkdir()
    frame.to_parquet(folder / "a.parquet")
    error = refusal(folder, {})
    assert error.sentence == "column 'tx' of a.parquet is an index column"
    assert error.fix.endswith("; or set keep_counter=true, if it is a feature")
    assert read(folder, {}, keep_counter=True).names == ("v", "tx")
    frame.to_parquet(folder / "a.parquet", index=False)
    assert read(folder, {}).names == ("v",)


def test_parquet_metadata_that_pandas_did_not_write(folder: Path) -> None:
    for noted in (b"{", b"[]", b'{"index_columns": 3}', b'{"index_columns": [{"kind": "range"}]}'):
        table = TABLE.replace_schema_metadata({b"pandas": noted})
        assert read(folder, {"a": table}).names == ("a",)


def test_a_label_column_that_is_an_index_cannot_be_kept(folder: Path) -> None:
    table = pa.table({"Unnamed: 0": [0, 1], "y": [0, 1]})
    error = refusal(folder, {"a": table}, keep_counter=True)
    assert error.sentence == "column 'Unnamed: 0' of a is an index column"
    assert error.fix == "leave the index out: pandas writes none with index=False"


def test_parquet_files_that_differ(folder: Path) -> None:
    table = pa.table({"y": [0, 1], "a": [1, 2], "b": [1, 2]})
    error = refusal(folder, {"1": table, "2": table.select(["y", "b", "a"])})
    assert error.sentence == "column 2 of 2 is 'b', and of 1 'a'"
    assert error.fix == "give both the same columns in the same order"
    found = sentence(folder, {"2": table.select(["y", "a"])})
    assert found == "2 has 1 feature column, and 1 has 2"
    found = read(folder, {"2": table.set_column(1, "a", pa.array([0.5, 1.5]))})
    assert found.matrix[:, 0].tolist() == [1, 2, 0.5, 1.5]


def test_a_parquet_channel_beside_train(tmp_path: Path) -> None:
    folder = tmp_path / "validation"
    table = pa.table({"y": [0, 0], "a": [1, 2], "b": [1, 2]})
    assert read(folder, {"1": table}, columns=("a", "b")).names == ("a", "b")
    found = sentence(folder, {}, columns=("b", "a"))
    assert found == "column 2 of channel validation is 'a', and of channel train 'b'"


def test_parquet_of_many_batches(folder: Path) -> None:
    rows = 20_000
    values = RANDOM.normal(size=rows)
    table = pa.table({"y": np.arange(rows) % 2, "v": values})
    found = read(folder, {"a": table, "b": table})
    np.testing.assert_array_equal(found.matrix[:, 0], np.tile(values, 2).astype(np.float32))
    values[15_000] = np.inf
    found = sentence(folder, {"b": pa.table({"y": np.arange(rows) % 2, "v": values})})
    assert found == "column 'v' is infinite in row 15001 of b"


def test_damaged_parquet(folder: Path) -> None:
    path = put(folder, {"a.parquet": as_table(LABEL, MATRIX)}) / "a.parquet"
    content = path.read_bytes()
    assert sentence(folder, {"a.parquet": content[:-20]}).startswith("a.parquet is not readable Parquet: ")
    broken = bytearray(content)
    broken[4:600] = bytes(596)
    assert sentence(folder, {"a.parquet": bytes(broken)}).startswith("a.parquet is not readable Parquet: ")


# recordio-protobuf


def test_refused_recordio(folder: Path) -> None:
    good = as_recordio(LABEL, MATRIX)
    error = refusal(folder, {"a": good, "b": good[:-3]})
    assert error.sentence == "record 200 of b is cut short"
    assert error.fix == (
        "write records of one tensor named 'values', dense or sparse with its shape, and one label"
    )
    found = sentence(folder, {"b": as_recordio(LABEL, MATRIX[:, :4])})
    assert found == "record 1 of b has 4 values where those before it have 5"
    found = sentence(folder, {"b": good + b"PAR1" * 5})
    assert found == "record 201 of b does not begin with RecordIO's magic number"


def test_sparse_records_too_large_to_be_meant(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import sparse

    as_recordio(LABEL, MATRIX)
    from sagemaker.amazon.common import write_spmatrix_to_sparse_tensor

    file = io.BytesIO()
    write_spmatrix_to_sparse_tensor(file, sparse.csr_matrix((40, 90_000)), np.arange(40.0) % 2)
    assert read(folder, {"a": file.getvalue()}).matrix.shape == (40, 90_000)
    monkeypatch.setattr(libsvm_rows, "MAX_TABLE_BYTES", 9 << 20)
    assert sentence(folder, {}).endswith(" rows of 90,000 columns as a table: 0.0 GiB, more than 0")

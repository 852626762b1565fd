"""CSV: in all its ways, and the exact sentence of every refusal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudlab.container.channels import channel_files, csv_files
from fraudlab.container.failure import TableError

from .example_channel import LABEL, MATRIX, NAN, as_csv, assert_is_the_table, read, refusal, sentence


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


@pytest.mark.parametrize("mark", ["\t", ";", "|", " "])
@pytest.mark.parametrize(
    "text",
    [
        "0,1,2.5\n1,-2,3e2\n",
        "\n0,1,2.5\r\n1,-2,3e2\r\n",
        "\ufeff0,1,2.5\n\n1,-2,3e2",
        '0,1,2.5\n1,"-2",3e2\n',
        "0.0,1.0,2.5\n1.0,-2.0,3e2\n",
    ],
)
def test_separators_that_are_certain(folder: Path, blocks: None, text: str, mark: str) -> None:
    found = read(folder, {"a.csv": text.replace(",", mark)}, "text/csv")
    np.testing.assert_array_equal(found.matrix, np.array([[1, 2.5], [-2, 300]], np.float32))
    assert found.label.tolist() == [0, 1]
    undeclared = read(folder, {"a.csv": text.replace(",", mark)})
    np.testing.assert_array_equal(undeclared.matrix, found.matrix)


@pytest.mark.parametrize("mark", ["\t", ";", "|"])
def test_missing_values_and_booleans_between_other_separators(folder: Path, mark: str) -> None:
    text = "0,,True\n1,NaN,false\n0,7,\n".replace(",", mark)
    found = read(folder, {"a.tsv": text})
    np.testing.assert_array_equal(found.matrix, np.array([[NAN, 1], [NAN, 0], [7, NAN]], np.float32))


def test_spaces_may_be_many_and_stand_around(folder: Path) -> None:
    found = read(folder, {"a.csv": "  0   1.5 2\n 1 2  3  \n"}, "csv")
    np.testing.assert_array_equal(found.matrix, np.array([[1.5, 2], [2, 3]], np.float32))


def test_every_file_has_its_own_separator(folder: Path) -> None:
    found = read(folder, {"a.csv": "0,1,2\n", "b.csv": "1;3;4\n", "c.csv": "0\t5\t6\n"})
    assert found.matrix.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_weights_between_tabs(folder: Path) -> None:
    found = read(folder, {"a.csv": "0\t2\t7\n1\t3\t8\n"}, csv_weights=True)
    assert found.weight is not None
    assert (found.weight.tolist(), found.matrix.tolist()) == ([2, 3], [[7], [8]])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Time,V1,Class\n1,2,0\n", "row 1 of a.csv is a header ('Time', …)"),
        ('"y","a"\n1,2\n', "row 1 of a.csv is a header ('y', …)"),
        ("y\n1\n", "row 1 of a.csv is a header ('y')"),
        (",Time,V1\n0,1,2\n", "row 1 of a.csv is a header ('', …)"),
        ("0,1,2,3,4\n1,7,7,7,7\n", "row 1 of a.csv is a header ('0', …)"),
        ("y,0,1,2,3,4\n0,1,7,7,7,7\n", "row 1 of a.csv is a header ('y', …)"),
        (",0,1,2,3,4\n0,1,7,7,7,7\n", "row 1 of a.csv is a header ('', …)"),
        ("0;1,5;2,5\n1;2;3\n", "row 1 of a.csv holds '1,5' between semicolons"),
        ("0;1;2\n\n1;2;3,5\n", "row 2 of a.csv holds '3,5' between semicolons"),
        ("0\t1\t1,009.5\n", "row 1 of a.csv holds '1,009.5' between tabs"),
        ("0 1 2\n1 2,5 3\n", "row 2 of a.csv holds '2,5' between spaces"),
        ("Time;V1\n1;2\n", "row 1 of a.csv is a header ('Time', …)"),
        ("Time\tV1\n1\t2\n", "row 1 of a.csv is a header ('Time', …)"),
        ("Time V1\n1 2\n", "row 1 of a.csv is a header ('Time', …)"),
        ("0;1|2\n", "row 1 of a.csv could be separated by semicolons or by vertical bars"),
        ("0;1;2\n1;2\n", "row 2 of a.csv has 2 values where those before it have 3"),
        ("0;1;2\n1;x;3\n", "column 'f0' is not numeric: row 2 of a.csv holds 'x'"),
        ("0;x;2\n1;2;3\n", "column 'f0' is not numeric: row 1 of a.csv holds 'x'"),
        ("0|1\n2|1\n", "the label in row 2 of a.csv is 2; a label is 0 or 1"),
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
    monkeypatch.setattr(channel_files, "_MAX_ROW_BYTES", 1 << 20)
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
    monkeypatch.setattr(csv_files, "_parse", lambda *_: None)
    for text, found in zip(texts, fast, strict=True):
        np.testing.assert_array_equal(found, outcome(text), err_msg=text)


def test_plain_csv_is_not_read_carefully(folder: Path, blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "_parse_carefully", None)
    assert_is_the_table(read(folder, {"a.csv": as_csv(LABEL, MATRIX)}))
    assert read(folder, {"a.csv": "0,True\n1,False\n" * 500}).matrix.sum() == 500

"""One rule for separators, and what each of its three readers takes for certain."""

from pathlib import Path

import numpy as np
import pytest

from fraudlab.container.bodies import BodyError, read_content_type
from fraudlab.container.channels import read_channel
from fraudlab.container.failure import TableError
from fraudlab.container.features import Column, Features
from fraudlab.container.separators import SEPARATORS, Space, meant, named
from fraudlab.container.tables.csv_head import find_head

FEATURES = Features([Column("a"), Column("b"), Column("c")])


def as_body(text: str, tmp_path: Path) -> str:
    """What a body of rows of three numbers is separated by, told by what is read of it."""
    _, parse = read_content_type("text/csv")
    try:
        found = np.frombuffer(parse(text.encode(), FEATURES, 100).inputs, np.float32)
    except BodyError as error:
        return "refused: " + error.sentence
    return " ".join(f"{number:g}" for number in found[:3])


def as_channel(text: str, tmp_path: Path) -> str:
    folder = tmp_path / "train"
    folder.mkdir()
    (folder / "a.csv").write_text(text)
    try:
        found = read_channel(folder, content_type="text/csv")
    except TableError as error:
        return "refused: " + error.sentence
    return " ".join(f"{number:g}" for number in (found.label[0], *found.matrix[0]))


def as_table(text: str, tmp_path: Path) -> str:
    header = next((mark for mark in "\t;|, " if mark in text), " ").join("abc")
    try:
        head = find_head(f"{header}\n{text}", name="t.csv", whole=True)
    except TableError as error:
        return "refused: " + error.sentence
    return " ".join(f"{float(value.replace(',', '.')):g}" for value in head.rows[0] if value)


READERS = {"body": as_body, "channel": as_channel, "table": as_table}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("separator", SEPARATORS, ids=SEPARATORS.values())
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_reader_finds_every_separator(reader, separator: str, end: str, tmp_path: Path) -> None:
    text = end.join(separator.join(row) for row in (["1", "2.5", "-3"], ["0", "4", "5"])) + end
    assert reader(text, tmp_path) == "1 2.5 -3"


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("separator", [mark for mark in SEPARATORS if mark != " "])
def test_spaces_beside_a_separator_are_none(reader, separator: str, tmp_path: Path) -> None:
    """A space comes last."""
    text = f"1{separator} 2.5{separator} -3\n0{separator} 4{separator} 5\n"
    assert reader(text, tmp_path) == "1 2.5 -3"


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_quoted_values(reader, separator: str, tmp_path: Path) -> None:
    text = separator.join(['"1"', '"2.5"', '"-3"']) + "\n" + separator.join("045") + "\n"
    assert reader(text, tmp_path) == "1 2.5 -3"


@pytest.mark.parametrize(
    ("text", "body", "channel", "table"),
    [
        pytest.param(
            "1;2|3;4|5\n",
            "refused: row 1 could be separated by semicolons or by bars; separate values by commas",
            "refused: row 1 of a.csv could be separated by semicolons or by vertical bars",
            None,
            id="two that fit alike",
        ),
        pytest.param(
            "1;2,5;3\n0;4;5\n",
            "refused: row 1: column 'b' holds '2,5' between semicolons; write numbers with a decimal point",
            "refused: row 1 of a.csv holds '2,5' between semicolons",
            "1 2.5 3",  # a raw table may have decimal commas: data.decimal
            id="decimal commas",
        ),
        pytest.param(
            "1:2:3\n",
            "refused: row 1 has 1 values where 3 are expected",
            "refused: row 1 of a.csv is a header ('1:2:3')",
            None,
            id="one that is not known",
        ),
        pytest.param(
            "1 2;3\n",
            "refused: row 1 has 1 values where 3 are expected",
            "refused: the label in row 1 of a.csv is '1 2'",
            None,
            id="spaces where a mark occurs",
        ),
    ],
)
def test_what_is_not_certain(text: str, body: str, channel: str, table: str | None, tmp_path: Path) -> None:
    assert as_body(text, tmp_path).startswith(body)
    assert as_channel(text, tmp_path).startswith(channel)
    if table is not None:
        assert as_table(text, tmp_path) == table


def test_a_table_whose_header_fits_two_separators_is_refused() -> None:
    with pytest.raises(TableError, match="can be read as separated by commas and by semicolons"):
        find_head("a,b;c\n1,2;3\n", name="t.csv", whole=True)


def test_the_rule() -> None:
    def width(text: str):
        return lambda separator: (len(text.split(separator)),)

    assert meant("a;b,c,d", width("a;b,c,d"), space=Space.LAST) == [","]
    assert meant("a;b,c", width("a;b,c"), space=Space.LAST) == [",", ";"]
    assert meant("a;b c", width("a;b c"), space=Space.LAST) == [";"]
    assert (
        meant("a b", width("a b"), space=Space.LAST) == meant("a b", width("a b"), space=Space.ALONE) == [" "]
    )
    # A comma that does not fit leaves the place to a space, a mark does not.
    refuse_all_but_space = lambda separator: (1,) if separator == " " else None  # noqa: E731
    assert meant("1,5 2", refuse_all_but_space, space=Space.ALONE) == [" "]
    assert meant("1;5 2", refuse_all_but_space, space=Space.ALONE) == []
    assert meant("ab", width("ab"), space=Space.LAST) == []


def test_what_a_person_calls_a_separator_is_one() -> None:
    assert {named(name) for name in ("Tab", "\\t", "comma", "semicolon", "bar", "pipe", "space")} == set(
        SEPARATORS
    )
    assert named(":") == ":"

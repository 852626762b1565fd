"""Where Arrow cuts a CSV file into blocks must not show in its values (apache/arrow#51368)."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudlab.container.tables import csv_table, reading

KINDS = [
    pytest.param("A\r\nB", id="CRLF in quotes"),
    pytest.param("A\nB", id="LF in quotes"),
    pytest.param("A\rB", id="CR in quotes"),
    pytest.param("A\r\r\nB", id="CR CRLF in quotes"),
    pytest.param("A\r\n\r\nB", id="two CRLF in quotes"),
    pytest.param('say ""x""', id="doubled quotes"),
    pytest.param("größe €", id="characters of several bytes"),
    pytest.param("a, b", id="separator in quotes"),
]


def read(path: Path, **kind: Any) -> Any:
    layout, found = reading.find_layout(path.parent, [path.name], name=path.name)
    return reading.read_table(path.parent, layout, columns=found.columns, numeric={"y"}, **kind)


@pytest.mark.parametrize("text", KINDS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_value_depends_on_where_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, end: str
) -> None:
    """Every place of a value's bytes lies once at the end of a block."""
    monkeypatch.setattr(csv_table, "BLOCK_BYTES", 64)
    lines = [f'"{text}",{row % 2}' for row in range(40)]
    expected = text.replace('""', '"')
    for pad in range(len(text.encode()) + 8):
        path = tmp_path / "t.csv"
        path.write_bytes(f"m,y{end}{'x' * (pad + 1)},0{end}{end.join(lines)}{end}".encode())
        assert read(path)["m"].to_pylist()[1:] == [expected] * 40, f"pad {pad}"


def test_a_quoted_line_break_across_the_reading_size(tmp_path: Path) -> None:
    """As it was reported: CRLF inside quotes, on both sides of the end of a block of the real size."""
    for boundary in (csv_table.BLOCK_BYTES, 2 * csv_table.BLOCK_BYTES):
        start = b"m,y\r\n"
        padding = boundary - 3  # the row below begins with a quote and A
        row = b'"' + b"p" * 1000 + b'",1\r\n'
        filler = row * (padding // len(row) - 1)
        last = padding - len(filler) - len(b'"",1\r\n')
        body = filler + b'"' + b"q" * last + b'",1\r\n' + b'"A\r\nB",0\r\n'
        path = tmp_path / "t.csv"
        path.write_bytes(start + body)
        assert read(path)["m"].to_pylist()[-1] == "A\r\nB"


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(st.tuples(st.text('a"\r\n,é; ', max_size=12), st.integers(0, 1)), min_size=1, max_size=30),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(48, 200),
)
def test_rows_are_those_of_pythons_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int]], end: str, block: int
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("m", "y"), *rows])
    path = tmp_path_factory.mktemp("blocks") / "t.csv"
    path.write_bytes(text.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_table, "BLOCK_BYTES", block)
        table = read(path)
    assert table["m"].to_pylist() == [name for name, _ in rows]
    assert table["y"].to_pylist() == [label for _, label in rows]

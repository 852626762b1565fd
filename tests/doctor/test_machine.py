"""Python, the disk and the table of a run."""

import pytest

from fraudlab.config import DataKind, RunConfig
from fraudlab.doctor.finding import State, wrong
from fraudlab.doctor.machine import check_data, check_disk, check_python

GIB = 1 << 30


@pytest.mark.parametrize(
    ("version", "bits", "state"),
    [
        ((3, 11, 2), 64, State.well),
        ((3, 14, 0), 64, State.well),
        ((3, 10, 9), 64, State.wrong),
        ((3, 12, 1), 32, State.wrong),
    ],
)
def test_python_is_new_enough(version, bits, state):
    (finding,) = check_python(version=version, bits=bits)
    assert finding.state is state
    assert bool(finding.fix) == (state is State.wrong)


@pytest.mark.parametrize(
    ("free", "state"),
    [(100 * GIB, State.well), (3 * GIB, State.note), (GIB // 2, State.wrong), (0, State.wrong)],
)
def test_a_disk_has_room(tmp_path, free, state):
    (finding,) = check_disk(tmp_path / "not" / "yet", free_bytes=lambda _: free)
    assert finding.state is state
    assert str(tmp_path) in finding.said


def test_a_folder_below_a_file_cannot_be_written_to(tmp_path):
    (tmp_path / "runs").write_text("")
    (finding,) = check_disk(tmp_path / "runs" / "x")
    assert finding.state is State.wrong
    assert "paths.runs=" in finding.fix


def config_of(path, kind=DataKind.table):
    config = RunConfig()
    config.data.kind, config.data.path = kind, path
    return config


def test_a_table_that_is_there_is_measured(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (finding,) = check_data(config_of(str(tmp_path / "t.csv")))
    assert finding.state is State.well
    assert "one file" in finding.said


@pytest.mark.parametrize("name", ["missing.parquet", "empty.csv", "text.doc", "folder", "none/*.csv"])
def test_a_table_that_cannot_be_read_is_wrong(tmp_path, name):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "text.doc").write_text("x")
    (tmp_path / "folder").mkdir()
    (finding,) = check_data(config_of(str(tmp_path / name)))
    assert finding.state is State.wrong
    assert finding.fix


def test_the_synthetic_table_needs_nothing():
    (finding,) = check_data(config_of(None, DataKind.synthetic))
    assert finding.state is State.well


def test_what_is_wrong_always_has_a_fix():
    with pytest.raises(ValueError, match="needs a fix"):
        wrong("disk", "full", fix="")

"""When a preparation is the same, and how a table is handed to a job."""

import pytest

from fraudlab.stages.prepare import content_key, place_table, time_span

JOB = {"label": "y", "split": {"kind": "time"}, "seed": 1}


def test_the_key_depends_on_description_table_and_code():
    key = content_key(JOB, "a", "code")
    assert key == content_key(dict(reversed(JOB.items())), "a", "code")
    assert (
        len(
            {
                key,
                content_key({**JOB, "label": "z"}, "a", "code"),
                content_key(JOB, "b", "code"),
                content_key(JOB, "a", "other"),
            }
        )
        == 4
    )


@pytest.mark.parametrize(("kind", "same"), [("time", True), ("stratified", False)])
def test_the_seed_matters_only_to_a_random_split(kind, same):
    one, two = ({**JOB, "split": {"kind": kind}, "seed": seed} for seed in (1, 2))
    assert (content_key(one, "a", "code") == content_key(two, "a", "code")) is same


def test_a_table_gets_a_folder_of_its_own(tmp_path):
    source = tmp_path / "data" / "t.csv"
    source.parent.mkdir()
    source.write_text("a\n1\n")
    (source.parent / "private.csv").write_text("secret")
    place_table(source, tmp_path / "raw" / "table.csv")
    assert [p.name for p in (tmp_path / "raw").iterdir()] == ["table.csv"]
    assert (tmp_path / "raw" / "table.csv").read_text() == "a\n1\n"


@pytest.mark.parametrize(
    ("time", "line"),
    [
        (None, ""),
        (
            {"kind": "timestamp", "unit": "ms", "first": 1_677_628_907.0, "last": 1_682_812_616.0},
            "2023-03-01 00:01 to 2023-04-29 23:56 UTC (data.time_unit=ms)",
        ),
        (
            {"kind": "timestamp", "unit": None, "first": -86_400.0, "last": 1_682_812_616.0},
            "1969-12-31 00:00 to 2023-04-29 23:56 UTC",
        ),
        (
            {"kind": "number", "unit": "s", "first": 0.0, "last": 172_792.0},
            "48 h, counted (data.time_unit=s)",
        ),
        ({"kind": "number", "unit": None, "first": 0.0, "last": 864_000.0}, "10 days"),
    ],
)
def test_the_first_and_last_time_of_the_table(time, line):
    assert time_span(time) == line


def test_what_a_table_is_called_does_not_matter_but_how_it_is_read_does():
    def key(**table):
        return content_key({**JOB, "table": {"name": "a.csv", "separator": ",", **table}}, "a", "code")

    assert key() == key(name="b.csv")
    assert key() != key(separator=";")

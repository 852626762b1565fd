from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.run.split_timeline import split_section

from ..example_run import build_run
from ..page_text import Page


def segments(folder: Path) -> list[tuple[str, float, float]]:
    """Name, offset and length in per cent of every segment of the bar."""
    found = []
    for attributes in Page(split_section(read_run(folder)) or "").all("div"):
        if "segment" in (attributes.get("class") or ""):
            style = re.fullmatch(r"left:([\d.]+)%;width:([\d.]+)%", attributes["style"] or "")
            assert style
            found.append((str(attributes["class"]).split()[1], float(style[1]), float(style[2])))
    return found


def texts(folder: Path) -> list[str]:
    return Page(split_section(read_run(folder)) or "").text


def test_time_is_drawn_to_scale_without_holes(tmp_path: Path) -> None:
    bar = segments(build_run(tmp_path / "a"))
    assert [name for name, _, _ in bar] == ["train", "gap", "validation", "gap", "test"]
    for (_, start, length), (_, following, _) in itertools.pairwise(bar):
        assert start + length == pytest.approx(following, abs=0.01)
    assert bar[0][2] == pytest.approx(70, abs=0.01)
    assert bar[1][2] == pytest.approx(100 * 3600 / 172_792, abs=0.01)
    assert bar[-1][1] + bar[-1][2] == pytest.approx(100, abs=0.01)


def test_shares_of_a_stratified_split(tmp_path: Path) -> None:
    bar = segments(build_run(tmp_path / "a", split="stratified", time=None))
    assert [name for name, _, _ in bar] == ["train", "validation", "test"]
    assert sum(length for _, _, length in bar) == pytest.approx(100, abs=0.01)
    assert bar[0][2] == pytest.approx(100 * 199_364 / (199_364 + 40_511 + 42_000), abs=0.01)


def test_a_split_without_a_gap_has_none(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    path = folder / "data" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["split"].update(gap_seconds=0.0, gap_rows=0)
    path.write_text(json.dumps(manifest))
    assert [name for name, _, _ in segments(folder)] == ["train", "validation", "test"]
    assert not any("left out" in text for text in texts(folder))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (
            {"kind": "timestamp", "unit": "ms", "first": 1_677_628_907.0, "last": 1_682_812_616.0},
            "284,807 rows (2023-03-01 00:01 to 2023-04-29 23:56 UTC, read as ms) in the order",
        ),
        (
            {"kind": "timestamp", "unit": None, "first": 1_677_628_907.0, "last": 1_682_812_616.0},
            "284,807 rows (2023-03-01 00:01 to 2023-04-29 23:56 UTC) in the order",
        ),
        (
            {"kind": "number", "unit": "h", "first": 0.0, "last": 172_800.0},
            "rows (over 48 h, counted in h) in",
        ),
        (None, "284,807 rows in the order of time"),
    ],
)
def test_first_and_last_time_are_told(tmp_path: Path, time: dict[str, object] | None, text: str) -> None:
    folder = build_run(tmp_path / "a")
    path = folder / "data" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "time": time}))
    assert any(text in shown.replace("\u00a0", " ") for shown in texts(folder))


def test_seconds_are_read_as_hours_since_the_first_row(tmp_path: Path) -> None:
    shown = texts(build_run(tmp_path / "a"))
    assert "hours since the first row" in shown
    assert [text for text in shown if text.isdigit()][:8] == ["0", "6", "12", "18", "24", "30", "36", "42"]
    assert "33.6 h" in shown


def test_timestamps_are_read_as_dates(tmp_path: Path) -> None:
    shown = texts(build_run(tmp_path / "a", time="timestamp"))
    assert "1 Apr" in shown
    assert "2018-04-01 00:00" in shown
    assert "7 days left out" in " ".join(shown)


def test_counts_and_frauds_of_every_part(tmp_path: Path) -> None:
    shown = texts(build_run(tmp_path / "a"))
    for text in ("199,364", "40,511", "42,000", "356", "57", "75", "0.18 %", "2,932 rows"):
        assert any(text in piece for piece in shown), text


def test_no_manifest_no_section(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert split_section(read_run(tmp_path)) is None

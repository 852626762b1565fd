from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fraudlab.errors import RunError, StorageError
from fraudlab.report import render_run

from ..example_run import build_run
from ..page_text import Page

HOSTILE = "</script><script>alert(1)</script>"
# The files of an example run that its report links to.
BESIDE = [
    "data/manifest.json",
    "model/model.json",
    "training/history.json",
    "evaluation/metrics.json",
    "evaluation/scores.parquet",
    "config.yaml",
]
VARIANTS: dict[str, dict[str, Any]] = {
    "time": {},
    "dated": {"time": "timestamp", "frauds": 2_100, "amount": False},
    "stratified": {"split": "stratified", "time": None, "amount": False, "tracked": False},
}


@pytest.fixture(scope="module", params=VARIANTS)
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = build_run(tmp_path_factory.mktemp("runs") / "a", **VARIANTS[request.param])
    report = render_run(folder)
    assert report == folder / "report.html"
    assert report.stat().st_size < 300_000
    return Page(report.read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_needs_nothing_else(page: Page) -> None:
    assert page.unbalanced == []
    assert page.open == []
    assert not any("src" in attributes for _, attributes in page.tags)
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv")]
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    )


def test_every_part_is_there(page: Page) -> None:
    for heading in ("Operating point", "Data and split", "Model", "Parameters", "Provenance"):
        assert heading in page.text
    for title in (
        "Precision and recall",
        "ROC curve",
        "Score distribution",
        "Why this threshold",
        "Calibration",
    ):
        assert title in page.text
    assert {figure["id"] for figure in page.all("figure") if "id" in figure} - {"by-day", "by-hour"} == {
        "pr",
        "roc",
        "scores",
        "choice",
        "calibration",
        "training",
    }


def test_average_precision_leads_and_accuracy_comes_last(page: Page) -> None:
    first = page.index("Average precision")
    assert all(first < page.index(name) for name in ("Recall", "Precision", "ROC AUC"))
    assert page.index("accuracy") > page.index("Every metric")
    assert any(text.startswith("Accuracy says little") for text in page.text)


def test_every_drawing_and_control_has_a_name(page: Page) -> None:
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))
    labelled = {label["for"] for label in page.all("label")}
    assert {control["id"] for control in page.all("input")} <= labelled


def test_numbers_are_the_recorded_ones(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    page = Page(render_run(folder).read_text(encoding="utf-8"))
    low, high = metrics["average_precision_low"], metrics["average_precision_high"]
    assert page.text[page.index("Average precision") + 1] == f"{metrics['average_precision']:.3f}"
    assert f"95 % interval {low:.3f}–{high:.3f}" in page.text
    assert page.text[page.index("Recall") + 1] == f"{metrics['recall']:.3f}"
    assert f"{metrics['true_negatives']:,}" in page.text
    assert f"{metrics['true_positives']} of 75 frauds" in page.text


def test_what_the_table_does_not_have_is_left_out(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a", time=None, split="stratified", amount=False, tracked=False)
    page = Page(render_run(folder).read_text(encoding="utf-8"))
    assert "Alerts per day" not in page.text
    assert "Value caught" not in page.text
    assert "tracking was off" in page.text


@pytest.mark.parametrize(
    "columns", [(HOSTILE, '" onmouseover="alert(1)', "<img src=x onerror=alert(1)>", "V1")]
)
def test_hostile_names_are_text(tmp_path: Path, columns: tuple[str, ...]) -> None:
    folder = build_run(
        tmp_path / "a",
        columns=columns,
        overrides={"data.label": HOSTILE, "model.name": HOSTILE},
        run={
            "name": HOSTILE,
            "fallback": HOSTILE,
            "packages": {HOSTILE: HOSTILE},
            "experiment": {"key": HOSTILE, "mode": "online", "url": "javascript:alert(1)"},
            "git": {"commit": HOSTILE, "dirty": True},
        },
    )
    plain = Page(render_run(build_run(tmp_path / "b")).read_text(encoding="utf-8"))
    page = Page(render_run(folder).read_text(encoding="utf-8"))
    assert len(page.scripts) == len(plain.scripts) == 2
    assert page.unbalanced == []
    assert HOSTILE in page.text
    assert "<img src=x onerror=alert(1)>" in page.text
    assert page.all("img") == []
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert [link["href"] for link in page.all("a")] == BESIDE


def test_only_web_addresses_become_links(tmp_path: Path) -> None:
    url = "https://example.test/experiment?a=1&b=2"
    run = {"experiment": {"key": "k", "mode": "online", "url": url}}
    page = Page(render_run(build_run(tmp_path / "a", run=run)).read_text(encoding="utf-8"))
    assert [link["href"] for link in page.all("a")] == [url, *BESIDE]


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    error = {"message": "The disk is full.", "fix": "free some space"}
    (tmp_path / "run.json").write_text(json.dumps({"id": "a", "status": "failed", "error": error}))
    page = Page(render_run(tmp_path).read_text(encoding="utf-8"))
    assert "This run failed" in " ".join(page.text)
    assert "The disk is full. What to do: free some space." in " ".join(page.text)
    assert "Operating point" not in page.text
    assert page.all("svg") == []


def test_one_file_may_be_missing_at_a_time(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in {"run.json", "report.html"}:
            content = path.read_bytes()
            path.unlink()
            assert Page(render_run(folder).read_text(encoding="utf-8")).unbalanced == [], path.name
            path.write_bytes(content)


def test_nothing_alerted_is_no_division_by_zero(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    path = folder / "evaluation" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics.update(true_positives=0, false_positives=0, false_negatives=75, true_negatives=41_925)
    path.write_text(json.dumps(metrics | {"threshold": 1.0, "precision": None, "value_recall": 0.0}))
    page = Page(render_run(folder).read_text(encoding="utf-8"))
    assert page.text[page.index("Precision") + 1] == "–"
    assert "no alerts" in page.text


def test_a_report_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    before = render_run(folder).read_bytes()
    (folder / "evaluation" / "metrics.json").write_text("{")
    with pytest.raises(RunError):
        render_run(folder)
    assert (folder / "report.html").read_bytes() == before
    assert not list(folder.glob(".report*"))


def test_a_folder_that_refuses_is_a_storage_error(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    (folder / "report.html").mkdir()
    with pytest.raises(StorageError):
        render_run(folder)


def test_two_renderings_are_the_same_bytes(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    assert render_run(folder).read_bytes() == render_run(folder).read_bytes()


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    program = (
        "import sys; from pathlib import Path; from fraudlab.report import render_run; "
        "render_run(Path(sys.argv[1])); "
        "print([m for m in ('pandas', 'sklearn', 'matplotlib', 'rich', 'xgboost', 'comet_ml', 'sagemaker') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_lineage_is_drawn_without_paths_of_the_machine(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "runs" / "a")
    text = render_run(folder).read_text(encoding="utf-8")
    drawn = text.split("<h2>Lineage</h2>")[1].split("</section>")[0]
    kinds = ["Raw table", "Prepared data", "Run", "Model"]
    assert [kind for kind in kinds if f"<strong>{kind}</strong>" in drawn] == kinds
    assert str(tmp_path) not in drawn
    assert "fraudlab models lineage a" in drawn


def test_the_lineage_does_not_say_that_a_run_still_runs(tmp_path: Path) -> None:
    """The page is written before the run has ended, and read after it."""
    folder = build_run(tmp_path / "runs" / "a", run={"status": "running"})
    text = render_run(folder).read_text(encoding="utf-8")
    assert "running" not in text.split("<h2>Lineage</h2>")[1].split("</section>")[0]


def test_a_run_that_used_nothing_yet_has_no_lineage(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a", run={"data": {}})
    for name in ("data/manifest.json", "model/model.json"):
        (folder / name).unlink()
    assert "<h2>Lineage</h2>" not in render_run(folder).read_text(encoding="utf-8")


def test_declared_columns_are_shown_with_their_expression_and_their_gain(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    plain = (render_run(folder)).read_text()
    assert "Derived columns" not in plain
    model = json.loads((folder / "model" / "model.json").read_text())
    derived = [
        {"name": "ratio", "expression": "V1 / V2"},
        {"name": HOSTILE, "expression": "where(V1 < 1, 2, 3)"},
    ]
    (folder / "model" / "model.json").write_text(json.dumps({**model, "derived": derived}))
    importance = json.loads((folder / "evaluation" / "importance.json").read_text())
    importance.append({"column": "ratio", "gain": 0.25, "weight": 0.1, "cover": 0.1})
    (folder / "evaluation" / "importance.json").write_text(json.dumps(importance))
    text = (render_run(folder)).read_text()
    page = Page(text)
    assert page.unbalanced == []
    assert HOSTILE not in text
    assert "Together they have 25.0\N{NO-BREAK SPACE}% of the gain." in text
    assert "where(V1 &lt; 1, 2, 3)" in text
    assert "V1 / V2" in page.text

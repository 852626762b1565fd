"""Two to twenty runs side by side: judgements, curves, what differs; as page, JSON and Markdown."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import fraudlab
from fraudlab.cli import main
from fraudlab.errors import ConfigError, RunError
from fraudlab.report import compare_runs
from fraudlab.report.comparison.lineup import line_up
from fraudlab.report.comparison.lineup_markdown import lineup_markdown
from fraudlab.report.comparison.lineup_page import lineup_html, render_lineup

from ..example_run import build_run
from ..page_text import Page

HOSTILE = "</script>|@all [x](http://y) <b>`*_\n# z"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs ``base``, ``better``, ``equal``, ``other`` (other rows) and ``worse``."""
    folder = tmp_path_factory.mktemp("lineup") / "runs"
    folder.mkdir()
    build_run(folder / "base")
    build_run(folder / "better", skill=2.5, overrides={"model.max_depth": 8, "seed": 7})
    build_run(folder / "equal", overrides={"model.learning_rate": 0.2})
    build_run(folder / "other", test_rows=40_000, frauds=70)
    build_run(folder / "worse", skill=-2.5, run={"packages": {"numpy": "1.26"}, "git": {"commit": "ffff"}})
    return folder


def folders(runs: Path, *names: str) -> list[Path]:
    return [runs / name for name in names]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_each_run_is_judged_against_the_first_as_two_runs_are(runs: Path) -> None:
    lineup = line_up(folders(runs, "base", "better", "equal", "other", "worse"))
    assert [pair.outcome for pair in lineup.pairs] == ["b", "noise", "not comparable", "a"]
    for name, pair in zip(("better", "equal", "other", "worse"), lineup.pairs, strict=True):
        alone = compare_runs(runs / "base", runs / name)
        assert (pair.difference, pair.outcome) == (alone.difference, alone.outcome)
    assert [pair.title for pair in lineup.pairs] == [
        "B is better", "The difference is noise", "Not comparable", "A is better",
    ]  # fmt: skip
    assert "for A and" in lineup.pairs[3].reason
    assert "for E" in lineup.pairs[3].reason
    assert lineup.title == "B is better than A"
    assert plain(lineup.reason).startswith("E is worse; C is no different; D is not comparable.")


TITLES = {
    ("better", "base", "worse"): "A is better than all others",
    ("base", "equal", "worse"): "None is shown to be better than A",
    ("worse", "base", "better"): "B and C are better than A",
    ("base", "better"): "B is better",
}


@pytest.mark.parametrize("names", TITLES)
def test_the_title_says_what_came_of_it(runs: Path, names: tuple[str, ...]) -> None:
    assert line_up(folders(runs, *names)).title == TITLES[names]


def test_many_judgements_are_said_to_err_by_chance(runs: Path, tmp_path: Path) -> None:
    copies = [shutil.copytree(runs / "base", tmp_path / f"copy-{number}") for number in range(5)]
    assert "about one in twenty comes out by chance" in line_up([runs / "base", *copies]).reason
    assert "by chance" not in line_up([runs / "base", *copies[:4]]).reason


@pytest.mark.parametrize("many", [0, 1, 21])
def test_too_few_and_too_many_are_refused(runs: Path, many: int) -> None:
    with pytest.raises(ConfigError) as caught:
        line_up([runs / "base"] * many)
    assert caught.value.fix == "valid: 2 to 20 runs"


def test_what_differs_comes_first_and_the_same_is_said_once(runs: Path) -> None:
    lineup = line_up(folders(runs, "base", "better", "equal"))
    different = {row.name: row.values for row in lineup.parameters if row.differs}
    assert different == {
        "model.max_depth": (6, 8, 6), "model.learning_rate": (0.1, 0.1, 0.2), "seed": (42, 7, 42),
    }  # fmt: skip
    assert [row.differs for row in lineup.parameters] == sorted(
        (row.differs for row in lineup.parameters), reverse=True
    )
    assert not [row for row in lineup.circumstances if row.differs]


def test_data_and_environment_differ(runs: Path) -> None:
    lineup = line_up(folders(runs, "base", "other", "worse"))
    different = {row.name: row.values for row in lineup.circumstances if row.differs}
    assert different["split.test rows"] == (42_000, 40_000, 42_000)
    assert different["packages.numpy"] == ("2.4.6", "2.4.6", "1.26")
    assert different["packages.pyarrow"] == ("26.0.1", "26.0.1", None)
    assert different["commit"][2] == "ffff"
    assert "data.sha256" not in different


def test_the_page_has_all_parts_of_all_runs(runs: Path, tmp_path: Path) -> None:
    names = ("base", "better", "equal", "other", "worse")
    target = render_lineup(line_up(folders(runs, *names)), tmp_path / "c.html")
    page = Page(target.read_text(encoding="utf-8"))
    assert (page.unbalanced, page.open) == ([], [])
    heads = ["Parameters", "Metrics", "Curves", "At the chosen thresholds", "What the models look at",
             "Data and environment"]  # fmt: skip
    assert [text for text in page.text if text in heads] == heads
    figures = ["Precision and recall", "ROC curve", "Calibration", "Cost by number of alerts",
               "Training, round by round"]  # fmt: skip
    assert [text for text in page.text if text in figures] == figures
    lines = [path["class"] for path in page.all("path") if str(path["class"]).startswith("curve ")]
    per_run = ["curve a", "curve b", "curve hued h2 d0", "curve hued h3 d0", "curve hued h4 d0"]
    assert lines == per_run * 5
    assert "uncommitted changes" in page.text


def test_twenty_runs_are_one_page_of_less_than_a_megabyte(runs: Path, tmp_path: Path) -> None:
    names = ["base", "better", "equal", "worse"] * 5
    copies = [
        shutil.copytree(runs / name, tmp_path / f"{number:02d}-{name}") for number, name in enumerate(names)
    ]
    target = render_lineup(line_up(copies), tmp_path / "c.html")
    assert target.stat().st_size < 1_000_000
    page = Page(target.read_text(encoding="utf-8"))
    classes = {str(path["class"]) for path in page.all("path") if str(path["class"]).startswith("curve ")}
    assert len(classes) == 20
    found = json.loads(target.with_suffix(".json").read_text())
    assert found["schema"] == 2
    assert [len(found["runs"]), len(found["comparisons"])] == [20, 19]
    assert found["parameters"]["different"]["model.max_depth"] == [6, 8, 6, 6] * 5


def test_costs_are_those_of_the_first_run(runs: Path, tmp_path: Path) -> None:
    from fraudlab.report.comparison.lineup_charts import cost

    chart = cost(line_up(folders(runs, "base", "better")))
    assert chart is not None
    assert "A missed fraud costs its amount, an alert 5: as run A was told." in chart.note
    overrides = {"evaluation.missed_fraud_cost": 70, "evaluation.alert_cost": 2}
    own = build_run(tmp_path / "own", amount=False, overrides=overrides)
    chart = cost(line_up([own, runs / "base"]))
    assert chart is not None
    assert "A missed fraud costs 70, an alert 2" in chart.note
    chart = cost(line_up([runs / "base", own]))
    assert chart is not None
    assert chart.note.endswith("Not drawn, for want of scores or amounts: B.")


def test_rounds_of_another_metric_are_named_and_not_drawn(runs: Path, tmp_path: Path) -> None:
    from fraudlab.report.comparison.lineup_charts import rounds

    other = build_run(tmp_path / "other")
    history = json.loads((other / "training" / "history.json").read_text())
    (other / "training" / "history.json").write_text(json.dumps(history | {"metric": "logloss"}))
    chart = rounds(line_up([runs / "base", other, runs / "equal"]))
    assert chart is not None
    assert chart.note == "Not drawn, because they watched another metric: B."
    assert chart.drawing.count("<path") == 2


def test_what_is_the_first_fit_s_is_said_of_runs_that_were_refitted(runs: Path, tmp_path: Path) -> None:
    from fraudlab.report.comparison.lineup_charts import rounds

    refitted = build_run(tmp_path / "refitted")
    model = json.loads((refitted / "model" / "model.json").read_text())
    refit = {"rows": 9, "frauds": 2, "rounds": 3, "first_fit": {"rows": 6}}
    (refitted / "model" / "model.json").write_text(json.dumps(model | {"refit": refit}))
    for others, letters in (([runs / "base"], "B"), ([runs / "base", runs / "equal"], "C"), ([], "A, B")):
        lineup = line_up([*others, refitted] if others else [refitted, refitted])
        chart = rounds(lineup)
        assert chart is not None
        assert chart.note == f"Of {letters}, the first fit’s: the model was then refitted with validation."
        text = html.unescape(lineup_html(lineup))
        assert f"Of {letters}, the threshold was chosen on validation by the first fit’s scores" in text
    without = line_up([runs / "base", runs / "equal"])
    assert "first fit" not in lineup_html(without)


def test_runs_without_anything_have_a_page_too(runs: Path, tmp_path: Path) -> None:
    for name in ("empty", "bare"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"id": name}))
    lineup = line_up([tmp_path / "empty", tmp_path / "bare", runs / "base"])
    page = Page(render_lineup(lineup, tmp_path / "c.html").read_text(encoding="utf-8"))
    assert page.unbalanced == []
    assert "None is shown to be better than A" in page.text
    assert lineup_markdown(lineup)
    with pytest.raises(RunError):
        line_up([runs / "base", tmp_path / "nothing"])


def test_markdown_is_tables_and_text_alone(runs: Path, tmp_path: Path) -> None:
    hostile = build_run(tmp_path / "hostile", overrides={"model.name": HOSTILE}, run={"id": HOSTILE})
    text = lineup_markdown(line_up([runs / "base", hostile, runs / "better"]))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {part.type for token in tokens for part in [token, *(token.children or [])]}
    assert not {"html_inline", "html_block", "link_open", "image", "code_inline", "em_open"} & kinds
    tables = [token for token in tokens if token.type == "table_open"]
    assert len(tables) == 3
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = {line.replace("\\|", "").count("|") for line in rows}
    assert cells == {7, 4 + 1}
    assert "@all" not in text
    assert len(text) < 65_536


def test_markdown_of_many_differences_fits_a_comment(runs: Path, tmp_path: Path) -> None:
    copies = []
    for number in range(20):
        copy = shutil.copytree(runs / "base", tmp_path / f"{number:02d}")
        packages = {f"package-{name}": "x" * 200 + str(number) for name in range(300)}
        record = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps(record | {"packages": packages}))
        copies.append(copy)
    text = lineup_markdown(line_up(copies))
    assert "more; the page has them all." in text
    assert len(text) < 65_536


def test_the_command_takes_many_runs(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--runs", str(runs)]
    assert main(["compare", "base", "better", "worse", *words]) == 0
    shown = capsys.readouterr().out
    assert "B is better" in shown
    assert "model.max_depth: 6 (A C); 8 (B)" in shown
    page = Path(shown.rsplit("comparison: ", 1)[1].strip())
    assert page.is_file()
    assert page.with_suffix(".json").is_file()
    assert main(["compare", "base", "better", "--markdown", *words]) == 0
    shown_markdown = capsys.readouterr()
    assert shown_markdown.out.startswith("### B is better\n")
    assert shown_markdown.err.startswith("comparison: ")
    assert main(["compare", "base", "better", "base", *words]) == 0
    again = capsys.readouterr()
    assert again.err == "a run that is named twice stands there once\n"
    assert again.out.splitlines()[-1].endswith("base--better.html")
    assert main(["compare", "base", *words]) == 2
    assert "valid: 2 to 20 runs" in capsys.readouterr().err
    assert main(["compare", "base", "nothing", "worse", *words]) == 7


SAID = {
    ("base", "better"): "<base and better: B is better. ",
    ("base", "better", "worse"): "<base and 2 others: B is better than A. C is worse. ",
    ("base", "better", "base"): "<base and better: B is better. ",
    ("base", "base"): "<base and base: ",
}


@pytest.mark.parametrize("names", SAID)
def test_python_compares_as_many_as_the_command_and_shows_them(runs: Path, names: tuple[str, ...]) -> None:
    a, b, *more = names
    shown = fraudlab.compare(a, b, *more, runs=runs)
    assert repr(shown).startswith(SAID[names])
    frame = shown._repr_html_()  # type: ignore[union-attr]
    assert frame.startswith("<iframe sandbox=")
    lines = Page(html.unescape(frame.split('"')[3])).all("path")
    curves = {str(line["class"]) for line in lines if str(line["class"]).startswith("curve ")}
    assert len(curves) == max(2, len(set(names)))


def test_python_takes_runs_and_folders_too(runs: Path) -> None:
    words = (fraudlab.Run(runs / "base"), runs / "better", f"{runs}/worse")
    lineup = fraudlab.compare(*words)
    assert isinstance(lineup, fraudlab.report.Lineup)
    assert [pair.outcome for pair in lineup.pairs] == ["b", "a"]


@pytest.mark.parametrize(
    ("names", "error", "sentence"),
    [
        (("base", "bettr"), RunError, "no run 'bettr'"),
        (("base", "better", "bettr"), RunError, "no run 'bettr'"),
        (("base", "better", "running"), RunError, "Run running is running, not completed"),
    ],
)
def test_python_refuses_what_the_command_refuses(
    runs: Path, tmp_path: Path, names: tuple[str, ...], error: type[Exception], sentence: str
) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    build_run(folder / "running", run={"status": "failed"})
    with pytest.raises(error, match=sentence.replace("is running", "is failed")):
        fraudlab.compare(*names, runs=folder)  # type: ignore[call-overload]


def test_python_compares_twenty_runs_and_not_one_more(runs: Path, tmp_path: Path) -> None:
    copies = [shutil.copytree(runs / "base", tmp_path / f"copy-{number:02}") for number in range(21)]
    assert len(fraudlab.compare(*copies[:20]).pairs) == 19  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="21 runs cannot be compared") as refused:
        fraudlab.compare(*copies)
    assert refused.value.fix == "valid: 2 to 20 runs"

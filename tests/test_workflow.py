"""Whole runs as plain processes: what comes out, what is cached, and how each mistake ends."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fraudlab.cli import main

from .conftest import require

SMALL = ["backend=process", "tracking=off", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=8"]
FRAUDLAB = [sys.executable, "-m", "fraudlab"]


def table(rows=4000, **columns):
    rng = np.random.default_rng(7)
    strength = rng.normal(size=rows)
    made = {
        "tx": np.arange(rows),
        "ts": np.arange(rows) * 60,
        "a": strength,
        "b": rng.normal(size=rows),
        "country": rng.choice(["FR", "DE", "NL"], size=rows),
        "y": (strength + rng.normal(size=rows) > 2.2).astype(int),
    }
    return pa.table(made | columns)


def train(tmp: Path, data: pa.Table | None = None, *overrides: str) -> int:
    path = tmp / "t.csv"
    if data is not None:
        pacsv.write_csv(data, path)
    described = ["data=table", f"data.path={path}", "data.label=y", "data.time=ts", "data.id=[tx]"]
    fixed = ["backend=process", "tracking=off", "model.num_round=5", "data.categorical=[country]"]
    return main(["train", *described, *fixed, *overrides])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One small completed run on the default data."""
    import fraudlab

    folder = tmp_path_factory.mktemp("run")
    before = Path.cwd()
    os.chdir(folder)
    try:
        return fraudlab.train([*SMALL, "tracking=offline", "run.id=first"], quiet=True)
    finally:
        os.chdir(before)


def test_a_run_leaves_what_the_readme_says(run):
    found = {str(p.relative_to(run.folder)) for p in run.folder.rglob("*") if p.is_file()}
    expected = {
        "report.html", "run.json", "config.yaml", "overrides.yaml", "data/manifest.json",
        "model/model.tar.gz", "model/model.ubj", "model/model.json", "model/model_card.md",
        "training/history.json", "training/validation.json", "training/validation_scores.parquet",
        "evaluation/metrics.json", "evaluation/curves.json", "evaluation/importance.json",
        "evaluation/scores.parquet", "logs/process.log", "logs/train.log", "logs/serve.log",
        "requests/processing-job.json", "requests/training-job.json", "requests/model.json",
        "requests/endpoint-config.json", "requests/endpoint.json",
    }  # fmt: skip
    assert expected <= found
    assert {Path(name).suffix for name in found - expected} <= {".zip", ".json"}


def test_the_metrics_are_those_of_the_scores_that_were_kept(run):
    from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

    scores, metrics = run.scores, run.metrics
    assert metrics["average_precision"] == pytest.approx(average_precision_score(scores.label, scores.score))
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(scores.label, scores.score))
    alerts = scores.score.astype("float64") >= metrics["threshold"]
    tn, fp, fn, tp = confusion_matrix(scores.label, alerts).ravel()
    named = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    assert [metrics[name] for name in named] == [tn, fp, fn, tp]
    assert metrics["average_precision_low"] < metrics["average_precision"] < metrics["average_precision_high"]
    assert metrics["endpoint_max_difference"] <= 1e-6


def test_mistakes_are_rows_of_the_scores_with_the_boosters_own_reasons(run):
    from fraudlab.container.model_files.model_file import read_model
    from fraudlab.container.prepared import read_split
    from fraudlab.container.scorer import Scorer

    scores, threshold = run.scores, run.metrics["threshold"]
    found = json.loads((run.folder / "evaluation" / "mistakes.json").read_text())
    scorer = Scorer(read_model(run.folder / "model"))
    (prepared,) = (run.folder.parent / ".cache" / "prepared").iterdir()
    matrix = read_split(prepared / "test", scorer.features).matrix
    position = {row: at for at, row in enumerate(scores.row.tolist())}
    listed = [*found["missed"], *found["false_alarms"]]
    assert len(listed) >= 2
    for row in listed:
        at = position[row["row"]]
        assert row["score"] == scores.score[at]
        assert scores.label[at] == (row["score"] < threshold)
        (own,) = scorer.reasons(matrix[[at]], most=3)
        assert [name for name, _ in own] == [name for name, _ in row["reasons"]]
        assert [value for _, value in row["reasons"]] == pytest.approx([value for _, value in own], abs=1e-5)


def test_the_test_split_is_later_than_what_was_trained_on(run):
    splits = json.loads((run.folder / "data" / "manifest.json").read_text())["splits"]
    gap = 3600
    assert splits["train"]["time_end"] + gap <= splits["validation"]["time_start"]
    assert splits["validation"]["time_end"] + gap <= splits["test"]["time_start"]
    assert len(run.scores) == splits["test"]["rows"]


def test_the_threshold_was_chosen_on_validation(run):
    contract = json.loads((run.folder / "model" / "model.json").read_text())
    chosen = json.loads((run.folder / "training" / "validation.json").read_text())
    assert contract["threshold"] == chosen["threshold"] == run.metrics["threshold"]


def test_launcher_and_training_job_write_to_one_experiment(run):
    archives = sorted((run.folder / "comet").glob("*.zip"))
    assert len(archives) == 2
    key = run.record["experiment"]["key"]
    contents = []
    for archive in archives:
        assert archive.name.startswith(key)
        with zipfile.ZipFile(archive) as opened:
            contents.append(opened.read("messages.json").decode())
    assert any("validation_aucpr" in text for text in contents)
    assert any("average_precision" in text and "confusion-matrix" in text for text in contents)


def test_the_record_says_how_the_model_came_about(run):
    record = run.record
    assert record["status"] == "completed"
    assert record["backend"] == "process"
    assert set(record["stages"]) == {"prepare", "train", "score", "evaluate", "report"}
    assert record["data"]["rows"] == 20_000
    assert len(record["data"]["sha256"]) == 64
    assert record["packages"]["xgboost-cpu" if "xgboost-cpu" in record["packages"] else "xgboost"] == "3.2.0"


def test_nothing_of_a_run_is_left_in_the_cache_but_its_preparation(run):
    cache = run.folder.parent / ".cache"
    assert not any((cache / "jobs").iterdir())
    assert len(list((cache / "prepared").iterdir())) == 1


def test_an_unchanged_run_skips_the_process_job_and_gives_the_same_model(in_tmp, capsys):
    assert main(["train", *SMALL, "run.id=one"]) == 0
    assert main(["train", *SMALL, "run.id=two"]) == 0
    assert main(["train", *SMALL, "run.id=three", "force=true"]) == 0
    assert main(["train", *SMALL, "run.id=four", "data.scale=standard"]) == 0
    cached = [
        json.loads((in_tmp / "runs" / name / "run.json").read_text())["stages"]["prepare"]["cached"]
        for name in ("one", "two", "three", "four")
    ]
    assert cached == [False, True, False, False]
    models = {
        (in_tmp / "runs" / name / "model" / "model.ubj").read_bytes() for name in ("one", "two", "three")
    }
    assert len(models) == 1
    assert capsys.readouterr().out.count("(cached)") == 1


def test_a_table_of_ones_own_with_categories_and_missing_values(in_tmp, capsys):
    data = table()
    country = data["country"].to_pylist()
    country[-50:] = ["XX"] * 50
    country[100] = None
    a = data["a"].to_pylist()
    a[200] = None
    data = data.set_column(2, "a", pa.array(a)).set_column(4, "country", pa.array(country))
    assert train(in_tmp, data, "run.id=own") == 0
    shown = capsys.readouterr().out
    assert "average precision 0." in shown
    said = "rows have a category that train has not seen (for example 'XX'); scored as missing"
    assert "test: column 'country': 50 of " in shown
    assert said in shown
    folder = in_tmp / "runs" / "own"
    assert json.loads((folder / "evaluation" / "metrics.json").read_text())["unseen_categories"] == 50
    manifest = json.loads((folder / "data" / "manifest.json").read_text())
    assert [column["name"] for column in manifest["columns"]] == ["a", "b", "country"]
    assert manifest["columns"][2]["categories"] == ["DE", "FR", "NL"]
    assert "tx" in pq.read_table(folder / "evaluation" / "scores.parquet").column_names


def test_a_table_in_milliseconds_with_a_copy_of_its_label(in_tmp, capsys):
    data = replaced("ts", 1_677_628_907_000 + np.arange(4000) * 600_000)
    data = data.set_column(3, "state", pa.array(np.where(data["y"].to_numpy() == 1, "closed", "open")))
    lists = ["data.categorical=[country,state]"]
    assert train(in_tmp, data, *lists, "split.gap=2d", "run.id=ms") == 0
    shown = capsys.readouterr().out
    assert "2023-03-01 00:01 to 2023-03-28 18:31 UTC (data.time_unit=ms)\n" in shown
    assert "caution: column 'state' is 'closed' where the label is 1 and nowhere else" in shown
    assert "data.drop=[state] data.categorical=[country]\n" in shown
    last = shown[shown.index("  report ") :]
    for said in ("A column tells the label", "One column decides almost alone", "Almost perfect"):
        assert f"  caution: {said}" in last
    folder = in_tmp / "runs" / "ms"
    manifest = json.loads((folder / "data" / "manifest.json").read_text())
    assert manifest["split"]["gap_rows"] == 2 * 288
    assert [copy["column"] for copy in manifest["label_copies"]] == ["state"]
    assert pq.read_table(folder / "evaluation" / "scores.parquet")["time"][-1].as_py() == (
        1_677_628_907 + 3999 * 600
    )
    assert "2023-03-01 00:01 to 2023-03-28 18:31 UTC, read as ms" in (folder / "report.html").read_text()


@pytest.mark.parametrize("number", [1, 2])
def test_the_notebooks_experiments_run_and_compare(in_tmp, capsys, number):
    assert main(["train", *SMALL, f"experiment=notebook_v{number}", "run.id=a"]) == 0
    assert main(["train", *SMALL, "run.id=b", "experiment=notebook_v1", "model.max_depth=2"]) == 0
    capsys.readouterr()
    assert main(["compare", "a", "b"]) == 0
    shown = capsys.readouterr().out
    assert "model.max_depth" in shown
    assert "Average precision" in shown
    assert (in_tmp / "runs" / "comparisons" / "a--b.html").stat().st_size > 1_000


def test_slices_are_measured_whether_the_model_knows_the_column_or_not(in_tmp, capsys):
    """``country`` is a feature, ``shop`` is none; misspelt, too many or impossible is said before any job."""
    rng = np.random.default_rng(2)
    data = table(shop=rng.choice(["1", "2", ""], size=4000), day=np.arange(4000) % 400)
    columns = ["data.drop=[shop,day]", "run.id=r"]
    for asked, sentence in (
        ("shopp", "evaluation.slices names 'shopp', which is not a column of t.csv"),
        ("ts", "evaluation.slices names 'ts', which is data.time"),
        ("y", "evaluation.slices names 'y', which is data.label"),
        ("shop,shop", "evaluation.slices names 'shop' more than once"),
        (",".join(map(str, range(21))), "evaluation.slices names 21 columns"),
    ):
        assert train(in_tmp, data, *columns, f"evaluation.slices=[{asked}]") == 2
        assert sentence in capsys.readouterr().err
    assert not list((in_tmp / "runs").glob("r*"))
    assert train(in_tmp, None, *columns, "run.id=many", "evaluation.slices=[day]") == 3
    assert "holds 400 different numbers" in capsys.readouterr().err
    asked = ["evaluation.slices=[country,shop]", "--fail-if", "slices_worse>6"]
    assert train(in_tmp, None, *columns, *asked) == 0
    folder = in_tmp / "runs" / "r"
    found = json.loads((folder / "evaluation" / "slices.json").read_text())
    values = {column["column"]: [one["value"] for one in column["slices"]] for column in found["columns"]}
    assert {name: {*listed} for name, listed in values.items()} == {
        "country": {"FR", "DE", "NL"},
        "shop": {"1", "2", None},
    }
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert metrics["slices"] == 6
    for column in found["columns"]:
        assert sum(one["rows"] for one in column["slices"]) == metrics["rows"]
        assert sum(one["true_positives"] for one in column["slices"]) == metrics["true_positives"]
    model = json.loads((folder / "model" / "model.json").read_text())
    assert "shop" not in json.dumps(model["columns"])
    assert "<h2>Slices</h2>" in (folder / "report.html").read_text()


FOLDS = ["split=prequential", "split.folds=3", "split.train_length=6d", "split.validation_length=4d",
         "split.test_length=3d", "data.delay=1d"]  # fmt: skip


@pytest.mark.parametrize("validation", [True, False])
def test_a_prequential_run_has_a_figure_for_each_fold_and_what_they_say_together(in_tmp, capsys, validation):
    rng = np.random.default_rng(1)
    data = table(ts=np.arange(4000) * 600, card=rng.integers(0, 1500, size=4000))
    without = ["split.validation_length=0", "model.early_stopping_rounds=0", "evaluation=half"]
    cards = 100 if validation else 7
    words = [*FOLDS, *([] if validation else without), "data.card=card", "run.id=r"]
    words += [] if validation else ["evaluation.cards_per_day=7"]
    assert train(in_tmp, data, *words, "--fail-if", "average_precision_mean<0.01") == 0
    shown, folder = capsys.readouterr().out, in_tmp / "runs" / "r"
    metrics, folds = (
        json.loads((folder / "evaluation" / f"{name}.json").read_text()) for name in ("metrics", "folds")
    )
    assert [fold["fold"] for fold in folds] == [1, 2, 3]
    assert folds[0]["average_precision"] == metrics["average_precision"]
    assert metrics[f"card_precision_at_{cards}_per_day"] == folds[0][f"card_precision_at_{cards}_per_day"]
    for name in ("average_precision", "roc_auc", f"card_precision_at_{cards}_per_day"):
        values = [fold[name] for fold in folds]
        assert [metrics[f"{name}_fold_{number}"] for number in (1, 2, 3)] == values
        assert metrics[f"{name}_mean"] == pytest.approx(np.mean(values))
        assert metrics[f"{name}_std"] == pytest.approx(np.std(values))
    spread = f"{metrics['average_precision_mean']:.3f} ± {metrics['average_precision_std']:.3f}"
    assert f"over 3 folds average precision {spread}" in shown
    page = (folder / "report.html").read_text()
    assert f"{spread}</td>" in page
    assert f"Card precision@{cards}" in page
    assert "the newest of 3 folds" in page
    manifest = json.loads((folder / "data" / "manifest.json").read_text())
    assert ("validation" in manifest["splits"]) is validation
    assert f"| Average precision over folds | {spread} |" in (folder / "model" / "model_card.md").read_text()


def replaced(name, values):
    data = table()
    return data.set_column(data.column_names.index(name), name, pa.array(values))


def labels(**changed):
    values = table()["y"].to_pylist()
    for row, value in changed.items():
        values[int(row[1:])] = value
    return values


MISTAKES = {
    "missing file": (None, ["data.path=absent.csv"], 3, "absent.csv"),
    "no positives": (replaced("y", [0] * 4000), [], 3, "no fraud"),
    "one class in a split": (replaced("y", [1] * 100 + [0] * 3900), [], 3, "validation"),
    "label not 0/1": (replaced("y", labels(_3=2)), [], 3, "row 4"),
    "NaN label": (replaced("y", labels(_5=None)), [], 3, "row 6"),
    "non-numeric column": (table(), ["data.categorical=[]"], 3, "column 'country' is not numeric"),
    "no category of test is in train": (
        replaced("country", ["FR"] * 3000 + ["DE"] * 1000),
        [],
        3,
        "no row of test has a category of column 'country' that train has seen",
    ),
    "label not there": (table(), ["data.label=fraud"], 2, "'fraud'"),
    "delay without a unit": (table(), ["data.delay=7"], 2, "did you mean data.delay=7d?"),
    "time without a certain unit": (replaced("ts", np.arange(4000) // 20), [], 3, "(data.time_unit=h)"),
    "row index": (
        replaced("a", np.arange(4000)),
        [],
        3,
        "column 'a' is a row index: it counts the rows from 0",
    ),
    "run exists": (table(), ["run.id=taken"], 7, "Run taken exists"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_ends_with_its_sentence_a_fix_and_its_exit_code(in_tmp, capsys, name):
    data, overrides, code, words = MISTAKES[name]
    (in_tmp / "runs" / "taken").mkdir(parents=True)
    assert train(in_tmp, data, *overrides) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert "\nfix: " in error
    assert "Traceback" not in error
    assert not (in_tmp / "runs" / "latest").exists()


FILES = {
    "empty file": ("t.csv", b"", "empty"),
    "header only": ("t.csv", b"tx,ts,a,y\n", "no rows"),
    "duplicate column names": ("t.csv", b"tx,ts,a,a,y\n1,2,3,4,0\n", "'a'"),
    "unreadable Parquet": ("t.parquet", b"PAR1 nonsense", "Parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_each_broken_file_is_refused_before_a_run_is_made(in_tmp, capsys, name):
    file, content, words = FILES[name]
    (in_tmp / file).write_bytes(content)
    described = ["data=table", f"data.path={file}", "data.label=y", "backend=process", "tracking=off"]
    assert main(["train", *described]) == 3
    error = capsys.readouterr().err
    assert words in error
    assert "\nfix: " in error
    assert [p.name for p in (in_tmp / "runs").glob("[!.]*")] == []


@pytest.fixture
def small_disk(in_tmp):
    """A disk of its own, mounted by size in KiB."""
    folder = in_tmp / "disk"
    folder.mkdir()

    def mount(kib: int) -> Path:
        options = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
        done = subprocess.run(options, capture_output=True, check=False)
        require("mount", done.returncode == 0, "mounting a small disk needs root")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


@pytest.mark.parametrize(("kib", "where"), [(64, "launcher"), (400, "process job")])
def test_a_full_disk_ends_a_run_with_its_sentence_and_code(in_tmp, small_disk, capsys, kib, where):
    disk = small_disk(kib)
    assert train(in_tmp, table(), f"paths.runs={disk}/runs", "run.id=full") == 8, where
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "No space left on device" in error
    assert "fix: free " in error
    assert not (disk / "runs" / "latest").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kib", [400, 420, 540, 620, 700])
def test_the_record_on_a_full_disk_tells_the_truth_and_nothing_prints_a_traceback(in_tmp, small_disk, kib):
    """Full while it trains, while it measures, while it reports, and while Comet's archive is written."""
    disk = small_disk(kib)
    pacsv.write_csv(table(), in_tmp / "t.csv")
    described = ["data=table", "data.path=t.csv", "data.label=y", "data.time=ts", "data.id=[tx]"]
    fixed = ["backend=process", "tracking=offline", "model.num_round=5", "data.categorical=[country]"]
    where = [f"paths.runs={disk}/runs", "run.id=full"]
    words = [*FRAUDLAB, "train", *described, *fixed, *where]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    record = json.loads((disk / "runs" / "full" / "run.json").read_text())
    if done.returncode == 0:
        assert record["status"] == "completed"
    else:
        assert done.returncode == 8
        assert record["status"] == "failed"
        assert f"error: {record['error']['message']}\nfix: free " in done.stderr
        assert "No space left on device" in record["error"]["message"]


def test_a_failed_run_says_failed_and_why(in_tmp):
    assert train(in_tmp, replaced("y", [0] * 4000), "run.id=bad") == 3
    record = json.loads((in_tmp / "runs" / "bad" / "run.json").read_text())
    assert record["status"] == "failed"
    assert record["error"]["type"] == "DataError"
    assert "no fraud" in record["error"]["message"]
    assert not any((in_tmp / "runs" / ".cache" / "jobs").iterdir())


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    yield
    with warnings.catch_warnings(action="ignore"):  # docker-py leaves its socket open where it cannot connect
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_missing_engine_is_said_and_processes_run(in_tmp, capsys, no_engine):
    assert main(["train", *SMALL[1:], "run.id=here"]) == 0
    shown = capsys.readouterr().out
    assert (
        "No Docker engine answers (its socket does not exist). Running as plain processes instead." in shown
    )
    record = json.loads((in_tmp / "runs" / "here" / "run.json").read_text())
    assert record["backend"] == "process"
    assert record["fallback"].startswith("No Docker engine answers")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_missing_engine_is_an_error_where_the_fallback_is_refused(in_tmp, capsys, no_engine):
    assert main(["train", *SMALL[1:], "backend.fallback=error"]) == 4
    assert "fix: start Docker, or run with backend=process" in capsys.readouterr().err
    assert not (in_tmp / "runs").exists() or not list((in_tmp / "runs").glob("[!.]*"))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_says_so_and_leaves_no_process(in_tmp, sent):
    long = ["model.num_round=100000", "model.early_stopping_rounds=0", "tracking=offline", "run.id=cut"]
    process = subprocess.Popen(
        [*FRAUDLAB, "train", *SMALL, *long], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = in_tmp / "runs" / "cut" / "logs" / "train.log"
    give_up = time.monotonic() + 60
    while not (log.exists() and "\n[5]\t" in log.read_text()):
        assert time.monotonic() < give_up
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(sent)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.startswith("error: Interrupted by SIG")
    record = json.loads((in_tmp / "runs" / "cut" / "run.json").read_text())
    assert record["status"] == "interrupted"
    archives = list((in_tmp / "runs" / "cut" / "comet").glob("*.zip"))
    assert len(archives) == 2
    for archive in archives:
        assert "experiment.json" in zipfile.ZipFile(archive).namelist()
    listed = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    assert str(in_tmp) not in "".join(line for line in listed.splitlines() if "fraudlab.container" in line)


def test_what_the_jobs_print_is_shown_on_request_and_kept(in_tmp, capsys):
    assert main(["train", "-v", *SMALL, "run.id=loud"]) == 0
    shown = capsys.readouterr().out
    assert "    process | stage=read seconds=" in shown
    assert "    train | [3]" in shown
    assert shown.rstrip().split("\n")[-1] == "report: runs/loud/report.html"
    assert "[3]\tvalidation-aucpr:" in (in_tmp / "runs" / "loud" / "logs" / "train.log").read_text()


def test_several_runs_in_one_command(in_tmp):
    done = subprocess.run(
        [*FRAUDLAB, "train", "-m", *SMALL, "model=baseline,weighted"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report: ") == 2
    assert sorted(p.name.rsplit("-", 1)[-1] for p in (in_tmp / "runs").glob("2*")) == ["baseline", "weighted"]


@pytest.mark.data
def test_the_real_credit_card_rows_train(in_tmp, data_dir, capsys):
    path = data_dir / "creditcard_sample.csv"
    described = [
        "data=table",
        f"data.path={path}",
        "data.label=Class",
        "data.time=Time",
        "data.amount=Amount",
    ]
    assert main(["train", *described, "backend=process", "tracking=off", "model.num_round=20"]) == 0
    assert "average precision" in capsys.readouterr().out


@pytest.mark.data
def test_the_sample_is_not_taken_for_the_whole_credit_card_table(in_tmp, data_dir, capsys):
    path = data_dir / "creditcard_sample.csv"
    assert main(["train", "data=creditcard", f"data.path={path}", "backend=process", "tracking=off"]) == 3
    assert "284,807" in capsys.readouterr().err


def test_a_creditcard_table_that_was_changed_is_refused_by_its_hash(in_tmp, capsys):
    assert main(["data", "generate", "creditcard.parquet"]) == 0
    same_shape = ["data=creditcard", "data.path=creditcard.parquet", "backend=process", "tracking=off"]
    assert main(["train", *same_shape]) == 3
    error = capsys.readouterr().err
    assert "creditcard.parquet is not the file that data.sha256 names" in error
    assert "data.sha256=null" in error
    assert main(["train", *same_shape, "data.sha256=null", "model.num_round=3"]) == 0

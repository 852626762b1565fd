"""The how-tos of CONTRIBUTING are enough: a run has what was added to the files they list and no other."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = ["backend=process", "tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=40"]
THRESHOLDS, CONFIG = "src/fraudlab/evaluation/thresholds.py", "src/fraudlab/config.py"
METRICS, EVALUATE = "src/fraudlab/evaluation/metrics.py", "src/fraudlab/stages/evaluate.py"
RULE = """    elif policy == "tenth":
        chosen = float(np.quantile(ranking.score, 0.9))
"""
METRIC = '''def alerted(y: ArrayLike, score: ArrayLike, *, threshold: float) -> float:
    """Share of the rows that are alerted."""
    return float(alerts(checked(y, score)[1], threshold).mean())


'''
RUN_PAGE = "src/fraudlab/report/run/run_page.py"
IMPORTED = "from fraudlab.report.run.alert_share import alert_share\n"
MEASURED = '        "alerted": metrics.alerted(label, score, threshold=threshold),\n'
FIGURE = '''"""How many rows are alerted."""

from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import element
from fraudlab.report.recorded.run_record import RunRecord, number


def alert_share(record: RunRecord) -> Chart | None:
    """The share as a drawing."""
    share = number(record.metrics, "alerted")
    return None if share is None else Chart("alerted", "Share of alerts", f"{share:.1%}", element("svg"))
'''
#: where, before what, and what is added there
ADDED = [
    (THRESHOLDS, "]\nCURVE_POINTS", ', "tenth"'),
    (THRESHOLDS, "    else:\n        chosen = best_of(", RULE),
    (CONFIG, "\n\n@dataclass\nclass BackendConfig", '    tenth = "tenth"\n'),
    (METRICS, "def brier(", METRIC),
    (EVALUATE, '        "log_loss": metrics.', MEASURED),
    (RUN_PAGE, "from fraudlab.report.run.concern_list", IMPORTED),
    (RUN_PAGE, "        threshold_choice(record),\n", "        alert_share(record),\n"),
    ("src/fraudlab/gates.py", '"alerts_per_day", "average_precision",', '"alerted", '),
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """fraudlab's own files with a rule for the threshold, a metric and a figure added, and nothing else."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "local"))
    for name, place, text in ADDED:
        whole = (root / name).read_text(encoding="utf-8")
        assert whole.count(place) == 1, (name, place)
        (root / name).write_text(whole.replace(place, text + place), encoding="utf-8")
    (root / "src/fraudlab/report/run/alert_share.py").write_text(FIGURE, encoding="utf-8")
    option = "# A tenth of the validation rows are alerts.\npolicy: tenth\n"
    (root / "conf/evaluation/tenth.yaml").write_text(option, encoding="utf-8")
    return root


@pytest.mark.slow
def test_a_rule_a_metric_and_a_figure_take_the_files_that_are_listed(checkout, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, "evaluation=tenth", "run.id=r",
         "--fail-if", "alerted>0.5"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(checkout / "src")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    run = tmp_path / "runs" / "r"
    contract = json.loads((run / "model/model.json").read_text(encoding="utf-8"))
    assert contract["decision"]["policy"] == "tenth"
    metrics = json.loads((run / "evaluation/metrics.json").read_text(encoding="utf-8"))
    assert 0 < metrics["alerted"] < 0.5
    assert metrics["alerted"] == pytest.approx(
        (metrics["true_positives"] + metrics["false_positives"]) / metrics["rows"]
    )
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "stored with the model" in page
    assert f">{metrics['alerted']:.1%}<" in page

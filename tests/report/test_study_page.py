"""The page of a study, from outcomes as they can be: ended, not ended, with nothing that completed."""

import pytest

from fraudlab.report.study.study_charts import history_chart, importance_figure, slice_chart
from fraudlab.report.study.study_page import render_study, study_html

RUN = {"average_precision": 0.7, "average_precision_low": 0.6, "average_precision_high": 0.8}
SPACE = {
    "max_depth": {"low": 3.0, "high": 9.0, "log": False, "step": None},
    "learning_rate": {"low": 0.02, "high": 0.3, "log": True, "step": None},
    "tree_method": {"choices": ["hist", "approx"]},
}


def trial(number, state="completed", value=0.5, **more):
    params = {"max_depth": 3 + number, "learning_rate": 0.1, "tree_method": "hist"}
    usual = {"round": None, "rounds": 30, "seconds": 1.0, "run": f"a-t{number}", "error": None}
    return {"number": number, "state": state, "value": value, "params": params, **usual, **more}


def outcome(trials, **more):
    usual = {
        "name": "mine <b>",
        "trials": trials,
        "best": max((t["number"] for t in trials if t["state"] == "completed"), default=None),
        "start": {"run": "mine-start", "metrics": RUN},
        "final": {"run": "mine-final", "metrics": RUN},
        "worth": "Tuning was worth +0.001: noise.",
        "space": SPACE,
        "importance": {"max_depth": 0.75, "learning_rate": 0.25},
    }
    return {**usual, **more}


WHOLE = [
    trial(0, value=0.5),
    trial(1, value=0.61234),
    trial(2, "pruned", 0.2, round=34, rounds=None),
    trial(3, "failed", None, error="<no> place", rounds=None, seconds=None),
    trial(4, "running", None, rounds=None, seconds=None),
]


def test_everything_is_on_the_page(tmp_path):
    page = render_study(outcome(WHOLE), tmp_path / "report.html").read_text()
    for text in ("noise", "0.6123", "pruned at round 35", "failed: &lt;no&gt; place", "mine &lt;b&gt;", "75"):
        assert text in page
    assert "2 trials completed, 1 pruned, 1 failed, 1 running" in page
    assert page.index("0.6123") < page.index("0.5000")
    assert "<no>" not in page


@pytest.mark.parametrize(
    "content",
    [
        outcome([]),
        outcome([trial(0, "failed", None)]),
        outcome([trial(0)], final=None, importance={}),
        outcome([trial(0), trial(1)]),
        outcome([trial(0, value=0.0), trial(1, value=1.0)]),
    ],
    ids=["nothing", "failed", "not ended", "equal", "from 0 to 1"],
)
def test_a_study_that_has_little_to_show_has_a_page(content):
    assert "Trials" in study_html(content)


def test_the_best_so_far_never_falls():
    values = [0.5, 0.4, 0.7, 0.6]
    chart = history_chart([trial(number, value=value) for number, value in enumerate(values)])
    assert chart is not None
    path = chart.drawing.split('class="curve a" d="')[1].split('"')[0]
    heights = [
        float(point.split(",")[1])
        for point in path.replace("M", " ").replace("L", " ").split()
        if "," in point
    ]
    assert heights == sorted(heights, reverse=True)
    assert chart.drawing.count("<circle") == 4


@pytest.mark.parametrize("name", SPACE)
def test_a_parameter_has_a_dot_for_each_completed_trial(name):
    chart = slice_chart(name, SPACE[name], WHOLE)
    assert chart is not None
    assert chart.drawing.count("<circle") == 2
    assert slice_chart(name, SPACE[name], WHOLE[2:]) is None


def test_too_few_trials_have_no_importance():
    assert importance_figure({}) is None

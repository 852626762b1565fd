"""The page of a study, from outcomes as they can be: ended, not ended, with nothing that completed."""

import re
from collections import Counter

import pytest

from fraudlab.report.study.parallel_axes import parallel_chart
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


COSTS = {"spent_usd": 1.5, "most_usd": 14.47, "max_usd": None, "rehearsed": False, "ended_by_maximum": False}


@pytest.mark.parametrize(
    ("costs", "text"),
    [
        (COSTS, "$1.50 spent (at most $14.47 for all of it)."),
        (
            {**COSTS, "max_usd": 2.0, "ended_by_maximum": True},
            "$1.50 spent (maximum $2.00, at most $14.47 for all of it). The maximum ended the search.",
        ),
        (
            {**COSTS, "spent_usd": 0.0007, "most_usd": None, "rehearsed": True},
            "$0.0007 spent, rehearsed: nothing was paid.",
        ),
        ({**COSTS, "spent_usd": None}, None),
        (None, None),
    ],
)
def test_what_a_study_has_cost_is_on_its_page(costs, text):
    page = study_html(outcome(WHOLE, costs=costs))
    assert (" spent" in page) is (text is not None)
    assert text is None or text in page


def test_the_best_so_far_never_falls():
    values = [0.5, 0.4, 0.7, 0.6]
    chart = history_chart([trial(number, value=value) for number, value in enumerate(values)])
    assert chart is not None
    path = chart.drawing.split('class="curve a" d="')[1].split('"')[0]
    heights = [float(point.split()[1]) for point in path.removeprefix("M").split("L")]
    assert len(set(heights)) == 2
    assert heights == sorted(heights, reverse=True)
    assert chart.drawing.count("<circle") == 4


def test_what_was_ended_early_is_below_what_was_measured():
    chart = history_chart(WHOLE)
    assert chart.drawing.count('class="one few"') == 1
    assert "ended early" in chart.subtitle
    assert "ended early" not in history_chart(WHOLE[:2]).subtitle


def strands(chart):
    """The class of each line, and its points."""
    found = re.findall(r'<path class="strand ?(\w*)" d="M([^"]*)">', chart.drawing)
    return [(class_, [tuple(map(float, p.split())) for p in points.split("L")]) for class_, points in found]


def test_each_trial_is_a_line_as_far_as_it_came():
    chart = parallel_chart(SPACE, WHOLE)
    assert [(class_, len(points)) for class_, points in strands(chart)] == [("early", 3), ("", 4), ("top", 4)]
    assert "trial 2: max_depth 4, learning_rate (log) 0.1, tree_method hist, average" in chart.drawing
    assert len({y for _, points in strands(chart) for _, y in points}) == 4


@pytest.mark.parametrize(
    ("name", "values", "shares"),
    [
        ("max_depth", [3, 6, 9], [0, 0.5, 1]),
        ("learning_rate", [0.02, (0.02 * 0.3) ** 0.5, 0.3], [0, 0.5, 1]),
        ("tree_method", ["hist", "approx"], [0.25, 0.75]),
        ("mixed", [1, 1.0, True, None, "1"], [0.1, 0.3, 0.5, 0.7, 0.9]),
    ],
)
def test_a_setting_lies_where_its_value_is(name, values, shares):
    space = {name: {**SPACE, "mixed": {"choices": [1, 1.0, True, None, "1"]}}[name]}
    trials = [trial(at, value=0.5 + at / 100, params={name: value}) for at, value in enumerate(values)]
    chart = parallel_chart(space, trials)
    places = sorted(points[0][0] for _, points in strands(chart))
    assert [(x - 6) / 348 for x in places] == pytest.approx(shares, abs=1e-3)


def test_trials_of_one_choice_stay_apart_the_better_to_the_right():
    space = {"tree_method": SPACE["tree_method"]}
    values = [0.7, 0.5, 0.6, 0.9]
    chart = parallel_chart(space, [trial(number, value=value) for number, value in enumerate(values)])
    by_value = sorted(strands(chart), key=lambda line: line[1][-1][0])
    places = [points[0][0] for _, points in by_value]
    assert len(set(places)) == 4
    assert places == sorted(places)
    assert max(places) < 180, "beyond the middle is the other choice"


@pytest.mark.parametrize(
    ("count", "kinds"),
    [
        (1, {"top": 1}),
        (2, {"top": 1, "": 1}),
        (9, {"top": 1, "": 8}),
        (20, {"top": 1, "good": 1, "": 18}),
        (200, {"top": 1, "good": 19, "": 180}),
        (2000, {"top": 1, "good": 199, "": 200}),
    ],
)
def test_the_best_of_many_stand_out_and_the_drawing_stays_small(count, kinds):
    trials = [trial(number, value=number / count, params={"max_depth": 5}) for number in range(count)]
    chart = parallel_chart({"max_depth": SPACE["max_depth"]}, trials)
    assert Counter(class_ for class_, _ in strands(chart)) == kinds
    drawn = sum(kinds.values())
    assert (f"{count - drawn:,} more trials" in chart.note) == (drawn < count)
    assert strands(chart)[-1][0] == "top"


def test_nothing_completed_is_no_drawing():
    assert parallel_chart(SPACE, WHOLE[2:]) is None
    assert parallel_chart({}, WHOLE) is None


def test_a_setting_nobody_knows_is_left_out_of_its_axis():
    odd = trial(1, value=0.9, params={"max_depth": 4, "learning_rate": None, "tree_method": "<i>"})
    chart = parallel_chart(SPACE, [trial(0), odd])
    assert [len(points) for _, points in strands(chart)] == [4, 2]
    assert "<i>" not in chart.drawing


@pytest.mark.parametrize("name", SPACE)
def test_a_parameter_has_a_dot_for_each_completed_trial(name):
    chart = slice_chart(name, SPACE[name], WHOLE)
    assert chart is not None
    assert chart.drawing.count("<circle") == 2
    assert slice_chart(name, SPACE[name], WHOLE[2:]) is None


def test_too_few_trials_have_no_importance():
    assert importance_figure({}) is None

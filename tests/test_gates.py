"""Gates: conditions that make a run fail, read and judged without a run."""

import math

import pytest

from fraudlab.config import DataConfig, RunConfig, SplitKind
from fraudlab.errors import ConfigError, GateFailed
from fraudlab.gates import METRICS, Gate, check_gates, parse_gates, require_passed

READ = {
    "average_precision<0.7": Gate("average_precision", "<", 0.7),
    "average_precision < 0.7": Gate("average_precision", "<", 0.7),
    " recall<=.5 ": Gate("recall", "<=", 0.5),
    "alerts_per_day>50": Gate("alerts_per_day", ">", 50.0),
    "brier>=1e-3": Gate("brier", ">=", 0.001),
    "brier>=+1.5E-3": Gate("brier", ">=", 0.0015),
    "unseen_categories!=0": Gate("unseen_categories", "!=", 0.0),
    "false_negatives==3": Gate("false_negatives", "==", 3.0),
    "precision≥0.2": Gate("precision", ">=", 0.2),
    "precision =< 0.2": Gate("precision", "<=", 0.2),
    "log_loss>-1": Gate("log_loss", ">", -1.0),
}


@pytest.mark.parametrize("text", READ)
def test_conditions_are_read(text):
    assert parse_gates([text]) == [READ[text]]


REFUSED = {
    "": "write a metric, one of",
    "average_precision": "in quotes",
    "average_precision<": "write a metric",
    "<0.7": "write a metric",
    "average_precison<0.7": "did you mean 'average_precision'?",
    "ap<0.7": "Valid: accuracy, ",
    "AVERAGE_PRECISION<0.7": "Valid: ",
    "test.average_precision<0.7": "did you mean 'average_precision'?",
    "average_precision=0.7": '"average_precision==0.7"',
    "0.7>average_precision": '"average_precision<0.7"',
    "0.7<=recall": '"recall>=0.7"',
    "average_precision<0,7": "a number with a point",
    "average_precision<70%": "a number with a point",
    "average_precision<nan": "a number with a point",
    "average_precision<inf": "a number with a point",
    "average_precision<1e999": "a number with a point",
    "average_precision<recall": "a number with a point",
    "recall<0.5,precision<0.5": "once per condition",
    "recall<0.5 and precision<0.5": "once per condition",
    "0.1<recall<0.5": "write a metric",
    "recall<>0.5": "write a metric",
    "recall<0.5\nprecision<1": "write a metric",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_condition_is_refused_with_what_would_be(text):
    with pytest.raises(ConfigError) as raised:
        parse_gates([text])
    assert repr(text) in raised.value.message
    assert REFUSED[text] in raised.value.fix


def test_all_refusals_come_at_once():
    with pytest.raises(ConfigError) as raised:
        parse_gates(["recal<1", "recall<0.5", "precision=1"])
    assert "'recal' is not a metric" in raised.value.message
    assert "one equals sign" in raised.value.message


#: condition, value, whether it fails
JUDGED = [
    ("recall<0.5", 0.4, True),
    ("recall<0.5", 0.5, False),
    ("recall<=0.5", 0.5, True),
    ("recall>0.5", 0.5, False),
    ("recall>=0.5", 0.5, True),
    ("rows==3", 3, True),
    ("rows!=3", 3, False),
    ("rows!=3", 4, True),
    ("rows==3", 4, False),
    ("recall<0.5", None, True),
    ("recall>0.5", None, True),
    ("rows!=3", None, True),
]


@pytest.mark.parametrize(("text", "value", "failed"), JUDGED)
def test_a_gate_is_judged_by_its_metric(text, value, failed):
    (gate,) = parse_gates([text])
    judged = gate.judge({gate.metric: value})
    assert judged["failed"] is failed
    assert (judged["condition"], judged["value"]) == (text, value)


def test_what_is_not_known_fails_and_says_why():
    assert Gate("precision", ">", 0.9).judge({"precision": None})["reason"] == (
        "precision is null: nothing was alerted"
    )
    assert Gate("days", ">", 9.0).judge({})["failed"]


def test_a_gate_that_no_run_can_pass_is_refused_before_there_is_one():
    without = RunConfig(data=DataConfig(path="t.csv", label="y"))
    for metric, key in (
        ("value_recall", "data.amount"),
        ("alerts_per_day", "data.time"),
        ("days", "data.time"),
        ("slices_worse", "evaluation.slices"),
    ):
        with pytest.raises(ConfigError, match=f"without {key}"):
            check_gates([Gate(metric, "<", 1.0)], without)
    with_all = RunConfig(data=DataConfig(path="t.csv", label="y", amount="a", time="t", card="c"))
    with_all.split.kind = SplitKind.prequential
    with_all.evaluation.slices = ["country"]
    check_gates([Gate(metric, "<", 1.0) for metric in METRICS], with_all)


def test_a_gate_on_folds_needs_folds():
    config = RunConfig()
    gates = parse_gates(["average_precision_mean<0.7"])
    with pytest.raises(ConfigError, match="without folds") as raised:
        check_gates(gates, config)
    assert "split=prequential" in raised.value.fix
    config.split.kind = SplitKind.prequential
    check_gates(gates, config)


def test_a_gate_on_cards_of_folds_needs_that_number_of_cards():
    config = RunConfig(data=DataConfig(label="y", path="t.csv", time="t", card="c"))
    config.split.kind = SplitKind.prequential
    check_gates(parse_gates(["card_precision_at_100_per_day_mean<0.3"]), config)
    gates = parse_gates(["card_precision_at_20_per_day_mean<0.3"])  # 20 alerts are no 20 cards of folds
    with pytest.raises(ConfigError, match="cards_per_day is 100") as raised:
        check_gates(gates, config)
    assert "evaluation.cards_per_day=20" in raised.value.fix
    config.evaluation.cards_per_day = 20
    check_gates(gates, config)
    config.data.card = None
    with pytest.raises(ConfigError, match=r"without data\.card"):
        check_gates(gates, config)


def test_a_failed_gate_says_what_was_found_and_what_was_asked():
    judged = [Gate("recall", "<", 0.5).judge({"recall": 0.25}), Gate("f1", "<", 0.5).judge({"f1": 0.75})]
    with pytest.raises(GateFailed, match=r"recall is 0.25, and --fail-if says recall<0.5\.\nfix: ") as raised:
        require_passed(judged, run="r")
    assert raised.value.exit_code == 10
    assert "runs show r" in raised.value.fix
    require_passed(judged[1:], run="r")
    assert str(Gate("brier", "<", math.pi)) == "brier<3.14159265358979"


#: gate, what the configuration has, what is said
DAILY = {
    "precision_at_20_per_day<0.5": ({"time": "t"}, None),
    "recall_at_100_per_day<0.5": ({"time": "t"}, None),
    "value_recall_at_500_per_day<0.5": ({"time": "t", "amount": "a"}, None),
    "recall_at_fpr_0.001<0.5": ({}, None),
    "recall_at_50_per_day<0.5": ({"time": "t"}, "alerts_per_day=[20, 50, 100, 500]"),
    "precision_at_20_per_day<0.6": ({}, "data.time=COLUMN"),
    "card_precision_at_100_per_day<0.3": ({"time": "t", "card": "c"}, None),
    "card_precision_at_50_per_day<0.3": ({"time": "t", "card": "c"}, "evaluation.cards_per_day=50"),
    "card_precision_at_20_per_day<0.3": ({"time": "t"}, "data.card=COLUMN"),
    "cards<10": ({"time": "t"}, "data.card=COLUMN"),
    "value_recall_at_20_per_day<0.5": ({"time": "t"}, "data.amount=COLUMN"),
}


@pytest.mark.parametrize("text", DAILY)
def test_a_gate_on_a_daily_budget_needs_that_budget(text):
    columns, fix = DAILY[text]
    config = RunConfig(data=DataConfig(label="y", path="t.csv", **columns))
    if fix is None:
        check_gates(parse_gates([text]), config)
        return
    with pytest.raises(ConfigError) as raised:
        check_gates(parse_gates([text]), config)
    assert fix in raised.value.fix


@pytest.mark.parametrize(
    "text", ["recall_at_0_per_day<1", "f1_at_20_per_day<1", "recall_at_20<1", "recall_at_fpr_0.1<1"]
)
def test_what_is_almost_a_daily_budget_is_no_metric(text):
    with pytest.raises(ConfigError, match="is not a metric"):
        parse_gates([text])

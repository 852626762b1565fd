"""What a study hands on: its best settings, and its best trials as members of an average."""

import pytest
import yaml

from fraudlab.compose import compose
from fraudlab.studies.trial_book import TrialRow
from fraudlab.studies.tuning_outcome import best_yaml, members_of, members_yaml
from fraudlab.studies.tuning_request import read_request

SHALLOW, DEEP = {"max_depth": 3, "gamma": 0.5}, {"max_depth": 6, "gamma": 0.5}


def row(number, params, value=None, state="completed"):
    value = 0.9 - number / 100 if value is None else value
    return TrialRow(number, state, value, params, f"t{number}", None, 9, 1.0, None)


def chosen(trials, *words):
    return members_of(read_request(["tune.name=mine", *words]), trials)


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        ([], []),
        ([row(0, SHALLOW)], [({}, SHALLOW)]),
        ([row(0, SHALLOW), row(1, DEEP)], [({}, SHALLOW), ({}, DEEP)]),
        ([row(0, SHALLOW, 0.1), row(1, DEEP, 0.2)], [({}, DEEP), ({}, SHALLOW)]),
        ([row(0, SHALLOW), row(1, SHALLOW), row(2, DEEP)], [({}, SHALLOW), ({}, DEEP)]),
        ([row(0, SHALLOW), row(1, DEEP, 0.99, "pruned"), row(2, DEEP, state="failed")], [({}, SHALLOW)]),
        (
            [row(at, {"max_depth": at + 1}) for at in range(8)],
            [({}, {"max_depth": at}) for at in range(1, 6)],
        ),
        (
            [
                row(0, {"eval_metric": "auc", **SHALLOW}),
                row(1, {"eval_metric": "aucpr", **DEEP}),
                row(2, {"eval_metric": "auc", **DEEP}),
            ],
            [({"eval_metric": "auc"}, SHALLOW), ({"eval_metric": "auc"}, DEEP)],
        ),
        ([row(0, {"members": 3, **SHALLOW}), row(1, {"members": 3, **DEEP})], []),
    ],
    ids=["none", "one", "two", "order", "equal", "not completed", "many", "of all members", "averages"],
)
def test_members_are_the_best_trials_that_one_average_can_have(trials, expected):
    assert chosen(trials) == expected


@pytest.mark.parametrize("members", ["3", "[{max_depth: 3}, {}]"])
def test_trials_that_are_averages_are_no_members(members):
    assert chosen([row(0, SHALLOW), row(1, DEEP)], f"model.members={members}") == []


def test_what_is_written_can_be_trained(in_tmp):
    asked = ["tune.name=mine", "data.rows=3000"]
    common = {"eval_metric": "aucpr"}
    trials = [row(0, {**common, **DEEP}), row(1, {**common, "max_depth": "auto", "gamma": 1e-7})]
    request = read_request([*asked, "model.learning_rate=0.2"])
    text = members_yaml(request, trials)
    (in_tmp / "conf" / "experiment").mkdir(parents=True)
    (in_tmp / "conf/experiment/average.yaml").write_text(text)
    model = compose(["data.rows=3000", "model.learning_rate=0.2", "experiment=average"]).model
    assert (model.eval_metric, model.learning_rate) == ("aucpr", 0.2)
    assert list(map(dict, model.members)) == [DEEP, {"max_depth": "auto", "gamma": 1e-7}]
    assert yaml.safe_load(best_yaml(request, trials))["model"] == {**common, **DEEP}


def test_one_trial_is_no_average():
    request = read_request(["tune.name=mine"])
    assert members_yaml(request, [row(0, SHALLOW), row(1, SHALLOW)]) is None

"""Requests: what is built is what SageMaker's own service model accepts."""

import re
from dataclasses import fields

import botocore.session
import pytest
from botocore.validate import ParamValidator

from fraudlab import api_requests
from fraudlab.api_requests import Placement
from fraudlab.compose import compose
from fraudlab.config import ModelConfig
from fraudlab.config_options import options
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.container.hyperparameters.table import PARAMETERS
from fraudlab.container.training.progress import round_line

ROLE = "arn:aws:iam::123456789012:role/fraud"
CLOUD = Placement(
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab@sha256:" + "0" * 64, role_arn=ROLE
)
LONGEST = "20261123-142501-" + "a" * 24
#: a value of every key of a model that is not set by default, such that they go together
EVERYTHING = {
    "eval_metric": "[auc,error@0.30]",
    "save_best": "false",
    "refit": "false",
    "calibration": "auto",
    "members": "[{max_depth: 3, learning_rate: 0.3}, {max_depth: 6}]",
    "k_fold": 5,
    "k_fold_repeats": 2,
    "booster": "dart",
    "rate_drop": 0.1,
    "skip_drop": 0.5,
    "one_drop": "true",
    "sample_type": "weighted",
    "normalize_type": "forest",
    "subsample": 0.5,
    "colsample_bylevel": 0.5,
    "colsample_bynode": 0.5,
    "seed_per_iteration": "true",
    "num_parallel_tree": 2,
    "max_cat_threshold": 32,
    "monotone_constraints": "'{\"größe\": 1}'",
    "interaction_constraints": "[['größe',2]]",
}


@pytest.fixture(scope="module")
def service():
    return botocore.session.get_session().get_service_model("sagemaker")


def every_request(placement, run_id="20261123-142501-baseline", overrides=()):
    config = compose(overrides)
    channels = {name: f"s3://bucket/{name}" for name in ("train", "validation", "config")}
    return {
        "CreateProcessingJob": api_requests.processing_job(
            config,
            placement,
            run_id=run_id,
            raw="s3://bucket/raw",
            config_channel="s3://bucket/config",
            prepared="s3://bucket/prepared",
        ),
        "CreateTrainingJob": api_requests.training_job(
            config, placement, run_id=run_id, channels=channels, output="s3://bucket/output"
        ),
        "CreateModel": api_requests.model(
            config, placement, run_id=run_id, model_data="s3://bucket/model.tar.gz"
        ),
        "CreateEndpointConfig": api_requests.endpoint_config(config, placement, run_id=run_id),
        "CreateEndpoint": api_requests.endpoint(config, placement, run_id=run_id),
    }


def violations(shape, value, path=""):
    """What botocore knows of a shape and does not check by itself: enums, patterns and lengths."""
    import re

    found = []
    if shape.type_name == "structure":
        for name, member in value.items():
            found += violations(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for number, member in enumerate(value):
            found += violations(shape.member, member, f"{path}[{number}]")
    elif shape.type_name == "map":
        for key, member in value.items():
            found += violations(shape.key, key, f"{path} key") + violations(
                shape.value, member, f"{path}[{key}]"
            )
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            found.append(f"{path}: {value!r} is not one of {shape.enum}")
        if len(value) > shape.metadata.get("max", len(value)):
            found.append(f"{path}: longer than {shape.metadata['max']}")
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(r"\\p\{", pattern) and not re.fullmatch(pattern, value):
            found.append(f"{path}: {value!r} does not match {pattern}")
    return found


@pytest.mark.parametrize("run_id", ["20261123-142501-baseline", LONGEST], ids=["usual", "longest"])
@pytest.mark.parametrize("operation", list(every_request(CLOUD)))
def test_requests_satisfy_the_service_model(service, operation, run_id):
    shape = service.operation_model(operation).input_shape
    request = every_request(CLOUD, run_id)[operation]
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert violations(shape, request) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [(("TrainingJobName",), "no spaces"), (("ResourceConfig", "InstanceType"), "ml.m5.tiny")],
)
def test_the_check_above_finds_mistakes(service, path, value):
    request = every_request(CLOUD)["CreateTrainingJob"]
    target = request
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    assert violations(service.operation_model("CreateTrainingJob").input_shape, request)


def test_the_instance_type_is_the_configs_unless_the_backend_has_one():
    cloud, laptop = every_request(CLOUD), every_request(Placement("image", ROLE, instance_type="local"))
    assert cloud["CreateTrainingJob"]["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"
    assert laptop["CreateTrainingJob"]["ResourceConfig"]["InstanceType"] == "local"
    assert cloud["CreateEndpointConfig"]["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"


def test_requests_differ_between_places_only_in_what_the_place_says():
    cloud, laptop = every_request(CLOUD), every_request(Placement("image", ROLE, instance_type="local"))

    def differing(a, b, path=""):
        if isinstance(a, dict):
            return [
                p for key in a.keys() | b.keys() for p in differing(a.get(key), b.get(key), f"{path}.{key}")
            ]
        if isinstance(a, list):
            return [p for x, y in zip(a, b, strict=True) for p in differing(x, y, path)]
        return [path.rsplit(".", 1)[-1]] if a != b else []

    assert set(differing(cloud, laptop)) == {"InstanceType", "Image", "ImageUri", "TrainingImage"}


def test_hyperparameters_are_strings_and_leave_out_what_is_left_to_xgboost():
    sent = api_requests.hyperparameters(compose(["model.base_score=null", "seed=7"]))
    assert all(isinstance(value, str) for value in sent.values())
    assert "base_score" not in sent
    assert sent["seed"] == "7"
    assert "name" not in sent


@pytest.mark.parametrize("model", options("model"))
def test_the_training_job_understands_every_hyperparameter_that_is_sent(model):
    whole = compose([f"model={model}", "seed=7"])
    sent, config = api_requests.hyperparameters(whole), whole.model
    understood = read_hyperparameters(sent).as_json()
    expected = {key: value for key, value in vars(config).items() if value is not None and key != "name"}
    expected["refit"] = True  # the split is by time
    weighted = config.scale_pos_weight != 1
    metrics = [config.eval_metric] if config.eval_metric else ["aucpr", f"{'unweighted_' * weighted}logloss"]
    assert understood.items() >= {**expected, "seed": 7, "eval_metric": metrics}.items()


def test_every_parameter_of_a_model_can_be_sent_and_is_understood():
    sent = api_requests.hyperparameters(
        compose([f"model.{key}={value}" for key, value in EVERYTHING.items()])
    )
    assert sent.keys() - {"seed"} == {item.name for item in fields(ModelConfig)} - {"name", "hooks"}
    understood = read_hyperparameters(sent).as_json()
    assert understood["eval_metric"] == ["auc", "error@0.3"]
    assert understood["monotone_constraints"] == {"größe": 1}
    assert understood["members"] == [{"max_depth": 3, "learning_rate": 0.3}, {"max_depth": 6}]
    assert understood["interaction_constraints"] == [["größe", 2]]
    assert (understood["one_drop"], understood["save_best"], understood["rate_drop"]) == (True, False, 0.1)


@pytest.mark.parametrize(
    ("overrides", "shares"),
    [
        (["model.members=5"], {}),
        (["model.members=5", "model.subsample=0.7"], {"subsample": "0.7", "colsample_bytree": "1.0"}),
        (['model.members=[{"max_depth": 3}, {}]'], {"subsample": "1.0", "colsample_bytree": "1.0"}),
        (["model.members=[{max_depth: 3}]"], {"subsample": "1.0", "colsample_bytree": "1.0"}),
        ([], {"subsample": "1.0", "colsample_bytree": "1.0"}),
    ],
)
def test_members_that_are_counted_are_told_of_sampling_only_where_somebody_said_so(overrides, shares):
    sent = api_requests.hyperparameters(compose(overrides))
    assert {name: sent[name] for name in ("subsample", "colsample_bytree") if name in sent} == shares
    every = read_hyperparameters(sent).every
    assert all(own.samples == bool(not shares or shares["subsample"] == "0.7") for own in every)


def test_a_model_has_every_parameter_but_those_of_jobs_without_a_launcher():
    kept = {name for name, parameter in PARAMETERS.items() if not parameter.fixed}
    without = {"csv_weights", "keep_counter", "decision_threshold", "_tuning_objective_metric"}
    machine = {"nthread", "verbosity", "max_cached_hist_node"}
    keys = {item.name for item in fields(ModelConfig)} - {"name", "hooks"}
    assert keys == kept - without - machine - {"seed"}


def test_requests_with_everything_set_satisfy_the_service_model(service):
    overrides = [f"model.{key}={value}" for key, value in EVERYTHING.items()]
    request = every_request(CLOUD, overrides=overrides)["CreateTrainingJob"]
    shape = service.operation_model("CreateTrainingJob").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert violations(shape, request) == []
    assert len(request["HyperParameters"]) <= shape.members["HyperParameters"].metadata.get("max", 100)


def definitions(metrics):
    request = every_request(CLOUD, overrides=[f"model.eval_metric={metrics}"])["CreateTrainingJob"]
    return request["AlgorithmSpecification"]["MetricDefinitions"]


#: what CloudWatch makes of a tab, which is what SageMaker searches, and what a container prints
TABS = ["\t", "#011"]


@pytest.mark.parametrize("tab", TABS)
def test_metric_definitions_find_their_values_in_a_round_line(tab):
    found = definitions("[f1,balanced_accuracy,auc,error,error@0.3,pre@50,aucpr]")
    line = round_line(
        12,
        {"auc": 0.987654, "aucpr": 0.812347, "error": 0.001, "error@0.3": 0.002}
        | {"pre@50": 1.0, "f1": 0.5, "balanced_accuracy": 0.75},
    ).replace("\t", tab)
    assert {item["Name"]: re.findall(item["Regex"], line) for item in found} == {
        "validation:auc": ["0.98765"],
        "validation:aucpr": ["0.81235"],
        "validation:error": ["0.00100"],
        "validation:error@0.3": ["0.00200"],
        "validation:pre@50": ["1.00000"],
        "validation:f1": ["0.50000"],
        "validation:balanced_accuracy": ["0.75000"],
    }
    number, metrics = api_requests.read_round(line)
    assert number == 12
    assert metrics == {
        "auc": 0.98765,
        "aucpr": 0.81235,
        "error": 0.001,
        "error@0.3": 0.002,
        "pre@50": 1.0,
        "f1": 0.5,
        "balanced_accuracy": 0.75,
    }


#: what teams have in their own estimators and tuning jobs: of the official container, and shorter ones
@pytest.mark.parametrize(
    "regex",
    [
        r".*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*",
        r".*\[[0-9]+\].*#011validation-auc:(\S+)",
        r"validation-auc:([0-9.]+)",
        r"\[\d+\].*validation-auc:(\d+\.\d+)",
    ],
)
def test_everybodys_metric_definitions_find_their_values(regex):
    line = round_line(12, {"aucpr": 0.5, "auc": 0.98, "logloss": 0.1}).replace("\t", "#011")
    assert re.match(f".*?{regex}", line)[1].startswith("0.98000")
    assert [float(value) for value in re.findall(r"validation-auc:([0-9.]+)", line)] == [0.98]


def test_a_round_line_is_xgboosts_own(capsys):
    import numpy as np
    import xgboost

    matrix = np.random.default_rng(0).normal(size=(200, 2))
    data = xgboost.DMatrix(matrix, label=matrix[:, 0] > 1)
    found = {}
    xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["auc", "logloss"]},
        data,
        3,
        evals=[(data, "validation")],
        evals_result=found,
    )
    history = found["validation"]
    ours = [round_line(n, {name: values[n] for name, values in history.items()}) for n in range(3)]
    assert capsys.readouterr().out.splitlines() == ours


def test_a_hooks_metric_is_called_by_its_name(in_tmp):
    (in_tmp / "h.py").write_text("def money_2(l, s, w): return 1.0")
    request = every_request(CLOUD, overrides=["model.hooks=h.py", "model.eval_metric=[auc,hook:money_2]"])
    found = request["CreateTrainingJob"]["AlgorithmSpecification"]["MetricDefinitions"][1]
    line = "[0]\tvalidation-auc:0.50000\tvalidation-money_2:-1234567.50000"
    assert found["Name"] == "validation:money_2"
    assert re.findall(found["Regex"], line) == ["-1234567.50000"]
    assert api_requests.read_round(line) == (0, {"auc": 0.5, "money_2": -1234567.5})
    assert "hooks" not in request["CreateTrainingJob"]["HyperParameters"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("algo-1-x7 | [3]\tvalidation-aucpr:0.50000", (3, {"aucpr": 0.5})),
        ("algo-1-x7  | [3]#011validation-aucpr:0.50000", (3, {"aucpr": 0.5})),
        ("[3]\tvalidation-auc:nan\tvalidation-aucpr:0.00001", (3, {"aucpr": 1e-05})),
        ("[3]\tvalidation-auc:-inf", (3, {})),
        ("[3]\tvalidation-auc:0.5\tvalidation-logloss:1e-05  ", (3, {"auc": 0.5, "logloss": 1e-05})),
        ("[3]", None),
        ("[3] validation-auc:0.5", None),
        ("x[3]\tvalidation-auc:0.5", None),
        ("[12:00:00] WARNING: src/learner.cc:740:", None),
        ("round=3 validation-auc=0.5", None),
        ("stage=train seconds=1.5", None),
        ("fold=1/5 repeat=1/1 out_of_fold-average_precision=0.7", None),
        ("threshold=0.5 policy=f1 measured_on=validation", None),
        ("test-average_precision=0.5", None),
    ],
)
def test_lines_that_are_rounds_and_lines_that_are_not(line, expected):
    assert api_requests.read_round(line) == expected


def test_nothing_secret_or_about_this_machine_is_sent(monkeypatch):
    monkeypatch.setenv("COMET_API_KEY", "s3cret-key")
    assert "s3cret-key" not in str(every_request(CLOUD))

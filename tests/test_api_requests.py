"""Requests: what is built is what SageMaker's own service model accepts."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

from fraudlab import api_requests
from fraudlab.api_requests import Placement
from fraudlab.compose import compose, options
from fraudlab.container.hyperparameters import read_hyperparameters

ROLE = "arn:aws:iam::123456789012:role/fraud"
CLOUD = Placement(
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab@sha256:" + "0" * 64, role_arn=ROLE
)
LONGEST = "20261123-142501-" + "a" * 24


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
        "CreateEndpoint": api_requests.endpoint(run_id=run_id),
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
    sent = api_requests.hyperparameters(compose(["model.base_score=null"]).model, seed=7)
    assert all(isinstance(value, str) for value in sent.values())
    assert "base_score" not in sent
    assert sent["seed"] == "7"
    assert "name" not in sent


@pytest.mark.parametrize("model", options("model"))
def test_the_training_job_understands_every_hyperparameter_that_is_sent(model):
    config = compose([f"model={model}"]).model
    sent = api_requests.hyperparameters(config, seed=7)
    understood = read_hyperparameters(sent).as_json()
    expected = {key: value for key, value in vars(config).items() if value is not None and key != "name"}
    assert understood.items() >= {**expected, "seed": 7, "eval_metric": [config.eval_metric]}.items()


def test_the_metric_definition_finds_the_value_in_a_round_line():
    import re

    definition = every_request(CLOUD)["CreateTrainingJob"]["AlgorithmSpecification"]["MetricDefinitions"][0]
    line = "round=12 validation-aucpr=0.812345"
    assert re.search(definition["Regex"], line)[1] == "0.812345"
    assert re.search(api_requests.ROUND_LINE, line).groups() == ("12", "aucpr", "0.812345")


def test_nothing_secret_or_about_this_machine_is_sent(monkeypatch):
    monkeypatch.setenv("COMET_API_KEY", "s3cret-key")
    assert "s3cret-key" not in str(every_request(CLOUD))

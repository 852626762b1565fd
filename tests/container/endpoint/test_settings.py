from pathlib import Path
from typing import Any

import pytest

from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.failure import ConfigError


def test_without_an_environment_everything_has_a_default() -> None:
    settings = read_settings({})
    assert settings.model == Path("/opt/ml/model")
    assert (settings.host, settings.port, settings.workers) == ("0.0.0.0", 8080, 1)
    assert (settings.limits.body, settings.limits.seconds) == (25 << 20, 60.0)
    assert settings.outputs == ()
    assert settings.log_level == "info"
    assert (settings.batch, settings.metrics, settings.several) == (False, False, False)


def test_models_that_come_and_go_have_a_folder_of_their_own() -> None:
    assert read_settings({"SAGEMAKER_MULTI_MODEL": "true"}).model == Path("/opt/ml/models")


def test_the_bodies_of_all_clients_may_be_larger_than_one() -> None:
    assert read_settings({"FRAUDLAB_MAX_BODY": str(100 << 20)}).limits.buffered == 1_000 << 20
    assert read_settings({"FRAUDLAB_MAX_BODY": "100"}).limits.buffered == 256 << 20


@pytest.mark.parametrize(
    ("environment", "attribute", "value"),
    [
        ({"SAGEMAKER_BATCH": "True", "MAX_PAYLOAD_IN_MB": "6"}, "limits.body", 6 << 20),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, "limits.body", 25 << 20),
        ({"MAX_PAYLOAD_IN_MB": "6"}, "limits.body", 25 << 20),
        ({"FRAUDLAB_TIMEOUT": "3"}, "limits.head_seconds", 3.0),
        ({"FRAUDLAB_KEEP_ALIVE": "1.5"}, "limits.idle_seconds", 1.5),
        ({"SAGEMAKER_CONTAINER_LOG_LEVEL": "30"}, "log_level", "warning"),
        ({"FRAUDLAB_LOG_LEVEL": "DEBUG", "SAGEMAKER_CONTAINER_LOG_LEVEL": "30"}, "log_level", "debug"),
        ({"FRAUDLAB_OUTPUT": "score, label"}, "outputs", ("score", "alert")),
        ({"FRAUDLAB_MODEL_DIR": "/m"}, "model", Path("/m")),
        ({"MAX_CONTENT_LENGTH": "1000"}, "limits.body", 1000),
        ({"MAX_CONTENT_LENGTH": "1000", "FRAUDLAB_MAX_BODY": "2000"}, "limits.body", 2000),
        ({"MAX_CONTENT_LENGTH": str(19 << 20)}, "limits.body", 19 << 20),
        ({"MAX_CONTENT_LENGTH": str(30 << 20)}, "limits.body", 20 << 20),
        ({"MAX_CONTENT_LENGTH": str(30 << 20), "FRAUDLAB_MAX_BODY": str(30 << 20)}, "limits.body", 30 << 20),
        ({"MAX_CONTENT_LENGTH": "9", "SAGEMAKER_BATCH": "true", "MAX_PAYLOAD_IN_MB": "6"}, "limits.body", 9),
        ({"SAGEMAKER_INFERENCE_OUTPUT": "Probability, labels"}, "outputs", ("probability", "labels")),
        ({"SAGEMAKER_INFERENCE_OUTPUT": " "}, "outputs", ()),
        ({"SAGEMAKER_INFERENCE_OUTPUT": "x,labels,labels"}, "outputs", ("x", "labels", "labels")),
        ({"SAGEMAKER_INFERENCE_OUTPUT": "labels", "FRAUDLAB_OUTPUT": "alert"}, "outputs", ("alert",)),
        (
            {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "Application/JSON; verbose=1"},
            "accept",
            "application/json",
        ),
        ({"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "*/*"}, "accept", ""),
        ({"SAGEMAKER_PROGRAM": "", "SAGEMAKER_SUBMIT_DIRECTORY": ""}, "notes", ()),
    ],
)
def test_what_the_environment_says(environment: dict[str, str], attribute: str, value: Any) -> None:
    found: Any = read_settings(environment)
    for name in attribute.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("environment", "sentence", "fix"),
    [
        (
            {"FRAUDLAB_MAX_BODY": "10 MB"},
            "FRAUDLAB_MAX_BODY is '10 MB'",
            "set it to a whole number of at least 1",
        ),
        (
            {"SAGEMAKER_BIND_TO_PORT": "70000"},
            "SAGEMAKER_BIND_TO_PORT is '70000'",
            "set it to a whole number of at least 1 and at most 65,535",
        ),
        (
            {"FRAUDLAB_LISTENER": "2"},
            "FRAUDLAB_LISTENER is '2'",
            "set it to a whole number of at least 3 and at most 1,048,576",
        ),
        ({"FRAUDLAB_TIMEOUT": "nan"}, "FRAUDLAB_TIMEOUT is 'nan'", "set it to a number of seconds above 0"),
        ({"FRAUDLAB_METRICS": "maybe"}, "FRAUDLAB_METRICS is 'maybe'", "set it to true or false"),
        (
            {"FRAUDLAB_LOG_LEVEL": "loud"},
            "FRAUDLAB_LOG_LEVEL is 'loud'",
            "use one of: debug, info, warning, error",
        ),
        (
            {"MAX_CONTENT_LENGTH": "6MB"},
            "MAX_CONTENT_LENGTH is '6MB'",
            "set it to a whole number of at least 1",
        ),
        (
            {"MAX_CONTENT_LENGTH": "0"},
            "MAX_CONTENT_LENGTH is '0'",
            "set it to a whole number of at least 1",
        ),
        (
            {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/html"},
            (
                "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT is 'text/html': answers are text/csv, application/json,"
                " application/jsonlines, application/x-parquet, application/x-recordio-protobuf"
            ),
            "name one of them",
        ),
        (
            {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/source.tar.gz"},
            "SAGEMAKER_PROGRAM is 'inference.py': this image runs no code that comes with a model",
            "deploy the model without entry_point and source_dir; what it needs is in model.json",
        ),
        (
            {"SAGEMAKER_MULTI_MODEL": "1", "FRAUDLAB_WORKERS": "2"},
            "FRAUDLAB_WORKERS is 2, but with SAGEMAKER_MULTI_MODEL one process holds the models",
            "leave FRAUDLAB_WORKERS at 1 behind a multi-model endpoint",
        ),
    ],
)
def test_what_cannot_be_meant(environment: dict[str, str], sentence: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(environment)
    assert (caught.value.sentence, caught.value.fix) == (sentence, fix)


def test_all_that_cannot_be_meant_is_said_at_once() -> None:
    wrong = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_BATCH": "maybe",
        "SAGEMAKER_MULTI_MODEL": "1",
        "FRAUDLAB_WORKERS": "2",
        "SAGEMAKER_BIND_TO_PORT": "0",
        "MAX_CONTENT_LENGTH": "6MB",
        "FRAUDLAB_TIMEOUT": "-1",
        "FRAUDLAB_OUTPUT": "scor",
        "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/html",
        "FRAUDLAB_LOG_LEVEL": "loud",
    }
    with pytest.raises(ConfigError, match=r"\A9 settings cannot be used: ") as caught:
        read_settings(wrong)
    assert [name for name in wrong if name not in caught.value.sentence] == []
    assert "(set it to a number of seconds above 0)" in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_limit_that_hangs_on_a_wrong_one_is_not_refused_with_it() -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({"FRAUDLAB_MAX_BODY": "x", "FRAUDLAB_MAX_BUFFERED": "1000"})
    assert caught.value.sentence == "FRAUDLAB_MAX_BODY is 'x'"


def test_an_unknown_output_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="FRAUDLAB_OUTPUT: "):
        read_settings({"FRAUDLAB_OUTPUT": "scor"})


@pytest.mark.parametrize(
    ("environment", "note"),
    [
        (
            {"FRAUDLAB_OUTPUT": "score", "SAGEMAKER_INFERENCE_OUTPUT": "probability"},
            "FRAUDLAB_OUTPUT is used, and SAGEMAKER_INFERENCE_OUTPUT is not",
        ),
        (
            {"SAGEMAKER_INFERENCE_OUTPUT": "score,probability,alert"},
            (
                "SAGEMAKER_INFERENCE_OUTPUT names score, alert, for which there is no value: it takes"
                " predicted_label, labels, probability, probabilities, raw_score, raw_scores; FRAUDLAB_OUTPUT"
                " takes other outputs"
            ),
        ),
        (
            {"MAX_CONTENT_LENGTH": "104857600"},
            (
                "MAX_CONTENT_LENGTH is 104,857,600, and counts as 20,971,520, which is its most;"
                " FRAUDLAB_MAX_BODY can say more"
            ),
        ),
        (
            {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/source.tar.gz"},
            "SAGEMAKER_SUBMIT_DIRECTORY is not used: no code that comes with a model is run",
        ),
    ],
)
def test_what_the_log_says_of_the_settings(environment: dict[str, str], note: str) -> None:
    assert read_settings(environment).notes == (note,)

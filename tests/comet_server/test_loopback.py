"""The loopback Comet takes what the real SDK says and nothing else."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from tests.comet_server import KEY, Fault, comet_server

RUN = "a" * 32
METRICS = "clientlib/batch/logger/experiment/metric"


@pytest.fixture
def server():
    with comet_server() as running:
        running.runs[RUN] = {"workspace": "risk", "project": "cards"}
        yield running


def call(server, path, body=None, *, key=KEY):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": key, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def metric(value=0.5, experiment=RUN):
    value = {"metricName": "auc", "metricValue": value, "step": 1, "epoch": None, "context": None}
    return {"experimentKey": experiment, "values": [{**value, "timestamp": 1}]}


def test_what_came_is_answered_to_whoever_asks(server):
    assert call(server, METRICS, metric()) == (200, {})
    status, found = call(server, f"api/rest/v2/experiment/metrics/get-all?experimentKey={RUN}")
    assert status == 200
    assert [(one["metricName"], one["metricValue"], one["step"]) for one in found["metrics"]] == [
        ("auc", "0.5", 1)
    ]


def test_a_wrong_key_and_an_unknown_experiment_are_refused(server):
    assert call(server, METRICS, metric(), key="somebody")[1]["sdk_error_code"] == 90212
    assert call(server, METRICS, metric(experiment="b" * 32))[1]["sdk_error_code"] == 90210
    assert server.metrics == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clientlib/no/such/call", {}),
        (METRICS, {"experimentKey": RUN}),
        (METRICS, metric("no number")),
        ("clientlib/asset/upload?experimentId=" + RUN, {}),
    ],
)
def test_what_no_comet_knows_fails_the_test_that_said_it(path, body):
    with pytest.raises(AssertionError), comet_server() as server:
        server.runs[RUN] = {"workspace": "risk", "project": "cards"}
        assert call(server, path, body)[0] >= 400


def test_each_fault_happens_as_often_as_it_was_asked_for(server):
    server.faults += [
        Fault("refused", METRICS, skip=1, status=503),
        Fault("cut", METRICS),
        Fault("lost", METRICS),
        Fault("twice", METRICS),
    ]
    assert call(server, METRICS, metric(1.0))[0] == 200
    assert call(server, METRICS, metric(2.0))[0] == 503
    for value in (3.0, 4.0):
        with pytest.raises(OSError):
            call(server, METRICS, metric(value))
    assert call(server, METRICS, metric(5.0))[0] == 200
    assert call(server, METRICS, metric(6.0))[0] == 200
    assert [value for _, value in server.points("auc")] == [1.0, 4.0, 5.0, 5.0, 6.0]


def test_a_model_version_exists_once_and_belongs_to_a_model(server):
    create = "api/rest/v2/write/registry-model/item/create"
    version = {
        "experimentKey": RUN,
        "experimentModelName": "xgb",
        "registryModelName": "fraud",
        "version": "1.0.0",
    }
    assert call(server, create, version)[0] == 400
    server.models.append({"experimentKey": RUN, "modelName": "xgb", "remoteAssets": []})
    status, made = call(server, create, version)
    assert status == 200
    assert call(server, create, version)[0] == 400
    assert call(
        server,
        "api/rest/v2/write/registry-model/item/status",
        {"modelItemId": made["registryModelItemId"], "status": "Production"},
    ) == (200, {})
    found = call(
        server, "api/rest/v2/registry-model/item/details?workspaceName=risk&modelName=fraud&version=1.0.0"
    )
    assert found[1]["status"] == "Production"

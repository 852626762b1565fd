"""The endpoint over real sockets: what it answers, refuses, counts and logs."""

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import xgboost

from fraudlab.container.contract import Tree
from fraudlab.container.endpoint.logs import start_logging
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.scorer import Scorer, load_scorer

from ..wire import Running, one_answer

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
ROW = "1.5,0.25,casino,80"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def kind(self) -> str | None:
        return self.headers.get("content-type")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def scores(self) -> list[np.float32]:
        assert self.kind == CSV
        return [np.float32(line) for line in self.body.decode().splitlines()]

    @property
    def problem(self) -> dict[str, Any]:
        """The problem's members besides what each has."""
        content = self.json
        assert self.kind == "application/problem+json"
        assert content.pop("status") == self.status
        assert content.pop("title")
        assert content.pop("request_id") == self.headers["x-request-id"]
        return content


class Client:
    def __init__(self, running: Running) -> None:
        self.running = running

    def __call__(self, method: str, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        data = body.encode() if isinstance(body, str) else body
        lines = [f"{method} {path} HTTP/1.1", "host: h", f"content-length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        with socket.create_connection(("127.0.0.1", self.running.port), timeout=60) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode() + data)
            return Answer(*one_answer(client, head=method == "HEAD"))

    def invoke(self, body: bytes | str = ROW, kind: str = CSV, **headers: str) -> Answer:
        return self("POST", "/invocations", body, content_type=kind, **headers)


Start = Callable[..., Client]


@pytest.fixture
def start(trained: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """An endpoint with settings from an environment."""
    monkeypatch.setenv("FRAUDLAB_ML_ROOT", str(trained.root))
    started: list[Running] = []
    endpoints: list[Application] = []

    def run(**environment: str) -> Client:
        settings = read_settings(environment)
        start_logging(settings.log_level)

        def make() -> Any:
            endpoints.append(Application(settings, None if settings.several else load_scorer(settings.model)))
            return endpoints[-1].server

        started.append(Running(make))
        return Client(started[-1])

    yield run
    for running, endpoint in zip(started, endpoints, strict=True):
        running.close()
        endpoint.close()


@pytest.fixture
def client(start: Start) -> Client:
    return start()


@pytest.fixture
def scorer(trained: Tree) -> Scorer:
    return load_scorer(trained.model)


@pytest.mark.parametrize("copies", [1, 400])
@pytest.mark.parametrize("kind", [CSV, JSON, LINES])
def test_answers_are_the_scores_of_the_booster(
    client: Client, trained: Tree, scorer: Scorer, copies: int, kind: str
) -> None:
    rows = [[1.5, 0.25, "casino", 80.0], [None, 2.0, None, 7.25], [0.0, 0.0, "kiosk", 0.0]] * copies
    if kind == CSV:
        body = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
    else:
        body = json.dumps(rows) if kind == JSON else "\n".join(map(json.dumps, rows))
    answer = client.invoke(body, kind, accept=CSV)
    assert answer.status == 200
    booster = xgboost.Booster(model_file=str(trained.model / "model.ubj"))
    raw = np.float32([[1.5, 0.25, 0, 80], [np.nan, 2, np.nan, 7.25], [0, 0, 2, 0]])
    types = ["q" if column.categories is None else "c" for column in scorer.features.columns]
    data = xgboost.DMatrix(scorer.features.scaled(raw), feature_types=types, enable_categorical=True)
    assert answer.scores == booster.predict(data, validate_features=False).tolist() * copies


def test_rows_of_many_requests_at_once_get_the_scores_they_get_alone(client: Client) -> None:
    random = np.random.default_rng(3)
    bodies = [
        "\n".join(f"{a:.3f},{b:.3f},casino,{b * 10:.2f}" for a, b in random.normal(size=(rows, 2)))
        for rows in random.integers(1, 9, 60)
    ]
    alone = [client.invoke(body).body for body in bodies]
    with ThreadPoolExecutor(20) as pool:
        together = list(pool.map(lambda body: client.invoke(body).body, bodies * 3))
    assert together == alone * 3


def test_a_bad_row_is_refused_and_those_beside_it_are_not(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.running.port), timeout=10) as connection:
        head = (
            "POST /invocations HTTP/1.1\r\nhost: h\r\ncontent-type: text/csv\r\ncontent-length: %d\r\n\r\n%s"
        )
        bodies = [ROW, "1,2", ROW, "inf,1,x,2", ROW]
        connection.sendall("".join(head % (len(body), body) for body in bodies).encode())
        assert [one_answer(connection)[0] for _ in bodies] == [200, 400, 200, 400, 200]


def test_ping_is_healthy_only_when_the_model_scores(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client("GET", "/ping").status == 200
    assert client("HEAD", "/ping").status == 200
    monkeypatch.setattr(Scorer, "score", lambda self, matrix: np.full(len(matrix), np.nan, np.float32))
    answer = client("GET", "/ping")
    assert (answer.status, answer.problem) == (503, {"detail": "the model does not score"})


def test_json_answers_say_what_to_do_and_which_model_said_so(client: Client, scorer: Scorer) -> None:
    answer = client.invoke(f"{ROW}\n-3,0,grocer,1\n", accept=JSON).json
    assert list(answer) == ["predictions", "threshold", "model"]
    assert answer["threshold"] == scorer.threshold
    assert answer["model"] == scorer.model_id
    for prediction in answer["predictions"]:
        assert prediction["alert"] == (np.float64(np.float32(prediction["score"])) >= scorer.threshold)
    assert {prediction["alert"] for prediction in answer["predictions"]} == {True, False}


def test_every_answer_names_its_model_its_request_and_what_train_has_not_seen(
    client: Client, scorer: Scorer
) -> None:
    headers = client.invoke("1,1,yacht,1\n1,1,,1\n", x_request_id="caller-7").headers
    assert headers["x-fraudlab-model"] == scorer.model_id
    assert headers["x-fraudlab-unseen"] == "1"
    assert headers["x-request-id"] == "caller-7"
    ids = {client.invoke().headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert client.invoke(x_request_id="a b\tc").headers["x-request-id"] not in {"a b\tc", "caller-7"}


def test_outputs_are_chosen_by_request_or_by_the_environment(start: Start, scorer: Scorer) -> None:
    client = start()
    chosen = client.invoke(**{ATTRIBUTES: "output=probability,raw_score,label,model"})
    score, raw, alert, model = chosen.body.decode().strip().split(",")
    assert np.float32(score) == client.invoke().scores[0]
    assert 1 / (1 + np.exp(-float(raw))) == pytest.approx(float(score), rel=1e-5)
    assert (alert, model) == (str(int(np.float32(score) >= scorer.threshold)), scorer.model_id)
    by_default = start(FRAUDLAB_OUTPUT="predicted_label,probability")
    assert by_default.invoke().body.decode() == f"{alert},{score}\n"
    assert by_default.invoke(**{ATTRIBUTES: "tenant=9; output=score"}).body.decode() == f"{score}\n"


def test_the_official_variable_has_official_meanings(start: Start) -> None:
    client = start(SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probability,raw_score,nonsense,probability")
    (score,) = client.invoke(**{ATTRIBUTES: "output=score"}).scores
    p, label = float(score), int(score > 0.5)
    assert client.invoke().body.decode() == f"{label},{p!r},{p!r},nan,{p!r}\n"
    expected = {"predicted_label": label, "probability": p, "raw_score": p, "nonsense": None}
    for copies in (1, 5_000):
        answer = client.invoke(f"{ROW}\n" * copies, accept=JSON)
        assert answer.json == {"predictions": [expected] * copies}
    ours = client.invoke(accept=JSON, **{ATTRIBUTES: "output=raw_score"}).json["predictions"]
    assert ours[0]["raw_score"] != pytest.approx(p)


def test_the_answer_to_who_accepts_anything_is_chosen_by_the_environment(start: Start) -> None:
    client = start(SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json")
    assert [client.invoke(**given).kind for given in ({}, {"accept": "*/*"}, {"accept": CSV})] == [
        JSON,
        JSON,
        CSV,
    ]


def test_records_hold_no_texts(client: Client) -> None:
    records = "application/x-recordio-protobuf"
    assert client.invoke(accept=records).kind == records
    for output in ("reasons", "score,model"):
        answer = client.invoke(accept=records, **{ATTRIBUTES: f"output={output}"})
        assert answer.status == 406
        assert (
            answer.problem["detail"] == f"{records} holds numbers, and model, reasons are none: accept {JSON}"
        )


def test_reasons_are_the_largest_contributions(start: Start, scorer: Scorer) -> None:
    answer = start(FRAUDLAB_REASONS="2").invoke(accept=JSON, **{ATTRIBUTES: "output=score,raw_score,reasons"})
    (prediction,) = answer.json["predictions"]
    matrix = scorer.features.scaled(np.float32([[1.5, 0.25, 0, 80]]))
    everything = dict(scorer.reasons(matrix, most=4)[0])
    assert {reason["column"] for reason in prediction["reasons"]} == set(list(everything)[:2])
    booster_sum = scorer.raw_score(matrix)[0]
    assert prediction["raw_score"] == pytest.approx(booster_sum, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "accept", "answer"),
    [
        (CSV, "", CSV),
        (CSV, "*/*", CSV),
        (CSV, JSON, JSON),
        (CSV, "application/json;q=0.9, text/html", JSON),
        (CSV, "application/*", JSON),
        (JSON, "", JSON),
        (JSON, "text/*", CSV),
        (LINES, "", LINES),
        (CSV, "application/x-parquet", "application/x-parquet"),
        ("text/csv; charset=utf-8", "", CSV),
        ("TEXT/CSV", "", CSV),
    ],
)
def test_accept_decides_the_answer(client: Client, kind: str, accept: str, answer: str) -> None:
    body = '[1.5,0.25,"casino",80]' if kind in {JSON, LINES} else ROW
    assert client.invoke(body, kind, **({"accept": accept} if accept else {})).kind == answer


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status", "answer"),
    [
        # What the official container's own tests send.
        (ROW, "text/csv; charset=UTF-8", "", 200, CSV),
        (ROW, "csv", "", 200, CSV),
        (f"{ROW}\n\n\n", CSV, "", 200, CSV),
        (ROW.replace(",", ";"), CSV, "", 200, CSV),
        (ROW.replace(",", "\t"), CSV, "", 200, CSV),
        (ROW, CSV, "application/json;verbose=True", 200, JSON),
        (ROW, CSV, "Application/JSONLines", 200, LINES),
        (ROW, CSV, "*/*", 200, CSV),
        (ROW, CSV, "text/libsvm", 406, None),
        (f"0,{ROW}", "text/csv; label_size=1", "", 200, CSV),
        (ROW, "text/csv; label_size=1", "", 400, None),
        (ROW, "text/csv; label_size=2", "", 415, None),
        ("0:1.5 1:0.25", "text/libsvm", "", 200, CSV),
        ("1 1:1.5 4:80", "libsvm", JSON, 200, JSON),
        ("2:1.5 3:80", "text/x-libsvm", "", 400, None),
        ("2:1.5 3:80", "text/x-libsvm; base=1", "", 200, CSV),
        ("junk", "application/x-recordio-protobuf", "", 400, None),
        (ROW, "application/octet-stream", "", 415, None),
        (ROW, "text/csv; charset=utf-16", "", 415, None),
        (" \n", CSV, "", 400, None),
        ("", "application/x-recordio-protobuf", "", 204, None),
    ],
)
def test_requests_of_the_official_container(
    client: Client, body: str, kind: str, accept: str, status: int, answer: str | None
) -> None:
    found = client.invoke(body, kind, **({"accept": accept} if accept else {}))
    assert found.status == status
    if answer is not None:
        assert found.kind == answer


def test_a_batch_never_mixes_how_its_requests_count_columns(client: Client) -> None:
    """Requests that are scored together each keep their own reading."""
    from_0, from_1 = "0:1.5 1:0.25 3:80", "1:1.5 2:0.25 4:80"
    expected = client.invoke("1.5,0.25,,80").body
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda body: client.invoke(body, "text/libsvm").body, [from_0, from_1] * 40))
    assert set(found) == {expected}


@pytest.mark.parametrize(
    ("body", "headers", "status", "content"),
    [
        ("1,2,3", {}, 400, {"detail": "row 1 has 3 values where 4 are expected (a, …, amount)", "row": 1}),
        (
            f"{ROW}\nabc,1,x,2",
            {},
            400,
            {"detail": "row 2: column 'a' holds 'abc', which is not a number", "row": 2, "column": "a"},
        ),
        ("inf,1,x,2", {}, 400, {"detail": "row 1: column 'a' is infinite", "row": 1, "column": "a"}),
        (
            ROW,
            {"content_encoding": "gzip"},
            415,
            {"detail": "compressed bodies are not read; send the rows as they are"},
        ),
        (ROW, {ATTRIBUTES: "output=scor"}, 400, None),
    ],
)
def test_refusals_name_the_place(
    client: Client, body: str, headers: dict[str, str], status: int, content: Any
) -> None:
    answer = client.invoke(body, **headers)
    assert answer.status == status
    problem = answer.problem
    assert content is None or problem == content


def test_what_is_neither_read_nor_written(client: Client) -> None:
    answer = client.invoke(ROW, "text/plain")
    assert answer.status == 415
    assert answer.problem["detail"].startswith(
        "content type 'text/plain': send one of text/csv, application/json,"
    )
    answer = client.invoke(ROW, accept="image/png")
    assert answer.status == 406
    assert answer.problem["detail"].startswith("accept 'image/png': answers are text/csv, application/json,")


def test_an_empty_body_has_no_content(client: Client) -> None:
    answer = client.invoke("")
    assert (answer.status, answer.body) == (204, b"")


def test_other_paths_and_methods(client: Client) -> None:
    answer = client("GET", "/models")
    assert answer.status == 404
    assert answer.problem == {
        "detail": "there is no /models; there are /execution-parameters, /invocations, /model, /ping"
    }
    answer = client("GET", "/invocations")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert answer.problem == {"detail": "GET: send rows by POST"}
    answer = client("POST", "/ping")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_contract_can_be_asked_for(client: Client, scorer: Scorer) -> None:
    assert client("GET", "/model").json == scorer.contract


def test_limits_come_from_the_environment(start: Start) -> None:
    client = start(FRAUDLAB_MAX_BODY="100", FRAUDLAB_MAX_ROWS="2")
    assert client.invoke(f"{ROW}\n{ROW}").status == 200
    answer = client.invoke(f"{ROW}\n" * 3)
    assert answer.status == 413
    assert "2 rows" in answer.problem["detail"]
    answer = client.invoke(f"{ROW}\n" * 8)
    assert (answer.status, answer.kind) == (413, "application/problem+json")
    assert answer.json["detail"] == "the body is larger than 100 bytes; send fewer rows at once"


def test_batch_transform(start: Start) -> None:
    client = start(SAGEMAKER_BATCH="True", SAGEMAKER_MAX_PAYLOAD_IN_MB="3")
    assert client("GET", "/execution-parameters").json == {
        "MaxConcurrentTransforms": 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 3,
    }
    for kind, row in ((CSV, ROW), (LINES, '[1.5,0.25,"casino",80]')):
        answer = client.invoke(f"{row}\n" * 7, kind)
        assert answer.kind == kind
        assert answer.body.count(b"\n") == 7
        assert answer.body.endswith(b"\n")
    assert (
        start(SAGEMAKER_BATCH="true", MAX_PAYLOAD_IN_MB="4")("GET", "/execution-parameters").json[
            "MaxPayloadInMB"
        ]
        == 4
    )


def test_large_bodies_do_not_keep_ping_and_single_rows_waiting(client: Client) -> None:
    large = f"{ROW}\n".encode() * 400_000
    answers: list[Answer] = []
    sender = threading.Thread(target=lambda: answers.append(client.invoke(large)))
    sender.start()
    between = 0
    while sender.is_alive():
        assert client("GET", "/ping").status == 200
        assert client.invoke().status == 200
        between += sender.is_alive()
    assert between > 3
    assert answers[0].body.count(b"\n") == 400_000


def test_too_many_large_bodies_are_told_to_come_back(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, hold = threading.Event(), threading.Event()
    score = Scorer.score

    def slow(self: Scorer, matrix: Any) -> Any:
        begun.set()
        assert hold.wait(60)
        return score(self, matrix)

    client = start(FRAUDLAB_MAX_WAITING="1")
    monkeypatch.setattr(Scorer, "score", slow)
    large = f"{ROW}\n" * 5_000
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.invoke, large)
        try:
            assert begun.wait(60)
            refused = client.invoke(large)
        finally:
            hold.set()
        assert first.result().status == 200
    assert refused.status == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.problem == {"detail": "too many large requests wait; try again later"}


def test_a_model_that_fails_answers_500_and_logs_why(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging("info")

    def fail(self: Scorer, matrix: Any) -> Any:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(Scorer, "score", fail)
    for body in (ROW, f"{ROW}\n" * 5_000):
        answer = client.invoke(body)
        assert answer.status == 500
        assert answer.problem == {"detail": "internal error; the log has the traceback"}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum("ZeroDivisionError: secret" in line.get("traceback", "") for line in lines) == 2


def test_the_log_is_json_and_holds_no_value_of_a_transaction(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    client = start()
    client.invoke()
    client("GET", "/ping")
    client.invoke("4000123412341234,1,x,abc", x_request_id="r-1")
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line.pop("time").endswith("Z")
    assert line.pop("process") > 0
    assert line == {
        "level": "info",
        "event": "refused",
        "status": 400,
        "path": "/invocations",
        "request_id": "r-1",
        "row": 1,
        "column": "amount",
    }
    debugging = start(SAGEMAKER_CONTAINER_LOG_LEVEL="10")
    debugging.invoke(f"{ROW}\n{ROW}")
    debugging("GET", "/ping")
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["event"], line["rows"], line["path"]) == ("scored", 2, "/invocations")


def test_metrics_are_served_where_they_are_wanted(start: Start, scorer: Scorer) -> None:
    assert start()("GET", "/metrics").status == 404
    client = start(FRAUDLAB_METRICS="1")
    score = client.invoke(f"{ROW}\n1,1,yacht,1").scores
    client.invoke("1")
    text = client("GET", "/metrics").body.decode()
    assert 'fraudlab_requests_total{path="/invocations",status="200"} 1.0' in text
    assert 'fraudlab_requests_total{path="/invocations",status="400"} 1.0' in text
    assert "fraudlab_rows_total 2.0" in text
    assert f"fraudlab_alerts_total {float(np.sum(np.float32(score) >= scorer.threshold))}" in text
    assert "fraudlab_unseen_categories_total 1.0" in text
    assert "fraudlab_score_count 2.0" in text
    assert 'fraudlab_request_seconds_count{path="/invocations"} 2.0' in text


def test_models_come_and_go(start: Start, trained: Tree, scorer: Scorer) -> None:
    for name in ("a", "b"):
        shutil.copytree(trained.model, trained.models / name / "model")
    client = start(SAGEMAKER_MULTI_MODEL="true", FRAUDLAB_MAX_MODELS="2")
    assert client("GET", "/ping").status == 200
    assert client("GET", "/models").json == {"models": []}
    assert client("POST", "/models/a/invoke", ROW, content_type=CSV).status == 404

    def load(name: str, url: str | None = None) -> Answer:
        order = {"model_name": name, "url": url or str(trained.models / name / "model")}
        return client("POST", "/models", json.dumps(order))

    described = {
        "modelName": "a",
        "modelUrl": str((trained.models / "a/model").resolve()),
        "modelId": scorer.model_id,
    }
    answer = load("a")
    assert (answer.status, answer.json) == (200, {"status": "Workers scaled", **described})
    answer = load("a")
    assert (answer.status, answer.problem) == (
        409,
        {
            "detail": "model 'a' is loaded already; unload it first",
            "code": 409,
            "type": "ConflictStatusException",
            "message": "Model a is already registered.",
        },
    )
    assert load("b").status == 200
    answer = load("c", str(trained.models / "a/model"))
    assert (answer.status, answer.problem["detail"]) == (
        507,
        "there is no room for model 'c'; unload another first",
    )
    assert client("GET", "/models/a").json == described
    page = client("GET", "/models?limit=1").json
    assert ([model["modelName"] for model in page["models"]], page["nextPageToken"]) == (["a"], "a")
    page = client("GET", "/models?limit=1&next_page_token=a").json
    assert ([model["modelName"] for model in page["models"]], page.get("nextPageToken")) == (["b"], None)
    answer = client("POST", "/models/a/invoke", ROW, content_type=CSV)
    raw = np.float32([[1.5, 0.25, 0, 80]])
    assert answer.scores == scorer.score(scorer.features.scaled(raw)).tolist()
    answer = client("DELETE", "/models/a")
    assert (answer.status, answer.json) == (200, {"status": 'Model "a" unregistered', **described})
    assert client("DELETE", "/models/a").status == 404
    answer = client("POST", "/models/a/invoke", ROW, content_type=CSV)
    assert (answer.status, answer.problem) == (
        404,
        {
            "detail": "model 'a' is not loaded; load it with POST /models",
            "code": 404,
            "type": "ModelNotFoundException",
            "message": "Model not found: a",
        },
    )
    assert load("c", str(trained.models / "a/model")).status == 200


@pytest.mark.parametrize(
    ("order", "detail"),
    [
        ("junk", 'send {"model_name": NAME, "url": FOLDER}'),
        ("[]", 'send {"model_name": NAME, "url": FOLDER}'),
        ('{"model_name": "a"}', 'send {"model_name": NAME, "url": FOLDER}'),
        (
            '{"model_name": "../a", "url": "a"}',
            "model_name is '../a': use 1 to 256 characters, none of them '/'",
        ),
        ('{"model_name": "", "url": "a"}', "model_name is '': use 1 to 256 characters, none of them '/'"),
        ('{"model_name": "a", "url": "/etc"}', "url '/etc' is not a folder below {root}"),
        ('{"model_name": "a", "url": "../model"}', "url '../model' is not a folder below {root}"),
        ('{"model_name": "a", "url": "none"}', "url 'none' is not a folder below {root}"),
        ('{"model_name": "a", "url": "a\\u0000b"}', "url 'a\\x00b' is not a path"),
        ('{"model_name": "a", "url": "empty"}', "model 'a': there is no model.json in {root}/empty"),
    ],
)
def test_orders_that_cannot_be_met(start: Start, trained: Tree, order: str, detail: str) -> None:
    (trained.models / "empty").mkdir(parents=True)
    client = start(SAGEMAKER_MULTI_MODEL="1")
    answer = client("POST", "/models", order)
    assert answer.status == 400
    assert answer.problem["detail"] == detail.replace("{root}", str(trained.models))
    assert client("GET", "/models").json == {"models": []}


@pytest.mark.parametrize("name", ["a b", "größe", "v1.0:prod@2024+x", "%41", "x" * 256])
def test_a_name_is_opaque(start: Start, trained: Tree, name: str) -> None:
    shutil.copytree(trained.model, trained.models / "a")
    client = start(SAGEMAKER_MULTI_MODEL="1")
    order = json.dumps({"model_name": name, "url": str(trained.models / "a")})
    assert client("POST", "/models", order).json["modelName"] == name
    assert client("GET", f"/models/{quote(name)}").json["modelName"] == name
    assert client("POST", f"/models/{quote(name)}/invoke", ROW, content_type=CSV).status == 200
    page = client("GET", f"/models?limit=1&next_page_token={quote(name)}").json
    assert page == {"models": []}


def test_a_model_that_would_not_fit_into_memory_is_not_loaded(
    start: Start, trained: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fraudlab.container.endpoint.hosted_models.available_memory", lambda: 10)
    shutil.copytree(trained.model, trained.models / "a")
    answer = start(SAGEMAKER_MULTI_MODEL="1")("POST", "/models", '{"model_name": "a", "url": "a"}')
    assert answer.status == 507


def test_a_link_out_of_the_models_folder_is_not_followed(start: Start, trained: Tree, tmp_path: Path) -> None:
    trained.models.mkdir()
    (trained.models / "a").symlink_to(trained.model)
    answer = start(SAGEMAKER_MULTI_MODEL="1")("POST", "/models", '{"model_name": "a", "url": "a"}')
    assert answer.status == 400

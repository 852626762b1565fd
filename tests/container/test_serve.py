"""The ASGI application, called in this process."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.prepared import read_split
from fraudlab.container.scorer import Scorer, load_scorer
from fraudlab.container.serve import Application, application

CSV, JSON = "text/csv", "application/json"
ROW = "1.5,0.25,casino,80"


class Answer:
    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start, *rest = messages
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(message["body"] for message in rest)
        assert int(self.headers["content-length"]) == len(self.body)

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == JSON
        return json.loads(self.body)

    @property
    def scores(self) -> list[np.float32]:
        assert self.headers["content-type"] == CSV
        return [np.float32(line) for line in self.body.decode().splitlines()]


async def request(
    app: Application, method: str, path: str, body: bytes = b"", *, chunk: int = 1 << 30, **headers: str
) -> Answer:
    pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)] or [b""]
    waiting = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "method": method, "path": path, "headers": named}, receive, send)
    return Answer(sent)


def invoke(app: Application, body: bytes | str, **headers: str) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    chunk = int(headers.pop("chunk", 1 << 30))
    return asyncio.run(
        request(app, "POST", "/invocations", data, chunk=chunk, **{"content_type": CSV, **headers})
    )


def get(app: Application, path: str) -> Answer:
    return asyncio.run(request(app, "GET", path))


@pytest.fixture
def scorer(trained: Tree) -> Scorer:
    return load_scorer(trained.model)


@pytest.fixture
def app(scorer: Scorer) -> Application:
    return Application(scorer)


def test_ping_is_healthy_only_when_the_model_scores(
    app: Application, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get(app, "/ping").status == 200
    monkeypatch.setattr(Scorer, "score", lambda self, matrix: np.full(len(matrix), np.nan, np.float32))
    assert get(app, "/ping").status == 503


@pytest.mark.parametrize("copies", [1, 400])
@pytest.mark.parametrize("kind", [CSV, JSON])
def test_answers_are_the_scores_of_the_booster(
    app: Application, trained: Tree, copies: int, kind: str
) -> None:
    split = read_split(trained.prepared / "test", load_scorer(trained.model).features)
    rows = [[1.5, 0.25, "casino", 80.0], [None, 2.0, None, 7.25], [0.0, 0.0, "kiosk", 0.0]] * copies
    if kind == CSV:
        body = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
    else:
        body = json.dumps(rows)
    answer = invoke(app, body, content_type=kind, accept=CSV)
    assert answer.status == 200
    assert len(answer.scores) == len(rows)
    scorer = load_scorer(trained.model)
    raw = np.float32([[1.5, 0.25, 0, 80], [np.nan, 2, np.nan, 7.25], [0, 0, 2, 0]])
    expected = scorer.score(scorer.features.scale(raw))
    assert answer.scores == expected.tolist() * copies
    assert split.matrix.shape[1] == 4


def test_json_answers_say_what_to_do_and_which_model_said_so(app: Application, scorer: Scorer) -> None:
    answer = invoke(app, f"{ROW}\n-3,0,grocer,1\n", accept=JSON).json
    assert list(answer) == ["predictions", "threshold", "model"]
    assert answer["threshold"] == scorer.threshold
    assert answer["model"] == scorer.model_id
    for prediction in answer["predictions"]:
        assert prediction["alert"] == (np.float64(np.float32(prediction["score"])) >= scorer.threshold)
    assert {prediction["alert"] for prediction in answer["predictions"]} == {True, False}


def test_csv_and_json_scores_have_the_same_digits(app: Application) -> None:
    text = invoke(app, ROW).body.decode().strip()
    assert f'"score":{text},' in invoke(app, ROW, accept=JSON).body.decode()


def test_unseen_categories_are_counted(app: Application) -> None:
    assert invoke(app, ROW).headers["x-fraudlab-unseen"] == "0"
    answer = invoke(app, "1,1,yacht,1\n1,1,,1\n")
    assert answer.headers["x-fraudlab-unseen"] == "1"
    assert answer.scores[0] == answer.scores[1]


@pytest.mark.parametrize(
    ("kind", "accept", "answer"),
    [
        (CSV, "", CSV),
        (CSV, "*/*", CSV),
        (CSV, "application/json", JSON),
        (CSV, "application/json;q=0.9, text/html", JSON),
        (CSV, "application/*", JSON),
        (CSV, "application/json, text/csv", CSV),
        (JSON, "", JSON),
        (JSON, "text/*", CSV),
        ("text/csv; charset=utf-8", "", CSV),
        ("TEXT/CSV", "", CSV),
    ],
)
def test_accept_decides_the_answer(app: Application, kind: str, accept: str, answer: str) -> None:
    body = '[[1.5,0.25,"casino",80]]' if kind == JSON else ROW
    headers = {"content_type": kind} | ({"accept": accept} if accept else {})
    assert invoke(app, body, **headers).headers["content-type"] == answer


@pytest.mark.parametrize(
    ("body", "headers", "status", "content"),
    [
        ("1,2,3", {}, 400, {"error": "row 1 has 3 values where 4 are expected (a, …, amount)", "row": 1}),
        ("1,2,x,4,5", {}, 400, {"error": "row 1 has 5 values where 4 are expected (a, …, amount)", "row": 1}),
        (
            f"{ROW}\nabc,1,x,2",
            {},
            400,
            {"error": "row 2: column 'a' holds 'abc', which is not a number", "row": 2, "column": "a"},
        ),
        ("inf,1,x,2", {}, 400, {"error": "row 1: column 'a' is infinite", "row": 1, "column": "a"}),
        ("a,b,merchant,amount", {}, 400, {"error": "row 1 is a header; send rows only", "row": 1}),
        (
            ROW,
            {"content_type": "text/plain"},
            415,
            {"error": "content type 'text/plain': send text/csv or application/json"},
        ),
        (ROW, {"content_type": ""}, 415, {"error": "content type '': send text/csv or application/json"}),
        (
            ROW,
            {"accept": "image/png"},
            406,
            {"error": "accept 'image/png': answers are text/csv or application/json"},
        ),
    ],
)
def test_refusals(app: Application, body: str, headers: dict[str, str], status: int, content: Any) -> None:
    answer = invoke(app, body, **headers)
    assert answer.status == status
    assert answer.json == content


def test_an_empty_body_has_no_content(app: Application) -> None:
    answer = invoke(app, "")
    assert (answer.status, answer.body) == (204, b"")


def test_other_paths_and_methods(app: Application) -> None:
    assert get(app, "/").status == 404
    answer = get(app, "/invocations")
    assert answer.status == 405
    assert answer.json == {"error": "GET /invocations: send rows by POST"}


def test_the_contract_can_be_asked_for(app: Application, scorer: Scorer) -> None:
    assert get(app, "/model").json == scorer.contract


@pytest.mark.parametrize("headers", [{}, {"content_length": "200"}, {"chunk": "9"}])
def test_a_body_that_is_too_large(scorer: Scorer, headers: dict[str, str]) -> None:
    app = Application(scorer, max_body=100)
    assert invoke(app, ROW, chunk="3").status == 200
    answer = invoke(app, f"{ROW}\n" * 8, **headers)
    assert answer.status == 413
    assert answer.json == {"error": "the body is larger than 100 bytes; send fewer rows at once"}


def test_a_body_in_pieces_is_one_body(app: Application) -> None:
    assert invoke(app, f"{ROW}\n" * 3, chunk="5").body == invoke(app, f"{ROW}\n" * 3).body


def test_single_rows_are_answered_while_a_large_body_is_scored(app: Application) -> None:
    large = f"{ROW}\n".encode() * 200_000

    async def both() -> list[str]:
        order = []

        async def send(name: str, body: bytes) -> None:
            await request(app, "POST", "/invocations", body, content_type=CSV)
            order.append(name)

        waiting = asyncio.create_task(send("large", large))
        await asyncio.sleep(0)
        await send("small", ROW.encode())
        await waiting
        return order

    assert asyncio.run(both()) == ["small", "large"]


def test_lifespan(app: Application) -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_settings_come_from_the_environment(trained: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDLAB_MODEL_DIR", str(trained.model))
    monkeypatch.setenv("FRAUDLAB_MAX_BODY", "10")
    assert invoke(application(), ROW).status == 413
    monkeypatch.setenv("FRAUDLAB_MAX_BODY", "10 MB")
    with pytest.raises(ConfigError) as caught:
        application()
    assert caught.value.sentence == "FRAUDLAB_MAX_BODY is '10 MB'"

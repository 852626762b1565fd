"""Reasons in plain words: what a text may be, which one is said of a value, and the way to an answer."""

import csv
import io
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.clock import Clock
from fraudlab.container.contract import Fields, Tree
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.reason_texts import (
    MAX_SHOWN,
    MAX_TEXT,
    ReasonTexts,
    TextedColumn,
    examine,
    read_reason_texts,
    typical_values,
)
from fraudlab.container.scaling import Scaling
from fraudlab.container.scorer import load_scorer
from fraudlab.container.train import run as train
from fraudlab.container.training.inputs import read_inputs
from fraudlab.container.training.job import read_job

from .conftest import ALL_ROLES
from .wire import Running, one_answer

KINDS = {"amount": False, "count": False, "country": True}


@pytest.mark.parametrize(
    ("given", "sentence", "fix"),
    [
        (["amount"], "['amount'] does not map columns to texts", "see docs/reasons.md"),
        (
            {"amont": "x"},
            "'amont' is not a column of the model (did you mean 'amount'?)",
            "columns are amount, count, country",
        ),
        ({"amount": None}, "'amount' has None in place of texts", "write one text"),
        ({"amount": {}}, "'amount' has {} in place of texts", "write one text"),
        ({"amount": ["x"]}, "'amount' has ['x'] in place of texts", "write one text"),
        (
            {"amount": {"hgih": "x"}},
            "'amount', 'hgih': nothing is 'hgih' (did you mean 'high'?)",
            "a text is for one of high, low",
        ),
        ({"amount": {"high": ""}}, "'amount', 'high': '' is no text", "write one"),
        ({"amount": {"high": " "}}, "'amount', 'high': ' ' is no text", "write one"),
        ({"amount": {"high": {"low": "x"}}}, "'amount', 'high': {'low': 'x'} is no text", "write one"),
        (
            {"country": {"high": "x"}},
            "'country', 'high': a category is neither high nor low",
            "for a category write missing, raises, lowers or any",
        ),
        (
            {"country": {"low_raises": "x"}},
            "'country', 'low_raises': a category is neither high nor low",
            "for a category write missing, raises, lowers or any",
        ),
        ({"amount": "x" * 301}, "'amount', 'any': the text has 301 characters", "use at most 300 characters"),
        ({"amount": "a\nb"}, "'amount', 'any': the text has the character U+000A", "write one line"),
        ({"amount": "a\u202eb"}, "'amount', 'any': the text has the character U+202E", "write one line"),
        (
            {"amount": "{valu}"},
            "'amount', 'any': {valu} is not known (did you mean 'value'?)",
            "a text may have {value}, {column}, {contribution}",
        ),
        (
            {"amount": {"missing": "no {value}"}},
            "'amount', 'missing': {value} is missing there",
            "a text may have {column}, {contribution}",
        ),
        *[
            (
                {"amount": text},
                f"'amount', 'any': the text has a brace that names nothing: {text!r}",
                "a text may have {value}, {column}, {contribution}; write a brace twice",
            )
            for text in (
                "{",
                "}",
                "{}",
                "{0}",
                "{value.real}",
                "{value[0]}",
                "{value:9}",
                "{value!r}",
                "{{value}",
            )
        ],
    ],
)
def test_what_cannot_be_said(given: Any, sentence: str, fix: str) -> None:
    usable, faults = examine(given, KINDS)
    assert usable == {}
    assert [fault.sentence for fault in faults] == [sentence]
    assert faults[0].fix.startswith(fix)


def test_all_that_is_wrong_is_said_at_once() -> None:
    given = {"amont": "x", "amount": {"high": "{", "lwo": "x"}, "country": {"low": ""}, "count": "fine"}
    usable, faults = examine(given, KINDS)
    assert [fault.sentence.partition(":")[0] for fault in faults] == [
        "'amont' is not a column of the model (did you mean 'amount'?)",
        "'amount', 'high'",
        "'amount', 'lwo'",
        "'country', 'low'",
        "'country', 'low'",
    ]
    assert usable == {"count": {"any": "fine"}}


@pytest.mark.parametrize(
    "text", ["Betrag {value} ist zu hoch", "金额 {value} 异常", "المبلغ {value}", "🙂 {{{value}}}"]
)
def test_a_text_may_be_in_any_language(text: str) -> None:
    assert examine({"amount": text}, KINDS) == ({"amount": {"any": text}}, [])


# --- which text, with which value -----------------------------------------------------------------------

FEATURES = Features(
    [Column("amount"), Column("country", ("DE", 'N"G,\r\nx', "x" * 300, "\u202eevil")), Column("count")]
).deriving({"ratio": "amount / count"})
TEXTS = ReasonTexts(
    FEATURES,
    {
        "amount": TextedColumn(
            {
                "high": "{value} is high",
                "high_lowers": "{value} is high, and that is good",
                "low": "{value} is low",
                "missing": "no amount",
                "any": "{column}: {value} ({contribution})",
            },
            50.0,
        ),
        "country": TextedColumn({"raises": "von {value}"}),
    },
)
NAN = float("nan")


@pytest.mark.parametrize(
    ("row", "reason", "text"),
    [
        ([50.5, 0, 1], ("amount", 1.0), "50.5 is high"),
        ([50.5, 0, 1], ("amount", -1.0), "50.5 is high, and that is good"),
        ([49.99, 0, 1], ("amount", 1.0), "49.99 is low"),
        ([50, 0, 1], ("amount", -0.256), "amount: 50 (-0.26)"),
        ([NAN, 0, 1], ("amount", 1.0), "no amount"),
        ([-0.0, 0, 1], ("amount", 1.0), "0 is low"),
        ([1e9, 0, 1], ("amount", 1.0), "1000000000 is high"),
        ([1e-9, 0, 1], ("amount", 1.0), "1e-9 is low"),
        ([1, 0, 1], ("country", 1.0), "von DE"),
        ([1, 0, 1], ("country", -1.0), "country DE lowers the score"),
        ([1, NAN, 1], ("country", 1.0), "country is missing or new, which raises the score"),
        ([1, 1, 1], ("country", 1.0), 'von N"G,��x'),
        ([1, 2, 1], ("country", 1.0), "von " + "x" * (MAX_SHOWN - 1) + "…"),
        ([1, 3, 1], ("country", 1.0), "von �evil"),
        ([1, 0, 7], ("count", 1.0), "count 7 raises the score"),
        ([1, 0, NAN], ("count", -1.0), "count is missing, which lowers the score"),
        ([3, 0, 2], ("ratio", 1.0), "ratio 1.5 raises the score"),
        ([3, 0, 0], ("ratio", 1.0), "ratio is missing, which raises the score"),
    ],
)
def test_the_text_of_a_reason(row: list[float], reason: tuple[str, float], text: str) -> None:
    raw = np.float32([row])
    assert TEXTS.sentences([[reason]], raw, FEATURES.given(raw)) == [[text]]
    assert len(text.encode()) <= TEXTS.longest


@pytest.mark.parametrize("hour", [109, 0, NAN])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_time_behind_the_columns_is_the_value_of_none(hour: float, scaled: bool) -> None:
    scaling = Scaling(np.array([10.0, 1.0]), np.array([2.0, 4.0])) if scaled else None
    sent = Features([Column("amount"), Column("count")], scaling)
    features = sent.deriving(
        {"ratio": "amount / count", "late": "hour(t) >= 12"}, time=Column("t", clock=Clock(dated=True))
    )
    texts = ReasonTexts(features, {"ratio": TextedColumn({"high": "{value} times as much"}, 1.0)})
    raw = np.float32([[3, 2, hour]])
    late = (
        "late is missing, which lowers the score"
        if np.isnan(hour)
        else f"late {int(hour % 24 >= 12)} lowers the score"
    )
    said = texts.sentences(
        [[("amount", 1.0), ("count", 1.0), ("ratio", 1.0), ("late", -1.0)]], raw, features.given(raw)
    )
    assert said == [["amount 3 raises the score", "count 2 raises the score", "1.5 times as much", late]]


def test_a_text_is_never_longer_than_is_reckoned_with() -> None:
    widest = ReasonTexts(
        FEATURES, {"country": TextedColumn({"any": "\U0001f642" * (MAX_TEXT - 7) + "{value}"})}
    )
    raw = np.float32([[1, 2, 3]])
    ((text,),) = widest.sentences([[("country", 1.0)]], raw, FEATURES.given(raw))
    assert len(json.dumps(text, ensure_ascii=False).encode()) <= widest.longest + 2


def test_the_typical_value_is_one_that_is_there() -> None:
    matrix = np.float32([[1, NAN], [NAN, NAN], [4, NAN], [2, NAN], [3, NAN]])
    assert typical_values(matrix, [0, 1]) == [2.0, None]


def test_the_contract_gives_them_back() -> None:
    again = read_reason_texts(Fields(json.loads(json.dumps(TEXTS.as_json())), source="x"), FEATURES)
    assert again.declared == TEXTS.declared
    assert read_reason_texts(Fields({}, source="x"), FEATURES).as_json() == {}


@pytest.mark.parametrize(
    "entries",
    [
        [],
        {"amount": "text"},
        {"amount": {"texts": "x"}},
        {"amount": {"texts": {"any": 7}}},
        {"amount": {"texts": {"any": "{value.__class__}"}}},
        {"amount": {"texts": {"any": "x"}, "typical": "1"}},
        {"nobody": {"texts": {"any": "x"}}},
    ],
)
def test_a_forged_contract_is_refused(entries: Any) -> None:
    with pytest.raises(ConfigError):
        read_reason_texts(Fields({"reason_texts": entries}, source="model.json"), FEATURES)


# --- from a train job to an answer ----------------------------------------------------------------------

REASONS = {
    "amount": {"high": "Amount {value} is unusually high", "low": "Amount {value}, low"},
    "merchant": 'Händler "{value}", bekannt',
    "ratio": "{value}, ratio",
}


@pytest.fixture
def worded(frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree) -> Tree:
    prepare(frauds, **ALL_ROLES, scale="standard", split={"kind": "time"})
    train(hand_over(tree, {"num_round": "20"}, derive={"ratio": "amount / (1 + abs(b))"}, reasons=REASONS))
    return tree


def ask(tree: Tree, body: bytes, kind: str, accept: str, **environment: str) -> bytes:
    settings = read_settings({"FRAUDLAB_MODEL_DIR": str(tree.model), "FRAUDLAB_REASONS": "9", **environment})
    made: list[Application] = []

    def make() -> Any:
        made.append(Application(settings, load_scorer(settings.model)))
        return made[-1].server

    running = Running(make)
    try:
        head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\naccept: {accept}\r\n"
        asked = (
            "" if environment else "x-amzn-sagemaker-custom-attributes: output=score,reasons;reasons=text\r\n"
        )
        message = f"{head}{asked}content-length: {len(body)}\r\n\r\n".encode() + body
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(message)
            status, _, content = one_answer(connection)
        assert status == 200, content
        return content
    finally:
        running.close()
        made[-1].close()


def test_the_endpoint_says_the_texts_that_the_model_carries(worded: Tree) -> None:
    body = b"0.5,-1,casino,1234.5\n,,,\n0.25,1,nowhere,0.01\n"
    whole = json.loads(ask(worded, body, "text/csv", "application/json"))["predictions"]
    texts = [{one["column"]: one["text"] for one in row["reasons"]} for row in whole]
    assert texts[0]["amount"] == "Amount 1234.5 is unusually high"
    assert texts[0]["merchant"] == 'Händler "casino", bekannt'
    assert texts[0]["ratio"] == "617.25, ratio"
    assert texts[1]["amount"].startswith("amount is missing, which ")
    assert texts[2]["merchant"].startswith("merchant is missing or new, which ")
    assert texts[2]["amount"] == "Amount 0.01, low"
    for row in whole:
        sizes = [abs(one["contribution"]) for one in row["reasons"]]
        assert sizes == sorted(sizes, reverse=True)
    lines = ask(worded, body, "text/csv", "application/jsonlines", FRAUDLAB_OUTPUT="score,reasons=text")
    assert [json.loads(line) for line in lines.splitlines()] == whole
    batch = {"SAGEMAKER_BATCH": "true", "FRAUDLAB_OUTPUT": "score,reasons=text"}
    fields = ask(worded, body, "text/csv", "text/csv", **batch)
    assert fields.count(b"\n") == 3
    read = list(csv.reader(io.StringIO(fields.decode())))
    assert [row[1] for row in read] == ["; ".join(one["text"] for one in row["reasons"]) for row in whole]
    table = parquet.read_table(io.BytesIO(ask(worded, body, "text/csv", "application/x-parquet")))
    assert [[one["text"] for one in row] for row in table["reasons"].to_pylist()] == [
        [one["text"] for one in row["reasons"]] for row in whole
    ]


def test_the_same_row_has_the_same_text_in_every_format(worded: Tree) -> None:
    bodies = {
        "text/csv": b"0.5,-1,casino,12.5",
        "application/json": b'{"a":0.5,"b":-1,"merchant":"casino","amount":12.5}',
        "application/jsonlines": b'[0.5,-1,"casino",12.5]',
    }
    answers = {ask(worded, body, kind, "application/jsonlines") for kind, body in bodies.items()}
    assert len(answers) == 1


def test_the_contract_has_the_median_of_the_train_rows(worded: Tree) -> None:
    texts = json.loads((worded.model / "model.json").read_bytes())["reason_texts"]
    rows, inputs = read_inputs(read_job(worded), Hosts(), None)
    assert texts["merchant"]["typical"] is None
    for name, position in (("amount", 3), ("ratio", 4)):
        values = np.sort(rows.matrix[:, position])
        values = values[~np.isnan(values)]
        assert texts[name]["typical"] == values[(values.size - 1) // 2]
    assert inputs.reason_texts.as_json()["reason_texts"] == texts


def test_a_job_refuses_texts_of_columns_that_there_are_not(
    frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree
) -> None:
    prepare(frauds, **ALL_ROLES, split={"kind": "time"})
    with pytest.raises(ConfigError, match="'amont' is not a column of the model"):
        train(hand_over(tree, {"num_round": "2"}, reasons={"amont": "x"}))


def test_a_model_without_texts_says_nothing_of_them(
    frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree
) -> None:
    prepare(frauds, **ALL_ROLES, split={"kind": "time"})
    train(hand_over(tree, {"num_round": "2"}))
    assert "reason_texts" not in json.loads(Path(tree.model / "model.json").read_bytes())
    answer = json.loads(ask(tree, b"0.5,-1,casino,12.5", "text/csv", "application/json"))
    texts = [one["text"] for one in answer["predictions"][0]["reasons"]]
    assert all(text.endswith((" raises the score", " lowers the score")) for text in texts)
    assert texts

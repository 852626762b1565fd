"""Answers: which outputs, in which media type, byte for byte."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container.bodies import MEDIA_TYPES
from fraudlab.container.endpoint.answers import Scored, render
from fraudlab.container.endpoint.asked_outputs import OUTPUTS, TEXTED, read_attributes, read_outputs
from fraudlab.container.endpoint.negotiation import ANSWER_NAMES, ANSWER_TYPES, accepted, read_answer_type

CSV, JSON, LINES, PARQUET, RECORDIO = ANSWER_TYPES
SCORED = Scored(
    score=np.float32([0.1, 0.75]),
    raw_score=np.float32([-2.1972246, 1.0986123]),
    reasons=[[("V14", -1.23), ("V4", 0.5)], [("Amount", 1e-07)]],
    threshold=0.75,
    model="0123456789ab",
)
TAIL = '"threshold":0.75,"model":"0123456789ab"}'


@pytest.mark.parametrize(
    ("outputs", "kind", "expected"),
    [
        ((), CSV, "0.1\n0.75\n"),
        (("score",), CSV, "0.1\n0.75\n"),
        (("alert", "score"), CSV, "0,0.1\n1,0.75\n"),
        (("raw_score", "model"), CSV, "-2.1972246,0123456789ab\n1.0986123,0123456789ab\n"),
        (("reasons", "alert"), CSV, "V14=-1.23;V4=0.5,0\nAmount=1e-7,1\n"),
        (
            (),
            JSON,
            '{"predictions":[{"score":0.1,"alert":false},{"score":0.75,"alert":true}],' + TAIL,
        ),
        (
            ("score",),
            JSON,
            '{"predictions":[{"score":0.1},{"score":0.75}],' + TAIL,
        ),
        (
            ("alert", "raw_score"),
            JSON,
            '{"predictions":[{"alert":false,"raw_score":-2.1972246},{"alert":true,"raw_score":1.0986123}],'
            + TAIL,
        ),
        ((), LINES, '{"score":0.1,"alert":false}\n{"score":0.75,"alert":true}\n'),
        (
            ("reasons",),
            LINES,
            """{"reasons":[{"column":"V14","contribution":-1.23},{"column":"V4","contribution":0.5}]}
{"reasons":[{"column":"Amount","contribution":1e-7}]}
""",
        ),
    ],
)
def test_texts(outputs: tuple[str, ...], kind: str, expected: str) -> None:
    assert render(SCORED, outputs=outputs, kind=kind).decode() == expected


def test_one_row_is_written_like_many() -> None:
    for score, alert in ((0.7499999, "false"), (0.75, "true")):
        one = Scored(np.float32([score]), None, None, 0.75, 'a "100%" model')
        row = f'{{"score":{score},"alert":{alert}}}'
        text = f'{{"predictions":[{row}],"threshold":0.75,"model":"a \\"100%\\" model"}}'
        assert render(one, outputs=(), kind=JSON).decode() == text
        assert render(one, outputs=("score", "alert"), kind=JSON).decode() == text


def test_the_threshold_is_compared_in_float64() -> None:
    """0.1 as float32 is above 0.1, and would be equal to a threshold that is rounded as well."""
    score = np.float32([0.1])
    for threshold, alert in ((0.1, True), (float(score[0]), True), (0.10000000149011613, False)):
        for kind in (JSON, LINES):
            content = json.loads(
                render(Scored(score, None, None, threshold, "m"), outputs=("alert",), kind=kind)
            )
            assert content.get("predictions", [content])[0] == {"alert": alert}
        body = render(Scored(score, None, None, threshold, "m"), outputs=("alert",), kind=CSV)
        assert body == (b"1\n" if alert else b"0\n")
        body = render(Scored(score, None, None, threshold, "m"), outputs=("alert",), kind=PARQUET)
        assert parquet.read_table(io.BytesIO(body)).to_pylist() == [{"alert": alert}]


def test_parquet() -> None:
    table = parquet.read_table(io.BytesIO(render(SCORED, outputs=OUTPUTS, kind=PARQUET)))
    assert [str(field.type) for field in table.schema] == [
        "float",
        "float",
        "bool",
        "list<element: struct<column: string, contribution: float>>",
        "string",
    ]
    assert table.column_names == list(OUTPUTS)
    assert table.column("score").to_numpy().tobytes() == SCORED.score.tobytes()
    assert table.column("raw_score").to_numpy().tobytes() == np.float32(SCORED.raw_score).tobytes()
    assert table.column("alert").to_pylist() == [False, True]
    assert table.column("model").to_pylist() == ["0123456789ab"] * 2
    assert [[tuple(reason.values()) for reason in row] for row in table.column("reasons").to_pylist()] == [
        [("V14", float(np.float32(-1.23))), ("V4", 0.5)],
        [("Amount", float(np.float32(1e-7)))],
    ]
    assert table.schema.metadata[b"threshold"] == b"0.75"
    assert table.schema.metadata[b"model"] == b"0123456789ab"
    table = parquet.read_table(io.BytesIO(render(SCORED, outputs=(), kind=PARQUET)))
    assert table.column_names == ["score", "alert"]


def test_reasons_that_need_quotes() -> None:
    names = ["a,b", 'c"d', "e\nf", "plain", "ünï"]
    scored = Scored(np.float32([0.5] * 5), None, [[(name, 1.5)] for name in names], 0.5, "m")
    text = render(scored, outputs=("score", "reasons"), kind=CSV).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["0.5", f"{name}=1.5"] for name in names]
    text = render(scored, outputs=("reasons",), kind=LINES).decode()
    assert [json.loads(line)["reasons"][0]["column"] for line in text.splitlines()] == names


def test_a_row_without_reasons() -> None:
    scored = Scored(np.float32([0.5, 0.5]), None, [[], [("a", 2)]], 0.5, "m")
    assert render(scored, outputs=("reasons",), kind=CSV) == b"\na=2.0\n"
    assert render(scored, outputs=("reasons",), kind=LINES) == (
        b'{"reasons":[]}\n{"reasons":[{"column":"a","contribution":2.0}]}\n'
    )


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=1, max_size=5))
def test_scores_read_back_as_the_same_float32(values: list[float]) -> None:
    expected = np.float32(values)
    reasons = [[("a", value)] for value in values]
    scored = Scored(expected, expected, reasons, 0.5, "m")
    outputs = ("score", "raw_score", "reasons")
    rows = [row.split(",") for row in render(scored, outputs=outputs, kind=CSV).decode().splitlines()]
    lines = [json.loads(line) for line in render(scored, outputs=outputs, kind=LINES).splitlines()]
    objects = json.loads(render(scored, outputs=outputs, kind=JSON))["predictions"]
    table = parquet.read_table(io.BytesIO(render(scored, outputs=outputs, kind=PARQUET))).to_pylist()
    found = [
        [float(row[0]) for row in rows],
        [float(row[1]) for row in rows],
        [float(row[2].removeprefix("a=")) for row in rows],
        *([row[name] for row in named] for named in (lines, objects, table) for name in outputs[:2]),
        *([row["reasons"][0]["contribution"] for row in named] for named in (lines, objects, table)),
    ]
    for column in found:
        assert np.array(column, np.float32).tobytes() == expected.tobytes()
    # The digits are the shortest.
    for row, value in zip(rows, expected, strict=True):
        assert float(row[0]) == float(str(value))


@pytest.mark.parametrize("kind", ANSWER_NAMES)
def test_every_name_of_a_format_can_be_answered(kind: str) -> None:
    assert accepted(kind, "text/csv") == kind
    assert accepted("", kind) == (CSV if kind == RECORDIO else kind)
    assert read_answer_type(f" {kind.upper()}; charset=utf-8") == kind
    assert render(SCORED, outputs=(), kind=kind)


HOSTILE = [['=1+1, "x"', "é\u4e2d"], []]
TEXTS = replace(SCORED, reasons=[[("V14", -1.23), ("V4", 0.5)], []], sentences=HOSTILE)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (CSV, b'"\'=1+1, ""x""; \xc3\xa9\xe4\xb8\xad",0.1\n,0.75\n'),
        (
            LINES,
            b'{"reasons":[{"column":"V14","contribution":-1.23,"text":"=1+1, \\"x\\""},'  # noqa: ISC004
            b'{"column":"V4","contribution":0.5,"text":"\xc3\xa9\xe4\xb8\xad"}],"score":0.1}\n'
            b'{"reasons":[],"score":0.75}\n',
        ),
    ],
)
def test_texts_of_reasons(kind: str, expected: bytes) -> None:
    assert render(TEXTS, outputs=(TEXTED, "score"), kind=kind) == expected


def test_texts_of_reasons_in_parquet_and_in_an_envelope() -> None:
    expected = [[one["text"] for one in row] for row in json.loads(
        render(TEXTS, outputs=(TEXTED,), kind=JSON))["predictions"] for row in row.values()]  # fmt: skip
    table = parquet.read_table(io.BytesIO(render(TEXTS, outputs=(TEXTED,), kind=PARQUET)))
    assert [[one["text"] for one in row] for row in table["reasons"].to_pylist()] == expected == HOSTILE


# --- outputs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("score", ("score",)),
        ("probability, label", ("score", "alert")),
        (" Predicted_Label ,RAW_SCORES", ("alert", "raw_score")),
        ("score, Reasons=Text", ("score", TEXTED)),
        ("contributions = text", (TEXTED,)),
        ("reasons=numbers,alert", ("reasons", "alert")),
        ("labels,probabilities,raw_score,reasons,model", ("alert", "score", "raw_score", "reasons", "model")),
    ],
)
def test_outputs(text: str, outputs: tuple[str, ...]) -> None:
    assert read_outputs(text) == outputs


OUTPUTS_ARE = "outputs are score, raw_score, alert, reasons, model"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "scoer",
            f"unknown output 'scoer' (did you mean 'score'?): {OUTPUTS_ARE}",
        ),
        ("score,", f"unknown output '': {OUTPUTS_ARE}"),
        ("", f"unknown output '': {OUTPUTS_ARE}"),
        (
            "score;label",
            f"unknown output 'score;label' (did you mean 'score'?): {OUTPUTS_ARE}",
        ),
        ("score,probability", "output 'probability' is 'score', which is asked for twice"),
        ("alert,alert", "output 'alert' is 'alert', which is asked for twice"),
        ("reasons,reasons=text", "output 'reasons=text' is 'reasons', which is asked for twice"),
        ("reasons=txt", "reasons=txt is unknown (did you mean 'text'?): text or numbers"),
        ("reasons=", "reasons= is unknown: text or numbers"),
        ("score=text", f"unknown output 'score=text' (did you mean 'score'?): {OUTPUTS_ARE}"),
    ],
)
def test_outputs_that_there_are_not(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_outputs(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        ("", ()),
        ("trace=7", ()),
        ("output=score,reasons", ("score", "reasons")),
        ("output=score,reasons;reasons=text", ("score", TEXTED)),
        ("reasons=text; output=reasons,alert", (TEXTED, "alert")),
        ("output=score,reasons=text;reasons=numbers", ("score", "reasons")),
        ("trace=7;Output=Score;output=alert", ("score",)),
    ],
)
def test_attributes(text: str, outputs: tuple[str, ...]) -> None:
    assert read_attributes(text) == outputs


def test_a_request_may_have_the_usual_reasons_in_words() -> None:
    assert read_attributes("reasons=text", ("score", "reasons")) == ("score", TEXTED)
    assert read_attributes("reasons=numbers", (TEXTED,)) == ("reasons",)
    assert read_attributes("trace=7", ("score",)) == ()
    with pytest.raises(ValueError, match="no output asks for them"):
        read_attributes("reasons=text", ("score",))


@pytest.mark.parametrize(
    "text", ["reasons=text", "output=score;reasons=text", "output=reasons;reasons=words"]
)
def test_attributes_that_cannot_be_given(text: str) -> None:
    with pytest.raises(ValueError, match=r"no output asks for them|text or numbers"):
        read_attributes(text)


def test_a_long_name_is_cut() -> None:
    with pytest.raises(ValueError) as caught:
        read_outputs("x" * 10_000)
    assert len(str(caught.value)) < 200


# --- negotiation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "kind", "answer"),
    [
        ("", CSV, CSV),
        ("", JSON, JSON),
        ("", "application/x-ndjson", "application/x-ndjson"),
        ("", "text/libsvm", CSV),
        (" ", PARQUET, PARQUET),
        ("*/*", JSON, JSON),
        ("*/*", "text/x-libsvm", CSV),
        (JSON, CSV, JSON),
        ("APPLICATION/JSON; charset=utf-8", CSV, JSON),
        ("application/*", CSV, JSON),
        ("application/*", LINES, LINES),
        ("text/*", JSON, CSV),
        ("text/html, application/json, */*;q=0.1", CSV, JSON),
        ("text/csv, application/json", LINES, CSV),
        ("application/json, text/csv", LINES, JSON),
        ("application/json, text/csv", CSV, CSV),
        ("application/json;q=0.5, text/csv;q=0.4", CSV, JSON),
        ("application/json;q=0, */*", JSON, CSV),
        ("text/csv;q=0, text/*", CSV, None),
        ("*/*;q=0.1, application/x-ndjson", CSV, "application/x-ndjson"),
        ("application/parquet", CSV, "application/parquet"),
        ("text/html", CSV, None),
        ("*/*;q=0", CSV, None),
        ("application/json;q=0.000", CSV, None),
        ("application/json;q=high", CSV, JSON),
        ("application/json;q=2, text/csv;q=1", CSV, CSV),
        ("application/json;q=", CSV, JSON),
        (",,;;=,", CSV, CSV),
        # Few clients read records: only who asks for them gets them.
        ("", RECORDIO, CSV),
        ("*/*", RECORDIO, CSV),
        (RECORDIO, RECORDIO, RECORDIO),
        ("Application/X-RecordIO-Protobuf", CSV, RECORDIO),
    ],
)
def test_negotiation(accept: str, kind: str, answer: str | None) -> None:
    assert accepted(accept, kind) == answer


@pytest.mark.parametrize(
    ("accept", "kind", "answer"),
    [
        ("", CSV, JSON),
        ("*/*", CSV, JSON),
        ("", LINES, JSON),
        ("application/*", CSV, JSON),
        ("text/*", LINES, CSV),
        (CSV, JSON, CSV),
        (LINES, CSV, LINES),
        ("text/html", CSV, None),
        ("text/html, */*;q=0.1", LINES, JSON),
    ],
)
def test_a_default_is_for_who_prefers_nothing(accept: str, kind: str, answer: str | None) -> None:
    assert accepted(accept, kind, default=JSON) == answer


@given(
    st.lists(
        st.sampled_from([*MEDIA_TYPES, "*/*", "text/*", ";", ",", "q=0.3", "=", " ", "é", "q=."]), max_size=8
    ),
    st.sampled_from(list(MEDIA_TYPES)),
)
def test_any_header_has_an_answer_or_none(parts: list[Any], kind: str) -> None:
    answer = accepted("".join(parts), kind)
    assert answer is None or render(SCORED, outputs=(), kind=answer)

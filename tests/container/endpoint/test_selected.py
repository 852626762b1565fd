"""The official container's words in SAGEMAKER_INFERENCE_OUTPUT, with the values and shapes it gives them."""

import csv
import io
import json
import math
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from fraudlab.container.endpoint.answers import Scored, render
from fraudlab.container.endpoint.negotiation import ANSWER_TYPES
from fraudlab.container.endpoint.selected import WORDS, read_selected
from fraudlab.container.formats.recordio import MAGIC
from fraudlab.container.formats.recordio_writing import write_records

CSV, JSON, LINES, PARQUET, RECORDIO = ANSWER_TYPES
#: at 0.5 the official container says class 0, and the threshold of the model says nothing
SCORE = np.float32([0.1, 0.5, 0.6])
DOUBLES = [float(np.float32(value)) for value in (0.1, 0.5, 0.6)]
EXPECTED = [
    {
        "predicted_label": label,
        "labels": [0, 1],
        "probability": p,
        "probabilities": [1.0 - p, p],
        "raw_score": p,
        "raw_scores": [1.0 - p, p],
    }
    for label, p in zip([0, 0, 1], DOUBLES, strict=True)
]


def answer(text: str, kind: str, score: Any = SCORE) -> bytes:
    return render(Scored(score, None, None, 0.05, "m"), outputs=read_selected(text), kind=kind)


def records(data: bytes) -> list[dict[str, list[float]]]:
    """As SageMaker's own package reads them."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
        from sagemaker.amazon.common import read_records

        found = read_records(io.BytesIO(data))
    return [
        {name: list(value.float32_tensor.values) for name, value in record.label.items()} for record in found
    ]


def test_every_word_has_the_official_meaning_and_shape() -> None:
    text = ",".join(WORDS)
    assert json.loads(answer(text, JSON)) == {"predictions": EXPECTED}
    assert [json.loads(line) for line in answer(text, LINES).splitlines()] == EXPECTED
    rows = list(csv.reader(io.StringIO(answer(text, CSV).decode())))
    assert [dict(zip(WORDS, map(json.loads, row), strict=True)) for row in rows] == EXPECTED
    assert parquet.read_table(io.BytesIO(answer(text, PARQUET))).to_pylist() == [
        {word: np.float32(value).tolist() for word, value in row.items()} for row in EXPECTED
    ]
    assert records(answer(text, RECORDIO)) == [
        {word: np.atleast_1d(np.float32(value)).tolist() for word, value in row.items()} for row in EXPECTED
    ]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("predicted_label,probability", CSV, "0,0.25\n1,0.75\n"),
        ("probability", CSV, "0.25\n0.75\n"),
        ("probabilities,labels", CSV, '"[0.75, 0.25]","[0, 1]"\n"[0.25, 0.75]","[0, 1]"\n'),
        (
            "probability,predicted_label",
            JSON,
            (
                '{"predictions": [{"predicted_label": 0, "probability": 0.25},'
                ' {"predicted_label": 1, "probability": 0.75}]}'
            ),
        ),
        (" Raw_Scores ", LINES, '{"raw_scores": [0.75, 0.25]}\n{"raw_scores": [0.25, 0.75]}\n'),
        # Order and repetition count where values have no names, and there alone.
        ("raw_score,predicted_label,raw_score", CSV, "0.25,0,0.25\n0.75,1,0.75\n"),
        (
            "raw_score,predicted_label,raw_score",
            LINES,
            '{"predicted_label": 0, "raw_score": 0.25}\n{"predicted_label": 1, "raw_score": 0.75}\n',
        ),
        # What there is no value for is missing.
        ("predicted_score,probability", CSV, "nan,0.25\nnan,0.75\n"),
        ("score", LINES, '{"score": null}\n{"score": null}\n'),
        ("probability,", LINES, '{"probability": 0.25, "": null}\n{"probability": 0.75, "": null}\n'),
        ('100%,"x"', LINES, '{"100%": null, "\\"x\\"": null}\n' * 2),
    ],
)
def test_texts(text: str, kind: str, expected: str) -> None:
    assert answer(text, kind, np.float32([0.25, 0.75])).decode() == expected


def test_words_without_a_value_are_nan_in_records_and_parquet() -> None:
    (row,) = records(answer("probability,alert", RECORDIO, np.float32([0.25])))
    assert row.pop("probability") == [0.25]
    assert row.keys() == {"alert"}
    assert math.isnan(row["alert"][0])
    (row,) = parquet.read_table(io.BytesIO(answer("alert", PARQUET, np.float32([0.25])))).to_pylist()
    assert math.isnan(row["alert"])


def test_our_own_outputs_as_records() -> None:
    scored = Scored(np.float32([0.1, 0.75]), np.float32([-2.5, 1.25]), None, 0.75, "m")
    assert records(render(scored, outputs=(), kind=RECORDIO)) == [
        {"score": [float(np.float32(0.1))], "alert": [0.0]},
        {"score": [0.75], "alert": [1.0]},
    ]
    assert [row["raw_score"] for row in records(render(scored, outputs=("raw_score",), kind=RECORDIO))] == [
        [-2.5],
        [1.25],
    ]


@pytest.mark.parametrize("width", [1, 2, 40])
@pytest.mark.parametrize("name", ["a", "ab", "abc", "abcd", "x" * 200])
def test_records_of_any_length_are_framed(name: str, width: int) -> None:
    numbers = np.arange(3 * width, dtype=np.float32).reshape(3, width)
    data = write_records({name: numbers, "b": numbers[:, :1]})
    assert len(data) % 4 == 0
    assert data[:4] == MAGIC
    (length,) = struct.unpack_from("<I", data, 4)
    assert len(data) == 3 * (8 + length + -length % 4)
    assert records(data) == [{name: row.tolist(), "b": [row[0]]} for row in numbers]

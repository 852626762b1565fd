"""Files scored through a real endpoint: the same scores from every format, and each mistake in a sentence."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.cli import main
from fraudlab.container.bodies import MEDIA_TYPES, finish
from fraudlab.container.scorer import load_scorer
from fraudlab.errors import DataError, EndpointError, StorageError
from fraudlab.predict import predict_file
from fraudlab.predict.client import EndpointClient

from .conftest import FEATURES, THRESHOLD

HEADER = "amount,mcc,present,share\n"
ROWS = [
    ("12.5", "5", "true", "0.1"),
    ("", "12", "false", "3"),
    ("-1e-3", "", "", ""),
    ("7", "3", "true", "1"),
]


def written(path: Path, rows=ROWS, header=HEADER) -> Path:
    path.write_text(header + "".join(",".join(row) + "\n" for row in rows))
    return path


def scores(path: Path) -> list[list[str]]:
    with path.open() as file:
        return list(csv.reader(file))


def expected(model_folder, rows=ROWS):
    body = "".join(",".join(row) + "\n" for row in rows).encode()
    matrix = finish([MEDIA_TYPES["text/csv"](body, FEATURES, 1_000_000)], FEATURES)
    return load_scorer(model_folder).score(matrix)


def predict(file: Path, url: str, **options) -> list[list[str]]:
    output = file.with_suffix(".scores")
    assert predict_file(file, endpoint=url, output=output, **options) == len(scores(output)) - 1
    assert not output.with_name(f"{output.name}.partial").exists()
    return scores(output)


def test_scores_alerts_and_rows(serve, tmp_path, model_folder):
    found = predict(written(tmp_path / "t.csv", ROWS * 300), serve(), batch_rows=7)
    score = np.tile(expected(model_folder), 300)
    alert = score.astype(np.float64) >= THRESHOLD
    assert 0 < alert.sum() < alert.size
    assert found[0] == ["row", "score", "alert"]
    assert [int(row) for row, _, _ in found[1:]] == list(range(1200))
    assert [np.float32(value) for _, value, _ in found[1:]] == score.tolist()
    assert [flag == "1" for _, _, flag in found[1:]] == alert.tolist()


CODES = [5, 12, 3, 5]


@pytest.mark.parametrize(
    ("mcc", "present"),
    [
        (["5", "12", "3", "5"], ["true", "false", "true", "true"]),
        (["5.0", "12.0", "3.0", "5.0"], ["True", "False", "True", "True"]),
        (["5", "12", "3", "5"], ["1", "0", "1", "1"]),
        (["5", "12", "3", "5"], ["1.0", "0.0", "1.0", "1.0"]),
        *((pa.array(CODES, kind), pa.array([True, False, True, True])) for kind in
          (pa.int8(), pa.int64(), pa.uint32(), pa.float32(), pa.float64(), pa.decimal128(9, 2))),
        (pa.array(CODES).cast(pa.string()).dictionary_encode(), pa.array([1, 0, 1, 1])),
        (pa.array(CODES).cast(pa.string()).cast(pa.large_string()), pa.array([1.0, 0.0, 1.0, 1.0])),
        (pa.array(CODES).cast(pa.string()).cast(pa.string_view()), pa.array(["true", "False", "TRUE", "1"])),
    ],
)  # fmt: skip
def test_a_file_of_another_type_has_the_same_scores(serve, tmp_path, model_folder, mcc, present):
    if isinstance(mcc, list):
        path = written(tmp_path / "t.csv", [("1", m, p, "2") for m, p in zip(mcc, present, strict=True)])
    else:
        path = tmp_path / "t.parquet"
        columns = {"share": [2.0] * 4, "note": ["x"] * 4, "present": present, "mcc": mcc, "amount": [1] * 4}
        parquet.write_table(pa.table(columns), path)
    found = [np.float32(value) for _, value, _ in predict(path, serve())[1:]]
    rows = [("1", str(code), "false" if code == 12 else "true", "2") for code in CODES]
    assert found == expected(model_folder, rows).tolist()


def test_numbers_arrive_as_the_model_would_have_read_them(serve, tmp_path, model_folder):
    values = ["16777217", "0.1", "1e-40", "3.4e38", "-0.0", "1234567890123456789", "True"]
    path = written(tmp_path / "t.csv", [(value, "5", "true", value) for value in values])
    found = [np.float32(value) for _, value, _ in predict(path, serve())[1:]]
    assert found == expected(model_folder, [(value, "5", "true", value) for value in values]).tolist()


def test_some_unseen_categories_are_said_and_scored_as_missing(serve, tmp_path, capsys):
    rows = [*ROWS, ("1", "77", "true", "2"), ("1", "78", "true", "2"), ("1", "77", "true", "2")]
    predict(written(tmp_path / "t.csv", rows), serve())
    error = capsys.readouterr().err
    assert (
        "column 'mcc': 3 of 7 rows have a category that train has not seen (for example '77'); "
        "scored as missing" in error
    )
    assert "present" not in error


def test_columns_that_are_wholly_unseen_are_refused_together_before_anything_is_sent(fail, tmp_path, capsys):
    endpoint = fail()
    path = written(tmp_path / "t.csv", [("1", "0742", "yes", "2"), ("1", "", "", "2"), ("1", "x", "no", "2")])
    assert main(["predict", "--endpoint", endpoint.url, str(path)]) == 3
    error = capsys.readouterr().err
    assert "no row of t.csv has a category of column 'mcc' that train has seen (2 rows, for example" in error
    assert "no row of t.csv has a category of column 'present' that train has seen (2 rows" in error
    assert "'mcc' knows '12', '3', '5'; 'present' knows 'false', 'true'" in error
    assert endpoint.asked == 0
    assert main(["predict", "--endpoint", endpoint.url, str(path), "--allow-unseen"]) == 0
    assert endpoint.asked == 1


def test_a_column_that_is_wholly_missing_is_no_reason_to_refuse(serve, tmp_path):
    assert len(predict(written(tmp_path / "t.csv", [("1", "", "", "2")] * 3), serve())) == 4


@pytest.mark.parametrize(
    ("content", "sentence", "fix"),
    [
        (HEADER + "1,5,true,2\n" * 25_000 + "abc,5,true,2\n", "row 25001 holds 'abc'", "or leave the"),
        (HEADER + "inf,5,true,1e39\n", "column 'share' is 1e+39, too large for 32 bits, in row 1", "empty"),
        ("amount,amount,mcc,present,share\n1,1,5,true,2\n", "2 columns named 'amount'", "a name of its own"),
        ("amount,present\n1,true\n", "no columns 'mcc', 'share'", "the model takes amount, mcc, present"),
        (HEADER + "1,5,true,2\n1,5,true\n", "row 2 of t.csv has 3 values where the header has 4", ""),
        (HEADER, "t.csv has a header but no rows", ""),
        ("", "t.csv is empty", ""),
        (None, "there is no file t.csv", ""),
    ],
)  # fmt: skip
def test_mistakes_in_the_file_are_data_errors_that_name_it(fail, tmp_path, capsys, content, sentence, fix):
    endpoint = fail()
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_text(content)
    assert main(["predict", "--endpoint", endpoint.url, str(path), "--output", str(tmp_path / "s.csv")]) == 3
    error = capsys.readouterr().err
    assert sentence in error
    assert fix in error
    assert "t.csv" in error
    assert "fraudlab endpoint" not in error
    assert endpoint.asked == 0
    assert not list(tmp_path.glob("s.csv*"))


def test_all_columns_of_another_type_are_in_one_error(serve, tmp_path):
    path = written(tmp_path / "t.csv", [("x", "5", "true", "y")])
    with pytest.raises(DataError) as caught:
        predict_file(path, endpoint=serve())
    assert "'amount' is not numeric" in str(caught.value)
    assert "'share' is not numeric" in str(caught.value)


def test_line_breaks_in_quotes_are_part_of_a_value(serve, tmp_path, model_folder):
    path = tmp_path / "t.csv"
    path.write_text(HEADER.replace("mcc", "note,mcc") + '1,"two\nlines",5,true,2\n' * 3)
    found = [np.float32(value) for _, value, _ in predict(path, serve())[1:]]
    assert found == expected(model_folder, [("1", "5", "true", "2")] * 3).tolist()


def test_batches_are_cut_by_what_the_endpoint_says_it_takes(serve, tmp_path, model_folder):
    path = written(tmp_path / "t.csv", ROWS * 500)
    found = predict(path, serve(FRAUDLAB_MAX_BODY="3000", FRAUDLAB_MAX_ROWS="60"))
    assert [np.float32(value) for _, value, _ in found[1:]] == np.tile(expected(model_folder), 500).tolist()


@pytest.mark.parametrize(("threshold", "alert"), [(0.5, "1"), (0.5 + 1e-10, "0"), (0.5 - 1e-10, "1")])
def test_a_score_beside_the_threshold_is_compared_as_the_endpoint_does(fail, tmp_path, threshold, alert):
    endpoint = fail(model={**FEATURES.as_json(), "threshold": threshold})
    assert [row[2] for row in predict(written(tmp_path / "t.csv"), endpoint.url)[1:]] == [alert] * 4


@pytest.mark.parametrize("outcome", [503, "drop"])
def test_a_client_that_is_closed_asks_no_more_than_once(fail, outcome):
    endpoint = fail(then=outcome)
    client = EndpointClient(endpoint.url)
    client.close()
    with pytest.raises(EndpointError):
        client.invoke(b"1,5,true,1\n")
    assert endpoint.asked == 1


@pytest.mark.parametrize("outcome", [503, 429, 502, "drop", "cut"])
def test_an_endpoint_that_is_away_for_a_moment_is_asked_again(fail, tmp_path, outcome):
    waited = []
    endpoint = fail(outcome, outcome, 200, outcome)
    found = predict(written(tmp_path / "t.csv", ROWS * 5), endpoint.url, batch_rows=20, sleep=waited.append)
    assert [value for _, value, _ in found[1:]] == ["0.5"] * 20
    assert endpoint.asked == 3
    assert waited == ([3.0, 3.0] if outcome == 503 else [0.5, 1.0])


@pytest.mark.parametrize("outcome", [503, "drop"])
def test_an_endpoint_that_dies_leaves_what_was_scored_in_a_partial_file(fail, tmp_path, capsys, outcome):
    waited = []
    endpoint = fail(then=lambda body: 200 if int(body.split(b",")[0]) < 20 else outcome)
    output = tmp_path / "s.csv"
    output.write_text("of another day")
    with pytest.raises(EndpointError) as caught:
        predict_file(
            written(tmp_path / "t.csv", [(str(row), "5", "true", "1") for row in range(100)]),
            endpoint=endpoint.url,
            output=output,
            batch_rows=10,
            sleep=waited.append,
        )
    assert caught.value.exit_code == 6
    assert "is this a fraudlab endpoint?" not in str(caught.value)
    partial = tmp_path / "s.csv.partial"
    assert [int(row) for row, _, _ in scores(partial)[1:]] == list(range(20))
    assert output.read_text() == "of another day"
    said = f"the scores of the first 20 of 100 rows are in {partial}; the rest is missing"
    assert said in capsys.readouterr().err.replace("\n", "")
    assert len(waited) <= 3 * 5


def test_the_exit_code_of_an_endpoint_that_dies_has_no_traceback(fail, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("fraudlab.predict.client.PAUSES", (0.0, 0.0))
    endpoint = fail(200, then="drop")
    path = written(tmp_path / "t.csv", ROWS)
    arguments = ["predict", "--endpoint", endpoint.url, "--batch-rows", "1", str(path)]
    assert main(arguments) == 6
    out, error = capsys.readouterr()
    assert "does not answer any more (asked 3 times" in error
    assert "Traceback" not in error
    assert out.startswith("row,score,alert\n")


@pytest.mark.parametrize(
    ("model", "status"),
    [([1, 2], 200), ({"name": "something else"}, 200), ({"columns": 3, "threshold": 1}, 200)],
)
def test_what_answers_like_no_endpoint_of_ours_is_asked_about(fail, tmp_path, capsys, model, status):
    path = written(tmp_path / "t.csv")
    assert main(["predict", "--endpoint", fail(model=model).url, str(path)]) == 6
    assert "is this a fraudlab endpoint?" in capsys.readouterr().err


def test_a_refusal_of_ours_is_not(serve, tmp_path, capsys):
    path = written(tmp_path / "t.csv")
    assert main(["predict", "--endpoint", serve() + "/elsewhere", str(path)]) == 6
    error = capsys.readouterr().err
    assert "answered 404: there is no /elsewhere/model" in error
    assert "is this a fraudlab endpoint?" not in error


def test_a_folder_that_is_not_there_is_said_before_anything_is_sent(fail, tmp_path):
    endpoint = fail()
    with pytest.raises(StorageError):
        predict_file(written(tmp_path / "t.csv"), endpoint=endpoint.url, output=tmp_path / "no" / "s.csv")
    assert endpoint.asked == 0


def test_scores_may_go_to_what_is_no_plain_file(serve, tmp_path):
    assert predict_file(written(tmp_path / "t.csv"), endpoint=serve(), output=Path("/dev/null")) == 4
    assert Path("/dev/null").is_char_device()

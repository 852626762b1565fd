"""The small tables of tests/inputs, each through what a person uses: train, predict, an endpoint.

Seven models are trained, once each. What an input holds is in tests/inputs/README.md.
"""

import json
import os
import re
import shutil

import pytest

from .trained import INPUTS, Trained, ask, predict, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train on an input in a folder of its own, once."""
    runs = {}

    def of(file: str, *overrides: str) -> Trained:
        if file not in runs:
            folder = tmp_path_factory.mktemp("run")
            # the table lies where a test may overwrite it
            shutil.copy(INPUTS / file, folder / file)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                assert train(folder / file, *overrides) == 0
            runs[file] = Trained(folder)
        return runs[file]

    return of


@pytest.fixture(scope="module")
def base(trained) -> Trained:
    """On ISO times without a zone, and a category with a line break."""
    return trained("line-break-in-quotes.csv")


def test_every_input_is_described():
    described = re.findall(r"^\| `([^`]+)`", (INPUTS / "README.md").read_text(), flags=re.MULTILINE)
    files = {file.name for file in INPUTS.iterdir()} - {"README.md", ".gitattributes"}
    assert sorted(files) == sorted(described)


def test_a_run_and_predict_read_line_breaks_in_quotes_alike(base):
    assert base.manifest["columns"][-1]["categories"] == ["cash", "grocery", "travel", "we\nb"]
    score, alert = predict(base, "line-break-in-quotes.csv")
    assert len(score) == 400
    assert base.tested(score) == base.scores["score"].to_pylist()
    threshold = base.metrics["threshold"]
    assert alert == [str(int(float(value) >= threshold)) for value in score]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("epoch-seconds.csv", "UTC (data.time_unit=s)"),
        ("epoch-milliseconds.csv", "UTC (data.time_unit=ms)"),
        ("times-some-with-zone.csv", "200 of 400 times in 'ts' have no zone; they are taken as UTC"),
        ("times-as-string-view.parquet", "2023-03-01 08:10 to 2023-04-29 22:11 UTC\n"),
    ],
)
def test_the_same_times_give_the_same_splits_model_and_scores(trained, base, capsys, file, said):
    capsys.readouterr()
    other = trained(file)
    assert said in capsys.readouterr().out
    assert base.manifest["split"]["gap_rows"] == 31
    assert other.same_as(base)


@pytest.fixture(scope="module")
def coded(trained) -> Trained:
    return trained("category-codes-as-floats.csv", "data.categorical=[category,mcc,present]")


@pytest.mark.parametrize(
    "file", ["category-codes-as-integers.csv", "category-codes-as-bool-and-double.parquet"]
)
def test_a_category_has_one_name_whatever_wrote_it(coded, capsys, file):
    expected = predict(coded, "category-codes-as-floats.csv")
    capsys.readouterr()
    assert predict(coded, file) == expected
    assert "has not seen" not in capsys.readouterr().err
    assert coded.tested(expected[0]) == coded.scores["score"].to_pylist()
    assert {column["name"]: column.get("categories") for column in coded.manifest["columns"]} == {
        "amount": None,
        "score": None,
        "category": ["cash", "grocery", "travel", "we\nb"],
        "mcc": ["12", "3", "5", "6", "742"],
        "present": ["false", "true"],
    }


def test_ids_and_rates_that_are_floats_keep_their_names(trained, capsys):
    run = trained("category-ids-as-floats.parquet", "data.categorical=[merchant,rate]")
    assert [column["categories"] for column in run.manifest["columns"][2:]] == [
        ["1000000000000000", "1234567890123456", "4200000000000000", "9007199254740991"],
        ["0.1", "0.2", "0.7"],
    ]
    capsys.readouterr()
    score, _ = predict(run, "category-ids-as-floats.parquet")
    assert "has not seen" not in capsys.readouterr().err
    assert run.tested(score) == run.scores["score"].to_pylist()


@pytest.mark.parametrize(
    ("file", "options", "note"),
    [
        ("blank-first-line.csv", [], ""),
        ("excel-sep-line.csv", [], "sep="),
        ("utf-16.csv", [], "utf-16.csv is utf-16 text"),
        ("semicolons-and-decimal-commas.csv", [], "semicolon"),
        ("latin-1.csv", ["--encoding", "latin-1"], ""),
    ],
)
def test_one_table_however_it_was_saved(base, capsys, file, options, note):
    expected = predict(base, "plain.csv")
    assert len(set(expected[0])) > 10
    capsys.readouterr()
    assert predict(base, file, *options) == expected
    assert note in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "sentence", "fix"),
    [
        (
            "latin-1.csv",
            "latin-1.csv cannot be read: it is not UTF-8 text at byte 93 (0xe9, in line 2)",
            "--encoding=",
        ),
        ("ragged-row.csv", "row 15 of ragged-row.csv has 4 values where the header has 3", ""),
        ("column-twice.csv", "column-twice.csv has 2 columns named 'amount'", "a name of its own"),
    ],
)
def test_predict_refuses_in_the_words_of_training(base, capsys, file, sentence, fix):
    predict(base, file, code=3)
    error = capsys.readouterr().err
    assert sentence in error
    assert fix in error.split("\nfix: ")[1]
    assert "fraudlab endpoint" not in error


REFUSED = [
    ("row-index-named-unnamed.csv", "split=stratified", 3,
     "column 'Unnamed: 0' is the row index pandas left behind", """'data.drop=["Unnamed: 0"]'"""),
    ("time-missing-in-first-row.csv", "split.gap=1d", 3,
     "time column 'ts' is missing in row 1 (1 of 400 rows)", "give every row a time"),
    ("line-break-in-quotes.csv", "model.monotone_constraints={category: 1}", 2,
     "gives a direction to 'category', which is a category", "take 'category' out of model."),
    ("line-break-in-quotes.csv", "data.delay=7", 2,
     "data.delay='7' has no unit", "did you mean data.delay=7d?"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "override", "code", "sentence", "fix"), REFUSED)
def test_what_would_give_a_wrong_number_is_refused(in_tmp, capsys, file, override, code, sentence, fix):
    assert train(file, override) == code
    error = capsys.readouterr().err
    assert sentence in error
    assert fix in error.split("\nfix: ")[1]
    assert not (in_tmp / "runs" / "latest").exists()


def test_a_second_copy_of_the_label_is_said(trained, capsys):
    capsys.readouterr()
    run = trained("label-under-second-name.csv")
    shown = capsys.readouterr().out
    assert "data.drop=[chargeback]" in shown
    assert "caution: A column tells the label" in shown
    assert [copy["column"] for copy in run.manifest["label_copies"]] == ["chargeback"]
    assert "A column tells the label" in (run.folder / "report.html").read_text()


def test_a_line_break_across_arrows_reading_size_is_kept(base, tmp_path):
    """The CR is the last byte of 8 MiB, the LF the first of the next; Arrow drops the LF."""
    path = tmp_path / "break-at-8-mib.csv"
    head = b"amount,score,category,note\n9.5,2.5,cash,"
    tail = b'\n9.5,2.5,"we\r'
    path.write_bytes(head + b"x" * ((8 << 20) - len(head + tail)) + tail + b'\nb",\n9.5,2.5,cash,\n')
    assert path.read_bytes()[(8 << 20) - 1 :].startswith(b'\r\nb"')
    plain = tmp_path / "plain.csv"
    plain.write_bytes(b'amount,score,category\n9.5,2.5,cash\n9.5,2.5,"we\r\nb"\n9.5,2.5,cash\n')
    expected = predict(base, plain, "--allow-unseen")
    assert predict(base, path, "--allow-unseen") == expected


def test_rows_of_more_bytes_than_a_body_are_several_bodies(base):
    expected = predict(base, "line-break-in-quotes.csv")
    assert predict(base, "line-break-in-quotes.csv", MAX_CONTENT_LENGTH="1000") == expected


def test_an_offer_of_http_2_is_answered_with_the_score(base):
    """What the JDK's client sends first on every http:// address."""
    offer = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk",
    }
    assert ask(base, b"10.5,0.3,travel\n", "text/csv", **offer) == ask(base, b"10.5,0.3,travel\n", "text/csv")


def test_a_libsvm_row_that_a_line_break_cuts_is_refused_by_its_number(coded):
    """Which Debian's Python 3.11.2 took for well-formed, and answered with 500."""
    content = (INPUTS / "libsvm-row-cut-in-two.txt").read_bytes()
    status, answer = ask(coded, content, "text/x-libsvm; base=0")
    assert status == 400
    assert json.loads(answer)["detail"] == "row 156 has '' for index 0, which is not a number"


def test_bytes_swapped_under_the_same_size_and_time_are_read_anew(trained, capsys):
    """As `cp -p` leaves them; now without a fraud, which only the new bytes tell."""
    folder = trained("epoch-seconds.csv").folder.parents[1]
    table = folder / "epoch-seconds.csv"
    before = table.stat()
    content = table.read_bytes().replace(b",1\n", b",0\n")
    (folder / "new.csv").write_bytes(content)
    os.utime(folder / "new.csv", ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.copy2(folder / "new.csv", table)
    after = table.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert train(table, "run.id=again") == 3
    assert "no fraud" in capsys.readouterr().err

"""``serving.reasons``: what is refused before there is a job, what a run keeps, and what predict writes."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from fraudlab.cli import main
from fraudlab.compose import compose
from fraudlab.errors import ConfigError
from fraudlab.reason_rules import read_reasons
from fraudlab.recorded_config import read_config
from fraudlab.stages.raw_table import look

TABLE = "y,t,x,amount,country\n" + "".join(
    f"{int(at % 10 == 0)},{at},{at * 7 % 11},{(at % 10 == 0 and 90) or at % 30},{'DE' if at % 2 else 'FR'}\n"
    for at in range(400)
)
ROLES = ["data=table", "data.path=t.csv", "data.label=y", "data.time=t", "data.time_unit=s",
         "data.amount=amount", "data.categorical=[country]"]  # fmt: skip


@pytest.fixture
def table(in_tmp: Path) -> Path:
    (in_tmp / "t.csv").write_text(TABLE)
    (in_tmp / "conf").mkdir()
    return in_tmp / "t.csv"


def write(text: str, name: str = "conf/reasons.yaml") -> None:
    Path(name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- amount\n", "does not map columns to texts."),
        ("amount\n", "does not map columns to texts."),
        ("amount: {high: x\n", "is not YAML in line 2"),
        ("amount: x\namount: y\n", "'amount' stands there twice, the second time in line 2."),
        ("amount:\n  high: x\n  high: y\n", "'high' stands there twice, the second time in line 3."),
        ("[a, b]: x\n", "line 1 begins with no name."),
        ("a: " + "[" * 5000, "is not YAML"),
        ("x: " + "y" * (1 << 20), "has more than 1,048,576 bytes."),
    ],
)
def test_a_file_that_is_no_texts_by_columns(table: Path, text: str, sentence: str) -> None:
    write(text)
    with pytest.raises(ConfigError, match=r"conf/reasons\.yaml") as refused:
        read_reasons("conf/reasons.yaml")
    assert sentence in str(refused.value)


def test_a_file_in_another_encoding_is_said(table: Path) -> None:
    Path("conf/reasons.yaml").write_bytes("amount: größer".encode("latin-1"))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_reasons("conf/reasons.yaml")


def test_words_that_yaml_has_a_meaning_for_are_names_and_texts(table: Path) -> None:
    write("\ufeffon: yes\n5: 2026-01-01\n")
    assert read_reasons("conf/reasons.yaml") == {"on": "yes", "5": "2026-01-01"}


def test_what_is_wrong_is_said_at_once_before_there_is_a_run(table: Path) -> None:
    write("amont: x\namount: {hgih: x}\ncountry: {high: x}\nt: '{value}'\ny: x\nx: '{valu}'\n")
    config = compose(ROLES)
    with pytest.raises(ConfigError) as refused:
        look(config, table, table.parent)
    text = refused.value.message
    assert text.startswith("6 settings cannot be used:")
    for part in (
        "'amont' is not a column of the model (did you mean 'amount'?)",
        "nothing is 'hgih'",
        "a category is neither high nor low",
        "'t' is not a column",
        "'y' is not a column",
        "{valu} is not known",
    ):
        assert part in text
    assert "columns are x, amount, country" in str(refused.value.fix)


def test_what_the_file_lacks_is_said_beside_what_else_is_wrong(table: Path) -> None:
    write("amount: {hgih: x}\n")
    with pytest.raises(ConfigError) as refused:
        compose([*ROLES, "data.features=[amount]", "split.train=0.9"])
    assert "nothing is 'hgih'" in refused.value.message
    assert "split.train" in refused.value.message


@pytest.mark.parametrize(
    ("override", "used"),
    [
        ([], "conf/reasons.yaml"),
        (["serving.reasons=auto"], "conf/reasons.yaml"),
        (["serving.reasons=null"], None),
        (["serving.reasons=other.yaml"], "other.yaml"),
    ],
)
def test_which_file_is_used(table: Path, override: list[str], used: str | None) -> None:
    write("amount: x\n")
    write("amount: y\n", "other.yaml")
    assert compose([*ROLES, *override]).serving.reasons == used


def test_without_a_file_there_are_no_texts(table: Path) -> None:
    assert compose(ROLES).serving.reasons is None
    with pytest.raises(ConfigError, match=r"serving\.reasons=gone\.yaml cannot be read"):
        compose([*ROLES, "serving.reasons=gone.yaml"])


def test_from_a_team_s_words_to_those_of_predict(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write('amount: {high: "Betrag {value}, zu hoch"}\nratio: "ratio {value}"\n')
    run = ["train", "backend=process", "tracking=off", *ROLES, "run.id=r", "model.num_round=5", "seed=1",
           'data.derive={ratio: "amount / (1 + x)"}']  # fmt: skip
    assert main(run) == 0
    model = json.loads(Path("runs/r/model/model.json").read_text())
    assert model["reason_texts"]["amount"]["texts"] == {"high": "Betrag {value}, zu hoch"}
    assert yaml.safe_load(Path("runs/r/reasons.yaml").read_text())["ratio"] == "ratio {value}"
    write("nobody: changed since\n")
    assert read_config(Path("runs/r")).serving.reasons == "runs/r/reasons.yaml"
    capsys.readouterr()
    for way in ("text", "numbers"):
        words = ["predict", "--model", "r", "t.csv", "--reasons", way, "--output", f"{way}.csv"]
        assert main([*words, "--batch-rows", "150"]) == 0
    text, numbers = (
        list(csv.DictReader(Path(f"{way}.csv").read_text().splitlines())) for way in ("text", "numbers")
    )
    assert [row["score"] for row in text] == [row["score"] for row in numbers]
    assert len(text) == 400
    assert "Betrag 90, zu hoch" in text[0]["reasons"]
    assert "amount=" in numbers[0]["reasons"]

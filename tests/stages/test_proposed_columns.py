"""``data.derive=auto``: chosen on train and validation alone, and recorded as if somebody had written it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fraudlab.cli import main
from fraudlab.compose import compose
from fraudlab.derive_rules import asks_auto, written_columns
from fraudlab.errors import ConfigError
from fraudlab.proposing.proposal import Question, propose
from fraudlab.studies.tuning_request import read_request

ROWS = 10_000
ROLES = ["data=table", "data.label=y", "data.time=ts", "data.time_unit=s"]
FIXED = [
    *ROLES, "backend=process", "tracking=off", "model.num_round=5", "model.max_depth=3",
    "evaluation.resamples=100",
]  # fmt: skip
RATIO = {"amount_to_mean_amount_30d": "amount / mean_amount_30d"}


def write_table(path: Path, *, telling: bool = True, spoilt_from: int = ROWS) -> Path:
    """Frauds are amounts beyond the card's mean, or beyond nothing; the last rows may be nonsense."""
    rng = np.random.default_rng(3 if telling else 4)
    mean = rng.lognormal(3, 3.0, ROWS)
    amount = mean * rng.lognormal(0, 0.6, ROWS)
    beyond = amount / mean if telling else rng.lognormal(0, 0.6, ROWS)
    label = (beyond > 2.5) ^ (rng.random(ROWS) < 0.001)
    busy = rng.poisson(2, ROWS) + 1.0, rng.poisson(9, ROWS) + 3.0
    amount[spoilt_from:] = rng.permutation(amount[spoilt_from:])
    label[spoilt_from:] = rng.random(ROWS - spoilt_from) < 0.5
    columns = {
        "ts": np.arange(ROWS) * 600.0,
        "amount": amount,
        "mean_amount_30d": mean,
        "nb_tx_1d": busy[0],
        "nb_tx_7d": busy[1],
        "y": label.astype(int),
    }
    pq.write_table(pa.table(columns), path)
    return path


def run(name: str, table: Path, *overrides: str) -> Path:
    words = [*FIXED, f"data.path={table}", f"run.id={name}", *overrides]
    assert main(["train", *words]) == 0
    return Path("runs") / name


def proposed(folder: Path) -> dict:
    return json.loads((folder / "data" / "proposed_columns.json").read_text())


def recorded(folder: Path) -> dict:
    return yaml.safe_load((folder / "config.yaml").read_text())["data"]["derive"]


def test_the_recorded_columns_give_the_same_model_and_are_in_everything(in_tmp: Path, capsys) -> None:
    table = write_table(in_tmp / "t.parquet")
    chosen = run("chosen", table, "data.derive=auto")
    shown = capsys.readouterr().out
    derive = recorded(chosen)
    assert RATIO.items() <= derive.items()
    assert "auto" not in derive
    answer = proposed(chosen)
    assert answer["columns"] == derive
    kept = next(one for one in answer["tried"] if one["name"] in RATIO)
    assert kept["kept"]
    assert kept["low"] > 0
    assert f"{kept['gain']:+.4f}  amount_to_mean_amount_30d = amount / mean_amount_30d" in shown
    contract = json.loads((chosen / "model" / "model.json").read_text())
    assert {one["name"]: one["expression"] for one in contract["derived"]} == derive
    page = (chosen / "report.html").read_text()
    assert "data.derive=auto chose" in page
    assert "left out" in page
    again = run("again", table, f"data.derive={json.dumps(derive).replace(chr(34), '')}")
    assert not (again / "data" / "proposed_columns.json").exists()
    assert (again / "model" / "model.ubj").read_bytes() == (chosen / "model" / "model.ubj").read_bytes()
    assert main(["runs", "reproduce", "chosen", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n{", 1)[-1].join(["{", ""]))["identical"] is True


def test_test_rows_choose_nothing(in_tmp: Path) -> None:
    """Spoilt test rows leave what is chosen, and every figure of it, as they were."""
    answers = []
    for name, spoilt_from in (("whole", ROWS), ("spoilt", int(ROWS * 0.8))):
        table = write_table(in_tmp / f"{name}.parquet", spoilt_from=spoilt_from)
        folder = run(name, table, "data.derive=auto", "split.gap=0s")
        answers.append(proposed(folder))
        prepared = next(Path("runs/.cache/prepared").iterdir())
        for file in (prepared / "test").glob("*.parquet"):
            file.unlink()  # it is not even opened
        question = Question(str(prepared), {}, None, [], 42)
        assert propose(question)["tried"] == answers[-1]["tried"]
        for path in sorted(prepared.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        prepared.rmdir()
    assert answers[0] == answers[1]
    assert answers[0]["columns"]


def test_what_tells_nothing_is_not_declared(in_tmp: Path, capsys) -> None:
    table = write_table(in_tmp / "t.parquet", telling=False)
    folder = run("none", table, "data.derive={auto: true, own: amount * 2}")
    assert recorded(folder) == {"own": "amount * 2"}
    answer = proposed(folder)
    assert answer["tried"]
    assert not any(one["kept"] for one in answer["tried"])
    said = "data.derive=auto declares no column: none of them brought more than chance on validation"
    assert said in capsys.readouterr().out


def test_a_table_without_such_columns_is_trained_on_as_without(in_tmp: Path, capsys) -> None:
    words = [
        "backend=process",
        "tracking=off",
        "data.rows=30000",
        "data.fraud_rate=0.02",
        "model.num_round=3",
    ]
    words += ["evaluation.resamples=100"]
    models = []
    for name, extra in (("with", ["data.derive=auto"]), ("without", [])):
        assert main(["train", *words, f"run.id={name}", *extra]) == 0
        models.append((Path("runs") / name / "model" / "model.ubj").read_bytes())
    assert models[0] == models[1]
    assert "no column of the table looks like an amount beside windows" in capsys.readouterr().out


def test_too_few_frauds_choose_nothing(in_tmp: Path, capsys) -> None:
    words = ["backend=process", "tracking=off", "data.rows=5000", "data.fraud_rate=0.01", "model.num_round=3"]
    assert main(["train", *words, "run.id=few", "evaluation.resamples=100", "data.derive=auto"]) == 0
    assert "are the fewest to choose by" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "asks", "declared"),
    [
        ("data.derive=auto", True, {}),
        ("data.derive='auto'", True, {}),
        ("data.derive={auto: true}", True, {}),
        ("data.derive={auto: True, x: a / b}", True, {"x": "a / b"}),
        ("data.derive={x: a / b, auto: 'true'}", True, {"x": "a / b"}),
        ("data.derive.auto=true", True, {}),
        ("data.derive={auto: a / b}", False, {"auto": "a / b"}),
        ("data.derive={}", False, {}),
    ],
)
def test_how_it_is_asked_for(word: str, asks: bool, declared: dict) -> None:
    derive = compose([*ROLES, "data.path=t.csv", word]).data.derive
    assert (asks_auto(derive), written_columns(derive)) == (asks, declared)


def test_folds_and_studies_refuse_it_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="split=prequential has one for each fold"):
        compose([*ROLES, "data.path=t.csv", "data.derive=auto", "split=prequential"])
    with pytest.raises(ConfigError, match="in every trial of a study") as refused:
        read_request([*ROLES, "data.path=t.csv", "data.derive=auto"])
    assert "tune with the data.derive of that run's config.yaml" in refused.value.fix


def test_a_plan_chooses_nothing(in_tmp: Path, capsys) -> None:
    table = write_table(in_tmp / "t.parquet")
    assert main(["plan", *FIXED, f"data.path={table}", "data.derive=auto"]) == 0
    assert "auto, chosen on validation by the run" in capsys.readouterr().out
    assert not list(Path().rglob("proposed_columns.json"))

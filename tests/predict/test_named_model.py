"""``fraudlab predict`` with a version of the registry: started here, by the endpoint it has, or asked for."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.errors import EndpointError, RegistryError
from fraudlab.models.exporting import export_model
from fraudlab.predict.named_model import endpoint_of, require_same_model
from fraudlab.registry import ModelRegistry

from ..registry.version_runs import ANA, make_run, promote
from .conftest import Start

HEADER = "amount,mcc,present,share\n"


@pytest.fixture
def registry(in_tmp: Path, model_folder: Path) -> ModelRegistry:
    """Where ``fraud:1`` is in production and has the model of `model_folder`; ``fraud:2`` has bytes."""
    registry = ModelRegistry(in_tmp / "registry")
    (in_tmp / "runs").mkdir()
    run = make_run(in_tmp / "runs" / "run-1")
    shutil.rmtree(run.folder / "model")
    shutil.copytree(model_folder, run.folder / "model")
    registry.register(run, name="fraud", actor=ANA)
    registry.register(make_run(in_tmp / "runs" / "run-2", booster=b"other"), name="fraud", actor=ANA)
    promote(registry, 1)
    (in_tmp / "t.csv").write_text(HEADER + "12.5,5,true,0.1\n,12,false,3\n")
    return registry


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("word", ["fraud:production", "fraud:1", "fraud:v1", "run-1", "runs/run-1/model"])
def test_a_model_is_started_for_as_long_as_it_scores(
    word: str, serve: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "--model", word, "t.csv"]) == 0
    found = capsys.readouterr().out
    assert main(["predict", "--endpoint", serve(), "t.csv"]) == 0
    assert found == capsys.readouterr().out
    assert found.startswith("row,score,alert\n0,")


@pytest.mark.usefixtures("registry")
def test_a_model_that_does_not_answer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--model", "fraud:2", "t.csv"]) == EndpointError.exit_code
    error = capsys.readouterr().err
    assert "does not answer: serve ended with" in error
    assert "fix: see what it says: fraudlab serve --model " in error


def test_an_endpoint_has_to_have_the_model_that_is_asked_for(
    registry: ModelRegistry, serve: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    url = serve()
    assert main(["predict", "--endpoint", url, "--model", "fraud:production", "t.csv"]) == 0
    promote(registry, 2)
    capsys.readouterr()
    assert main(["predict", "--endpoint", url, "--model", "fraud:production", "t.csv"]) == 6
    found = capsys.readouterr()
    assert f"{url} answers with another model than the one in " in found.err
    assert found.out == ""


@pytest.mark.parametrize("key", ["hashes", "threshold", "columns"])
def test_a_model_is_another_where_anything_of_it_is(model_folder: Path, key: str) -> None:
    contract = json.loads((model_folder / "model.json").read_text())
    require_same_model(contract, model_folder, "e")
    with pytest.raises(EndpointError, match="e answers with another model"):
        require_same_model({**contract, key: "other"}, model_folder, "e")


@pytest.mark.parametrize(
    ("text", "name", "has_model"),
    [
        ("fraud:production", "fraudlab-fraud-production", True),
        ("fraud:1", "fraudlab-run-1", True),
        ("fraud:v2", "fraudlab-run-2", True),
        ("fraud:latest", "fraudlab-run-2", True),
        ("fraudlab-scoring", "fraudlab-scoring", False),
        ("http://localhost:8080", "http://localhost:8080", False),
        ("localhost:8080", "localhost:8080", False),
    ],
)
def test_a_version_is_the_endpoint_that_deploy_gives_it(
    registry: ModelRegistry, text: str, name: str, has_model: bool
) -> None:
    found, model = endpoint_of(text, registry=registry.folder)
    assert found == name
    assert (model is not None) is has_model


#: what is no version, and what the error lists
WRONG = {
    "fraud:prod": "valid: 1 to 2, latest, staging, production",
    "fraud:Production": "valid: 1 to 2, latest, staging, production",
    "fraud:3": "valid: 1 to 2, latest, staging, production",
    "fraud:0": "valid: 1 to 2, latest, staging, production",
    "fraud:": "valid: 1 to 2, latest, staging, production",
    "fraud:staging": "fraudlab models promote fraud VERSION --to staging",
    "frod:production": "did you mean 'fraud'? Valid: fraud",
}


@pytest.mark.parametrize("word", WRONG)
@pytest.mark.parametrize("verb", ["--endpoint", "--model", "export"])
def test_what_is_no_version_is_told_which_there_are(
    registry: ModelRegistry, word: str, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["models", "export", word] if verb == "export" else ["predict", verb, word, "t.csv"]
    assert main([*words, "--registry", str(registry.folder)]) == RegistryError.exit_code
    assert WRONG[word] in capsys.readouterr().err


def booster_of(archive: Path) -> bytes:
    with tarfile.open(archive) as tar:
        member = tar.extractfile("xgboost-model")
        assert member is not None
        return member.read()


def test_a_version_is_exported_as_its_run_is(registry: ModelRegistry, in_tmp: Path) -> None:
    said: list[str] = []
    named = export_model("fraud:production", output=in_tmp / "a.tar.gz", registry=registry.folder)
    run = export_model("run-1", output=in_tmp / "b.tar.gz", runs=in_tmp / "runs", say=said.append)
    assert booster_of(named) == booster_of(run)
    assert said[-1] == f"archive: {run} (xgboost-model)"

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.contract import file_sha256
from fraudlab.container.failure import ConfigError
from fraudlab.container.model_files import model_file
from fraudlab.container.model_files.model_file import Model, read_model, write_model

from ..boosters import features, train

BOOSTER = bytes(train(features(3)).save_raw("ubj"))
CONTRACT = {**features(3).as_json(), "threshold": 0.5, "hashes": {"data": "d"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model(tmp_path / "model", BOOSTER, CONTRACT)
    return tmp_path / "model"


def refusal(folder: Path, **limits: int) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_model(folder, **limits)
    return caught.value


def test_round_trip(folder: Path) -> None:
    found = read_model(folder)
    assert bytes(found.booster) == BOOSTER
    assert found.features.names == ["n0", "n1", "n2", "n3", "c0"]
    assert found.threshold == 0.5
    contract = json.loads((folder / "model.json").read_text())
    assert contract["schema"] == 1
    assert contract["hashes"] == {"data": "d", "model.ubj": found.sha256}


def test_what_a_train_job_writes(trained: Any) -> None:
    assert read_model(trained.model).contract["calibration"] is None


def break_booster(folder: Path) -> None:
    (folder / "model.ubj").write_bytes(b"other trees")


def forge_booster(folder: Path) -> None:
    """Whoever can change the one file can change the other."""
    (folder / "model.ubj").write_bytes(BOOSTER[:-30])
    change(hashes={"model.ubj": file_sha256(folder / "model.ubj")})(folder)


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def pipe(folder: Path) -> None:
    (folder / "model.ubj").unlink()
    os.mkfifo(folder / "model.ubj")


def subfolder(folder: Path) -> None:
    (folder / "model.ubj").unlink()
    (folder / "model.ubj").mkdir()


def loop(folder: Path) -> None:
    (folder / "model.ubj").unlink()
    (folder / "model.ubj").symlink_to("model.ubj")


def text(content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "model.json").write_bytes(content)

    return write


def change(**fields: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "model.json"
        content = json.loads(path.read_text()) | fields
        path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))

    return apply


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


NUMBER = {"name": "a", "type": "number"}
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "other booster": (
        break_booster,
        "model.ubj is not the file model.json was written for (its SHA-256 differs)",
    ),
    "forged": (forge_booster, "model.ubj is not a booster XGBoost wrote: after the trees, byte "),
    "no booster": (drop("model.ubj"), "there is no model.ubj in "),
    "no contract": (drop("model.json"), "there is no model.json in "),
    "pipe": (pipe, "{}/model.ubj is not a regular file"),
    "folder": (subfolder, "{}/model.ubj is not a regular file"),
    "loop": (loop, "{}/model.ubj cannot be read: Too many levels of symbolic links"),
    "schema": (change(schema=2), "model.json has schema 2; this version reads 1"),
    "no schema": (change(schema=None), "model.json has no 'schema'"),
    "no threshold": (change(threshold=None), "model.json has no 'threshold'"),
    "threshold": (change(threshold="0.5"), "'threshold' in model.json is '0.5', where float is expected"),
    "threshold true": (change(threshold=True), "'threshold' in model.json is True, where float is expected"),
    "threshold 2": (change(threshold=2), "'threshold' in model.json is 2, and scores are from 0 to 1"),
    "threshold -1": (change(threshold=-1), "'threshold' in model.json is -1, and scores are from 0 to 1"),
    "threshold nan": (change(threshold=float("nan")), "model.json is not JSON: "),
    "calibration": (
        change(calibration={"a": 1}),
        "'calibration' in model.json has no 'kind'",
    ),
    "uncalibrated": (change(uncalibrated=1), "'uncalibrated' in model.json is 1, where str is expected"),
    "run": (change(run_id=7), "'run_id' in model.json is 7, where str is expected"),
    "label": (change(label=["y"]), "'label' in model.json is ['y'], where str is expected"),
    "decision": (change(decision="f1"), "'decision' in model.json is 'f1', where dict is expected"),
    "versions": (change(versions=[1]), "'versions' in model.json is [1], where dict is expected"),
    "rounds": (change(rounds=0), "'rounds' in model.json is 0, and a model has at least one"),
    "rounds 1.5": (change(rounds=1.5), "'rounds' in model.json is 1.5, where int is expected"),
    "no hash": (change(hashes={}), "'hashes' in model.json has no 'model.ubj'"),
    "hash": (change(hashes={"model.ubj": 7}), "'model.ubj' in 'hashes' in model.json is 7, where str is"),
    "no columns": (change(columns=[]), "malformed columns or preprocessing: 0 columns have 0 names"),
    "columns": (change(columns=[1]), "malformed columns or preprocessing: 1 does not describe a column"),
    "one name": (change(columns=[NUMBER, NUMBER]), "malformed columns or preprocessing: 2 columns have 1 n"),
    "no name": (
        change(columns=[{"name": " ", "type": "number"}]),
        "malformed columns or preprocessing: a column has no name",
    ),
    "type": (change(columns=[{**NUMBER, "type": "text"}]), "'type' in a column is 'text'"),
    "categories": (
        change(columns=[{**NUMBER, "type": "category", "categories": ["x", "x"]}]),
        "'categories' in a column is ['x', 'x'], not a list of distinct",
    ),
    "scale": (change(preprocessing={"scale": 1}), "'scale' in 'preprocessing' in model.json is 1, where di"),
    "scale of few": (
        change(preprocessing={"scale": {"mean": [0], "std": [1]}}),
        "malformed columns or preprocessing: 'mean' is not one number a column",
    ),
    "scale of booleans": (
        change(preprocessing={"scale": {"mean": [True] * 5, "std": [1] * 5}}),
        "malformed columns or preprocessing: 'mean' is not one number a column",
    ),
    "no deviation": (
        change(preprocessing={"scale": {"mean": [0] * 5, "std": [1, 1, 0, 1, 1]}}),
        "malformed columns or preprocessing: a standard deviation is not above 0",
    ),
    "libsvm from 2": (
        change(libsvm_base=2),
        "malformed columns or preprocessing: 'libsvm_base' is 2, and libsvm counts columns from 0 or from 1",
    ),
    "other columns": (
        change(columns=[NUMBER]),
        "model.json does not fit model.ubj: the booster has names for 5 columns, and model.json names 1",
    ),
    "no json": (text(b"{"), "model.json is not JSON: "),
    "no utf-8": (text(b'{"a": "\xff"}'), "model.json is not JSON: "),
    "half a character": (text(b'{"a": "\\ud800"}'), "model.json is not JSON: "),
    "infinite": (text(b'{"a": 1e999}'), "model.json is not JSON: "),
    "a list": (text(b"[]"), "model.json does not hold a JSON object"),
    "deep": (text(b"[" * 100_000), "model.json is not JSON: "),
    "rather deep": (change(decision={"a": nested(300)}), "model.json is nested too deeply"),
    "deep threshold": (
        change(threshold=nested(900)),
        "'threshold' in model.json is [[[[[[[...]]]]]]], where",
    ),
    "long threshold": (change(threshold="9" * 10**6), "'threshold' in model.json is '999999999"),
    "long schema": (change(schema="9" * 10**6), "'schema' in model.json is '999999999"),
    "long type": (change(columns=[{**NUMBER, "type": "x" * 10**6}]), "'type' in a column is 'xxxxxxxxx"),
}


@pytest.mark.parametrize(("damage", "sentence"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_model(folder: Path, damage: Callable[[Path], None], sentence: str) -> None:
    damage(folder)
    error = refusal(folder)
    assert error.sentence.startswith(sentence.format(folder))
    assert len(error.sentence) < 400
    assert error.fix


def test_a_threshold_may_be_either_end(folder: Path) -> None:
    for threshold in (0, 1, 1.0, 0.25):
        change(threshold=threshold)(folder)
        assert read_model(folder).threshold == threshold


def test_a_huge_booster_is_not_read(folder: Path) -> None:
    size = len(BOOSTER)
    read_model(folder, max_bytes=size)
    error = refusal(folder, max_bytes=size - 1)
    assert error.sentence == f"{folder}/model.ubj has {size:,} bytes; the limit is {size - 1:,}"
    assert error.fix == "if it is a model of yours, raise FRAUDLAB_MAX_MODEL_BYTES"


def test_a_huge_contract_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MAX_CONTRACT_BYTES", 100)
    error = refusal(folder)
    assert error.sentence.endswith("bytes; the limit is 100")
    assert error.fix == "use a model folder as a train job wrote it"


def test_a_file_cut_while_it_is_read_is_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat

    def longer(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[6] += 10
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", longer)
    assert bytes(read_model(folder).booster) == BOOSTER
    monkeypatch.undo()


def test_links_are_followed(folder: Path) -> None:
    """Kubernetes mounts files as links, and so do caches of models."""
    elsewhere = folder.parent / "..data"
    folder.rename(elsewhere)
    folder.mkdir()
    for name in ("model.ubj", "model.json"):
        (folder / name).symlink_to(elsewhere / name)
    (folder.parent / "link").symlink_to(folder)
    assert bytes(read_model(folder.parent / "link").booster) == BOOSTER


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KNOWN = ("schema", "columns", "preprocessing", "threshold", "decision", "calibration", "hyperparameters")
KNOWN += (
    "rounds",
    "versions",
    "run_id",
    "label",
    "hashes",
    "scale",
    "name",
    "type",
    "categories",
    "mean",
    "std",
)


def changed(draw: st.DrawFn, value: Any) -> Any:
    """Some of a contract replaced, left out or doubled."""
    what = draw(st.sampled_from(["keep", "keep", "inside", "inside", "inside", "replace"]))
    if what == "keep":
        return value
    if what == "inside" and isinstance(value, dict):
        found = {name: changed(draw, item) for name, item in value.items() if draw(st.integers(0, 15))}
        return found | draw(st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=1))
    if what == "inside" and isinstance(value, list):
        return [
            changed(draw, item) for item in value for _ in range(draw(st.sampled_from([1, 1, 1, 1, 0, 2])))
        ]
    return draw(JSON)


@st.composite
def contracts(draw: st.DrawFn) -> Any:
    scaled = {"preprocessing": {"scale": {"mean": [0, 1, 2, 3, None], "std": [1, 1, 1, 1.5, None]}}}
    whole = {"schema": 1, **CONTRACT, **draw(st.sampled_from([{}, scaled])), "rounds": 4, "calibration": None}
    whole["calibration"] = draw(st.sampled_from([None, {"kind": "beta", "a": 1.1, "b": 0.9, "c": -3}]))
    return changed(draw, whole)


@given(contracts())
def test_any_contract_is_a_model_or_refused(tmp_path_factory: Any, content: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-contract"
    folder.mkdir(exist_ok=True)
    (folder / "model.ubj").write_bytes(BOOSTER)
    if isinstance(content, dict) and isinstance(content.get("hashes"), dict):
        content["hashes"]["model.ubj"] = file_sha256(folder / "model.ubj")
    (folder / "model.json").write_text(json.dumps(content))
    try:
        found: Model | ConfigError = read_model(folder)
    except ConfigError as error:
        found = error
    if isinstance(found, ConfigError):
        assert len(found.sentence) < 2000
        assert found.fix
    else:
        assert 0 <= found.threshold <= 1
        assert len(found.features) == 5

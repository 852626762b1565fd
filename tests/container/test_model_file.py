import json
from typing import Any

import pytest

from fraudlab.container import model_file
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.model_file import read_model, write_model

CONTRACT = {**Features([Column("a")]).as_json(), "threshold": 0.5, "hashes": {"data": "d"}}


def test_round_trip(tmp_path: Any) -> None:
    write_model(tmp_path, b"trees", CONTRACT)
    found = read_model(tmp_path)
    assert bytes(found.booster) == b"trees"
    assert found.features.names == ["a"]
    assert found.threshold == 0.5
    contract = json.loads((tmp_path / "model.json").read_text())
    assert contract["schema"] == 1
    assert contract["hashes"] == {"data": "d", "model.ubj": found.sha256}


def break_booster(folder: Any) -> None:
    (folder / "model.ubj").write_bytes(b"other trees")


def drop_booster(folder: Any) -> None:
    (folder / "model.ubj").unlink()


def change(**fields: Any) -> Any:
    def apply(folder: Any) -> None:
        path = folder / "model.json"
        content = json.loads(path.read_text()) | fields
        path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))

    return apply


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (break_booster, "model.ubj is not the file model.json was written for (its SHA-256 differs)"),
        (drop_booster, "there is no model.ubj in "),
        (change(schema=2), "model.json has schema 2; this version reads 1"),
        (change(threshold=None), "model.json has no 'threshold'"),
        (change(threshold="0.5"), "'threshold' in model.json is '0.5', where float is expected"),
        (change(hashes={}), "'hashes' in model.json has no 'model.ubj'"),
        (change(columns=[]), "malformed columns or preprocessing: 0 columns have 0 names"),
    ],
)
def test_what_does_not_belong_together(tmp_path: Any, damage: Any, sentence: str) -> None:
    write_model(tmp_path, b"trees", CONTRACT)
    damage(tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_model(tmp_path)
    assert caught.value.sentence.startswith(sentence)


def test_a_huge_file_is_not_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, b"trees" * 100, CONTRACT)
    monkeypatch.setattr(model_file, "MAX_BYTES", 499)
    with pytest.raises(ConfigError, match="is larger than"):
        read_model(tmp_path)

"""``fraudlab models export``: a model of ours where ``xgboost-model`` is expected."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.container.boosters import rows, train

from fraudlab.cli import main
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import write_model
from fraudlab.container.model_files.official import official
from fraudlab.container.scaling import Scaling
from fraudlab.errors import ConfigError
from fraudlab.models.importing import import_model

from .official import own_scores, scores_of, xgboost

NUMBERS = Features([Column("amount"), Column("hour"), Column("a[0]"), Column("age")])
MIXED = Features([*NUMBERS.columns, Column("country", ("DE", "FR", "IT"))])
DERIVED = Features(MIXED.columns, Scaling(np.full(5, 0.5), np.array([2.0, 2, 2, 2, 1]))).deriving(
    {"ratio": "amount / age", "german": "country == 'DE'"}
)
SCALED = Features(NUMBERS.columns, Scaling(np.full(4, 0.5), np.full(4, 2.0)))


def model(folder: Path, features: Features, **parameters: Any) -> Path:
    booster = train(features, **parameters)
    contract = {**features.as_json(), "threshold": 0.5, "hashes": {}}
    write_model(folder, booster.save_raw("ubj"), contract)
    return folder


def taken(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("features", "parameters"),
    [
        (NUMBERS, {}),
        (MIXED, {"max_depth": 5}),
        (SCALED, {}),
        (DERIVED, {"max_depth": 5}),
        (NUMBERS, {"booster": "dart", "rate_drop": 0.5}),
    ],
    ids=["numbers", "categories", "scaled", "derived", "dart"],
)
def test_the_archive_holds_one_booster_without_names_that_scores_the_same(
    tmp_path, capsys, features, parameters
):
    folder = model(tmp_path / "model", features, **parameters)
    out = tmp_path / "new" / "xgboost-model.tar.gz"
    assert main(["models", "export", str(folder), "--output", str(out)]) == 0
    files = taken(out)
    assert list(files) == ["xgboost-model"]  # the official container takes every file for a model
    found = xgboost.Booster({"nthread": 1}, model_file=bytearray(files["xgboost-model"]))
    assert found.feature_names is None
    assert found.feature_types is None
    matrix, _ = rows(features)
    assert own_scores(found, matrix).tobytes() == scores_of(folder, matrix).tobytes()
    said = capsys.readouterr().out
    assert "columns, in this order and without names: amount, hour, a[0], age" in said
    assert ("column 5, country, is a code: DE 0, FR 1, IT 2; any other is missing" in said) == (
        features in (MIXED, DERIVED)
    )
    assert ("numbers are scaled first, (x - mean) / std" in said) == (features in (SCALED, DERIVED))
    assert ("column german is computed of numbers before scaling: country == 'DE'" in said) == (
        features is DERIVED
    )


def test_a_model_with_derived_columns_does_not_say_what_a_booster_takes(tmp_path):
    folder = model(tmp_path / "model", DERIVED)
    with pytest.raises(ConfigError, match="has derived columns, and a booster that is brought has none"):
        import_model(
            folder / "model.ubj",
            columns=str(folder / "model.json"),
            output=tmp_path / "b",
            say=lambda line: None,
        )


def test_the_file_is_spelt_as_xgboost_before_3_1_reads_it():
    """A list as ``base_score`` is another number to XGBoost 1.7 to 3.0, without a word."""
    content = official(json.loads(train(NUMBERS).save_raw("json")))
    assert 0 < float(content["learner"]["learner_model_param"]["base_score"]) < 1
    booster = content["learner"]["gradient_booster"]["model"]
    assert "cats" not in booster
    assert {type(value) for tree in booster["trees"] for value in tree["default_left"]} == {bool}
    assert content["learner"]["feature_names"] == []


def test_splits_on_categories_are_not_spelt_for_readers_that_ignore_them():
    content = official(json.loads(train(MIXED, max_depth=5).save_raw("json")))
    trees = content["learner"]["gradient_booster"]["model"]["trees"]
    assert any(any(tree["split_type"]) for tree in trees)
    assert not any("leaf_child_counts" in tree for tree in trees)


def test_there_and_back_again(tmp_path):
    folder = model(tmp_path / "model", NUMBERS)
    out = tmp_path / "out.tar.gz"
    main(["models", "export", str(folder), "--output", str(out)])
    back = import_model(out, columns="amount,hour,a[0],age", output=tmp_path / "back", say=lambda line: None)
    matrix, _ = rows(NUMBERS)
    assert scores_of(back, matrix).tobytes() == scores_of(folder, matrix).tobytes()


def test_what_is_no_model_or_is_there_already_is_refused(tmp_path, capsys):
    assert main(["models", "export", "no-such-run", "--runs", str(tmp_path)]) == 7
    assert "There is no run 'no-such-run'" in capsys.readouterr().err
    folder = model(tmp_path / "model", NUMBERS)
    (tmp_path / "out").write_text("mine")
    assert main(["models", "export", str(folder), "--output", str(tmp_path / "out")]) == 7
    assert (tmp_path / "out").read_text() == "mine"
    (folder / "model.ubj").write_bytes(b"{")
    assert main(["models", "export", str(folder), "--output", str(tmp_path / "other")]) == 2
    assert "is not the file model.json was written for" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()

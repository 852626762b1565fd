"""``fraudlab models import``: what the official container wrote becomes a model with the same scores."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudlab.cli import main
from fraudlab.commands import serve
from fraudlab.container.exchange import adopt, convert
from fraudlab.container.failure import ConfigError as ContainerConfigError
from fraudlab.container.failure import JobError, report_failure
from fraudlab.container.model_files.model_file import read_model
from fraudlab.errors import ConfigError, RunError
from fraudlab.models import exchange_process, importing
from fraudlab.models.importing import read_columns

from .official import (
    BINARY,
    INPUTS,
    NAMES,
    PICKLE,
    archive,
    known,
    load,
    own_scores,
    rows,
    save,
    scores_of,
    train,
    xgboost,
)

VERSIONS = ["1.0.json", "1.3.json", "1.5.json", "1.7.ubj", "2.0.json", "2.1.json", "3.0.ubj"]
GIVEN = {"auto": "auto", "names": ",".join(NAMES)}


def carry_out_here(module: str, folder: Path, *, what: str) -> None:
    """As ``exchange_process.run``, in this process: starts take seconds where much else runs."""
    try:
        {"convert": convert.convert, "adopt": adopt.adopt}[module](folder)
    except JobError as error:
        report_failure(error, folder / "failure")
        raise exchange_process.failure(folder, what) from error


@pytest.fixture
def bring_apart(tmp_path, capsys):
    """Import something; what was printed, and the model."""

    def run(given, *words, columns="auto"):
        output = tmp_path / "out" / "model"
        code = main(["models", "import", str(given), "--columns", columns, "--output", str(output), *words])
        said = capsys.readouterr()
        assert list((tmp_path / "out").glob(".*")) == []  # nothing half-written
        return code, said.out + said.err, output

    return run


@pytest.fixture
def bring(bring_apart, monkeypatch):
    """The same without processes of their own."""
    monkeypatch.setattr(convert, "confine", lambda size: None)
    monkeypatch.setattr(exchange_process, "run", carry_out_here)
    verbosity = xgboost.get_config()["verbosity"]
    yield bring_apart
    xgboost.set_config(verbosity=verbosity)


def refused(bring, given, *words, columns="auto"):
    code, said, output = bring(given, *words, columns=columns)
    assert code == 2, said
    assert not output.exists()
    return said


@pytest.mark.parametrize("name", VERSIONS)
def test_every_version_since_1_0_scores_as_it_did(bring, name):
    file = INPUTS / f"xgboost-{name}"
    columns = "auto" if name[:3] in ("1.5", "3.0") else ",".join(NAMES)
    code, said, model = bring(file, *(["--rounds", "all"] if name[:3] == "1.5" else []), columns=columns)
    assert code == 0, said
    matrix, told = known(file.name)
    np.testing.assert_allclose(scores_of(model, matrix), told, rtol=0, atol=6e-8)
    if name[:3] != "1.0":  # whose deleted nodes no later version reads without help
        assert scores_of(model, matrix).tobytes() == own_scores(load(file), matrix).tobytes()
    assert f"written by XGBoost {name[:3]}." in said
    assert "to the last bit" in said
    contract = json.loads((model / "model.json").read_text())
    assert contract["imported"]["files"][0]["xgboost"].startswith(name[:3])
    assert contract["threshold"] == 0.5
    assert contract["libsvm_base"] is None
    assert (model / "model.tar.gz").is_file()


TODAY: dict[str, dict[str, Any]] = {
    "gbtree": {},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "forest": {"num_parallel_tree": 3, "subsample": 0.5},
    "reg:logistic": {"objective": "reg:logistic"},
    "base score": {"base_score": 0.001},
}
#: formats, archives, names and boosters, each with each other at least once
TABLE = [
    ("gbtree", "ubj", "file", "auto", False),
    ("gbtree", "json", "archive", "names", False),
    ("gbtree", "ubj", "folder", "auto", True),
    ("dart", "json", "file", "names", False),
    ("dart", "ubj", "archive below a folder", "auto", True),
    ("forest", "json", "archive", "auto", False),
    ("reg:logistic", "ubj", "archive", "names", True),
    ("base score", "json", "script's own name", "auto", True),
]


@pytest.mark.parametrize(("kind", "form", "place", "columns", "named"), TABLE)
def test_formats_places_and_names(bring, tmp_path, kind, form, place, columns, named):
    booster = train(names=NAMES if named else None, **TODAY[kind])
    content = bytes(booster.save_raw(form))
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "xgboost-model").write_bytes(content)
    given = {
        "file": lambda: folder / "xgboost-model",
        "folder": lambda: folder,
        "archive": lambda: archive(tmp_path / "model.tar.gz", {"./xgboost-model": content}),
        "archive below a folder": lambda: archive(tmp_path / "a", {"m/.x": b"x", "m/xgboost-model": content}),
        "script's own name": lambda: archive(
            tmp_path / "m.tar.gz",
            {
                "code/inference.py": b"import os",
                "code/requirements.txt": b"",
                "m.json": content,
                "c.json": b'{"a": 1}',
            },
        ),
    }[place]()
    code, said, model = bring(given, "--threshold", "0.25", "--libsvm-base", "1", columns=GIVEN[columns])
    assert code == 0, said
    found = read_model(model)
    assert found.features.names == (NAMES if named or columns == "names" else ["f0", "f1", "f2", "f3"])
    assert found.threshold == 0.25
    assert found.features.libsvm_base == 1
    matrix = rows(500, seed=9)
    assert scores_of(model, matrix).tobytes() == own_scores(booster, matrix).tobytes()


def test_the_proof_looks_at_thresholds_and_missing_values(bring, tmp_path):
    """A booster of thresholds around 1e6, which rows of another size would all leave at one side."""
    matrix = rows() * 10 + 1e6
    data = xgboost.DMatrix(matrix, label=matrix[:, 0] + matrix[:, 1] > 2e6)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4}, data, 3)
    code, said, _ = bring(save(booster, tmp_path / "m"))
    assert code == 0
    different = int(said.split(" different scores")[0].rsplit("(", 1)[1].replace(",", ""))
    assert different > 5


def test_the_same_in_processes_of_their_own(bring_apart):
    code, said, model = bring_apart(INPUTS / "xgboost-1.7.ubj", columns=",".join(NAMES))
    assert code == 0, said
    matrix, told = known("xgboost-1.7.ubj")
    np.testing.assert_allclose(scores_of(model, matrix), told, rtol=0, atol=6e-8)


def test_folds_become_one_booster_that_averages_raw_scores(bring, tmp_path):
    folds = [train(seed=seed, rounds=3, base_score=0.05 * (seed + 1)) for seed in range(11)]
    given = archive(
        tmp_path / "model.tar.gz",
        {f"xgboost-model-{number}": bytes(fold.save_raw("json")) for number, fold in enumerate(folds)},
    )
    code, said, model = bring(given)
    assert code == 0, said
    matrix = rows(500, seed=3)
    raw = np.mean([own_scores_margin(fold, matrix) for fold in folds], axis=0, dtype=np.float64)
    np.testing.assert_allclose(scores_of(model, matrix), 1 / (1 + np.exp(-raw)), rtol=1e-5)
    official = np.mean([own_scores(fold, matrix) for fold in folds], axis=0)
    assert "11 folds are one booster that averages their raw scores" in said
    difference = read_model(model).contract["imported"]["difference"]
    assert 0 < difference["mean"] < difference["largest"] < 0.2
    assert np.abs(official - scores_of(model, matrix)).max() < 3 * difference["largest"]
    order = [entry["name"] for entry in read_model(model).contract["imported"]["files"]]
    assert order == [f"xgboost-model-{number}" for number in range(11)]  # 10 after 9


def own_scores_margin(booster: Any, matrix: Any) -> Any:
    return booster.predict(xgboost.DMatrix(matrix), output_margin=True)


@pytest.mark.parametrize("kind", ["dart", "forest"])
def test_folds_of_other_boosters(bring, tmp_path, kind):
    folds = [train(seed=seed, **TODAY[kind]) for seed in range(2)]
    for number, fold in enumerate(folds):
        save(fold, tmp_path / f"xgboost-model-{number}")
    code, said, model = bring(tmp_path)
    assert code == 0, said
    matrix = rows(200, seed=3)
    raw = np.mean([own_scores_margin(fold, matrix) for fold in folds], axis=0, dtype=np.float64)
    np.testing.assert_allclose(scores_of(model, matrix), 1 / (1 + np.exp(-raw)), rtol=1e-5)


def test_categories_come_from_the_file_since_3_1(bring, tmp_path):
    import pandas as pd

    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "country": pd.Categorical(random.choice(["DE", "FR", "IT"], 300)),
            "code": pd.Categorical(random.choice([3, 5, 7], 300)),
            "amount": random.normal(size=300),
        }
    )
    data = xgboost.DMatrix(table, label=(table.country == "FR") | (table.code == 5), enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, data, 3)
    code, said, model = bring(save(booster, tmp_path / "m", "json"))
    assert code == 0, said
    found = read_model(model)
    assert [column.categories for column in found.features.columns] == [
        ("DE", "FR", "IT"),
        ("3", "5", "7"),
        None,
    ]
    codes = np.column_stack([table.country.cat.codes, table.code.cat.codes, table.amount]).astype(np.float32)
    assert scores_of(model, codes).tobytes() == booster.predict(data).tobytes()


def with_categories(texts: list[str] | None, tmp_path: Path) -> Path:
    """A booster whose second column has three categories, of these names or of none."""
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, 300)
    amount = random.normal(size=300)
    if texts is None:
        matrix = np.column_stack([amount, codes]).astype(np.float32)
        data = xgboost.DMatrix(
            matrix, label=codes == 1, feature_types=["float", "c"], enable_categorical=True
        )
    else:
        import pandas as pd

        table = pd.DataFrame({"amount": amount, "city": pd.Categorical.from_codes(codes, texts)})
        data = xgboost.DMatrix(table, label=codes == 1, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, data, 3)
    return save(booster, tmp_path / "xgboost-model", "json")


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (None, "column 'f1' is a category, and the file does not list its values"),
        # XGBoost cuts such a list where it counts characters for bytes
        (["Köln", "Bonn", "Ulm"], "cut such lists where they have letters beyond ASCII"),
        (["5", "5.0", "6"], "categories of column 2 have no distinct names: ['5', '5.0', '6']"),
    ],
)
def test_categories_without_certain_names_are_refused_and_may_be_described(bring, tmp_path, texts, sentence):
    given = with_categories(texts, tmp_path)
    assert sentence in refused(bring, given)
    if texts == ["5", "5.0", "6"]:
        return
    described = tmp_path / "columns.json"
    columns = [
        {"name": "amount", "type": "number"},
        {"name": "city", "type": "category", "categories": ["Köln", "Bonn", "Ulm"]},
    ]
    described.write_text(json.dumps(columns))
    code, said, model = bring(given, columns=str(described))
    assert code == 0, said
    assert read_model(model).features.columns[1].categories == ("Köln", "Bonn", "Ulm")
    assert scores_of(model, [[0, 1]])[0] > 0.7 > scores_of(model, [[0, 0]])[0]


OBJECTIVES = {
    "reg:squarederror": {},
    "binary:logitraw": {},
    "binary:hinge": {},
    "count:poisson": {},
    "rank:pairwise": {},
    "multi:softprob": {"num_class": 2},
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_that_are_no_probability_are_refused(bring, tmp_path, objective):
    booster = train(objective=objective, **OBJECTIVES[objective])
    said = refused(bring, save(booster, tmp_path / "m"))
    assert f"has the objective {objective!r}, whose scores are no probability of fraud" in said
    assert "objective=binary:logistic" in said


def test_what_2_0_wrote_of_another_objective_is_refused(bring):
    assert "'reg:squarederror'" in refused(bring, INPUTS / "xgboost-2.0-squarederror.json")


def test_a_booster_without_trees_is_refused(bring, tmp_path):
    assert "has no trees" in refused(
        bring, save(train(booster="gblinear", max_depth=None, verbosity=0), tmp_path / "m")
    )


NO_BOOSTERS = {
    "pickle": (PICKLE, "is a pickle", "pickle.load(open('xgboost-model', 'rb'))"),
    "old pickle": (
        b"ccopy_reg\n_reconstructor\n(cxgboost.core",
        "is a pickle",
        "save_model('xgboost-model.json')",
    ),
    "binary": (BINARY, "old binary format", "xgboost.Booster(model_file='xgboost-model').save_model("),
    "binary of 1.1": (b"binf" + BINARY, "old binary format", "XGBoost 1.0 to 3.0"),
    "base64 binary": (b"bs64" + BINARY, "old binary format", "XGBoost 1.0 to 3.0"),
    "empty": (b"", "is empty", "name an xgboost-model file"),
    "blank": (b" \n", "is empty", "name an xgboost-model file"),
    "zip": (b"PK\x03\x04" + bytes(30), "is a zip file", "unpack it"),
    "tar": (bytes(257) + b"ustar" + bytes(250), "is a tar archive that is not compressed", "gzip "),
    "dump": (b"booster[0]:\n0:[f0<1] yes=1", "is a text dump", "save_model"),
    "page": (b"<html>", "is a web page", "name an xgboost-model file"),
    "csv": (b"1,2,3\n", "is neither UBJSON nor JSON of XGBoost", "name an xgboost-model file"),
}


@pytest.mark.parametrize("kind", NO_BOOSTERS)
def test_what_is_no_booster_is_called_what_it_is_and_never_loaded(bring, tmp_path, kind):
    content, sentence, fix = NO_BOOSTERS[kind]
    (tmp_path / "xgboost-model").write_bytes(content)
    for given in (tmp_path / "xgboost-model", archive(tmp_path / "m.tar.gz", {"xgboost-model": content})):
        said = refused(bring, given)
        assert sentence in said
        assert fix in said


JSONS = {
    "cut": (lambda raw: raw[: len(raw) // 2], "XGBoost cannot read xgboost-model"),
    "other JSON": (lambda raw: b'{"a": 1}', "XGBoost cannot read xgboost-model"),
    "no trees": (lambda raw: raw.replace(b'"trees"', b'"treez"'), "XGBoost cannot read xgboost-model"),
    "deep": (lambda raw: b'{"learner": ' + b"[" * 200_000, "XGBoost cannot read xgboost-model"),
    "child": (
        lambda raw: raw.replace(b'"left_children":[1', b'"left_children":[9999999', 1),
        "left_children|cannot read|no",
    ),
}


@pytest.mark.parametrize("kind", JSONS)
def test_damaged_files_end_a_child_and_not_the_command(bring_apart, tmp_path, kind):
    change, sentence = JSONS[kind]
    (tmp_path / "xgboost-model").write_bytes(change(bytes(train().save_raw("json"))))
    said = refused(bring_apart, tmp_path / "xgboost-model")
    assert any(part in said for part in sentence.split("|"))
    assert "Traceback" not in said


def test_truncated_ubjson_ends_a_child_and_not_the_command(bring_apart, tmp_path):
    raw = bytes(train().save_raw("ubj"))
    for end in (20, len(raw) // 2, len(raw) - 20):
        (tmp_path / "xgboost-model").write_bytes(raw[:end])
        assert "XGBoost cannot read xgboost-model" in refused(bring_apart, tmp_path / "xgboost-model")


def test_a_tree_with_a_cycle_ends_a_child_and_not_the_command(bring_apart, tmp_path):
    content = json.loads(train().save_raw("json"))
    tree = content["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][1] = tree["right_children"][1] = 0
    (tmp_path / "xgboost-model").write_text(json.dumps(content))
    assert "XGBoost cannot read xgboost-model" in refused(bring_apart, tmp_path / "xgboost-model")


def test_time_of_the_process_that_reads_is_bounded():
    code = (
        "from fraudlab.container.exchange import process_limits\n"
        "process_limits._SECONDS = 1\nprocess_limits.confine(0)\nwhile True:\n    pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert -done.returncode in (signal.SIGXCPU, signal.SIGKILL)


COLUMNS = {
    "too few": ("a,b,c", None, "--columns has 3 names, and the booster takes 4 columns"),
    "too many": ("a,b,c,d,label", None, "--columns has 5 names, and the booster takes 4 columns"),
    "twice": ("a,b,c,a", None, "--columns has 'a' twice"),
    "empty": ("a,,c,d", None, "--columns has an empty name"),
    "another order": (
        "hour,amount,risk,age",
        NAMES,
        "column 1 of --columns is 'hour', which is column 2 of the booster",
    ),
    "no file": ("names.txt", None, "There is no file names.txt"),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_that_do_not_fit_are_refused(bring, tmp_path, kind):
    columns, own, sentence = COLUMNS[kind]
    assert sentence in refused(bring, save(train(names=own), tmp_path / "m"), columns=columns)


def test_columns_may_be_renamed_and_that_is_said(bring, tmp_path):
    code, said, model = bring(save(train(names=NAMES), tmp_path / "m"), columns="amount,stunde,risk,age")
    assert code == 0
    assert "columns have other names than in the file: hour is stunde" in said
    assert read_model(model).features.names == ["amount", "stunde", "risk", "age"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("amount\nhour\n", ["amount", "hour"]),
        ("\ufeffamount\r\nhour\r\n\r\n", ["amount", "hour"]),
        ('amount,"a, b"\n', ["amount", "a, b"]),
        ('["amount", "hour"]', ["amount", "hour"]),
        ('[{"name": "a", "type": "number"}]', [{"name": "a", "type": "number"}]),
        (
            '{"columns": [{"name": "a", "type": "number"}]}',
            {"columns": [{"name": "a", "type": "number"}], "scale": None},
        ),
    ],
)
def test_names_stand_in_files_of_several_kinds(tmp_path, text, found):
    (tmp_path / "names").write_text(text, encoding="utf-8")
    assert read_columns(str(tmp_path / "names")) == found


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", '["a", {}]', '{"columns": 3}', "[", '["a", "a"]'])
def test_files_without_names_are_refused(tmp_path, text):
    (tmp_path / "names").write_text(text)
    with pytest.raises(ConfigError, match="names"):
        read_columns(str(tmp_path / "names"))


def test_scaling_comes_along_with_the_columns_of_a_model(bring, tmp_path):
    """A model of ours whose booster another XGBoost wrote would score raw rows otherwise without it."""
    given = tmp_path / "model.json"
    columns = [{"name": name, "type": "number"} for name in NAMES]
    scale = {"mean": [1.0, 0.0, 0.0, 0.0], "std": [2.0, 1.0, 1.0, 1.0]}
    given.write_text(json.dumps({"columns": columns, "preprocessing": {"scale": scale}}))
    code, said, model = bring(save(train(), tmp_path / "m"), columns=str(given))
    assert code == 0, said
    features = read_model(model).features
    assert features.scaling is not None
    assert features.scaled(np.ones((1, 4), np.float32)).tolist() == [[0.0, 1.0, 1.0, 1.0]]


def test_a_first_column_that_nothing_looks_at_tells_of_libsvm_files_from_1(bring, tmp_path):
    matrix = rows()
    matrix[:, 0] = np.nan
    data = xgboost.DMatrix(matrix, label=np.nan_to_num(matrix[:, 1]) > 0.5)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 2)
    for base, said_so in (("1", True), ("0", False)):
        code, said, model = bring(save(booster, tmp_path / "m"), "--libsvm-base", base)
        assert code == 0
        assert ("needs --libsvm-base 0" in said) == said_so
        assert read_model(model).features.libsvm_base == int(base)
        shutil.rmtree(model)


def test_rounds_after_the_best_are_a_question_where_the_official_container_cut_them(bring):
    said = refused(bring, INPUTS / "xgboost-1.5.json")
    assert "has 4 rounds, and early stopping found the first 2 best" in said
    assert "--rounds best (2) or --rounds all (4)" in said
    code, said, model = bring(INPUTS / "xgboost-1.5.json", "--rounds", "best")
    assert code == 0
    matrix, _ = known("xgboost-1.5.json")
    assert (
        scores_of(model, matrix).tobytes()
        == own_scores(load(INPUTS / "xgboost-1.5.json")[:2], matrix).tobytes()
    )


def test_rounds_after_the_best_count_where_the_official_container_counts_them(bring, tmp_path):
    booster = train(rounds=4)
    booster.set_attr(best_iteration="1")
    code, said, model = bring(save(booster, tmp_path / "m"))
    assert code == 0
    assert "all 4 rounds, as Booster.predict; early stopping found the first 2 best" in said
    assert scores_of(model, rows()).tobytes() == own_scores(booster, rows()).tobytes()


ARCHIVES = {
    "nothing": ({"a.txt": b"x"}, "There is no booster in"),
    "two": ({"a.json": "json", "b.json": "json"}, "holds several boosters: a.json, b.json"),
    "one and folds": ({"xgboost-model": "json", "xgboost-model-0": "json"}, "holds several boosters"),
    "a fold is missing": (
        {"xgboost-model-0": "json", "xgboost-model-2": "json"},
        "has the fold xgboost-model-2, and not xgboost-model-1",
    ),
    "above": ({"../xgboost-model": "json"}, "There is no booster in"),
    "a pickle of another name": ({"model.pkl": PICKLE}, "model.pkl in"),
    "a fold that is a pickle": ({"xgboost-model-0": "json", "xgboost-model-1": PICKLE}, "xgboost-model-1 in"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_that_hold_no_certain_booster_are_refused(bring, tmp_path, kind):
    files, sentence = ARCHIVES[kind]
    content = {n: bytes(train().save_raw("json")) if c == "json" else c for n, c in files.items()}
    assert sentence in refused(bring, archive(tmp_path / "model.tar.gz", content))
    assert list(tmp_path.glob("xgboost-model*")) == []


def test_folds_of_different_trainings_are_refused(bring, tmp_path):
    save(train(), tmp_path / "xgboost-model-0")
    save(train(names=NAMES), tmp_path / "xgboost-model-1")
    assert "xgboost-model-1 is no fold of the same training as xgboost-model-0: its names" in refused(
        bring, tmp_path
    )


def test_a_broken_archive_says_so(bring, tmp_path):
    whole = archive(
        tmp_path / "model.tar.gz", {"xgboost-model": bytes(train().save_raw("json"))}
    ).read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(whole[:-200])
    code, said, _ = bring(tmp_path / "model.tar.gz")
    assert code == 5
    assert "copy it again from where it was made" in said


def test_pipes_and_what_is_not_there_are_refused(bring_apart, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in refused(bring_apart, tmp_path / "pipe")
    assert "There is no" in refused(bring_apart, tmp_path / "missing")


@pytest.mark.parametrize("threshold", ["-0.1", "1.1", "nan", "inf"])
def test_thresholds_are_scores(bring, tmp_path, threshold):
    assert "valid: 0 to 1" in refused(bring, save(train(), tmp_path / "m"), f"--threshold={threshold}")


def test_nothing_that_is_there_is_replaced(tmp_path, capsys):
    given = save(train(), tmp_path / "m")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").write_text("x")
    assert (
        main(["models", "import", str(given), "--columns", "auto", "--output", str(tmp_path / "model")]) == 7
    )
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "model" / "mine").read_text() == "x"


def test_the_process_that_reads_gets_no_secrets_and_no_module_of_the_folder(tmp_path, monkeypatch, capfd):
    (tmp_path / "xgboost.py").write_text("raise SystemExit('mine')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMET_API_KEY", "secret")
    seen: list[dict[str, str]] = []
    start = subprocess.Popen

    def note(*words: Any, **how: Any) -> Any:
        seen.append(how["env"])
        return start(*words, **how)

    monkeypatch.setattr(subprocess, "Popen", note)
    save(train(), tmp_path / "m")
    assert main(["models", "import", "m", "--columns", "auto"]) == 0
    assert len(seen) == 2
    assert not any("secret" in environment.values() for environment in seen)


def test_memory_of_the_process_that_reads_is_bounded():
    """In a process of its own, as the limits last."""
    code = (
        "from fraudlab.container.exchange import process_limits\n"
        "process_limits._MEMORY = 1 << 30\nprocess_limits.confine(0)\n"
        "try:\n    bytearray(2 << 30)\nexcept MemoryError:\n    print('bounded')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "bounded\n"


def test_a_model_that_scores_otherwise_is_never_made(tmp_path, monkeypatch):
    """The proof can fail: with other scores the second process refuses."""
    given = save(train(), tmp_path / "m")
    real = importing.exchange_process.run

    def forge(module: str, folder: Path, *, what: str) -> None:
        real(module, folder, what=what)
        if module == "convert":
            scores = np.load(folder / "scores.npy")
            scores[7] = np.nextafter(scores[7], np.float32(1))
            np.save(folder / "scores.npy", scores)

    monkeypatch.setattr(importing.exchange_process, "run", forge)
    with pytest.raises(Exception, match="1 of 2000 rows get other scores than from the file"):
        importing.import_model(given, columns="auto", output=tmp_path / "out", say=lambda line: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["xgboost-model", "xgboost-model-0"])
def test_serve_names_the_command(tmp_path, name):
    save(train(), tmp_path / name)
    with pytest.raises(RunError) as launcher:
        serve(str(tmp_path), registry=tmp_path, host="127.0.0.1", port=8080, workers=1)
    with pytest.raises(ContainerConfigError) as image:
        read_model(tmp_path)
    for said in (str(launcher.value), f"{image.value.sentence} {image.value.fix}"):
        assert f"has {name}, as the official XGBoost container writes it" in said
        assert "fraudlab models import " in said


def test_a_model_of_ours_is_no_import(bring, tmp_path):
    code, _, model = bring(save(train(), tmp_path / "m"))
    assert code == 0
    with pytest.raises(Exception, match="is a model of fraudlab already"):
        importing.import_model(model, columns="auto", output=tmp_path / "again")

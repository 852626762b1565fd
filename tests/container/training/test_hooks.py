"""Functions of one's own in training: found, checked, and what they return checked again."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.hook_source import IMAGE_FOLDER, hook_folders, read_hooks
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.container.training.hooks import Hooks, load_hooks
from fraudlab.evaluation.metrics import average_precision

DOCS = Path(__file__).parents[3] / "docs" / "hooks.md"
LOGISTIC = """
import numpy as np
def logistic(margin, label, weight):
    p = 1 / (1 + np.exp(-margin))
    return weight * (p - label), weight * p * (1 - p)
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str | bytes) -> Hooks:
        path = tmp_path / "hooks.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_hooks([tmp_path])

    return write


def data(rows: int = 2000, weight: bool = False, seed: int = 0) -> xgboost.DMatrix:
    numbers = np.random.default_rng(seed)
    matrix = numbers.normal(size=(rows, 4)).astype(np.float32)
    label = matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + numbers.normal(size=rows) > 2.5
    weights = numbers.lognormal(size=rows) if weight else None
    return xgboost.DMatrix(matrix, label=label.astype(np.float32), weight=weights, nthread=1)


def train(hooks: Hooks, given: dict[str, Any], train: Any, validation: Any, **options: Any) -> Any:
    """What a training job does with hooks."""
    parameters = read_hyperparameters({"nthread": "1", **given})
    objective = parameters.objective_hook
    history: dict[str, Any] = {}
    booster = xgboost.train(
        parameters.for_xgboost(["a", "b", "c", "d"], cpus=1),
        train,
        parameters.num_round,
        evals=[(validation, "validation")],
        obj=hooks.objective(objective) if objective else None,
        custom_metric=hooks.metrics(parameters.metric_hooks, margins=objective is not None)
        if parameters.metric_hooks
        else None,
        evals_result=history,
        verbose_eval=False,
        **options,
    )
    return booster, history["validation"]


# where it lies


def test_the_first_folder_that_has_one(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("config", "code", "image")]
    for folder in folders:
        folder.mkdir()
    for folder in reversed(folders):
        (folder / "hooks.py").write_text(f"def {folder.name}(label, score, weight): return 1.0")
        assert set(load_hooks(folders).functions) == {folder.name}


def test_a_job_looks_into_two_channels_and_the_image(tmp_path: Path) -> None:
    found = hook_folders(Tree(tmp_path))
    assert found == [tmp_path / "input/data/config", tmp_path / "input/data/code", IMAGE_FOLDER]
    assert Path("/opt/fraudlab") == IMAGE_FOLDER


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").mkdir()
    with pytest.raises(ConfigError) as caught:
        load_hooks([tmp_path, tmp_path / "b"])
    assert caught.value.sentence == f"a hook is named, and there is no hooks.py in {tmp_path} or {tmp_path}/b"
    assert caught.value.fix == "put hooks.py into the channel config"


def test_nothing_is_written_beside_the_file(write: Any, tmp_path: Path) -> None:
    write(LOGISTIC)
    assert [path.name for path in tmp_path.iterdir()] == ["hooks.py"]


def test_the_file_is_known_by_its_hash(write: Any, tmp_path: Path) -> None:
    from fraudlab.container.contract import file_sha256

    assert write(LOGISTIC).sha256 == file_sha256(tmp_path / "hooks.py")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def money(label score): pass", " line 1 is not Python: "),
        ("x = 1\n\n  y = 2", " line 3 is not Python: unexpected indent"),
        (b"x = '\xff'", " is not Python: "),
        (b"x = 1\0", " is not Python: "),
        ("import numpy\nx = np.log(1)", " raised NameError: name 'np' is not defined (line 2)"),
        (
            "import nothing_of_that_name",
            " raised ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("import sys\n\nsys.exit(0)", " raised SystemExit: 0 (line 3)"),
        ("(" * 500 + ")" * 500, " is not Python: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_that_does_not_run(write: Any, tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        write(text)
    assert caught.value.sentence.startswith(f"{tmp_path / 'hooks.py'} ")
    assert sentence in caught.value.sentence
    assert caught.value.fix


def test_a_name_that_is_not_there_lists_those_that_are(write: Any) -> None:
    hooks = write(
        "import math\nfrom math import log\ndef _inner(): pass\ndef money(a, b, c): return 1.0\nfocal = log"
    )
    for asked in (hooks.objective, hooks.metric, hooks.direction):
        with pytest.raises(ConfigError) as caught:
            asked("monye")
        assert caught.value.sentence.endswith("hooks.py has no function 'monye' (did you mean 'money'?)")
        assert caught.value.fix == "name one of: focal, money"


def test_names_are_known_without_running_the_file(tmp_path: Path) -> None:
    path = tmp_path / "h.py"
    path.write_text("raise SystemExit\ndef money(a, b, c): ...\nrate: float = 1\nempty: int\na = b = money\n")
    source = read_hooks(path)
    assert source.names == ("money", "rate", "a", "b")
    source.require(["money", "a"])
    with pytest.raises(ConfigError):
        source.require(["empty"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("f = 3", "'f' in HERE is not a function"),
        (
            "def f(label, score): return 1.0",
            "hook f cannot be called as f(label, score, weight): too many positi",
        ),
        (
            "def f(label, score, weight, k): return 1.0",
            "hook f cannot be called as f(label, score, weight): missing",
        ),
        ("def f(label, score, weight): return 1.0\nf.maximize = 1", "f.maximize is 1, not True or False"),
    ],
)
def test_what_cannot_be_a_metric(write: Any, tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        write(text).metric("f")
    assert caught.value.sentence.replace(str(tmp_path / "hooks.py"), "HERE").startswith(sentence)


# what it returns


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("return None", "returned nothing, not a gradient and a hessian"),
        ("return margin", "returned a ndarray, not a gradient and a hessian"),
        ("return margin, margin[:5]", "returned a hessian of shape (5,) for 2000 rows"),
        ("return margin.reshape(-1, 1), margin", "returned a gradient of shape (2000, 1) for 2000 rows"),
        ("return 1.0, margin", "returned a gradient of shape () for 2000 rows"),
        ("return None, margin", "returned a gradient that is nothing, not an array of floats"),
        (
            "return margin.astype(str), margin",
            "returned a gradient that is a ndarray, not an array of floats",
        ),
        ("return margin + 1j, margin", "returned a gradient that is a ndarray, not an array of floats"),
        ("return margin * float('nan'), margin", "returned a gradient that is nan in row 0"),
        ("margin[7] = 1e39\n    return margin, margin", "returned a gradient that is inf in row 7"),
        ("return margin, 1 / weight[0:0].sum()", "raised "),
        ("return undefined", "raised NameError: name 'undefined' is not defined (line 3)"),
        ("exit(1)", "raised SystemExit: 1 (line 3)"),
    ],
)
def test_wrong_gradients_name_the_hook_and_the_round(write: Any, body: str, wrong: str) -> None:
    hooks = write(f"import numpy as np\ndef f(margin, label, weight):\n    {body}")
    with pytest.raises(ConfigError) as caught, np.errstate(divide="raise"):
        train(hooks, {"objective": "hook:f"}, data(), data())
    assert caught.value.sentence.startswith(f"hook f {wrong}")
    assert caught.value.sentence.endswith(", in round 0")
    assert caught.value.fix == "correct hooks.py"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("None", "returned nothing, not a number"),
        ("'1.0'", "returned a str, not a number"),
        ("True", "returned a bool, not a number"),
        ("score", "returned a ndarray, not a number"),
        ("('f', 1.0)", "returned a tuple, not a number"),
        ("float('nan')", "returned nan"),
        ("-np.inf", "returned -inf"),
        ("1 // 0", "raised ZeroDivisionError: "),
    ],
)
def test_wrong_values_name_the_hook_and_the_round(write: Any, value: str, wrong: str) -> None:
    hooks = write(f"import numpy as np\ndef f(label, score, weight): return {value}")
    with pytest.raises(ConfigError) as caught:
        train(hooks, {"eval_metric": "hook:f"}, data(), data())
    assert caught.value.sentence.startswith(f"hook f {wrong}")
    assert caught.value.sentence.endswith(", in round 0")


def test_rounds_are_counted_from_where_the_job_is(write: Any) -> None:
    hooks = write(
        "def f(margin, label, weight):\n"
        "    return (margin - label, label * 0 + 1) if abs(margin).max() < 0.05 else 0\n"
        "def g(label, score, weight): return 1.0 if score.max() < 0.55 else None"
    )
    found = []
    parameters = {"objective": "binary:logistic", "base_score": 0.5, "learning_rate": 0.02, "nthread": 1}
    for first in (0, 40):
        sentences = []
        for options in (
            {"obj": hooks.objective("f", first_round=first)},
            {"custom_metric": hooks.metric("g", first_round=first)},
        ):
            both = [(data(), "train"), (data(), "validation")]
            with pytest.raises(ConfigError) as caught:
                xgboost.train(parameters, data(), 99, evals=both, verbose_eval=False, **options)
            sentences.append(int(caught.value.sentence.rsplit(" ", 1)[1]))
        found.append(sentences)
    assert found[0][0] > 0
    assert found[0][1] > 0
    assert found[1] == [number + 40 for number in found[0]]


# what it is given


def test_an_objective_like_xgboosts_own_gives_the_same_model(write: Any) -> None:
    hooks = write(LOGISTIC)
    weighed, validation = data(weight=True), data(seed=1)
    given = {"num_round": "10", "base_score": "0.5", "eval_metric": "logloss,auc"}
    ours, ours_measured = train(hooks, {**given, "objective": "hook:logistic"}, weighed, validation)
    own, own_measured = train(hooks, given, weighed, validation)
    np.testing.assert_allclose(ours.predict(validation), own.predict(validation), atol=1e-5)
    np.testing.assert_allclose(ours_measured["logloss"], own_measured["logloss"], atol=1e-5)


def test_the_model_needs_no_hook_to_give_probabilities(write: Any) -> None:
    validation = data(seed=1)
    booster, _ = train(write(LOGISTIC), {"objective": "hook:logistic"}, data(), validation)
    alone = xgboost.Booster(model_file=bytearray(booster.save_raw("ubj")))
    score = alone.predict(validation)
    assert 0.0 < score.min() < score.max() < 1.0
    assert '"name": "binary:logistic"' in re.sub(r'":"', '": "', alone.save_config())


@pytest.mark.parametrize("objective", ["binary:logistic", "hook:logistic"])
def test_a_metric_receives_probabilities_whatever_the_objective(write: Any, objective: str) -> None:
    hooks = write(
        LOGISTIC + "def logloss_too(label, score, weight):\n"
        "    return -np.average(np.log(np.where(label == 1, score, 1 - score)), weights=weight)\n"
        "def highest(label, score, weight): return score.max()\n"
    )
    validation = data(weight=True, seed=1)
    given = {"objective": objective, "num_round": "5", "eval_metric": "logloss,hook:logloss_too,hook:highest"}
    booster, measured = train(hooks, given, data(), validation)
    assert list(measured) == ["logloss", "logloss_too", "highest"]
    np.testing.assert_allclose(measured["logloss_too"], measured["logloss"], atol=2e-6)
    assert measured["highest"][-1] == pytest.approx(float(booster.predict(validation).max()), abs=2e-6)


def test_a_hook_alone_is_the_only_metric(write: Any) -> None:
    hooks = write("def f(label, score, weight): return weight.sum()")
    _, measured = train(hooks, {"num_round": "2", "eval_metric": "hook:f"}, data(), data())
    assert measured == {"f": [2000.0, 2000.0]}


def test_arrays_are_the_hooks_to_change(write: Any) -> None:
    hooks = write(
        "def spoil(label, score, weight):\n    label[:] = 0; score[:] = 0; weight[:] = 0\n    return 0.0\n"
        "def rest(label, score, weight): return label.sum() + score.max() + weight.min()"
    )
    _, measured = train(hooks, {"num_round": "2", "eval_metric": "hook:spoil,hook:rest"}, data(), data())
    assert min(measured["rest"]) > 1.0


def test_directions(write: Any) -> None:
    hooks = write(
        "def up(label, score, weight): return 1.0\nup.maximize = True\n"
        "def down(label, score, weight): return 1.0\n"
        "def said(label, score, weight): return 1.0\nsaid.maximize = False\n"
    )
    assert [hooks.direction(name) for name in ("up", "down", "said")] == ["maximize", "minimize", "minimize"]


def test_large_margins_are_probabilities_too(write: Any) -> None:
    hooks = write(
        "def top(label, score, weight): return score.max()\ndef low(label, score, weight): return score.min()"
    )
    given = hooks.metrics(["top", "low"], margins=True)
    matrix = xgboost.DMatrix(np.zeros((3, 1)), label=[0, 1, 0])
    top, low = given(np.array([-3e38, 0, 3e38], np.float32), matrix)
    assert top == ("top", 1.0)
    assert low[1] == pytest.approx(0.0)


# the page


@pytest.fixture
def documented(write: Any) -> Hooks:
    blocks = re.findall(r"```python[^\n]*\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) == 2
    return write("\n\n".join(blocks))


def test_the_pages_examples_train(documented: Hooks) -> None:
    weighed, validation = data(6000, weight=True), data(6000, weight=True, seed=1)
    given = {
        "objective": "hook:focal",
        "eval_metric": "aucpr,hook:money",
        "num_round": "60",
        "min_child_weight": "0",
        "max_depth": "3",
    }
    stop = xgboost.callback.EarlyStopping(
        rounds=10, metric_name="money", maximize=documented.direction("money") == "maximize"
    )
    booster, measured = train(documented, given, weighed, validation, callbacks=[stop])
    assert len(measured["money"]) < 60
    assert booster.best_iteration == int(np.argmax(measured["money"]))
    label, score = validation.get_label().astype(np.uint8), booster.predict(validation)
    assert average_precision(label, score) > 5 * label.mean()
    money = (label * validation.get_weight())[np.argsort(-score, kind="stable")[:100]].sum()
    expected = money / (label * validation.get_weight()).sum()
    assert measured["money"][-1] == pytest.approx(expected, abs=1e-5)


def test_the_pages_focal_loss_has_the_derivatives_of_the_loss(documented: Hooks) -> None:
    margin = np.linspace(-4, 4, 41)

    def loss(at: Any, label: float) -> Any:
        p = 1 / (1 + np.exp(-(2 * label - 1) * at))
        return -((1 - p) ** 2) * np.log(p)

    for label in (0.0, 1.0):
        step = 1e-4
        gradient, hessian = documented.functions["focal"](margin, np.full(41, label), np.full(41, 3.0))
        slope = (loss(margin + step, label) - loss(margin - step, label)) / (2 * step)
        bend = (loss(margin + step, label) - 2 * loss(margin, label) + loss(margin - step, label)) / step**2
        np.testing.assert_allclose(gradient, 3 * slope, atol=1e-6)
        np.testing.assert_allclose(hessian, 3 * np.maximum(bend, 1e-6), atol=1e-4)


def test_the_pages_focal_loss_without_gamma_is_xgboosts_own(write: Any) -> None:
    text = "\n".join(re.findall(r"```python[^\n]*\n(.*?)```", DOCS.read_text(), re.DOTALL))
    hooks = write(text.replace("GAMMA = 2.0", "GAMMA = 0.0"))
    given = {"num_round": "10", "base_score": "0.5"}
    validation = data(seed=1)
    ours, _ = train(hooks, {**given, "objective": "hook:focal"}, data(), validation)
    own, _ = train(hooks, given, data(), validation)
    np.testing.assert_allclose(ours.predict(validation), own.predict(validation), atol=1e-5)

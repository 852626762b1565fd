"""The refit: a second fit on train and validation, of which validation's figures say nothing."""

import json
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xgboost

from fraudlab.api_requests import read_round
from fraudlab.container import train
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.runtime import StopRequest
from fraudlab.container.scorer import load_scorer
from fraudlab.container.training import refit
from fraudlab.evaluation.metrics import average_precision

from .test_checkpoints import DART, SAMPLED, empty, names, read_along, results, start

CHOSEN = {"num_round": 60, "learning_rate": 0.5, "early_stopping_rounds": 3, "checkpoint_rounds": 4}
FIRST, HELD, TESTED = 1200, 400, 300


@pytest.fixture
def job(stand_alone: Any, rows: Any) -> Callable[..., Tree]:
    def lay_out(*, test: bool = False, **hyperparameters: Any) -> Tree:
        chosen = {**CHOSEN, "refit": "true", **hyperparameters}
        tested = rows(TESTED, seed=5) if test else None
        return stand_alone(rows(FIRST), rows(HELD, seed=4), tested, **chosen)

    return lay_out


def contract(tree: Tree) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tree.model / "model.json").read_text())
    return content


def model(tree: Tree) -> bytes:
    return (tree.model / "model.ubj").read_bytes()


def result(tree: Tree, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tree.results / name).read_text())
    return content


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        SAMPLED,
        {"fraud_bins": 0.9, "max_bin": 32, "base_score": 0.5},
        {"tree_method": "exact"},
        {"tree_method": "approx"},
        {"scale_pos_weight": 3.0},
        {"save_best": "false"},
        {"early_stopping_rounds": 0, "num_round": 7},
        {"early_stopping_rounds": 0, "num_round": 9, **DART},
    ],
    ids=["plain", "sampled", "fraud_bins", "exact", "approx", "weighted", "all rounds", "no stop", "dart"],
)
def test_it_is_the_model_of_both_channels_as_one_with_the_same_rounds(
    job: Any, stand_alone: Any, rows: Any, chosen: dict[str, Any]
) -> None:
    tree = job(**chosen)
    train.run(tree)
    refitted, found = model(tree), contract(tree)
    assert found["refit"]["rows"] == FIRST + HELD
    (tree.channel("validation") / "part.csv").unlink()
    tree.channel("validation").rmdir()
    settings = {**CHOSEN, **chosen, "num_round": found["rounds"], "early_stopping_rounds": 0}
    train.run(stand_alone(np.concatenate([rows(FIRST), rows(HELD, seed=4)]), **settings))
    assert contract(tree)["refit"] is None
    assert model(tree) == refitted


def test_validation_is_measured_by_the_first_fit_and_test_by_the_model(job: Any, rows: Any) -> None:
    tree = job(test=True, refit="false")
    train.run(tree)
    first, alone = contract(tree), results(tree)
    measured = result(tree, "validation.json")
    assert first["refit"] is None
    train.run(job(test=True))
    found = contract(tree)
    assert found["refit"] == {
        "rounds": first["rounds"],
        "rows": FIRST + HELD,
        "frauds": (FIRST + HELD) // 5,
        "first_fit": {"rows": FIRST, "frauds": FIRST // 5},
        "validation_figures": "first_fit",
    }
    assert found["rounds"] == first["rounds"]
    assert found["threshold"] == first["threshold"]
    assert found["decision"] == first["decision"]
    assert result(tree, "validation.json") == measured
    refitted = results(tree)
    assert refitted[0] != alone[0]
    assert refitted[1] == alone[1]  # the history of rounds is the first fit's
    scorer = load_scorer(tree.model)
    held, tested = rows(HELD, seed=4), rows(TESTED, seed=5)
    flattered = average_precision(held[:, 0], scorer.score(held[:, 1:].astype(np.float32)))
    assert (
        flattered > measured["average_precision"]
    )  # it has learned these rows: the figure is never this one
    shipped = average_precision(tested[:, 0], scorer.score(tested[:, 1:].astype(np.float32)))
    assert result(tree, "test.json")["average_precision"] == shipped


@pytest.mark.parametrize("without", ["train", "validation"])
def test_rows_without_weights_weigh_one_beside_those_that_have_some(
    job: Any, tree: Tree, rows: Any, without: str
) -> None:
    found = []
    for given in (True, False):
        job(eval_metric="logloss")
        for name, table in (("train", rows(FIRST)), ("validation", rows(HELD, seed=4))):
            weigh = "" if name == without and not given else ":1"
            lines = (
                f"{row[0]:g}{weigh} " + " ".join(f"{at}:{value:.10g}" for at, value in enumerate(row[1:]))
                for row in table
            )
            (tree.channel(name) / "part.csv").unlink(missing_ok=True)
            (tree.channel(name) / "part.libsvm").write_text("\n".join(lines) + "\n")
        train.run(tree)
        found.append(model(tree))
    assert found[0] == found[1]


def test_it_needs_validation(stand_alone: Any, rows: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(stand_alone(rows(), refit="true"))
    assert caught.value.sentence == (
        "refit trains on train and validation together, and there is no validation channel"
    )


def test_its_lines_are_no_rounds(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = job()
    train.run(tree)
    printed = capsys.readouterr().out.splitlines()
    begun = next(at for at, line in enumerate(printed) if line.startswith("refit on train and validation"))
    rounds = contract(tree)["rounds"]
    assert printed[begun] == (
        f"refit on train and validation: rows={FIRST + HELD} frauds={(FIRST + HELD) // 5} rounds={rounds}"
    )
    assert f"refit-round={rounds}/{rounds}" in printed[begun:]
    assert (
        sum(read_round(line) is not None for line in printed[:begun])
        == result(tree, "history.json")["rounds"]
    )
    for line in printed[begun:]:
        assert read_round(line) is None
        assert "[" not in line
        assert "validation-" not in line  # what SageMaker's metrics are found by


@pytest.mark.parametrize("sampling", [{}, SAMPLED, {"save_best": "false", **DART}])
@pytest.mark.parametrize("fit", ["rounds", "refit"])
@pytest.mark.parametrize("left", [1, 2])
def test_it_goes_on_from_what_either_fit_has_left(
    job: Any, sampling: dict[str, Any], fit: str, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = job(**sampling, learning_rate=0.3)
    folder = tree.root / "checkpoints"
    folder.mkdir()
    train.run(tree)
    expected, kept = results(tree), names(tree)
    of_fit = [name for name in kept if name.startswith(fit)]
    assert len(of_fit) == 2
    if fit == "rounds":  # killed in the first fit, nothing of the second is there
        gone = [name for name in kept if name.startswith("refit")] + of_fit[left:]
    else:
        gone = of_fit[left:]
    for name in gone:
        (folder / name).unlink()
    capsys.readouterr()
    train.run(tree)
    assert results(tree) == expected
    assert names(tree) == kept
    assert f"{of_fit[left - 1]} rounds=" in capsys.readouterr().out


def test_more_rounds_of_both_go_on(job: Any) -> None:
    few = {"early_stopping_rounds": 0, "num_round": 9, **SAMPLED}
    tree = job(**few)
    (tree.root / "checkpoints").mkdir()
    train.run(tree)
    train.run(job(**few | {"num_round": 14}))
    gone_on = results(tree)
    empty(tree)
    train.run(tree)
    assert results(tree) == gone_on


def test_fewer_rounds_than_an_earlier_refit_had(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks for the best rounds after all asks for fewer: the first fit is the same one."""
    tree = job(save_best="false", num_round=60, early_stopping_rounds=9, checkpoint_rounds=4)
    (tree.root / "checkpoints").mkdir()
    train.run(tree)
    capsys.readouterr()
    best = {"save_best": "true", "num_round": 60, "early_stopping_rounds": 9, "checkpoint_rounds": 4}
    train.run(job(**best))
    assert "is passed over: it has" in capsys.readouterr().out
    gone_on = results(tree)
    empty(tree)
    train.run(tree)
    assert results(tree) == gone_on


def test_a_checkpoint_of_the_refit_is_none_of_the_first_fit(job: Any) -> None:
    tree = job()
    folder = tree.root / "checkpoints"
    folder.mkdir()
    train.run(tree)
    kept = names(tree)
    last = [name for name in kept if name.startswith("refit")][-1]
    for name in kept:
        if name != last:
            (folder / name).unlink()
    (folder / last).rename(folder / last.replace("refit", "rounds"))
    with pytest.raises(ConfigError, match="is of another training: fit differ"):
        train.run(tree)


@pytest.mark.parametrize("at", ["before", "first round", "later"])
def test_told_to_stop_the_model_of_the_first_fit_is_saved_and_gone_on_from(
    job: Any, at: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = job()
    (tree.root / "checkpoints").mkdir()
    train.run(job(refit="false"))
    alone = model(tree)
    train.run(job())
    expected = results(tree)
    empty(tree)
    stop, read, fit = StopRequest(), refit.read_again, refit.fit_all

    def read_and_stop(*given: Any) -> Any:
        if at == "first round":
            stop.make()
        return read(*given)

    def fit_and_stop(*given: Any, on_round: Any, **more: Any) -> Any:
        def after(member: int, number: int, metrics: Any) -> None:
            on_round(member, number, metrics)
            if at == "later" and number == 2:
                stop.make()

        return fit(*given, on_round=after, **more)

    monkeypatch.setattr(refit, "read_again", read_and_stop)
    monkeypatch.setattr(refit, "fit_all", fit_and_stop)
    if at == "before":
        decide = train._decide
        monkeypatch.setattr(train, "_decide", lambda *a, **k: (stop.make(), decide(*a, **k))[1])
    train.run(tree, stop)
    assert model(tree) == alone
    assert contract(tree)["refit"] is None
    assert "the model of the first fit is saved" in capsys.readouterr().out
    monkeypatch.undo()
    train.run(tree)
    assert results(tree) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [{"num_round": 60}, {"num_round": 90, **SAMPLED, "early_stopping_rounds": 60, "learning_rate": 0.05}],
    ids=["plain", "sampled"],
)
def test_killed_again_and_again_it_ends_with_the_same_bytes(job: Any, chosen: dict[str, Any]) -> None:
    """A real process and a real SIGKILL, in both fits."""
    tree = job(**{"early_stopping_rounds": 0, "checkpoint_rounds": 10, **chosen})
    (tree.root / "checkpoints").mkdir()
    train.run(tree)
    expected = results(tree)
    empty(tree)
    for path in (*tree.model.iterdir(), *tree.results.iterdir()):
        path.unlink()
    dice, killed = random.Random(5), {"rounds": 0, "refit": 0}
    while killed["refit"] < 2:
        with read_along(tree) as (running, lines):
            left, fit = dice.randint(8, 20), "rounds"
            for line in lines:
                if fit == "rounds" and line.startswith("refit"):
                    left, fit = dice.randint(1, 3), "refit"  # it has few lines, and is ahead of its reader
                left -= line.startswith(("[", "refit-round"))
                if left <= 0:
                    break
            if left > 0:
                assert running.wait(60) == 0
                break
            time.sleep(dice.random() * 0.02)
            running.kill()
            running.wait(60)
            killed[fit] += 1
    train.run(tree)
    assert killed["rounds"] >= 2, killed
    assert killed["refit"] >= 1, killed
    assert results(tree) == expected


@pytest.mark.slow
def test_sigterm_in_the_refit_ends_well(job: Any) -> None:
    tree = job(num_round=400, early_stopping_rounds=0, max_depth=2)
    with start(tree) as running:
        assert running.stdout is not None
        assert any(line.startswith("refit on train") for line in running.stdout)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert running.returncode == 0
    found = contract(tree)
    booster = xgboost.Booster(model_file=str(tree.model / "model.ubj"))
    assert booster.num_boosted_rounds() == found["rounds"] == 400

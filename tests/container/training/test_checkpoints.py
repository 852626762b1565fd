"""Checkpoints: what a killed training goes on from, and what it refuses to go on from."""

import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
import xgboost

import fraudlab
from fraudlab.container import train
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError, StorageError
from fraudlab.container.runtime import StopRequest
from fraudlab.container.training import members
from fraudlab.container.training.checkpoints import checkpoint_folder

SOURCES = str(Path(fraudlab.__file__).parents[1])


@pytest.fixture
def kept(stand_alone: Any, rows: Any) -> Callable[..., Tree]:
    """A job with a folder for checkpoints, one every five rounds."""

    def lay_out(**hyperparameters: Any) -> Tree:
        chosen = {"num_round": 23, "checkpoint_rounds": 5, "learning_rate": 0.3, **hyperparameters}
        tree = stand_alone(rows(), rows(400, seed=4), **chosen)
        (tree.root / "checkpoints").mkdir(exist_ok=True)
        return tree

    return lay_out


def results(tree: Tree) -> tuple[bytes, dict[str, Any]]:
    history = json.loads((tree.results / "history.json").read_text())
    del history["seconds"]
    return (tree.model / "model.ubj").read_bytes(), history


def names(tree: Tree) -> list[str]:
    return sorted(path.name for path in (tree.root / "checkpoints").iterdir())


SAMPLED = {"subsample": 0.6, "colsample_bytree": 0.7, "seed": 9}


def empty(tree: Tree) -> None:
    for path in (tree.root / "checkpoints").iterdir():
        path.unlink()


def test_the_last_two_stay_and_say_what_they_hold(kept: Any) -> None:
    tree = kept(**SAMPLED, eval_metric="logloss,aucpr")
    train.run(tree)
    assert names(tree) == ["rounds-000020.checkpoint", "rounds-000023.checkpoint"]
    line, _, booster = (tree.root / "checkpoints/rounds-000020.checkpoint").read_bytes().partition(b"\n")
    header = json.loads(line)
    _, history = results(tree)
    assert header["progress"]["rounds"] == 20
    assert header["progress"]["metrics"] == {k: v[:20] for k, v in history["metrics"].items()}
    assert header["training"]["hyperparameters"]["subsample"] == 0.6
    assert header["training"]["versions"] == {"xgboost": xgboost.__version__}
    assert header["bytes"] == len(booster)
    assert xgboost.Booster(model_file=bytearray(booster)).num_boosted_rounds() == 20


DART = {"booster": "dart", "rate_drop": 0.2, "seed": 9}


@pytest.mark.parametrize("sampling", [{}, SAMPLED, DART])
@pytest.mark.parametrize(("rounds", "length"), [(1, 100), (4, 100), (5, 4)])
def test_a_checkpoint_of_the_last_round_is_there_whatever_the_segments(
    kept: Any, sampling: dict[str, Any], rounds: int, length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = kept(num_round=rounds, checkpoint_rounds=length, **sampling)
    train.run(tree)
    assert names(tree)[-1] == f"rounds-{rounds:06d}.checkpoint"
    expected = results(tree)
    capsys.readouterr()
    train.run(tree)
    printed = capsys.readouterr().out.splitlines()
    assert "no round is left to train: the checkpoint is that of a training that has ended" in printed
    assert not any(line.startswith("[") for line in printed)
    assert results(tree) == expected


@pytest.mark.parametrize(("sampling", "start"), [({}, 8), (SAMPLED, 5), (DART, 5)])
def test_more_rounds_go_on_where_they_end_with_the_bytes_of_a_job_that_never_stopped(
    kept: Any, sampling: dict[str, Any], start: int, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = kept(num_round=17, **sampling)
    train.run(tree)
    expected = results(tree)
    empty(tree)
    train.run(kept(num_round=8, **sampling))
    assert names(tree) == ["rounds-000005.checkpoint", "rounds-000008.checkpoint"]
    capsys.readouterr()
    train.run(kept(num_round=17, **sampling))
    printed = capsys.readouterr().out
    assert results(tree) == expected
    assert f"rounds-{start:06d}.checkpoint rounds={start} continues" in printed
    reason = "rounds draw random numbers, and it ends inside a segment of 5 rounds"
    assert (f"rounds-000008.checkpoint is passed over: {reason}" in printed) == bool(sampling)
    assert names(tree) == ["rounds-000015.checkpoint", "rounds-000017.checkpoint"]


@pytest.mark.parametrize("sampling", [{}, SAMPLED])
def test_one_more_round_at_a_time_never_begins_again(
    kept: Any, sampling: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The checkpoint of a whole segment stays, however many of parts of one come after it."""
    for rounds in (6, 7, 8, 9):
        tree = kept(num_round=rounds, **sampling)
        train.run(tree)
        assert names(tree) == ["rounds-000005.checkpoint", f"rounds-{rounds:06d}.checkpoint"]
    assert capsys.readouterr().out.count("continues") == 3
    gone_on = results(tree)
    empty(tree)
    train.run(tree)
    assert results(tree) == gone_on


@pytest.mark.parametrize("sampling", [{}, SAMPLED])
def test_fewer_rounds_of_the_same_segment_go_on_from_its_beginning(
    kept: Any, sampling: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    tree = kept(num_round=23, **sampling)
    train.run(tree)
    train.run(kept(num_round=21, **sampling))
    printed = capsys.readouterr().out
    assert "rounds-000023.checkpoint is passed over: it has 23 rounds, and num_round is 21" in printed
    assert "rounds=20 continues" in printed
    assert names(tree) == ["rounds-000020.checkpoint", "rounds-000021.checkpoint"]
    gone_on = results(tree)
    empty(tree)
    train.run(tree)
    assert results(tree) == gone_on


@pytest.mark.parametrize("sampling", [{}, SAMPLED])
@pytest.mark.parametrize("num_round", [60, 61, 90])
def test_a_job_that_stopped_early_has_ended_whatever_more_is_asked_for(
    kept: Any, sampling: dict[str, Any], num_round: int, capsys: pytest.CaptureFixture[str]
) -> None:
    early = {"early_stopping_rounds": 2, "learning_rate": 0.9, "checkpoint_rounds": 50, **sampling}
    tree = kept(num_round=60, **early)
    train.run(tree)
    expected = results(tree)
    rounds = expected[1]["rounds"]
    assert rounds < 50
    assert names(tree) == [f"rounds-{rounds:06d}.checkpoint"]
    capsys.readouterr()
    train.run(kept(num_round=num_round, **early))
    assert results(tree) == expected
    assert "no round is left to train" in capsys.readouterr().out


@pytest.mark.parametrize(("sampling", "left"), [({}, [5, 7]), (SAMPLED, [5])])
def test_a_job_that_was_told_to_stop_leaves_what_can_be_gone_on_from(
    kept: Any, sampling: dict[str, Any], left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = kept(**sampling)
    train.run(tree)
    expected = results(tree)
    empty(tree)
    stop = StopRequest()
    line = members.round_line

    def after_seven(number: int, metrics: Any) -> str:
        if number == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return line(number, metrics)

    monkeypatch.setattr(members, "round_line", after_seven)
    train.run(tree, stop)
    assert results(tree)[1]["rounds"] == 7
    assert names(tree) == [f"rounds-{rounds:06d}.checkpoint" for rounds in left]
    monkeypatch.setattr(members, "round_line", line)
    train.run(tree)
    assert results(tree) == expected


@pytest.mark.parametrize("sampling", [{}, SAMPLED])
def test_a_folder_for_checkpoints_changes_no_byte(kept: Any, sampling: dict[str, Any]) -> None:
    tree = kept(**sampling)
    train.run(tree)
    with_folder = results(tree)
    for path in (tree.root / "checkpoints").iterdir():
        path.unlink()
    (tree.root / "checkpoints").rmdir()
    train.run(tree)
    assert results(tree) == with_folder
    assert not (tree.root / "checkpoints").exists()


@pytest.mark.parametrize("sampling", [{}, SAMPLED])
@pytest.mark.parametrize("early", [{}, {"early_stopping_rounds": 4, "learning_rate": 0.9}])
@pytest.mark.parametrize("newest", [1, 2])
def test_going_on_is_the_same_as_not_stopping(
    kept: Any,
    sampling: dict[str, Any],
    early: dict[str, Any],
    newest: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = kept(num_round=60, **sampling, **early)
    train.run(tree)
    expected = results(tree)
    for name in names(tree)[newest:]:
        (tree.root / "checkpoints" / name).unlink()
    rounds = int(names(tree)[-1][7:13])
    capsys.readouterr()
    train.run(tree)
    assert results(tree) == expected
    printed = capsys.readouterr().out.splitlines()
    assert (
        f"checkpoint={tree.root}/checkpoints/rounds-{rounds:06d}.checkpoint rounds={rounds} continues"
        in printed
    )
    trained = [line for line in printed if line.startswith("[")]
    assert len(trained) == expected[1]["rounds"] - rounds


def test_a_checkpoint_of_all_rounds_is_the_model(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = kept(num_round=20, **SAMPLED)
    train.run(tree)
    expected = results(tree)
    capsys.readouterr()
    train.run(tree)
    assert results(tree) == expected
    assert "validation-" not in capsys.readouterr().out


def test_more_rounds_go_on_from_fewer(kept: Any) -> None:
    tree = kept(num_round=23, **SAMPLED)
    train.run(tree)
    kept(num_round=38, **SAMPLED)
    train.run(tree)
    gone_on = results(tree)
    for path in (tree.root / "checkpoints").iterdir():
        path.unlink()
    train.run(tree)
    assert results(tree) == gone_on


def test_a_read_only_channel_is_gone_on_from(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = kept(**SAMPLED)
    train.run(tree)
    expected = results(tree)
    (tree.root / "checkpoints").rename(tree.channel("checkpoints"))
    before = {path: path.read_bytes() for path in tree.channel("checkpoints").iterdir()}
    train.run(tree)
    assert results(tree) == expected
    assert "rounds=23 continues" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in tree.channel("checkpoints").iterdir()} == before
    assert not (tree.root / "checkpoints").exists()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(content)


def shorten_history(path: Path) -> None:
    line, _, booster = path.read_bytes().partition(b"\n")
    header = json.loads(line)
    header["progress"]["metrics"]["aucpr"].pop()
    path.write_bytes(json.dumps(header).encode() + b"\n" + booster)


def pretend_more_rounds(path: Path) -> None:
    path.write_bytes(path.with_name("rounds-000020.checkpoint").read_bytes())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "it is cut short"),
        (flip, "its SHA-256 differs"),
        (lambda path: path.write_bytes(b""), "it cannot be read"),
        (lambda path: path.write_bytes(b"junk"), "it cannot be read"),
        (lambda path: path.write_bytes(b"[1]\n"), "it is not a checkpoint of this version"),
        (lambda path: path.write_bytes(b'{"schema": 9}\n'), "it is not a checkpoint of this version"),
        (lambda path: path.write_bytes(b'{"schema": 1}\n'), "its header has no 'bytes'"),
        (shorten_history, "metric 'aucpr' has no value a round"),
        (pretend_more_rounds, "it holds 20 rounds"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over(
    kept: Any, damage: Callable[[Path], Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = kept(**SAMPLED)
    train.run(tree)
    expected = results(tree)
    newest = tree.root / "checkpoints/rounds-000023.checkpoint"
    damage(newest)
    capsys.readouterr()
    train.run(tree)
    printed = capsys.readouterr().out.splitlines()
    assert f"checkpoint={newest} is passed over: {reason}" in printed
    assert any(line.endswith("rounds=20 continues") for line in printed)
    assert results(tree) == expected


def test_one_that_holds_no_booster_is_passed_over(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib

    tree = kept()
    train.run(tree)
    newest = tree.root / "checkpoints/rounds-000023.checkpoint"
    line, _, booster = newest.read_bytes().partition(b"\n")
    # what XGBoost itself would end the process for, among them
    for forged in (b"{}{}", booster[:-1], booster[: len(booster) // 2]):
        header = json.loads(line) | {"bytes": len(forged), "sha256": hashlib.sha256(forged).hexdigest()}
        newest.write_bytes(json.dumps(header).encode() + b"\n" + forged)
        train.run(tree)
        assert f"checkpoint={newest} is passed over: it does not hold a booster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_depth": 4}, "hyperparameters differ (max_depth was 3, and is 4)"),
        ({"early_stopping_rounds": 7}, "hyperparameters differ (early_stopping_rounds was 0, and is 7)"),
        ({"seed": 1}, "hyperparameters differ (seed was 0, and is 1)"),
    ],
)
def test_other_hyperparameters_are_another_training(
    kept: Any, changes: dict[str, Any], sentence: str
) -> None:
    tree = kept()
    train.run(tree)
    model = results(tree)
    with pytest.raises(ConfigError) as caught:
        train.run(kept(**changes))
    assert caught.value.sentence == (
        f"the checkpoint rounds-000023.checkpoint is of another training: {sentence}"
    )
    assert caught.value.fix == "start with an empty checkpoint folder, or train as before"
    assert results(tree) == model


def test_what_comes_after_the_rounds_may_change(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = kept()
    train.run(tree)
    train.run(kept(decision_threshold=0.3, k_fold=2, nthread=1))
    assert "rounds=23 continues" in capsys.readouterr().out


@pytest.mark.parametrize("channel", ["train", "validation"])
def test_other_data_is_another_training(kept: Any, channel: str) -> None:
    tree = kept()
    train.run(tree)
    path = tree.channel(channel) / "part.csv"
    path.write_text(path.read_text() + "0,1,2,3,4\n")
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert caught.value.sentence.endswith(f"is of another training: data differ ({channel})")


def test_the_name_of_a_file_is_not_its_data(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = kept()
    train.run(tree)
    (tree.channel("train") / "part.csv").rename(tree.channel("train") / "other.csv")
    train.run(tree)
    assert "rounds=23 continues" in capsys.readouterr().out


def test_another_xgboost_is_another_training(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = kept()
    train.run(tree)
    monkeypatch.setattr(xgboost, "__version__", "9.9.9")
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert "versions differ (xgboost was " in caught.value.sentence


def test_fewer_rounds_than_there_are(kept: Any) -> None:
    train.run(kept())
    with pytest.raises(ConfigError) as caught:
        train.run(kept(num_round=12))
    assert caught.value.sentence == (
        "the checkpoint rounds-000020.checkpoint has 20 rounds, and num_round is 12"
    )


def test_where_they_are_kept(tree: Tree) -> None:
    config = tree.checkpoint_config
    config.parent.mkdir(parents=True)
    assert checkpoint_folder(tree) is None
    config.write_text("{}")
    assert checkpoint_folder(tree) == tree.root / "checkpoints"
    config.write_text('{"LocalPath": "/opt/ml/checkpoints/mine/"}')
    assert checkpoint_folder(tree) == tree.root / "checkpoints/mine"
    config.write_text('{"LocalPath": "/mnt/kept"}')
    assert checkpoint_folder(tree) == Path("/mnt/kept")
    config.write_text('{"LocalPath": "kept"}')
    with pytest.raises(ConfigError, match="'kept', not an absolute path"):
        checkpoint_folder(tree)


def test_a_configured_folder_is_made(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), num_round=6, checkpoint_rounds=3)
    tree.checkpoint_config.write_text('{"S3Uri": "s3://b/k", "LocalPath": "/opt/ml/checkpoints"}')
    train.run(tree)
    assert names(tree) == ["rounds-000003.checkpoint", "rounds-000006.checkpoint"]


def test_none_are_written_where_none_are_wanted(kept: Any) -> None:
    tree = kept(checkpoint_rounds=0)
    train.run(tree)
    assert names(tree) == []


def test_what_a_kill_left_unfinished_is_removed(kept: Any) -> None:
    tree = kept()
    (tree.root / "checkpoints/.rounds-000050.checkpoint.unfinished").write_bytes(b"half")
    train.run(tree)
    assert names(tree) == ["rounds-000020.checkpoint", "rounds-000023.checkpoint"]


def test_a_folder_that_cannot_be_one(kept: Any) -> None:
    tree = kept()
    (tree.root / "checkpoints").rmdir()
    (tree.root / "checkpoints").write_text("a file")
    with pytest.raises(StorageError) as caught:
        train.run(tree)
    assert caught.value.sentence == f"no checkpoint can be written to {tree.root}/checkpoints: File exists"


def test_a_read_only_folder(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = kept()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(StorageError) as caught:
        train.run(tree)
    assert caught.value.sentence.endswith("checkpoints: it is read-only")


def start(tree: Tree, *, stdout: Any = subprocess.PIPE, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fraudlab.container", "train"],
        env={**os.environ, "PYTHONPATH": SOURCES, "FRAUDLAB_ML_ROOT": str(tree.root)},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


@contextmanager
def read_along(tree: Tree) -> Iterator[tuple[subprocess.Popen[str], TextIO]]:
    """A job that gets some ten lines ahead of its reader at most; into a pipe it writes hundreds."""
    here, there = socket.socketpair()
    there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    with here, there, start(tree, stdout=there) as job, here.makefile() as lines:
        there.close()
        yield job, lines


def no_room() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))


def test_a_full_disk_is_a_storage_error_and_leaves_nothing_half_written(kept: Any) -> None:
    tree = kept(num_round=6)
    with start(tree, preexec_fn=no_room) as job:
        output = job.communicate()[0]
    assert job.returncode == 8
    assert tree.training_failure.read_text().splitlines() == [
        f"no checkpoint can be written to {tree.root}/checkpoints: File too large",
        "fix: free disk space, or give the job a writable checkpoint folder",
        "kind: storage",
    ]
    assert names(tree) == []
    assert "Traceback" not in output


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [
        {"num_round": 150},
        {"num_round": 150, **SAMPLED, "eval_metric": "logloss,auc,aucpr"},
        {
            "num_round": 1000,
            **SAMPLED,
            "early_stopping_rounds": 60,
            "eval_metric": "aucpr,logloss",
            "learning_rate": 0.05,
        },
        {"num_round": 80, "booster": "dart", "rate_drop": 0.05},
    ],
    ids=["plain", "sampled", "early", "dart"],
)
def test_killed_again_and_again_it_ends_with_the_same_bytes(kept: Any, chosen: dict[str, Any]) -> None:
    """A real process, a real SIGKILL, at moments nobody chose."""
    tree = kept(checkpoint_rounds=10, **chosen)
    with start(tree) as job:
        output = job.communicate()[0]
        assert job.returncode == 0, output
    expected = results(tree)
    for path in (tree.root / "checkpoints").iterdir():
        path.unlink()
    for path in (tree.model, tree.results):
        for file in path.iterdir():
            file.unlink()
    dice = random.Random(len(output))
    killed, continued = 0, 0
    for _ in range(60):
        with read_along(tree) as (job, lines):
            left = dice.randint(5, 15)
            for line in lines:
                continued += line.endswith("continues\n")
                left -= line.startswith("[")
                if left <= 0:
                    break
            if left > 0:  # it came to the end before its turn
                assert job.wait(60) == 0
                break
            time.sleep(dice.random() * 0.02)
            job.kill()
            job.wait(60)
            killed += 1
    assert killed >= 4, (killed, continued)
    assert continued >= 3
    assert results(tree) == expected


@pytest.mark.slow
def test_told_to_stop_at_any_moment_it_ends_well(kept: Any) -> None:
    """A model and exit code 0, or nothing to save and a sentence that says so; within seconds."""
    tree = kept(num_round=60, k_fold=3, checkpoint_rounds=20)
    begin = time.monotonic()
    with start(tree) as job:
        assert job.stdout is not None
        job.stdout.read()
    whole = time.monotonic() - begin
    assert job.returncode == 0
    dice, ends = random.Random(4), []
    for number in range(14):
        for path in (tree.model, tree.results, tree.root / "checkpoints"):
            for file in path.iterdir():
                file.unlink()
        tree.training_failure.unlink(missing_ok=True)
        with start(tree) as job:
            assert job.stdout is not None
            if number == 0:  # whatever else the machine does, one is told while it trains
                assert any(line.startswith("[5]") for line in job.stdout)
            else:
                time.sleep(whole * dice.uniform(0.1, 1.0))
            job.terminate()
            told = time.monotonic()
            output = job.communicate(timeout=60)[0]
        assert time.monotonic() - told < 20
        ends.append(job.returncode)
        if job.returncode == 0:
            model = json.loads((tree.model / "model.json").read_text())
            booster = xgboost.Booster(model_file=str(tree.model / "model.ubj"))
            assert booster.num_boosted_rounds() == model["rounds"] >= 1
            assert not tree.training_failure.exists()
        elif job.returncode == 1:
            assert tree.training_failure.read_text().splitlines()[0] == (
                "the job was told to stop before its first round"
            ), output
            assert not list(tree.model.iterdir())
        else:
            assert job.returncode == -signal.SIGTERM  # before Python ran a line of ours
    assert 0 in ends

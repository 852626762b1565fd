"""Several hosts: real processes that meet on this machine's loopback addresses."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

import fraudlab
from fraudlab.container import train
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError, JobError
from fraudlab.container.hosts import Hosts, read_hosts
from fraudlab.container.scorer import load_scorer
from fraudlab.evaluation.metrics import average_precision

SOURCES = str(Path(fraudlab.__file__).parents[1])
NAMES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """Trees of some hosts, and the processes that train over them."""

    def __init__(self, root: Path, count: int) -> None:
        self.trees = [Tree(root / f"host-{number}") for number in range(count)]
        self.jobs: list[subprocess.Popen[str]] = []
        for number, tree in enumerate(self.trees):
            tree.resource_config.parent.mkdir(parents=True)
            # In no particular order, and with an interface that is not there.
            content = {
                "current_host": NAMES[number],
                "hosts": [*NAMES[:count][::-1]],
                "network_interface_name": "ethwe",
            }
            tree.resource_config.write_text(json.dumps(content))

    def give(self, channel: str, tables: list[np.ndarray]) -> None:
        for tree, table in zip(self.trees, tables, strict=True):
            tree.channel(channel).mkdir(parents=True, exist_ok=True)
            text = "".join(",".join(f"{value:.10g}" for value in row) + "\n" for row in table)
            (tree.channel(channel) / "part.csv").write_text(text)

    def ask(self, **hyperparameters: Any) -> None:
        chosen = {"num_round": 12, "max_depth": 3, "nthread": 1, **hyperparameters}
        for tree in self.trees:
            tree.hyperparameters.write_text(json.dumps({name: str(value) for name, value in chosen.items()}))

    def start(self, order: tuple[int, ...] | None = None, pause: float = 0.0, code: str = "") -> None:
        command = ["-c", code] if code else ["-m", "fraudlab.container"]
        port = str(free_port())
        self.jobs = [None] * len(self.trees)  # type: ignore[list-item]
        for number in order or range(len(self.trees)):
            self.jobs[number] = subprocess.Popen(
                [sys.executable, "-W", "error", *command, "train"],
                env={
                    **os.environ,
                    "PYTHONPATH": SOURCES,
                    "FRAUDLAB_ML_ROOT": str(self.trees[number].root),
                    "FRAUDLAB_HOSTS_PORT": port,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            time.sleep(pause)

    def reach_round(self, number: int) -> None:
        out = self.jobs[0].stdout
        assert out is not None
        assert any(line.startswith(f"[{number}]") for line in out)

    def train_on(self, tables: list[np.ndarray], held: np.ndarray, **options: Any) -> None:
        """Start a training that does not end by itself, and let it come some way."""
        self.give("train", tables)
        self.give("validation", [held] * len(tables))
        self.ask(num_round=100_000)
        self.start(**options)
        self.reach_round(5)

    def wait(self, seconds: float = 120) -> list[str]:
        return [job.communicate(timeout=seconds)[0] for job in self.jobs]

    def run(self, **options: Any) -> list[str]:
        self.start(**options)
        outputs = self.wait()
        assert [job.returncode for job in self.jobs] == [0] * len(self.jobs), "\n\n".join(outputs)
        return outputs

    def model(self) -> bytes:
        return (self.trees[0].model / "model.ubj").read_bytes()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[int], Cluster]]:
    made: list[Cluster] = []

    def make(count: int) -> Cluster:
        made.append(Cluster(tmp_path / f"cluster-{len(made)}", count))
        return made[-1]

    yield make
    for group in made:
        for job in group.jobs:
            with job:
                job.kill()


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3])
def test_hosts_with_shards_make_one_model(cluster: Any, rows: Any, count: int) -> None:
    table, held, tested = rows(1200), rows(400, seed=4), rows(301, seed=5)
    group = cluster(count)
    group.give("train", np.array_split(table, count))
    group.give("validation", np.array_split(held, count))
    group.give("test", np.array_split(tested, count))
    group.ask(fraud_bins=0.5, eval_metric="logloss,aucpr", subsample=0.9, early_stopping_rounds=5)
    outputs = group.run()
    first, *others = group.trees
    for tree in others:
        assert not tree.model.exists()
        assert not tree.results.exists()
    assert all("\tvalidation-" not in output for output in outputs[1:])
    scorer = load_scorer(first.model)
    score = scorer.score(held[:, 1:].astype(np.float32))
    validation, history = load(first.results / "validation.json"), load(first.results / "history.json")
    assert validation["rows"] == 400
    assert validation["average_precision"] == average_precision(held[:, 0], score)
    assert max(history["metrics"]["aucpr"]) > 2 * held[:, 0].mean()
    scores = parquet.read_table(first.results / "test_scores.parquet")
    np.testing.assert_array_equal(scores["label"], tested[:, 0])
    np.testing.assert_array_equal(scores["score"], scorer.score(tested[:, 1:].astype(np.float32)))
    model = group.model()
    for path in (first.model / "model.ubj", first.model / "model.json"):
        path.unlink()
    # Whoever comes first or last, it is the same model.
    group.run(order=tuple(range(count))[::-1], pause=0.3)
    assert group.model() == model


@pytest.mark.slow
@pytest.mark.parametrize("without", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_hosts_without_rows_are_left_out(cluster: Any, rows: Any, without: tuple[int, ...]) -> None:
    table, held = rows(1200), rows(400, seed=4)
    parts = dict(
        zip([n for n in range(3) if n not in without], np.array_split(table, 3 - len(without)), strict=True)
    )
    group, alone = cluster(3), cluster(len(parts))
    group.give("train", [parts.get(number, table[:0]) for number in range(3)])
    group.give("validation", [held] * 3)
    alone.give("train", list(parts.values()))
    alone.give("validation", [held, held[:0]][: len(parts)])  # nor need all have validation
    (group.trees[without[-1]].channel("train") / "part.csv").unlink()  # no file is as an empty one
    for tree in (*group.trees, *alone.trees):
        tree.input_data_config.write_text('{"train": {}, "validation": {}}')
    outputs = []
    for one in (group, alone):
        one.ask(fraud_bins=0.5, early_stopping_rounds=5, subsample=0.9)
        outputs.append(one.run())
    for number, tree in enumerate(group.trees):
        line = f"host {NAMES[number]} has no rows of channel train, and others have: it is left out"
        assert (line in outputs[0][number]) == (number in without)
        assert tree.model.exists() == (number == min(parts))
    first = group.trees[min(parts)]
    assert (first.model / "model.ubj").read_bytes() == alone.model()
    both = [load(tree.results / "validation.json") for tree in (first, alone.trees[0])]
    assert both[0] == both[1]
    assert both[0]["rows"] == 400


@pytest.mark.slow
def test_a_host_that_is_left_out_fails_with_those_who_train(cluster: Any, rows: Any) -> None:
    group = cluster(3)
    group.train_on([rows(600), rows(600)[:0], rows(600, seed=8)], rows(400, seed=4))
    group.jobs[2].kill()
    for number in (0, 1):
        group.jobs[number].communicate(timeout=30)
        assert group.jobs[number].returncode == 1
        assert (
            group.trees[number]
            .training_failure.read_text()
            .startswith(f"host {NAMES[number]} lost the connection to another host")
        )


@pytest.mark.slow
def test_rows_to_measure_on_are_not_left_out(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.give("train", [rows(600), rows(600)[:0]])
    group.give("validation", np.array_split(rows(400, seed=4), 2))
    group.ask()
    group.start()
    group.wait()
    assert [job.returncode for job in group.jobs] == [2, 2]
    for tree in group.trees:
        assert tree.training_failure.read_text().splitlines()[:2] == [
            "host 127.0.0.2 has rows of channel validation that others have not, and none of channel train",
            "fix: give all hosts the same validation (FullyReplicated), or use fewer instances",
        ]


@pytest.mark.slow
def test_hosts_none_of_which_has_rows_say_so(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.give("train", [rows(4)[:0]] * 2)
    group.ask()
    group.start()
    outputs = group.wait()
    assert [job.returncode for job in group.jobs] == [3, 3]
    assert all("channel train has only empty files" in output for output in outputs)


@pytest.mark.slow
def test_replicated_files_are_shared_out_row_by_row(cluster: Any, rows: Any) -> None:
    table, held = rows(1200), rows(400, seed=4)
    replicated, sharded = cluster(2), cluster(2)
    replicated.give("train", [table, table])
    replicated.give("validation", [held, held])
    sharded.give("train", [table[0::2], table[1::2]])
    sharded.give("validation", [held[:100], held[100:]])
    for group in (replicated, sharded):
        group.ask()
        group.run()
    assert replicated.model() == sharded.model()
    one, two = (load(group.trees[0].results / "history.json") for group in (replicated, sharded))
    assert one["metrics"] == two["metrics"]


@pytest.mark.slow
def test_the_metrics_of_rounds_are_those_of_a_single_host(cluster: Any, rows: Any) -> None:
    """XGBoost's own, over hosts, would be a mean of their areas under curves."""
    import xgboost

    table, held = rows(1200), rows(401, seed=4)
    group = cluster(3)
    group.give("train", [table] * 3)
    group.give("validation", np.array_split(held, 3))
    group.ask(eval_metric="auc,aucpr,logloss", num_round=3)
    group.run()
    chosen = {"eval_metric": ["auc", "aucpr", "logloss"]}
    booster = xgboost.Booster(chosen, model_file=str(group.trees[0].model / "model.ubj"))
    matrix = xgboost.DMatrix(
        held[:, 1:].astype(np.float32), held[:, 0], feature_names=[f"f{number}" for number in range(4)]
    )
    words = booster.eval_set([(matrix, "x")]).split("\t")[1:]
    history = load(group.trees[0].results / "history.json")["metrics"]
    assert [values[-1] for values in history.values()] == [float(word.rpartition(":")[2]) for word in words]


@pytest.mark.slow
def test_all_hosts_go_on_from_the_first_ones_checkpoint(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.give("train", np.array_split(rows(1200), 2))
    group.give("validation", [rows(400, seed=4)] * 2)
    group.ask(num_round=14, checkpoint_rounds=5, subsample=0.7)
    group.run()
    expected = group.model()
    folder = group.trees[0].root / "checkpoints"
    folder.mkdir()
    group.run()
    assert group.model() == expected
    assert sorted(path.name for path in folder.iterdir()) == [
        "rounds-000010.checkpoint",
        "rounds-000014.checkpoint",
    ]
    outputs = group.run()
    assert "rounds=14 continues" in outputs[0]
    assert group.model() == expected
    (folder / "rounds-000014.checkpoint").unlink()
    outputs = group.run()
    assert "rounds=10 continues" in outputs[0]
    assert group.model() == expected
    assert not (group.trees[1].root / "checkpoints").exists()
    # One host is not two.
    alone = json.loads(group.trees[0].resource_config.read_text()) | {"hosts": ["127.0.0.1"]}
    group.trees[0].resource_config.write_text(json.dumps(alone))
    group.trees = group.trees[:1]
    group.start()
    (output,) = group.wait()
    assert group.jobs[0].returncode == 2
    assert "is of another training: data differ (train)" in output


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 2])
def test_a_host_that_is_killed_ends_all_in_seconds(cluster: Any, rows: Any, killed: int) -> None:
    group = cluster(3)
    group.train_on(np.array_split(rows(1200), 3), rows(400, seed=4))
    group.jobs[killed].kill()
    left = [number for number in range(3) if number != killed]
    start = time.monotonic()
    for number in left:
        group.jobs[number].communicate(timeout=30)
    assert time.monotonic() - start < 30
    for number in left:
        assert group.jobs[number].returncode == 1
        sentence, fix, kind = group.trees[number].training_failure.read_text().splitlines()
        assert sentence == (
            f"host {NAMES[number]} lost the connection to another host, which failed or was stopped"
        )
        assert fix == "fix: read the log of each of the others: 127.0.0.1, 127.0.0.2, 127.0.0.3"
        assert kind == "kind: internal"
    assert not group.trees[0].model.exists()


@pytest.mark.slow
def test_a_host_xgboost_leaves_waiting_ends_as_well(cluster: Any, rows: Any) -> None:
    """It does so now and then, when another is killed; here the host waits for ever in any case."""
    group = cluster(2)
    code = (
        "import sys, time\n"
        "from fraudlab.container import __main__ as command, hosts\n"
        "exchange = hosts._sum\n"
        "def wait(values):\n"
        "    try:\n"
        "        return exchange(values)\n"
        "    except Exception:\n"
        "        time.sleep(1000)\n"
        "hosts._sum = wait\n"
        "sys.exit(command.main())\n"
    )
    group.train_on(np.array_split(rows(1200), 2), rows(400, seed=4), code=code)
    group.jobs[0].kill()
    output, _ = group.jobs[1].communicate(timeout=30)
    sentence = "host 127.0.0.2 lost the connection to another host, which failed or was stopped"
    assert group.jobs[1].returncode == 1
    assert group.trees[1].training_failure.read_text().splitlines()[0] == sentence
    assert f"fraudlab-failure: {sentence}\n" in output


@pytest.mark.slow
def test_a_shard_may_be_without_fraud(cluster: Any, rows: Any) -> None:
    table = rows(1200)
    table = table[table[:, 0].argsort(kind="stable")]
    group = cluster(2)
    group.give("train", np.array_split(table, 2))
    group.ask(fraud_bins=0.5)
    group.run()
    assert load(group.trees[0].model / "model.json")["rounds"] == 12


@pytest.mark.slow
def test_a_host_that_cannot_read_says_why_on_every_host(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    broken = rows(600)
    group.give("train", [rows(600), broken])
    (group.trees[1].channel("train") / "part.csv").write_text("1,2,3\n0,x,3\n")
    group.ask()
    group.start()
    group.wait()
    assert [job.returncode for job in group.jobs] == [3, 3]
    other = group.trees[1].training_failure.read_text().splitlines()[0]
    assert "part.csv" in other
    assert group.trees[0].training_failure.read_text().splitlines()[0] == f"host 127.0.0.2 failed: {other}"


@pytest.mark.slow
def test_hosts_with_other_parameters_or_mixed_files(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.give("train", [rows(600), rows(600, seed=8)])
    group.ask()
    group.trees[1].hyperparameters.write_text('{"max_depth": "9"}')
    group.start()
    group.wait()
    assert [job.returncode for job in group.jobs] == [2, 2]
    for tree in group.trees:
        assert tree.training_failure.read_text().startswith(
            "hosts 127.0.0.1 and 127.0.0.2 have different hyperparameters\n"
        )
    mixed = cluster(3)
    mixed.give("train", [rows(600), rows(600), rows(600, seed=8)])
    mixed.ask()
    mixed.start()
    mixed.wait()
    for tree in mixed.trees:
        assert tree.training_failure.read_text().startswith(
            "some of the hosts have the same files of channel train, and some have others\n"
        )


@pytest.mark.slow
def test_sigterm_on_one_host_saves_the_rounds_so_far(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.train_on(np.array_split(rows(1200), 2), rows(400, seed=4))
    group.jobs[1].send_signal(signal.SIGTERM)
    group.wait(60)
    assert [job.returncode for job in group.jobs] == [0, 0]
    assert 5 < load(group.trees[0].model / "model.json")["rounds"] < 100_000


@pytest.mark.parametrize(
    ("chosen", "what"), [({"k_fold": 3}, "k_fold"), ({"tree_method": "exact"}, "tree_method=exact")]
)
def test_what_needs_one_host(cluster: Any, rows: Any, chosen: dict[str, Any], what: str) -> None:
    group = cluster(2)
    group.give("train", [rows(600)] * 2)
    group.ask(**chosen)
    with pytest.raises(ConfigError) as caught:
        train.run(group.trees[0])
    assert caught.value.sentence == f"{what} needs one host, and the job has 2"


def test_which_host_this_is(tree: Tree) -> None:
    assert read_hosts(tree) == Hosts()
    tree.resource_config.parent.mkdir(parents=True)
    tree.resource_config.write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
    assert len(read_hosts(tree)) == 1
    tree.resource_config.write_text('{"current_host": "b", "hosts": ["c", "b", "a"]}')
    hosts = read_hosts(tree)
    assert (hosts.names, hosts.rank, hosts.first, hosts.name) == (("a", "b", "c"), 1, False, "b")
    tree.resource_config.write_text('{"current_host": "d", "hosts": ["c", "b", "a"]}')
    with pytest.raises(ConfigError) as caught:
        read_hosts(tree)
    assert caught.value.sentence == "current_host in resourceconfig.json is 'd', not one of c, b, a"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "9099/tcp", "²"])
def test_a_port_that_is_none(cluster: Any, rows: Any, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("FRAUDLAB_HOSTS_PORT", port)
    group = cluster(2)
    group.give("train", [rows(600)] * 2)
    group.ask()
    with pytest.raises(ConfigError) as caught:
        train.run(group.trees[0])
    assert caught.value.sentence == f"FRAUDLAB_HOSTS_PORT is {port!r}, not a port"


def test_a_host_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from fraudlab.container.hosts import meeting

    asked = []

    def unknown(name: str, *rest: Any) -> Any:
        asked.append(name)
        raise socket.gaierror(-2, "Name or service not known")

    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(meeting.socket, "getaddrinfo", unknown)
    monkeypatch.setattr(meeting.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(meeting.time, "monotonic", lambda: next(clock))
    with pytest.raises(JobError) as caught:
        meeting._address("algo-1", deadline=300)
    assert caught.value.sentence == "host algo-1 has no address after 300 s: Name or service not known"
    assert len(asked) == 5


@pytest.mark.slow
def test_a_host_that_never_comes(cluster: Any, rows: Any, tmp_path: Path) -> None:
    """All wait for it for a bounded time; here four seconds."""
    group = cluster(2)
    group.give("train", [rows(600)] * 2)
    group.ask()
    for absent in (0, 1):
        present = group.trees[1 - absent]
        code = (
            "import sys\n"
            "from fraudlab.container import __main__ as command\n"
            "from fraudlab.container.hosts import meeting\n"
            "meeting._JOIN_SECONDS = 4\n"
            "sys.exit(command.main())\n"
        )
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONPATH": SOURCES,
                "FRAUDLAB_ML_ROOT": str(present.root),
                "FRAUDLAB_HOSTS_PORT": str(free_port()),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 1
        assert time.monotonic() - start < 60
        sentence = present.training_failure.read_text().splitlines()[0]
        assert "has not met the other hosts at 127.0.0.1:" in sentence


@pytest.mark.slow
def test_a_refit_is_the_same_however_the_rows_are_shared_out(cluster: Any, rows: Any) -> None:
    """Hosts that share files out and hosts that are given shares, killed in the refit or not."""
    table, held = rows(1200), rows(400, seed=4)
    replicated, sharded, alone = cluster(2), cluster(2), cluster(1)
    replicated.give("train", [table, table])
    replicated.give("validation", [held, held])
    sharded.give("train", [table[0::2], table[1::2]])
    sharded.give("validation", [held[0::2], held[1::2]])
    alone.give("train", [table])
    alone.give("validation", [held])
    chosen = {"num_round": 14, "checkpoint_rounds": 5, "fraud_bins": 0.5, "refit": "true"}
    for group in (replicated, sharded, alone):
        group.ask(**chosen)
        group.run()
    assert replicated.model() == sharded.model()
    one, two, single = (load(group.trees[0].model / "model.json") for group in (replicated, sharded, alone))
    assert one["refit"] == two["refit"] == single["refit"]
    assert one["refit"]["rows"] == 1600
    expected = replicated.model()
    folder = replicated.trees[0].root / "checkpoints"
    folder.mkdir()
    replicated.run()
    (folder / "refit-000014.checkpoint").unlink()
    outputs = replicated.run()
    assert "refit-000010.checkpoint rounds=10 continues" in outputs[0]
    assert replicated.model() == expected


@pytest.mark.slow
def test_hosts_average_members_and_go_on_within_one(cluster: Any, rows: Any) -> None:
    group = cluster(2)
    group.give("train", np.array_split(rows(1200), 2))
    group.give("validation", [rows(400, seed=4)] * 2)
    group.ask(num_round=8, checkpoint_rounds=5, subsample=0.7, members=3, refit="true")
    group.run()
    expected = group.model()
    assert len(load(group.trees[0].model / "model.json")["members"]) == 3
    folder = group.trees[0].root / "checkpoints"
    folder.mkdir()
    group.run()
    assert group.model() == expected
    for path in folder.iterdir():
        if path.name.startswith("member03") or "refit" in path.name:
            path.unlink()
    outputs = group.run()
    assert outputs[0].count("rounds=8 continues") == 2
    assert group.model() == expected

"""One training job on two containers that find each other by the names in their ``resourceconfig.json``."""

import os
from pathlib import Path

import pytest

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

HOSTS = ("algo-1", "algo-2")


@pytest.fixture
def network(docker):
    """A network that leads nowhere; the containers on it go first."""
    name = f"fraudlab-test-{os.getpid()}"
    opt_ml.docker("network", "create", "--internal", f"--label={opt_ml.LABEL}={os.getpid()}", name)
    yield name
    docker.end()
    opt_ml.remove(os.getpid())


@pytest.fixture
def trees(tmp_path):
    """A tree a host: shards of train, and the same validation. No host is the first of its own list."""
    trees = {}
    for number, host in enumerate(HOSTS):
        tree = trees[host] = opt_ml.Tree(tmp_path / host)
        tree.put("input/data/train/part.csv", tables.label_first(*tables.frauds(300, 4, seed=number)))
        tree.put("input/data/validation/part.csv", tables.label_first(*tables.frauds(200, 4, seed=9)))
        resources = {"current_host": host, "hosts": list(reversed(HOSTS)), "network_interface_name": "ethwe0"}
        tree.put("input/config/resourceconfig.json", resources)
        tree.hyperparameters(num_round="10", subsample="0.8")
    yield trees
    for tree in trees.values():
        tree.reclaim()


def start(docker, trees, network, *hosts):
    return [
        docker.start(
            trees[host], "train", how=(*opt_ml.HARDENED, f"--network={network}", f"--network-alias={host}")
        )
        for host in hosts
    ]


def files(folder: Path):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_two_hosts_make_one_model_and_never_write_the_same_name(docker, trees, network, tmp_path):
    second, first = start(docker, trees, network, "algo-2", "algo-1")
    assert (first.wait(), second.wait()) == (0, 0), first.output + second.output
    assert files(trees["algo-1"].root / "model") == ["model.json", "model.ubj"]
    assert files(trees["algo-2"].root / "model") == []
    written = [set(files(tree.root / "output")) for tree in trees.values()]
    assert written[0] & written[1] == set()
    assert {"data/history.json", "data/validation.json"} <= written[0]
    # what both have learned from is worth more than what one has
    alone = opt_ml.Tree(tmp_path / "alone")
    for part in ("train", "validation"):
        alone.put(f"input/data/{part}/part.csv", trees["algo-1"].bytes(f"input/data/{part}/part.csv"))
    alone.hyperparameters(num_round="10", subsample="0.8")
    assert docker.run(alone, "train").process.returncode == 0
    both, one = (tree.json("output/data/validation.json") for tree in (trees["algo-1"], alone))
    assert both["rows"] == one["rows"] == 200
    assert both["average_precision"] > one["average_precision"]
    # one more time, the other way round: the same bytes
    again = trees["algo-1"].bytes("model/model.ubj")
    for host in start(docker, trees, network, "algo-1", "algo-2"):
        assert host.wait() == 0, host.output
    assert trees["algo-1"].bytes("model/model.ubj") == again


def test_both_hosts_say_why_one_of_them_failed(docker, trees, network):
    trees["algo-2"].put("input/data/train/part.csv", "0,0.1,2,3,4\n1,2,FR,4,5\n")
    first, second = start(docker, trees, network, "algo-1", "algo-2")
    assert (first.wait(), second.wait()) == (3, 3), first.output + second.output
    sentence = trees["algo-2"].failure.splitlines()[0]
    assert "row 2 of part.csv" in sentence
    assert trees["algo-1"].failure.splitlines()[0] == f"host algo-2 failed: {sentence}"
    assert files(trees["algo-1"].root / "model") == []


def test_a_host_that_is_killed_ends_the_other(docker, trees, network):
    for tree in trees.values():
        tree.hyperparameters(num_round="100000")
    first, second = start(docker, trees, network, "algo-1", "algo-2")
    first.until_round(5)
    second.kill()
    assert second.wait() == 137
    assert first.wait(60) == 1
    assert trees["algo-1"].failure.startswith("host algo-1 lost the connection to another host")


def test_a_stop_reaches_all_hosts(docker, trees, network):
    for tree in trees.values():
        tree.hyperparameters(num_round="100000")
    first, second = start(docker, trees, network, "algo-1", "algo-2")
    first.until_round(5)
    second.stop()
    assert (first.wait(), second.wait()) == (0, 0), first.output + second.output
    rounds = trees["algo-1"].json("model/model.json")["rounds"]
    assert 5 < rounds < 100_000

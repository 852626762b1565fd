"""Whichever way a run's experiment travels, its server ends up with the same."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from benchmarks.kill import doubled
from tests.comet_server import KEY, comet_server

from fraudlab.tracking.comet.internals import OWN_FACTS
from fraudlab.tracking.comet.sdk import load_sdk

SMALL = ["data.rows=20000", "data.fraud_rate=0.01", "run.id=r", "model.num_round=6"]
SMALL += ["evaluation.via=endpoint"]
PLAIN = ["backend=process"]
#: what differs between two runs in any case: times, places, how they were asked for, and who answers first
OF_THE_RUN = {"tracking.mode", "paths.runs", "paths.cache", "yes"}
#: what the SDK calls load of the machine
LOAD = "sys."
#: what of it every training has
LEAST = {"sys.cpu.percent.avg", "sys.ram.used", "sys.ram.total", "sys.disk.root.used", "sys.disk.read_bps"}


def ran(folder, server, *words):
    environment = {**os.environ, "HOME": str(folder), "COMET_CONFIG": str(folder / "none")}
    if server is not None:
        environment |= {"COMET_API_KEY": KEY, "COMET_URL_OVERRIDE": server.url}
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def live(folder, server, *words):
    ran(folder, server, "train", *SMALL, *(words or PLAIN), "tracking=online")


def archives(folder, server):
    ran(folder, None, "train", *SMALL, *PLAIN, "tracking=offline")
    ran(folder, server, "sync")


def server_that_goes(folder, server):
    """It stops answering some calls into the run."""

    def heard(call):
        server.gone = server.gone or "experiment/metric" in call

    server.heard = heard
    ran(folder, server, "train", *SMALL, *PLAIN, "tracking=auto")
    server.heard, server.gone = lambda _call: None, False
    ran(folder, server, "sync")


def archives_by_comets_own_command(folder, server):
    ran(folder, None, "train", *SMALL, *PLAIN, "tracking=offline")
    load_sdk()
    from comet_ml.offline import main_upload

    with pytest.MonkeyPatch.context() as account:
        account.setenv("COMET_API_KEY", KEY)
        account.setenv("COMET_URL_OVERRIDE", server.url)
        first, *_ = sorted(Path(folder, "runs/r/comet").glob("*.zip"))
        main_upload([str(first)], force_upload=False)
    ran(folder, server, "sync")


WAYS = [archives, server_that_goes, archives_by_comets_own_command]


def kept(server):
    """Everything that is comparable on a server that has one experiment, as text."""
    (key,) = server.runs
    curves = {"curve", "confusion-matrix"}
    return {
        f"project {server.runs[key]['project']}",
        *(
            f"metric {one['metricName']} {one['step']} {float(one['metricValue'])!r}"
            for one in server.metrics
            if not one["metricName"].startswith(LOAD)
        ),
        # its values are of the moment, and each came with one
        *(
            f"load {one['metricName']} {one['step']} {one['timestamp'] > 0}"
            for one in server.metrics
            if one["metricName"].startswith(LOAD)
        ),
        *(
            f"parameter {one['parameterName']}={one['parameterValue']}"
            for one in server.parameters
            if one["parameterName"] not in OF_THE_RUN
        ),
        *(f"fact {one['key']}" for one in server.others if one["key"] not in OWN_FACTS),
        *(f"file {one.kind} {one.group} {one.name}" for one in server.assets),
        *(f"{one.name} {one.content.decode()}" for one in server.assets if one.kind in curves),
        *(f"model {sha256(one.content).hexdigest()}" for one in server.assets if one.name == "model.ubj"),
        *(
            f"artifact {one['artifactName']} {sorted(one['alias'])}"
            for one in server.artifacts
            if one["state"] == "CLOSED"
        ),
    }


#: what differs with where the jobs run: its name, what only that place has, and a tag
OF_THE_PLACE = ("parameter backend.", "fact image.", "load ")


def anywhere(found):
    """What is the same wherever the jobs ran: facts of SageMaker's own begin with a capital."""
    return {
        line
        for line in found
        if not line.startswith(OF_THE_PLACE) and not re.match("fact [A-Z](?!ame$)", line)
    }


@pytest.fixture(scope="module")
def on_plain_processes(tmp_path_factory):
    """What a live run of plain processes leaves on a server."""
    with comet_server() as server:
        live(tmp_path_factory.mktemp("processes"), server)
        assert doubled(server) == {}
        return kept(server)


def test_whichever_way_it_travels_the_server_ends_up_with_the_same(tmp_path_factory, on_plain_processes):
    found = {}
    for way in WAYS:
        with comet_server() as server:
            way(tmp_path_factory.mktemp(way.__name__), server)
            found[way.__name__] = kept(server)
            assert doubled(server) == {}
    assert len([line for line in on_plain_processes if line.startswith("metric ")]) > 40
    assert {line.split()[1] for line in on_plain_processes if line.startswith("load ")} >= LEAST
    assert {way: there ^ on_plain_processes for way, there in found.items()} == {way: set() for way in found}


@pytest.mark.docker
@pytest.mark.slow
def test_in_local_mode_the_server_ends_up_with_the_same_and_the_run_is_reproduced(
    tmp_path, on_plain_processes
):
    with comet_server() as server:
        live(tmp_path, server, "backend=local")
        found = kept(server)
        assert doubled(server) == {}
        assert server.models == []  # without a bucket a model is logged by its files, and by no address
    again = ran(tmp_path, None, "runs", "reproduce", "r", "--json")
    assert json.loads(again.stdout)["identical"] is True
    assert anywhere(found) ^ anywhere(on_plain_processes) == set()
    assert {line.split()[1] for line in found if line.startswith("load ")} >= LEAST


@pytest.mark.docker
@pytest.mark.slow
def test_in_a_rehearsal_the_server_ends_up_with_the_same(tmp_path, on_plain_processes):
    with comet_server() as server:
        try:
            live(tmp_path, server, "backend=rehearsal", "yes=true")
        finally:
            announced = tmp_path / "runs/.cache/rehearsal/announced.json"
            os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)
        found = kept(server)
        assert doubled(server) == {}
    assert anywhere(found) ^ anywhere(on_plain_processes) == set()
    assert {line.split()[1] for line in found if line.startswith("load ")} >= LEAST

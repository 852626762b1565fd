"""What containers of local mode may do, as the engine says it, and what a hook cannot get out of one."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from fraudlab.backends import docker_engine
from fraudlab.cli import main

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

SMALL = [
    "backend.fallback=error",
    "tracking=off",
    "data.rows=20000",
    "data.fraud_rate=0.01",
    "model.num_round=8",
]
#: a metric that says what its container lets it do, and then leaves what it should not
PROBE = """
import os
import pathlib
import socket

ML = pathlib.Path("/opt/ml")


def attempt(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"


def probe(label, score, weight):
    print("probe interfaces", sorted(name for _, name in socket.if_nameindex()))
    print("probe root", attempt(lambda: pathlib.Path("/opt/new").touch()))
    print("probe channel", attempt(lambda: (ML / "input/data/train/new").touch()))
    print("probe tmp", attempt(lambda: pathlib.Path("/tmp/new").touch()))
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
    print("probe capabilities", int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"])
    {leave}
    return 0.0
"""


def inspected(run: str, *overrides: str) -> tuple[int, dict[str, dict]]:
    """The exit code of a run, and what the engine said of its containers by their command."""
    seen: dict[str, dict] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            label = f"label={docker_engine.RUN_LABEL}={run}"
            listed = subprocess.run(
                ["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True
            ).stdout.split()
            for container in set(listed) - {found["Id"][:12] for found in seen.values()}:
                shown = subprocess.run(["docker", "inspect", container], capture_output=True, check=False)
                for found in json.loads(shown.stdout or "[]"):
                    words = [*(found["Config"]["Entrypoint"] or []), *(found["Config"]["Cmd"] or [])]
                    seen[words[0]] = found

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return main(["train", *SMALL, f"run.id={run}", "force=true", *overrides]), seen
    finally:
        stop.set()
        watcher.join()


def test_every_container_of_a_run_is_confined(in_tmp):
    code, seen = inspected("confined", "backend.memory=3g", "backend.pids=300")
    assert code == 0
    assert set(seen) == {"process", "train", "serve"}
    for command, found in seen.items():
        host = found["HostConfig"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["ReadonlyRootfs"] is True
        assert (host["Memory"], host["PidsLimit"]) == (3 << 30, 300)
        assert host["Privileged"] is False
        assert "/tmp" in host["Tmpfs"]
        if command == "serve":
            assert host["PortBindings"]["8080/tcp"][0]["HostIp"] == "127.0.0.1"
        else:
            assert host["NetworkMode"] == "none"
    writable = {m["Destination"] for f in seen.values() for m in f["Mounts"] if m["RW"]}
    assert not {path for path in writable if "/input/data/" in path or "/processing/input" in path}
    assert not [m for m in seen["serve"]["Mounts"] if m["RW"] and m["Destination"] == "/opt/ml/model"]


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("(ML / 'model' / 'evil').symlink_to('/proc/self/environ')", "model/evil' is a symbolic link"),
        ("(ML / 'output/data/evil.json').symlink_to('{secret}')", "evil.json' is a symbolic link"),
        ("os.mkfifo(ML / 'model' / 'evil')", "model/evil' is a named pipe"),
    ],
    ids=["link", "link to a file of the host", "pipe"],
)
def test_a_hook_publishes_no_file_of_the_host_and_reaches_nothing(in_tmp, capsys, leave, said):
    Path("secret").write_text("the host's own")
    Path("hooks.py").write_text(PROBE.format(leave=leave.format(secret=Path("secret").absolute())))
    hooks = ["model.hooks=hooks.py", "model.eval_metric=[logloss,hook:probe]", "model.num_round=1"]
    assert main(["train", *SMALL, *hooks, "run.id=evil"]) == 2
    assert said in capsys.readouterr().err
    assert not list(Path("runs").rglob("model.tar.gz"))
    assert not [
        path
        for path in Path("runs").rglob("*")
        if path.is_file() and "the host's own" in path.read_text(errors="replace")
    ]
    log = Path("runs/evil/logs/train.log").read_text()
    assert "probe interfaces ['lo']" in log
    assert "probe root Read-only file system" in log
    assert "probe channel Read-only file system" in log
    assert "probe tmp done" in log
    assert "probe capabilities 0 0 1" in log


def test_a_child_that_goes_on_making_links_publishes_nothing(in_tmp, capsys):
    """It may win against the job that looks at its outputs; the launcher looks for itself."""
    child = "import os\\nwhile True:\\n try: os.symlink('{secret}', '{evil}')\\n except OSError: 0"
    child = child.replace("{evil}", "/opt/ml/model/evil")
    leave = f'import subprocess, sys; subprocess.Popen([sys.executable, "-c", "{child}"])'
    Path("secret").write_text("the host's own")
    Path("hooks.py").write_text(PROBE.format(leave=leave.replace("{secret}", str(Path("secret").absolute()))))
    hooks = ["model.hooks=hooks.py", "model.eval_metric=[logloss,hook:probe]", "model.num_round=1"]
    assert main(["train", *SMALL, *hooks, "run.id=raced"]) in (2, 5)
    assert "model/evil" in capsys.readouterr().err
    assert not list(Path("runs").rglob("model.tar.gz"))


def test_a_job_that_takes_more_memory_than_its_container_has_says_so(in_tmp, capsys):
    Path("hooks.py").write_text(PROBE.format(leave="kept = bytearray(os.urandom(1 << 20) * 4096)"))
    hooks = ["model.hooks=hooks.py", "model.eval_metric=[logloss,hook:probe]"]
    assert main(["train", *SMALL, *hooks, "backend.memory=512m", "run.id=greedy"]) == 5
    error = capsys.readouterr().err
    assert "The train job was killed: its container reached the memory it may have, 0.5 GiB." in error
    assert "fix: raise backend.memory (" in error


def test_several_hosts_train_on_a_network_of_their_own(in_tmp):
    code, seen = inspected("two", "compute.train.instance_count=2", "data.rows=5000")
    assert code == 0
    assert seen["train"]["HostConfig"]["NetworkMode"].startswith("fraudlab-")
    listed = subprocess.run(
        ["docker", "network", "ls", "--format={{.Name}}"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert seen["train"]["HostConfig"]["NetworkMode"] not in listed

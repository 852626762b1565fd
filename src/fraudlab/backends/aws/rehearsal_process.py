"""The process behind a rehearsal: one per cache, started where none runs; it outlives who started it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fraudlab import locks
from fraudlab.aws.account import Account
from fraudlab.aws.answers import code_of, explained, is_absent
from fraudlab.errors import BackendError
from fraudlab.files import private_folder, storage, write_json

_ANNOUNCED, _STARTED, _LOCK, _LOG = "announced.json", "started.json", "starting.lock", "rehearsal.log"
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 90.0
#: what the process must not have: it starts the containers of jobs
_WITHHELD = ("COMET_", "AWS_")
_INSTALL = "`make rehearse-cloud` installs it in a checkout; elsewhere pip install 'fraudlab[rehearsal]'"
_FAILED = re.compile(r"^error: (?P<message>.+)\nfix: (?P<fix>.+)", re.MULTILINE)
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@dataclass(frozen=True)
class Announced:
    """Where a rehearsal answers, as it has announced; see ``fraudlab rehearsal --help``."""

    url: str
    region: str
    account: str
    access_key: str
    secret_key: str
    registry: str | None
    role: str | None
    bucket: str | None
    pid: int = 0


def announced_by(url: str) -> Announced:
    """What a rehearsal at a URL is taken for that somebody has started by himself.

    Raises
    ------
    BackendError
        Where nobody answers there.
    """
    if not _answers(url):
        raise BackendError(
            f"No rehearsal answers at {url}.",
            fix="start one with `fraudlab rehearsal`, or leave rehearsal.endpoint out",
        )
    return Announced(
        url=url.rstrip("/"),
        region="us-east-1",
        account="000000000000",
        access_key="rehearsal",
        secret_key="rehearsal",
        registry=None,
        role=None,
        bucket=None,
    )


def running_rehearsal(folder: Path, *, faults: Sequence[str], seed: int, idle_seconds: float) -> Announced:
    """The rehearsal that keeps its state in a folder, started where it does not run.

    One that runs with other faults is started again on the same port: its jobs are on disk and go on.

    Raises
    ------
    BackendError
        Where it cannot be started.
    """
    private_folder(folder)
    # the seed chooses the moments of faults: without any, a run with another is no reason to start again
    wanted = {"faults": sorted(faults), "seed": seed if faults else 0}
    with _alone(folder):
        found = _announced(folder)
        if found is not None and _read(folder / _STARTED) == wanted:
            return found
        port = 0
        if found is not None:
            port = urlsplit(found.url).port or 0
            _end(found)
        return _started(folder, wanted, port=port, idle_seconds=idle_seconds)


def furnish(account: Account, *, repository: str | None) -> None:
    """Make in a rehearsal what the template of infra/ makes in an account, where it is missing.

    Raises
    ------
    BackendError
        Where the rehearsal refuses.
    """
    role = account.role_arn.partition(":role/")[2]
    try:
        _made(lambda: account.client("s3").head_bucket(Bucket=account.bucket), lambda: _bucket(account))
        iam = account.client("iam")
        path, _, name = f"/{role}".rpartition("/")
        _made(
            lambda: iam.get_role(RoleName=name),
            lambda: iam.create_role(RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=_TRUST),
        )
        if repository:
            ecr = account.client("ecr")
            _made(
                lambda: ecr.describe_repositories(repositoryNames=[repository]),
                lambda: ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE"),
            )
    except Exception as error:
        raise explained(error, doing="Preparing the rehearsal") from error


def _bucket(account: Account) -> Any:
    return account.client("s3").create_bucket(Bucket=account.bucket)


def _made(ask: Any, make: Any) -> None:
    try:
        ask()
    except Exception as error:
        if not is_absent(error):
            raise
        try:
            make()
        except Exception as taken:  # somebody else was faster
            if not code_of(taken).endswith(("AlreadyExists", "AlreadyExistsException", "AlreadyOwnedByYou")):
                raise


class _alone:  # noqa: N801
    """Holds the right to start a rehearsal in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _LOCK

    def __enter__(self) -> None:
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while (lock := locks.take(self._path)) is None:
            if time.monotonic() > give_up:
                raise BackendError(
                    f"Somebody else has been starting a rehearsal in {self._path.parent} for too long.",
                    fix="see whether it still does, and repeat the run",
                )
            time.sleep(_POLL_SECONDS)
        self._lock = lock

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _announced(folder: Path) -> Announced | None:
    """The rehearsal that has announced itself, if it still answers."""
    record = _read(folder / _ANNOUNCED)
    if not isinstance(record, dict):
        return None
    known = {field.name for field in fields(Announced)}
    try:
        found = Announced(**{name: value for name, value in record.items() if name in known})
    except TypeError:
        return None
    return found if _answers(found.url) else None


def _started(folder: Path, wanted: dict[str, Any], *, port: int, idle_seconds: float) -> Announced:
    if importlib.util.find_spec("moto") is None:
        raise BackendError("A rehearsal needs moto, which is not installed.", fix=_INSTALL)
    (folder / _ANNOUNCED).unlink(missing_ok=True)
    words = ["--port", str(port), "--state", str(folder / "state"), "--announce", str(folder / _ANNOUNCED)]
    words += ["--idle-exit", str(idle_seconds), "--seed", str(wanted["seed"])]
    words += [word for fault in wanted["faults"] for word in ("--fault", fault)]
    with storage(folder), (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fraudlab", "rehearsal", *words],
            env={name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives this run, and Ctrl-C is the launcher's business
        )
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while (found := _announced(folder)) is None:
        if process.poll() is not None or time.monotonic() > give_up:
            if process.poll() is None:
                process.kill()
                process.wait()
            raise _not_started(folder / _LOG)
        time.sleep(_POLL_SECONDS)
    process.returncode = 0  # nobody waits for it
    write_json(folder / _STARTED, wanted)
    return found


def _not_started(log: Path) -> BackendError:
    text = log.read_text(encoding="utf-8", errors="replace")
    if found := _FAILED.search(text):
        return BackendError(found["message"], fix=found["fix"])
    last = text.strip().splitlines()[-1:] or ["it says nothing"]
    return BackendError(f"The rehearsal does not start ({last[0]}).", fix=f"read {log}")


def _end(found: Announced) -> None:
    """End a rehearsal, and wait until it no longer answers."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(found.pid, signal.SIGTERM)
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while _answers(found.url) and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)


def _answers(url: str) -> bool:
    from urllib3 import PoolManager
    from urllib3.exceptions import HTTPError

    with PoolManager(retries=False) as pool:
        try:
            pool.request("GET", url, timeout=5.0)
        except HTTPError:
            return False
    return True


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

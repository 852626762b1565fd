"""What the server has been told, and what goes wrong with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .partner_app import PartnerApp

KEY = "secretkey0123456789abcdefgh"


class RefusedError(Exception):
    """The server answers with an error."""

    def __init__(self, message: str, *, code: int = 0, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.answer = {"msg": message, "sdk_error_code": code}


@dataclass
class Asset:
    """A file, or with `link` only the address of one."""

    experiment: str
    name: str
    kind: str
    content: bytes
    id: str = ""
    group: str = ""
    link: str | None = None
    artifact: str | None = None
    step: int | None = None


@dataclass
class Fault:
    """What happens to some of the calls.

    Attributes
    ----------
    kind : str
        ``cut``: the connection ends before the call has had any effect; ``lost``: it ends in place of the
        answer; ``refused``: answered with `status`, without effect; ``slow``: carried out after `seconds`;
        ``twice``: carried out two times, as by a proxy that repeats it.
    path : str
        A part of the path; the empty one is in every path.
    skip, times : int
        How many such calls are left alone first, and how many it then happens to.
    """

    kind: Literal["cut", "lost", "refused", "slow", "twice"]
    path: str = ""
    skip: int = 0
    times: int = 1
    status: int = 500
    seconds: float = 0.0


@dataclass
class CometServer:
    """What the server saw. Lists grow while the experiment runs; read them after ``end()``."""

    port: int = 0
    #: close every connection without an answer
    gone: bool = False
    #: answer everything with this status
    broken: int = 0
    #: answer every new experiment with this
    refuses: dict[str, Any] | None = None
    #: what goes wrong, the first that fits a call
    faults: list[Fault] = field(default_factory=list)
    #: told of each call that was carried out, before it is answered
    heard: Callable[[str], None] = lambda _call: None
    #: whoever calls has to sign for it first
    partner_app: PartnerApp | None = None
    keys: set[str] = field(default_factory=lambda: {KEY})
    workspaces: set[str | None] = field(default_factory=lambda: {None, "risk", "ws"})
    #: workspace, project and more, by experiment key
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    #: what the server only takes note of, by path
    notes: dict[str, list[Any]] = field(default_factory=dict)
    #: versions in the model registry, in order
    registered: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    #: what no Comet knows, or would not take
    misunderstood: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return the address as COMET_URL_OVERRIDE wants it."""
        return f"http://127.0.0.1:{self.port}/clientlib/"

    @property
    def experiments(self) -> set[str]:
        """Return the keys of all experiments."""
        return set(self.runs)

    def key_with_address(self, address: str) -> str:
        """Return a valid key of the kind that names its server."""
        about = base64.b64encode(json.dumps({"baseUrl": address}).encode()).decode()
        self.keys.add(f"{KEY}*{about}")
        return f"{KEY}*{about}"

    def points(self, name: str, experiment: str | None = None) -> list[tuple[int, float]]:
        """Return (step, value) of a metric in order of arrival."""
        return [
            (metric["step"], float(metric["metricValue"]))
            for metric in self.metrics
            if metric["metricName"] == name and experiment in {None, metric["experimentKey"]}
        ]

    def other(self, key: str) -> Any:
        """Return the last value of an "other" field, or None."""
        values = [other["value"] for other in self.others if other["key"] == key]
        return values[-1] if values else None

    def asset(self, name: str) -> bytes:
        """Return the bytes of the one asset with that file name."""
        (found,) = [asset for asset in self.assets if asset.name == name]
        return found.content

    def require_run(self, key: str | None) -> dict[str, Any]:
        """Return what is known of an experiment, which somebody must have opened."""
        if key not in self.runs:
            raise RefusedError(f"no experiment {key}", code=90210)
        return self.runs[key]

    def fault_of(self, path: str) -> Fault | None:
        """Return what goes wrong with this call, and count it."""
        for fault in self.faults:
            if fault.path in path:
                if fault.skip:
                    fault.skip -= 1
                    return None
                if fault.times:
                    fault.times -= 1
                    return fault
        return None

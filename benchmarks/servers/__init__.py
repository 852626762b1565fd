"""The servers that are compared: how each is started, and the protocol it speaks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import payloads
from benchmarks.payloads import Texts
from benchmarks.timing import ROOT

HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Protocol:
    """How rows go in and scores come out; `decode` is None where no scores do."""

    name: str
    path: str
    kind: str
    encode: Callable[[Texts], bytes]
    decode: Callable[[bytes], list[float]] | None


@dataclass(frozen=True, eq=False)
class Server:
    """A comparator, with one worker.

    Attributes
    ----------
    name : str
        As in ``--only``, and of its environment below ``build/``.
    title : str
    command : callable
        Of the environment's ``bin``, a working folder, the model folder and the port.
    protocols : mapping
        ``csv``, ``json`` (rows as lists) or ``objects`` (by column name) to how it takes them.
    variables : callable
        Of the model folder and the port: variables besides ``MODEL``.
    package : str
        Whose version the report gives beside XGBoost's.
    exact : bool
        Whether scores must be those of ``Booster.predict`` to the last bit of a float32.
    """

    name: str
    title: str
    command: Callable[[Path, Path, Path, int], list[str | Path]]
    protocols: Mapping[str, Protocol]
    variables: Callable[[Path, int], dict[str, str]] = lambda _model, _port: {}
    package: str | None = None
    exact: bool = False

    @property
    def bin(self) -> Path:
        """Where its commands are: an environment of its own, or this one."""
        return ROOT / f"build/bench-{self.name}/bin" if self.package else Path(sys.executable).parent

    def environment(self, model: Path, port: int) -> dict[str, str]:
        """What it is started with: of ours only where it is ours."""
        inherited = {
            name: value for name, value in os.environ.items() if not self.package or name != "PYTHONPATH"
        }
        return {**inherited, "MODEL": str(model / "model.ubj"), **self.variables(model, port)}


def _gunicorn(bin_: Path, _work: Path, _model: Path, port: int) -> list[str | Path]:
    workers = ["--worker-class", "gevent", "--workers", "1", "--keep-alive", "60"]
    return [bin_ / "gunicorn", "--chdir", HERE, "--bind", f"127.0.0.1:{port}", *workers, "official:app"]


def _uvicorn(bin_: Path, _work: Path, _model: Path, port: int) -> list[str | Path]:
    fast = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--log-level", "warning"]
    return [
        bin_ / "uvicorn",
        "--app-dir",
        HERE,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        *fast,
        "fast:app",
    ]


def _mlserver(bin_: Path, work: Path, model: Path, _port: int) -> list[str | Path]:
    for path in (*(HERE / "mlserver").iterdir(), model / "model.ubj"):
        shutil.copy(path, work)
    return [bin_ / "mlserver", "start", work]


def _bentoml(bin_: Path, _work: Path, _model: Path, port: int) -> list[str | Path]:
    listen = ["--host", "127.0.0.1", "--port", str(port)]
    return [bin_ / "bentoml", "serve", "--working-dir", HERE, *listen, "bento:Fraud"]


def _fraudlab(bin_: Path, _work: Path, _model: Path, _port: int) -> list[str | Path]:
    return [bin_ / "python", "-m", "fraudlab.container", "serve"]


def _echo(bin_: Path, _work: Path, _model: Path, port: int) -> list[str | Path]:
    return [bin_ / "python", "-m", "benchmarks.servers.echo", str(port)]


def _scores(answer: dict[str, list[dict[str, float]]]) -> list[float]:
    return [row["score"] for row in answer["predictions"]]


CSV, JSON = "text/csv", "application/json"

SERVERS = [
    Server(
        "official",
        "the official stack in miniature: Flask, gunicorn (gevent), DMatrix",
        _gunicorn,
        {"csv": Protocol("csv", "/invocations", CSV, payloads.as_csv, payloads.from_csv)},
        package="gunicorn",
    ),
    Server(
        "fastapi",
        "FastAPI, uvicorn, inplace_predict",
        _uvicorn,
        {
            "csv": Protocol("csv", "/csv", CSV, payloads.as_csv, payloads.from_csv),
            "json": Protocol(
                "json",
                "/json",
                JSON,
                payloads.as_json("instances"),
                payloads.from_json(lambda answer: answer["predictions"]),
            ),
        },
        package="fastapi",
    ),
    Server(
        "mlserver",
        "MLServer with its XGBoost runtime (Open Inference Protocol)",
        _mlserver,
        {
            "json": Protocol(
                "open-inference",
                "/v2/models/fraud/infer",
                JSON,
                payloads.as_open_inference,
                payloads.from_json(lambda answer: answer["outputs"][0]["data"]),
            )
        },
        lambda _model, port: {
            f"MLSERVER_{name}_PORT": str(port + number)
            for number, name in enumerate(("HTTP", "GRPC", "METRICS"))
        },
        package="mlserver",
    ),
    Server(
        "bentoml",
        "BentoML, a service with the booster",
        _bentoml,
        {"json": Protocol("rows", "/score", JSON, payloads.as_json("rows"), payloads.from_json(list))},
        lambda model, _port: {
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": str(model.with_name("bentoml")),
        },
        package="bentoml",
    ),
    Server(
        "fraudlab",
        "**fraudlab**",
        _fraudlab,
        {
            "csv": Protocol("csv", "/invocations", CSV, payloads.as_csv, payloads.from_csv),
            "json": Protocol(
                "json",
                "/invocations",
                JSON,
                payloads.as_json("instances"),
                payloads.from_json(_scores),
            ),
            "objects": Protocol(
                "objects", "/invocations", JSON, payloads.as_objects, payloads.from_json(_scores)
            ),
        },
        lambda model, port: {
            "FRAUDLAB_MODEL_DIR": str(model),
            "FRAUDLAB_HOST": "127.0.0.1",
            "FRAUDLAB_WORKERS": "1",
            "SAGEMAKER_BIND_TO_PORT": str(port),
        },
        exact=True,
    ),
    Server(
        "echo",
        "an echo on fraudlab's HTTP server: nothing parsed, nothing scored",
        _echo,
        {
            "csv": Protocol("csv", "/", CSV, payloads.as_csv, None),
            "json": Protocol("json", "/", JSON, payloads.as_json("instances"), None),
            "objects": Protocol("objects", "/", JSON, payloads.as_objects, None),
        },
    ),
]

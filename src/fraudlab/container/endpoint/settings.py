"""The endpoint's settings: environment variables, ours and SageMaker's, checked before anything listens."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fraudlab.container.contract import Tree
from fraudlab.container.endpoint.asked_outputs import read_outputs
from fraudlab.container.endpoint.capacity import UNBOUNDED, Capacity
from fraudlab.container.endpoint.limits import Limits
from fraudlab.container.endpoint.negotiation import read_answer_type
from fraudlab.container.endpoint.selected import WORDS, read_selected
from fraudlab.container.failure import ConfigError, listing

_LEVELS = ("debug", "info", "warning", "error")
#: how the official containers number their levels
_NUMBERED_LEVELS = {"10": "debug", "20": "info", "30": "warning", "40": "error", "50": "error"}
_MIB = 1 << 20
#: the official container takes no larger bodies, whatever MAX_CONTENT_LENGTH says
_OFFICIAL_BODY = 20 * _MIB


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says about serving.

    Attributes
    ----------
    model : Path
        The model folder; with several models, the folder they may be loaded from.
    follow : Path or None
        A link that led to the model; where it leads elsewhere, the model there takes over.
    several : bool
        Whether models come and go by SageMaker's multi-model protocol.
    host : str
    port : int
    listener : int
        Descriptor of a socket that has the port already; 0 is none.
    workers : int
        Processes that share the port.
    limits : Limits
        What a client may ask of the HTTP server.
    max_rows : int
        Rows of one request.
    max_waiting : int
        Large bodies that may wait for a thread; one more is answered 503.
    max_models : int
        Models held at once, where there are several.
    max_model_bytes : int
        Size of a model file.
    outputs : tuple of str
        What an answer holds where the request does not say; empty is each format's default, and ``Selected``
        what the official container's variable says.
    accept : str
        Media type of answers where the request does not say; empty is one like the request.
    reasons : int
        Contributions named as reasons for a score.
    batch : bool
        Whether SageMaker's batch transform is asking.
    metrics : bool
        Whether ``/metrics`` is served.
    log_level : str
    notes : tuple of str
        What the log says of the settings.
    memory : int
        Bytes that the endpoint may take; 0 is what its container has.
    capacity : Capacity
        What each process may hold; found out once the model is loaded.
    """

    model: Path
    follow: Path | None
    several: bool
    host: str
    port: int
    listener: int
    workers: int
    limits: Limits
    max_rows: int
    max_waiting: int
    max_models: int
    max_model_bytes: int
    outputs: tuple[str, ...]
    accept: str
    reasons: int
    batch: bool
    metrics: bool
    log_level: str
    notes: tuple[str, ...]
    memory: int
    capacity: Capacity = UNBOUNDED


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Raises
    ------
    ConfigError
        If a variable does not hold what it should, or two contradict each other.
    """
    read = _Environment(os.environ if environment is None else environment)
    read.script()
    batch = read.flag("SAGEMAKER_BATCH")
    several = read.flag("SAGEMAKER_MULTI_MODEL")
    workers = read.whole("FRAUDLAB_WORKERS", 1, 1, 256)
    model, follow = read.folder(several=several), None
    if read.flag("FRAUDLAB_FOLLOW"):
        # where it leads is found out once: what is loaded is what is compared with
        model, follow = model.resolve(), model.absolute()
        if several:
            read.refuse(
                "FRAUDLAB_FOLLOW is set, but with SAGEMAKER_MULTI_MODEL there is no one model to follow",
                fix="leave it out behind a multi-model endpoint",
            )
    if workers > 1 and several:
        read.refuse(
            f"FRAUDLAB_WORKERS is {workers}, but with SAGEMAKER_MULTI_MODEL one process holds the models",
            fix="leave FRAUDLAB_WORKERS at 1 behind a multi-model endpoint",
        )
    if workers > 1 and not hasattr(os, "fork"):
        read.refuse(f"FRAUDLAB_WORKERS is {workers}; this system cannot fork", fix="leave it at 1")
    settings = Settings(
        model=model,
        follow=follow,
        several=several,
        host=read.text("FRAUDLAB_HOST") or "0.0.0.0",
        port=read.whole("SAGEMAKER_BIND_TO_PORT", 8080, 1, 65_535),
        listener=read.whole("FRAUDLAB_LISTENER", 0, 3, 1 << 20),
        workers=workers,
        limits=_limits(read, batch=batch),
        max_rows=read.whole("FRAUDLAB_MAX_ROWS", 1_000_000, 1),
        max_waiting=read.whole("FRAUDLAB_MAX_WAITING", 64, 1),
        max_models=read.whole("FRAUDLAB_MAX_MODELS", 100, 1),
        max_model_bytes=read.whole("FRAUDLAB_MAX_MODEL_BYTES", 2 << 30, 1),
        outputs=read.outputs(),
        accept=read.accept(),
        reasons=read.whole("FRAUDLAB_REASONS", 3, 1, 1000),
        batch=batch,
        metrics=read.flag("FRAUDLAB_METRICS"),
        log_level=read.level("FRAUDLAB_LOG_LEVEL", "SAGEMAKER_CONTAINER_LOG_LEVEL"),
        notes=tuple(read.notes),
        memory=read.whole("FRAUDLAB_MEMORY", 0, 64 * _MIB),
    )
    read.end()
    return settings


def _limits(read: _Environment, *, batch: bool) -> Limits:
    payload = ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "MAX_PAYLOAD_IN_MB") if batch else ()
    # 0 is SageMaker's word for a transform without a limit, which streams; a body still has to fit in memory.
    mebibytes = next((n for name in payload if (n := read.whole(name, 0, 0, 1024))), 0)
    body = read.whole("FRAUDLAB_MAX_BODY", read.official_body() or mebibytes * _MIB or 25 * _MIB, 1)
    least = body if read.is_sound else 1  # a rule that depends on a wrong value is not checked
    seconds = read.number("FRAUDLAB_TIMEOUT", 60.0)
    return Limits(
        body=body,
        buffered=read.whole("FRAUDLAB_MAX_BUFFERED", max(10 * body, 256 * _MIB), least),
        connections=read.whole("FRAUDLAB_MAX_CONNECTIONS", 10_000, 1),
        head_seconds=min(10.0, seconds),
        seconds=seconds,
        idle_seconds=read.number("FRAUDLAB_KEEP_ALIVE", 120.0),
    )


class _Environment:
    """Variables, read one by one; what is wrong with them is said at the end, all at once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._refused: dict[str, str] = {}
        self.notes: list[str] = []

    def refuse(self, sentence: str, *, fix: str) -> None:
        self._refused[sentence] = fix

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self._refused

    def end(self) -> None:
        """Raise what is wrong, if anything is."""
        sentences, fixes = list(self._refused), list(dict.fromkeys(self._refused.values()))
        if len(sentences) == 1:
            raise ConfigError(sentences[0], fix=fixes[0])
        if sentences:
            each = [f"{sentence} ({fix})" for sentence, fix in self._refused.items()]
            raise ConfigError(
                f"{len(each)} settings cannot be used: {'; '.join(each)}", fix="mend them all: each says how"
            )

    def text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def folder(self, *, several: bool) -> Path:
        tree = Tree.from_environment()
        named = self.text("FRAUDLAB_MODEL_DIR")
        if named:
            return Path(named)
        return tree.models if several else tree.model

    def flag(self, name: str) -> bool:
        text = self.text(name).lower()
        if text not in ("", "0", "1", "false", "true"):
            self.refuse(f"{name} is {text!r}", fix="set it to true or false")
        return text in ("1", "true")

    def whole(self, name: str, default: int, minimum: int, maximum: int | None = None) -> int:
        text = self.text(name)
        if not text:
            return default
        valid = text.isascii() and text.isdigit() and len(text) < 20 and minimum <= int(text)
        if not valid or (maximum is not None and int(text) > maximum):
            upper = "" if maximum is None else f" and at most {maximum:,}"
            self.refuse(f"{name} is {text!r}", fix=f"set it to a whole number of at least {minimum:,}{upper}")
            return default
        return int(text)

    def number(self, name: str, default: float) -> float:
        text = self.text(name)
        try:
            value = float(text) if text else default
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            self.refuse(f"{name} is {text!r}", fix="set it to a number of seconds above 0")
            return default
        return value

    def script(self) -> None:
        if script := self.text("SAGEMAKER_PROGRAM"):
            self.refuse(
                f"SAGEMAKER_PROGRAM is {script!r}: this image runs no code that comes with a model",
                fix="deploy the model without entry_point and source_dir; what it needs is in model.json",
            )
        if self.text("SAGEMAKER_SUBMIT_DIRECTORY"):
            self.notes.append(
                "SAGEMAKER_SUBMIT_DIRECTORY is not used: no code that comes with a model is run"
            )

    def official_body(self) -> int:
        size = self.whole("MAX_CONTENT_LENGTH", 0, 1)
        if size > _OFFICIAL_BODY:
            self.notes.append(
                f"MAX_CONTENT_LENGTH is {size:,}, and counts as {_OFFICIAL_BODY:,}, which is its most;"
                " FRAUDLAB_MAX_BODY can say more"
            )
        return min(size, _OFFICIAL_BODY)

    def outputs(self) -> tuple[str, ...]:
        ours, official = self.text("FRAUDLAB_OUTPUT"), self.text("SAGEMAKER_INFERENCE_OUTPUT")
        if ours and official:
            self.notes.append("FRAUDLAB_OUTPUT is used, and SAGEMAKER_INFERENCE_OUTPUT is not")
        if ours:
            try:
                return read_outputs(ours)
            except ValueError as error:
                self.refuse(f"FRAUDLAB_OUTPUT: {error}", fix="name outputs, separated by commas")
                return ()
        if not official:
            return ()
        selected = read_selected(official)
        if selected.unknown:
            self.notes.append(
                f"SAGEMAKER_INFERENCE_OUTPUT names {listing(selected.unknown)}, for which there is no value:"
                f" it takes {', '.join(WORDS)}; FRAUDLAB_OUTPUT takes other outputs"
            )
        return selected

    def accept(self) -> str:
        text = self.text("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT")
        if text in ("", "*/*"):
            return ""
        try:
            return read_answer_type(text)
        except ValueError as error:
            self.refuse(f"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT is {text!r}: {error}", fix="name one of them")
            return ""

    def level(self, *names: str) -> str:
        for name in names:
            if text := self.text(name).lower():
                level = _NUMBERED_LEVELS.get(text, text)
                if level in _LEVELS:
                    return level
                self.refuse(f"{name} is {text!r}", fix=f"use one of: {', '.join(_LEVELS)}")
                break
        return "info"

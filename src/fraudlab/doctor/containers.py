"""Docker: the engine, Compose, the image of this version, and the base it is built on."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fraudlab.doctor.finding import Finding, Findings, note, unknown, well, wrong

_GIB = 1 << 30
#: what a container of the default table takes, with room
_LEAST_MEMORY = 2 * _GIB
_PROCESS = "or run with backend=process"
_VERSION, _INPUTS = "org.opencontainers.image.version", "fraudlab.inputs"
#: what the image is built from, as containers/xgboost/build.sh lists it
_SOURCES = (
    "src/fraudlab/__init__.py",
    "src/fraudlab/_version.py",
    "src/fraudlab/container",
    "src/fraudlab/evaluation",
    "containers",
)
#: of a base made of Debian packages, where no registry can be reached
DEBIAN_BASE = "fraudlab-base:bookworm"


@dataclass(frozen=True)
class EngineFacts:
    """What an engine says of itself and of images.

    Attributes
    ----------
    version : str
    memory : int
        Bytes it has for all containers.
    cpus : int
    labels : dict
        Image name to its labels; an image that is not there is missing.
    """

    version: str
    memory: int
    cpus: int
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


class AskEngine(Protocol):
    """Asks the engine about itself and about images; raises DockerUnavailable."""

    def __call__(self, images: tuple[str, ...]) -> EngineFacts: ...


def check_engine(ask: AskEngine, *, needed: bool) -> Findings:
    """Whether an engine answers, and how much it has for containers."""
    from fraudlab.errors import DockerUnavailable

    try:
        facts = ask(())
    except DockerUnavailable as error:
        return [_absence("Docker", error.message.rstrip("."), f"start Docker, {_PROCESS}", needed=needed)]
    said = f"engine {facts.version}, {facts.cpus} CPUs, {facts.memory / _GIB:,.1f} GiB"
    if facts.memory < _LEAST_MEMORY:
        return [note("Docker", f"{said}: little memory", fix="give the engine 2 GiB or more in its settings")]
    return [well("Docker", said)]


def check_compose(run: Callable[[], tuple[int, str]] | None = None, *, needed: bool) -> Findings:
    """Whether the engine's client has Compose, version 2 or newer.

    Parameters
    ----------
    run : callable, optional
        Gives exit code and output of ``docker compose version --short``.
    needed : bool
        Whether the configured backend stops without it.
    """
    code, output = (run or _compose_version)()
    text = output.strip().splitlines()[0].strip() if output.strip() else ""
    found = re.match(r"v?(\d+)\.", text)
    fix = f"install the plugin of Compose v2 or newer (docs.docker.com/compose/install), {_PROCESS}"
    if code != 0:
        return [_absence("Compose", "`docker compose version` fails", fix, needed=needed)]
    if not found:
        return [unknown("Compose", f"`docker compose version` says {text[:80]!r}", fix)]
    if int(found[1]) < 2:
        return [_absence("Compose", f"version {text} is too old", fix, needed=needed)]
    return [well("Compose", f"version {text.removeprefix('v')}")]


def check_image(
    ask: AskEngine, image: str, *, version: str, root: Path, ours: bool, needed: bool
) -> Findings:
    """Whether the image is on the engine, of this version, and built from these sources.

    Parameters
    ----------
    image : str
        Its name with tag.
    version : str
        Of fraudlab.
    root : Path
        Of the checkout, if there is one.
    ours : bool
        Whether ``make image`` makes it; one that a person has named may be anything.
    """
    from fraudlab.errors import DockerUnavailable

    latest = f"{image.rpartition(':')[0]}:latest"
    try:
        labels = ask((image, latest)).labels
    except DockerUnavailable:
        return [unknown("image", f"{image}: no Docker engine to ask", "start Docker")]
    fix = "make image, in a checkout" if ours else f"docker pull {image}"
    if image not in labels:
        other = labels.get(latest, {}).get(_VERSION) if ours else None
        beside = f"; {latest} is of version {other}" if other else ""
        return [_absence("image", f"{image} is not on this engine{beside}", fix, needed=needed)]
    has = labels[image].get(_VERSION)
    if has != version:
        said = f"{image} is of version {has or 'unknown'}, and fraudlab is {version}"
        return [_absence("image", said, fix, needed=needed and ours)]
    built_from, base = labels[image].get(_INPUTS), labels[image].get("org.opencontainers.image.base.name", "")
    if ours and (root / "containers/xgboost/build.sh").is_file():
        now = {image_inputs(root, base=name) for name in (base, default_base(root))}
        if built_from not in now:
            return [note("image", f"{image} was built from other sources than these", fix="make image")]
    return [well("image", f"{image}, of version {has}")]


def check_base(ask: AskEngine, root: Path, *, image: str) -> Findings:
    """Whether the image could be built here; no finding outside a checkout."""
    from fraudlab.errors import DockerUnavailable

    if not (root / "containers/xgboost/Dockerfile").is_file():
        return []
    wanted = default_base(root)
    try:
        labels = ask((wanted, DEBIAN_BASE, image)).labels
    except DockerUnavailable:
        return [unknown("base image", f"{wanted}: no Docker engine to ask", "start Docker")]
    there = [name for name in (wanted, DEBIAN_BASE) if name in labels]
    if there:
        return [well("base image", there[0])]
    said = f"{wanted} is not on this engine: `make image` pulls it, or builds {DEBIAN_BASE}"
    return [note("base image", said, fix="" if image in labels else "make base-image")]


def default_base(root: Path) -> str:
    """The base that the Dockerfile of a checkout names."""
    text = (root / "containers/xgboost/Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ARG BASE_IMAGE=(\S+)$", text, re.MULTILINE)
    return found[1] if found else ""


def image_inputs(root: Path, *, base: str) -> str:
    """The hash that ``containers/xgboost/build.sh`` labels an image with: its base's name and its files."""
    names = [
        file.relative_to(root).as_posix()
        for source in _SOURCES
        for file in ([root / source] if (root / source).is_file() else (root / source).rglob("*"))
        if file.is_file() and file.suffix != ".pyc" and file.name not in {"README.md", "requirements.in"}
    ]
    text = f"{base}\n"
    for name in sorted(names, key=str.encode):
        text += f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ask_engine(images: tuple[str, ...]) -> EngineFacts:
    """Ask the engine the ``docker`` command talks to.

    Raises
    ------
    DockerUnavailable
        Where none answers.
    """
    from fraudlab.backends import docker_engine

    info, found = docker_engine.facts(images)
    return EngineFacts(
        version=str(info.get("ServerVersion", "of unknown version")),
        memory=int(info.get("MemTotal", 0)),
        cpus=int(info.get("NCPU", 0)),
        labels={name: _labels(attributes) for name, attributes in found.items()},
    )


def _labels(attributes: Mapping[str, Any]) -> dict[str, str]:
    return dict((attributes.get("Config") or {}).get("Labels") or {})


def _absence(check: str, said: str, fix: str, *, needed: bool) -> Finding:
    """Something that is missing: wrong where a run would stop at it."""
    return wrong(check, said, fix=fix) if needed else note(check, said, fix)


def _compose_version() -> tuple[int, str]:
    try:
        done = subprocess.run(
            ["docker", "compose", "version", "--short"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 1, ""
    return done.returncode, done.stdout

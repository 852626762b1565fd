"""Packages: what is installed, what fraudlab asks for, what its lock says, and what cannot live together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.doctor.finding import Finding, Findings, note, well, wrong

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_CHECK = "packages"
_AGAIN = "make setup, in a checkout; elsewhere install fraudlab again in an environment of its own"
#: a line of a lock file, with its marker and without the hashes that follow
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?==[^\\\n]+)", re.MULTILINE)
#: distributions that must not be beside one of ours, each with why and what takes it away
_FOREIGN = {
    "docker-py": ("it overwrites the module of the package docker", "pip uninstall docker-py"),
    "hydra": ("it is another library, whose module hides hydra-core's", "pip uninstall hydra"),
    "xgboost": (
        "it has the same module as xgboost-cpu, and one overwrites the other",
        "pip uninstall xgboost",
    ),
}
_TOLD = 6


def check_packages(
    *, version_of: Callable[[str], str | None] | None = None, requires: Iterable[str] | None = None
) -> Findings:
    """Compare what is installed with what fraudlab's own metadata asks for.

    Parameters
    ----------
    version_of : callable, optional
        The version of an installed distribution, None where there is none.
    requires : iterable of str, optional
        Requirements, default fraudlab's.
    """
    from packaging.requirements import Requirement

    version_of = version_of or _version_of
    asked = [Requirement(text) for text in (_requires("fraudlab") if requires is None else requires)]
    needed = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    found = [finding for one in needed if (finding := _unmet(one, version_of(one.name)))]
    names = {_canonical(one.name) for one in needed}
    found += [
        wrong(_CHECK, f"{name} is installed beside fraudlab's packages: {why}", fix=fix)
        for name, (why, fix) in _FOREIGN.items()
        if name not in names and version_of(name) is not None
    ]
    return found or [well(_CHECK, f"{len(needed)} packages have the versions fraudlab asks for")]


def check_lock(lock: Path, *, version_of: Callable[[str], str | None] | None = None) -> Findings:
    """Compare what is installed with a checkout's lock file; no finding where there is no lock."""
    check = "locked versions"
    if not lock.is_file():
        return []
    version_of = version_of or _version_of
    locked = read_lock(lock.read_text(encoding="utf-8"))
    other = differing(locked, version_of)
    if not other:
        return [well(check, f"{len(locked)} packages are those of {lock.parent.name}/{lock.name}")]
    shown = ", ".join(f"{name} {has} (locked: {pin})" for name, has, pin in other[:_TOLD])
    more = f" and {len(other) - _TOLD} more" if len(other) > _TOLD else ""
    return [note(check, f"other versions than locked: {shown}{more}", fix="make setup")]


def read_lock(text: str) -> dict[str, str]:
    """The pins of a lock file that are for this Python on this machine: name to version."""
    from packaging.requirements import Requirement

    pins = [Requirement(line) for line in _PIN.findall(text)]
    return {
        _canonical(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def differing(
    locked: Mapping[str, str], version_of: Callable[[str], str | None]
) -> list[tuple[str, str, str]]:
    """Name, installed and locked version of what is installed otherwise; what is not installed is left out.

    A lock is for every platform: on this one not all of it is wanted, and what is wanted and missing is
    found by :func:`check_packages`.
    """
    pairs = [(name, version_of(name), pin) for name, pin in locked.items()]
    return [(name, has, pin) for name, has, pin in pairs if has is not None and has != pin]


def _unmet(needed: Requirement, has: str | None) -> Finding | None:
    wanted = str(needed.specifier) or "any version"
    if has is None:
        return wrong(_CHECK, f"{needed.name} is not installed (needed: {wanted})", fix=_AGAIN)
    if needed.specifier.contains(has, prereleases=True):
        return None
    said = f"{needed.name} {has} is installed, and fraudlab needs {wanted}"
    major = has.partition(".")[0]
    if _canonical(needed.name) == "sagemaker" and major.isdecimal() and int(major) >= 3:
        return wrong(
            _CHECK,
            f"{said}: version 3 has no local mode that works without an account",
            fix=f'pip install "sagemaker[local]{needed.specifier}", in an environment of fraudlab\'s own',
        )
    return wrong(_CHECK, said, fix=_AGAIN)


def _requires(distribution: str) -> list[str]:
    return metadata.requires(distribution) or []


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

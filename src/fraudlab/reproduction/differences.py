"""What differs between a run that was recorded and what is here now. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fraudlab.runs.record import flatten

What = Literal["data", "package", "image", "code", "machine", "configuration", "prepared data", "hook"]
#: a package with two builds, of which one is installed
_BUILDS = {"xgboost-cpu": "xgboost"}
_UNKNOWN = "not recorded"
_DIGITS = 12


@dataclass(frozen=True)
class Departure:
    """One thing that is not as it was.

    Attributes
    ----------
    what : str
        Its kind: data, package, image, code, …
    name : str
        Which one, such as ``numpy``.
    then, now : str
        What it was, and what it is.
    may_matter : bool
        Whether the model may be another because of it.
    """

    what: What
    name: str
    then: str
    now: str
    may_matter: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.name}: {self.then} then, {self.now} now"

    def as_dict(self) -> dict[str, Any]:
        """The difference as JSON values."""
        return {
            "what": self.what,
            "name": self.name,
            "then": self.then,
            "now": self.now,
            "may_matter": self.may_matter,
        }


def of_surroundings(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Departure]:
    """What differs in code, packages and machine.

    Parameters
    ----------
    then, now : mapping
        With ``git``, ``code``, ``packages`` and ``platform``, as ``run.json`` has them.
    """
    return [*_of_code(then, now), *_of_packages(then, now), *_of_machine(then, now)]


def of_data(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Departure]:
    """Whether the table is another."""
    before, after = (str(record.get("sha256") or "") for record in (then, now))
    if before == after:
        return []
    name = str(now.get("path") or then.get("path") or "table")
    return [Departure("data", name, _digest(before), _digest(after))]


def of_image(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Departure]:
    """Whether the jobs ran in another image; None is a run without one."""
    before, after = (str((image or {}).get("id") or "none") for image in (then, now))
    name = str((now or then or {}).get("name") or "image")
    return [Departure("image", name, _digest(before), _digest(after))] if before != after else []


def of_contracts(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Departure]:
    """What differs between the inputs that two models say they were made of.

    Parameters
    ----------
    then, now : mapping
        Their ``model.json``.
    """
    hashes = [_part(contract, "hashes") for contract in (then, now)]
    prepared = [_part(part, "prepared") for part in hashes]
    found = [
        Departure("prepared data", name, _digest(before), _digest(after))
        for name, before, after in _changed(*prepared)
    ]
    found += [
        Departure("hook", "model.hooks", _digest(before), _digest(after))
        for name, before, after in _changed(*hashes)
        if name == "hooks"
    ]
    for part in ("hyperparameters", "columns", "preprocessing"):
        before, after = ({part: contract.get(part)} for contract in (then, now))
        found += [
            Departure("configuration", name.removeprefix("hyperparameters."), str(old), str(new))
            for name, old, new in _changed(flatten(before), flatten(after))
        ]
    versions = [_part(contract, "versions") for contract in (then, now)]
    found += [
        Departure("package", f"{name} of the train job", str(before), str(after))
        for name, before, after in _changed(*versions)
    ]
    return found


def _of_code(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Departure]:
    """The code of the jobs by its digest; by the commit where a run has none, as those of 0.1.0."""
    before, after = then.get("code"), now.get("code")
    commits = [_commit(record.get("git")) for record in (then, now)]
    if before and before == after:
        return
    if before and after:
        yield Departure(
            "code", "of the jobs", f"{_digest(before)} ({commits[0]})", f"{_digest(after)} ({commits[1]})"
        )
    elif commits[0] != commits[1] or "uncommitted" in commits[0] or commits[0] == _UNKNOWN:
        yield Departure("code", "commit", commits[0], commits[1])


def _of_packages(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Departure]:
    before, after = (
        {_BUILDS.get(name, name): str(version) for name, version in _part(record, "packages").items()}
        for record in (then, now)
    )
    for name, old, new in _changed(before, after):
        yield Departure("package", name, str(old), str(new), may_matter=name in _MATTER)
    python = [str(_part(record, "platform").get("python") or _UNKNOWN) for record in (then, now)]
    if python[0] != python[1]:
        yield Departure("package", "python", python[0], python[1])


def _of_machine(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Departure]:
    machines = [
        {name: value for name, value in _part(record, "platform").items() if name != "python"}
        for record in (then, now)
    ]
    for name, old, new in _changed(*machines):
        matters = name == "system" and _architecture(old) != _architecture(new)
        yield Departure("machine", name, str(old), str(new), may_matter=matters)


_ARCHITECTURES = frozenset({"x86_64", "AMD64", "aarch64", "arm64", "i686"})
#: packages that read, order or learn from rows; the others send, show and record
_MATTER = frozenset({"fraudlab", "xgboost", "scikit-learn", "numpy", "pyarrow"})


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*then, *now}):
        before, after = then.get(name, "none"), now.get(name, "none")
        if before != after:
            yield name, before, after


def _architecture(system: Any) -> str | None:
    """The processors that a system's name has, such as x86_64: kernels of one kind compute the same."""
    words = str(system).replace("-", " ").split()
    return next((word for word in words if word in _ARCHITECTURES), None)


def _commit(git: Any) -> str:
    if not isinstance(git, dict) or not git.get("commit"):
        return _UNKNOWN
    return f"commit {git['commit']}" + (" with uncommitted changes" if git.get("dirty") else "")


def _digest(text: Any) -> str:
    """A digest, as short as people can still tell it from another."""
    return str(text).removeprefix("sha256:")[:_DIGITS] if text else _UNKNOWN


def _part(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = source.get(name)
    return found if isinstance(found, dict) else {}

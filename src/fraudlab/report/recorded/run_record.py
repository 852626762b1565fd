"""What a run folder says, read once; every part may be absent, none may be broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fraudlab.errors import RunError
from fraudlab.files import read_json

Json = dict[str, Any]


@dataclass(frozen=True)
class RunRecord:
    """The files of one run folder; an absent file is an empty mapping or list.

    Attributes
    ----------
    folder : Path
    run, metrics, curves, history, validation, manifest, model, config, proposed : dict
        As described for the files of the same names.
    budgets, stability, mistakes, slices, incumbent : dict
        What fixed numbers of alerts catch, figures by day and by hour, rows to look at, figures of the
        values of columns, and those of the model in use; see ``docs/report.md``.
    importance : list of dict
        Features by falling gain.
    folds : list of dict
        Figures of each fold of a prequential split, the newest first; empty for other splits.
    overrides : tuple of str
        What was set for this run, ``model.max_depth=8``.
    """

    folder: Path
    run: Json
    metrics: Json
    curves: Json
    budgets: Json
    stability: Json
    mistakes: Json
    slices: Json
    incumbent: Json
    history: Json
    validation: Json
    manifest: Json
    proposed: Json
    model: Json
    config: Json
    importance: list[Json]
    folds: list[Json]
    overrides: tuple[str, ...]

    @property
    def id(self) -> str:
        return str(self.run.get("id") or self.folder.name)

    @property
    def threshold(self) -> float | None:
        """The threshold the model was shipped with."""
        return number(self.metrics, "threshold")

    @property
    def decided_on(self) -> str | None:
        """In words, the rows the threshold was chosen and measured on; None where there were none."""
        words = {"validation": "the validation rows", "out_of_fold": "out-of-fold scores of the train rows"}
        rows = words.get(str(dig(self.model, "decision", "measured_on")))
        refitted = rows is not None and section(self.model, "refit")
        return f"{rows}, by the scores of the first fit" if refitted else rows

    @property
    def days(self) -> float | None:
        """How many days of traffic the test rows are; None where the table has no time."""
        days = number(self.metrics, "days") or number(self.curves, "days")
        if dig(self.manifest, "split", "kind") == "stratified" and section(self.manifest, "splits", "test"):
            # runs of fraudlab 0.1.0 recorded the days of the whole table: more than any share of it has
            most = days_of(self.manifest, dates=True)
            if days is None or most is None or days > most:
                days = days_of(self.manifest)
        return days if days and days > 0 else None


def read_run(folder: Path) -> RunRecord:
    """Read a run folder.

    Raises
    ------
    RunError
        If it has no ``run.json``, or one of its files is not what its name promises.
    """
    if not (folder / "run.json").is_file():
        raise RunError(
            f"{folder} is not a run folder: it has no run.json.",
            fix="give the folder of a run, such as runs/latest; `fraudlab runs list` shows them",
        )
    importance, folds = (
        _read_json(folder / "evaluation" / f"{name}.json", list) for name in ("importance", "folds")
    )
    return RunRecord(
        folder=folder,
        run=_mapping(folder / "run.json"),
        metrics=_mapping(folder / "evaluation" / "metrics.json"),
        curves=_mapping(folder / "evaluation" / "curves.json"),
        budgets=_mapping(folder / "evaluation" / "budgets.json"),
        stability=_mapping(folder / "evaluation" / "stability.json"),
        mistakes=_mapping(folder / "evaluation" / "mistakes.json"),
        slices=_mapping(folder / "evaluation" / "slices.json"),
        incumbent=_mapping(folder / "evaluation" / "incumbent.json"),
        history=_mapping(folder / "training" / "history.json"),
        validation=_mapping(folder / "training" / "validation.json"),
        manifest=_mapping(folder / "data" / "manifest.json"),
        proposed=_mapping(folder / "data" / "proposed_columns.json"),
        model=_mapping(folder / "model" / "model.json"),
        config=_yaml(folder / "config.yaml", dict),
        importance=[item for item in importance if isinstance(item, dict)],
        folds=[item for item in folds if isinstance(item, dict)],
        overrides=tuple(str(item) for item in _yaml(folder / "overrides.yaml", list)),
    )


def days_of(manifest: dict[str, Any], split: str = "test", *, dates: bool = False) -> float | None:
    """How many days of traffic a split is; None where its rows have no time, or all have the same.

    A split by time has all rows of its days. Rows dealt at random are a share of the rows of all days: a
    tenth of the rows of ten days is the traffic of one.

    Parameters
    ----------
    manifest : dict
        Of the preparation.
    split : str
    dates : bool
        Whether times are days without an hour: then the last day counts whole, as the first does.
    """
    splits = manifest["splits"]
    random = manifest.get("split", {}).get("kind") == "stratified"
    covering = list(splits.values()) if random else [splits[split]]
    if any(facts.get("time_start") is None for facts in covering):
        return None
    first = min(float(facts["time_start"]) for facts in covering)
    last = max(float(facts["time_end"]) for facts in covering)
    seconds = last - first + (86_400.0 if dates else 0.0)
    if seconds <= 0:
        return None
    share = splits[split]["rows"] / sum(facts["rows"] for facts in splits.values()) if random else 1.0
    return float(share * seconds / 86_400.0)


def dig(source: Mapping[str, Any], *path: str) -> Any:
    """Follow `path` through nested mappings; None where it ends early."""
    found: Any = source
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def section(source: Mapping[str, Any], *path: str) -> Json:
    """Follow `path` to a mapping; empty where there is none."""
    found = dig(source, *path)
    return cast(Json, found) if isinstance(found, dict) else {}


def number(source: Mapping[str, Any], *path: str) -> float | None:
    """Follow `path` to a number; None where there is none."""
    found = dig(source, *path)
    return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def series(source: Mapping[str, Any], *path: str) -> list[float | None]:
    """Follow `path` to a list of numbers; what is not a number is None, and no list is empty."""
    found = dig(source, *path)
    if not isinstance(found, list):
        return []
    return [item if isinstance(item, (int, float)) else None for item in found]


def _mapping(path: Path) -> Json:
    return cast(Json, _read_json(path, dict))


def _read_json(path: Path, kind: type[Any]) -> Any:
    return _of_kind(path, read_json(path), kind) if path.is_file() else kind()


def _yaml(path: Path, kind: type[Any]) -> Any:
    if not path.is_file():
        return kind()
    import yaml  # type: ignore[import-untyped]

    raw = path.read_bytes()
    try:
        try:
            found = yaml.load(raw, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError:  # libyaml takes no byte of a file name that is no UTF-8, as Python writes it
            found = yaml.load(raw, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _broken(path, str(error).splitlines()[0]) from error
    return kind() if not found else _of_kind(path, found, kind)


def _of_kind(path: Path, found: Any, kind: type[Any]) -> Any:
    if not isinstance(found, kind):
        raise _broken(path, f"it holds a {type(found).__name__} where a {kind.__name__} is expected")
    return found


def _broken(path: Path, why: str) -> RunError:
    return RunError(
        f"{path} cannot be read: {why}.",
        fix="the file was changed or cut short after the run; run it again, with force=true",
    )

"""Make a fraudlab model from an official container's artifact; it gives the same scores, to the last bit."""

from __future__ import annotations

import csv
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fraudlab.archives import pack
from fraudlab.container.contract import file_sha256
from fraudlab.errors import ConfigError, RunError
from fraudlab.files import publish, read_json, storage, write_json
from fraudlab.models import exchange_process
from fraudlab.models.booster_files import BoosterFile, find_boosters

DEFAULT_THRESHOLD = 0.5
_NAMES_FILE_BYTES = 64 << 20


def import_model(
    given: Path,
    *,
    columns: str,
    output: Path,
    threshold: float | None = None,
    libsvm_base: int | None = None,
    rounds: str | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Make a model folder: ``model.ubj``, ``model.json`` and ``model.tar.gz``.

    One process, with limits of memory and time, loads the booster and saves it again; if the file is
    malicious, only that process ends. Another process checks byte by byte what the first one saved, loads it
    as an endpoint does, and compares the scores.

    Parameters
    ----------
    given : Path
        ``xgboost-model``, a ``model.tar.gz`` or a folder with it; several files ``xgboost-model-0`` … become
        one booster, the mean of their raw scores.
    columns : str
        ``auto``, names between commas, or a file of them.
    output : Path
        The new folder.
    threshold : float, optional
        An alert is ``score >= threshold``; 0.5 where none is given.
    libsvm_base : {0, 1}, optional
        Which index means the first column in libsvm bodies.
    rounds : {"best", "all"}, optional
        Which rounds of a booster whose early stopping left more than the best.
    say : callable
        Takes what a person should know, line by line.

    Raises
    ------
    ConfigError
        If what is given cannot be a model.
    RunError
        If `output` is there already.
    """
    chosen = DEFAULT_THRESHOLD if threshold is None else threshold
    if not (math.isfinite(chosen) and 0.0 <= chosen <= 1.0):
        raise ConfigError(f"--threshold {chosen:g} is no score.", fix="valid: 0 to 1")
    _require_free(output)
    asked = read_columns(columns)
    scale = asked.pop("scale") if isinstance(asked, dict) else None
    asked = asked["columns"] if isinstance(asked, dict) else asked
    with storage(output):
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.absolute().parent))
    try:
        sources = find_boosters(given, work / "unpacked")
        known = " and ".join(filter(None, [", ".join(s.name for s in sources[:-1]), sources[-1].name]))
        say(f"loading {known}, in a process of its own")
        write_json(
            work / "request.json",
            {
                "files": [str(source.path.absolute()) for source in sources],
                "names": [source.name for source in sources],
                "sources": [{"name": s.name, "sha256": file_sha256(s.path)} for s in sources],
                "columns": asked,
                "scale": scale,
                "rounds": rounds,
                "threshold": chosen,
                "libsvm_base": libsvm_base,
            },
        )
        exchange_process.run("convert", work, what=known)
        exchange_process.run("adopt", work, what=known)
        model = work / "model"
        contract, booster = model / "model.json", model / "model.ubj"
        with storage(output), contract.open("rb") as first, booster.open("rb") as second:
            pack([(contract.name, first), (booster.name, second)], model / "model.tar.gz")
        if not publish(model, output):
            _require_free(output)
        _report(sources, work, output, threshold, libsvm_base, say)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return output


def read_columns(text: str) -> Any:
    """What ``--columns`` says: ``"auto"``, names, or columns as ``model.json`` describes them.

    A whole ``model.json`` becomes an object of its ``columns`` and its ``scale``, which belongs to them.

    Raises
    ------
    ConfigError
        If a name is empty or there twice, or a file holds no names.
    """
    if text == "auto":
        return text
    path = Path(text)
    if path.is_file():
        return _from_file(path)
    names = [name.strip() for name in next(csv.reader([text], skipinitialspace=True), [])]
    if len(names) == 1 and ("/" in text or path.suffix in {".txt", ".csv", ".json"}):
        raise ConfigError(
            f"There is no file {text}.", fix="give names between commas, a file of them, or auto"
        )
    return _checked(names, "--columns")


def _from_file(path: Path) -> Any:
    try:
        if path.stat().st_size > _NAMES_FILE_BYTES:
            raise ConfigError(f"{path} is no list of names: it has {path.stat().st_size:,} bytes.", fix=_FIX)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}.", fix=_FIX) from error
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{path} is not JSON: {error}.", fix=_FIX) from error
        if isinstance(found, dict):
            if found.get("derived"):
                raise ConfigError(
                    f"{path} has derived columns, and a booster that is brought has none.",
                    fix="serve its model folder as it is, or name all columns that the booster takes",
                )
            preprocessing = found.get("preprocessing")
            scale = preprocessing.get("scale") if isinstance(preprocessing, dict) else None
            return {"columns": _listed(found.get("columns"), path), "scale": scale}
        return _listed(found, path)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = next(csv.reader(lines, skipinitialspace=True))
    return _checked([line.strip() for line in lines], str(path))


def _listed(found: Any, path: Path) -> Any:
    """Names, or descriptions of columns, of a file in JSON."""
    kinds = {type(entry) for entry in found} if isinstance(found, list) else set()
    if kinds not in ({str}, {dict}):
        raise ConfigError(f"{path} holds no list of columns.", fix=_FIX)
    return _checked(found, str(path)) if kinds == {str} else found


_FIX = "write one name a line, or a list as `columns` in a model.json"


def _checked(names: list[str], source: str) -> list[str]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if not names or not all(names):
        raise ConfigError(f"{source} has an empty name.", fix="give every column one")
    if twice is not None:
        raise ConfigError(f"{source} has {twice!r} twice.", fix="give every column a name of its own")
    return names


def _require_free(output: Path) -> None:
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise RunError(f"{output} is there already.", fix="choose another with --output, or remove it")


def _report(
    sources: Sequence[BoosterFile],
    work: Path,
    output: Path,
    threshold: float | None,
    libsvm_base: int | None,
    say: Callable[[str], None],
) -> None:
    facts, result = read_json(work / "facts.json"), read_json(work / "result.json")
    names = [column["name"] for column in facts["columns"]]
    listed = ", ".join(names[:8]) + (f", … {names[-1]}" if len(names) > 8 else "")
    versions = {version or "a version it does not tell" for version in facts["versions"]}
    by = ", ".join(sorted(versions))
    say(f"booster: {facts['rounds']:,} rounds of {facts['booster']}, written by XGBoost {by}")
    say(f"columns ({len(names)}): {listed}")
    for note in facts["notes"]:
        say(f"note: {note}")
    if libsvm_base == 1 and facts["first_unused"]:
        say(
            "note: no tree looks at column 1. XGBoost takes index k of a libsvm file for column k, so "
            "a model that was trained on files that count from 1 has such a column, and needs --libsvm-base 0"
        )
    if threshold is None:
        say(f"threshold: {DEFAULT_THRESHOLD:g}, as none was given: --threshold, or `threshold` in model.json")
    else:
        say(f"threshold: {threshold:g}")
    what = "the file" if len(sources) == 1 else "the averaged booster"
    say(
        f"checked: {result['rows']:,} random rows with missing values ({result['distinct']:,} different "
        f"scores) are scored as by {what}, to the last bit"
    )
    if (difference := facts["difference"]) is not None:
        say(
            f"note: {len(sources)} folds are one booster that averages their raw scores. The official "
            "container averages their probabilities, which no single booster can: on those rows they differ "
            f"by {difference['largest']:.2g} at most and {difference['mean']:.2g} on average, so choose the "
            "threshold anew"
        )
    say(f"model: {output} (model.ubj, model.json, model.tar.gz)")
    say(f"serve: fraudlab serve --model {output}")

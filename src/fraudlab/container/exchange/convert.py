"""Read a stranger's booster and save it as this XGBoost does, in a process with limits that may crash.

``python -m fraudlab.container.exchange.convert FOLDER``, with ``request.json`` there. Leaves ``booster.ubj``,
the rows and scores that are to prove it, and ``facts.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.contract import Fields, read_json, write_json
from fraudlab.container.exchange import work
from fraudlab.container.exchange.content import (
    categories_of,
    cut_lists,
    forget_categories,
    probe_rows,
    require_alike,
    say_what_is_deleted,
    uses,
)
from fraudlab.container.exchange.naming import name_columns
from fraudlab.container.exchange.process_limits import confine
from fraudlab.container.failure import ConfigError, quoted
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.averaging import average
from fraudlab.container.model_files.booster_file import written_by
from fraudlab.container.model_files.official import trees_of
from fraudlab.container.runtime import lean_xgboost

#: two names of the same computation
_OBJECTIVES = ("binary:logistic", "reg:logistic")
#: above it, looking at every threshold for rows would take longer than all else
_MAX_LOOKED_AT = 64 << 20


def convert(folder: Path) -> None:
    """Read what ``request.json`` names, and leave one booster.

    Raises
    ------
    ConfigError
        If a file is no booster, or none that scores fraud.
    """
    request = Fields(read_json(folder / work.REQUEST), source=work.REQUEST)
    files = [Path(path) for path in request.get("files", list)]
    names = [str(name) for name in request.get("names", list)]
    size = sum(path.stat().st_size for path in files)
    confine(size)
    with lean_xgboost():
        import xgboost
    xgboost.set_config(verbosity=0)
    notes: list[str] = []
    boosters = [_load(xgboost, path, name) for path, name in zip(files, names, strict=True)]
    for booster, name in zip(boosters, names, strict=True):
        _require_probability(booster, name)
    boosters = [
        _of_rounds(booster, request.optional("rounds", str), name, notes)
        for booster, name in zip(boosters, names, strict=True)
    ]
    whole, content = _whole(xgboost, boosters, names)
    columns, named = name_columns(
        request.get("columns", object),
        count=whole.num_features(),
        names=boosters[0].feature_names or [],
        types=boosters[0].feature_types or [],
        categories=categories_of(content),
        doubtful=cut_lists(content),
    )
    features = Features(columns)
    if any(listed is not None for listed in categories_of(content)):
        forget_categories(content)
        whole = _from_json(xgboost, content)
    whole.feature_names = features.booster_names
    whole.feature_types = (
        ["float" if c.categories is None else "c" for c in columns] if features.codes else None
    )
    whole.set_param({"objective": _OBJECTIVES[0]})
    rows = probe_rows(
        content if size <= _MAX_LOOKED_AT else None, [len(column.categories or ()) for column in columns]
    )
    scores = _predict(xgboost, whole, rows, columns)
    difference = _difference(xgboost, boosters, rows, columns, scores)
    (folder / work.BOOSTER).write_bytes(whole.save_raw("ubj"))
    np.save(folder / work.ROWS, rows)
    np.save(folder / work.SCORES, scores)
    config = json.loads(whole.save_config())["learner"]
    facts = {
        "columns": [column.as_json() for column in columns],
        "notes": notes + named,
        "versions": [_version(path) for path in files],
        "booster": config["gradient_booster"]["name"],
        "rounds": whole.num_boosted_rounds(),
        "trees": len(trees_of(content)["trees"]),
        "first_unused": not uses(content, 0),
        "difference": difference,
    }
    write_json(folder / work.FACTS, facts)


def _load(xgboost: Any, path: Path, name: str) -> Any:
    data = path.read_bytes()
    try:
        if data.startswith(b'{"') and (written_by(data) or ())[:2] == (1, 0):
            content = json.loads(data)
            say_what_is_deleted(content)
            data = json.dumps(content).encode()
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(data))
        booster.num_features()
    except (xgboost.core.XGBoostError, ValueError, LookupError, TypeError) as error:
        said = str(error).split("\nStack trace", 1)[0].split("] ", 1)[-1]
        reason = " ".join(said.split(": ", 1)[-1].split())[:200]
        raise ConfigError(
            f"XGBoost cannot read {name}: {reason}",
            fix="save it again where it was made: booster.save_model('xgboost-model.json')",
        ) from error
    booster.set_param({"nthread": 1})
    return booster


def _version(path: Path) -> str | None:
    found = written_by(path.read_bytes())
    return None if found is None else ".".join(map(str, found))


def _require_probability(booster: Any, name: str) -> None:
    learner = json.loads(booster.save_config())["learner"]
    kind = learner["gradient_booster"]["name"]
    if kind not in ("gbtree", "dart"):
        raise ConfigError(
            f"{name} is a booster of the kind {quoted(kind)}, which has no trees",
            fix="train it again with booster=gbtree",
        )
    objective = learner["objective"]["name"]
    if objective not in _OBJECTIVES:
        raise ConfigError(
            f"{name} has the objective {quoted(objective)}, whose scores are no probability of fraud"
            + (" but log-odds" if objective == "binary:logitraw" else ""),
            fix="train it again with objective=binary:logistic. One of your own has another name in files: "
            "if its raw scores are log-odds, set_param({'objective': 'binary:logistic'}) and save it again",
        )
    parameters = learner["learner_model_param"]
    if parameters["num_class"] not in ("0", "1") or parameters["num_target"] != "1":
        raise ConfigError(
            f"{name} has {max(parameters['num_class'], parameters['num_target'])} scores for each row",
            fix="use a model of two classes with one score",
        )
    if not booster.num_boosted_rounds():
        raise ConfigError(f"{name} has no trees", fix="train it for at least one round")


def _of_rounds(booster: Any, asked: str | None, name: str, notes: list[str]) -> Any:
    """The booster cut to the rounds that are asked for, or to those that are certainly meant."""
    # Up to 1.7 XGBoost also says it in trees, and does not save how many a round has: each is a round then.
    trees, iteration = _whole_number(booster, "best_ntree_limit"), _whole_number(booster, "best_iteration")
    rounds = booster.num_boosted_rounds()
    kept = trees or (rounds if iteration is None else iteration + 1)
    if kept >= rounds:
        return booster
    if asked is None and trees:
        # The official container up to XGBoost 1.7 predicts with ntree_limit=best_ntree_limit.
        raise ConfigError(
            f"{name} has {rounds} rounds, and early stopping found the first {kept} best: the official "
            f"container (up to XGBoost 1.7) scores with those {kept}, Booster.predict with all",
            fix=f"say --rounds best ({kept}) or --rounds all ({rounds})",
        )
    if asked == "best":
        notes.append(f"{name}: the first {kept} of {rounds} rounds, which early stopping found best")
        return booster[:kept]
    notes.append(
        f"{name}: all {rounds} rounds, as Booster.predict; early stopping found the first {kept} best"
    )
    return booster


def _whole_number(booster: Any, name: str) -> int | None:
    text = booster.attr(name)
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None


def _whole(xgboost: Any, boosters: list[Any], names: list[str]) -> tuple[Any, dict[str, Any]]:
    """The booster, or the mean of several; and its content."""
    contents = [json.loads(booster.save_raw("json")) for booster in boosters]
    if len(boosters) == 1:
        return boosters[0].copy(), contents[0]
    require_alike(contents, names)
    content = average(contents)
    return _from_json(xgboost, content), content


def _from_json(xgboost: Any, content: dict[str, Any]) -> Any:
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(json.dumps(content).encode()))
    booster.set_param({"nthread": 1})
    return booster


def _predict(
    xgboost: Any, booster: Any, rows: NDArray[np.float32], columns: list[Column], *, margin: bool = False
) -> NDArray[np.float32]:
    types = ["float" if column.categories is None else "c" for column in columns]
    data = xgboost.DMatrix(rows, feature_types=types, enable_categorical=True, nthread=1)
    found: NDArray[np.float32] = booster.predict(data, validate_features=False, output_margin=margin)
    return found


def _difference(
    xgboost: Any,
    boosters: list[Any],
    rows: NDArray[np.float32],
    columns: list[Column],
    scores: NDArray[np.float32],
) -> dict[str, float] | None:
    """How far scores are from what the official container says of these rows, the mean of all probabilities.

    Of one file nothing may differ.
    """
    own = [_predict(xgboost, booster, rows, columns) for booster in boosters]
    if len(own) == 1:
        if not np.array_equal(own[0], scores):
            raise ConfigError(
                "saved by this version of XGBoost, the booster scores otherwise than before",
                fix="report it, with the file",
            )
        return None
    far = np.abs(np.mean(own, axis=0, dtype=np.float64) - scores)
    return {"largest": float(far.max()), "mean": float(far.mean())}


if __name__ == "__main__":
    sys.exit(work.carry_out(convert))

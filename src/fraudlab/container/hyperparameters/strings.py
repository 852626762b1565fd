"""From the strings SageMaker delivers to a typed object, or to one error with all that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fraudlab.container.failure import ConfigError, near, together
from fraudlab.container.hyperparameters.eval_metrics import COUNTS_ALERTS, UNWEIGHTED, is_hook, printed
from fraudlab.container.hyperparameters.kinds import Unfit
from fraudlab.container.hyperparameters.legacy import HARMLESS
from fraudlab.container.hyperparameters.parameters import Hyperparameters
from fraudlab.container.hyperparameters.rules import conflicts, without_idle
from fraudlab.container.hyperparameters.table import NAMES, PARAMETERS, REFUSED


def wanted(name: str) -> str:
    """What a hyperparameter may be set to, as it follows "set it to"."""
    return PARAMETERS[name].kind.wanted


def canonical(name: str) -> str:
    """The name a parameter has here, where `name` is another one for it; else `name` itself."""
    return NAMES.get(name, name)


def read_texts(texts: Mapping[str, Any], *, prefix: str = "") -> Hyperparameters:
    """Understand the hyperparameters of one model; members are read, and not made yet.

    Parameters
    ----------
    texts : mapping of str
        Values are strings, plain or JSON-encoded. ``None``, ``null`` and the empty string mean "not set".
    prefix : str
        What stands before every name where the person writes it, such as ``model.``.

    Raises
    ------
    ConfigError
        With all that is wrong: names that are unknown or refused, values that are not of their type or out of
        their range, values that cannot be together.
    """
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    unfit: set[str] = set()
    problems: list[ConfigError] = []
    for given, value in texts.items():
        text = plain(value)
        try:
            if not _is_set(given, text):
                continue
            found = _read(given, text or "", prefix)
        except ConfigError as error:
            problems.append(error)
            unfit.add(canonical(given))
            continue
        name = NAMES[given]
        if name in values and values[name] != found:
            problems.append(
                ConfigError(
                    f"{prefix}{spelled[name]} and {prefix}{given} are one parameter, and have two values",
                    fix=f"set {prefix}{name} alone",
                )
            )
            unfit.add(name)
        values[name], spelled[name] = found, given
    values = without_idle(values)
    # What hangs together with a value that is wrong by itself is judged when that is mended.
    problems += [error for names, error in conflicts(values, prefix) if unfit.isdisjoint(names)]
    values = {name: value for name, value in values.items() if not PARAMETERS[name].fixed}
    result = None
    try:
        result = _assemble(values)
    except ConfigError as error:
        problems.append(error)
    if problems or result is None:
        raise together(problems, what="hyperparameters cannot be used")
    return result


def remarks(texts: Mapping[str, Any]) -> list[str]:
    """What a person should hear of parameters that are accepted: a line for each that does nothing here.

    Parameters
    ----------
    texts : mapping of str
        As :func:`read_texts` takes and accepts them.
    """
    lines = []
    for given, value in texts.items():
        text, name = plain(value), NAMES.get(given)
        if text is None or name is None:
            continue
        parameter = PARAMETERS[name]
        if parameter.note and parameter.kind.read(text) != parameter.anyway:
            lines.append(f"hyperparameter {given}={_shortened(text)} changes nothing: {parameter.note}")
        if name == "objective" and text == "reg:logistic":
            lines.append(
                "hyperparameter objective=reg:logistic grows the trees of binary:logistic: that is used"
            )
    found = read_texts(texts)
    watched = found.eval_metric[-1]
    if found.early_stopping_rounds and watched.partition("@")[0] == "error":
        lines.append(f"early stopping watches {watched}, which {COUNTS_ALERTS}: logloss is a better guide")
    return lines


def plain(given: Any) -> str | None:
    """The text of a value, whether it was JSON-encoded or not; None where it is not set."""
    if isinstance(given, str):
        text = given.strip()
        if text.startswith('"'):
            try:
                given = json.loads(text)
            except ValueError:
                return text
            text = str(given)
        return None if text in ("", "None", "null") else text
    return None if given is None else json.dumps(given)


def _is_set(given: str, text: str | None) -> bool:
    """Whether a name is to be read: not where it has no value, or one that is as good as none.

    Raises
    ------
    ConfigError
        If there is no such name.
    """
    if given not in NAMES and given not in REFUSED:
        raise ConfigError(
            f"unknown hyperparameter {given!r}{near(given, NAMES, limit=3)}",
            fix=f"use one of: {', '.join(sorted(PARAMETERS))}",
        )
    return text is not None and text.lower() not in HARMLESS.get(given, ())


def _read(given: str, text: str, prefix: str) -> Any:
    called = f"{prefix}{given}" if prefix else f"hyperparameter {given!r}"
    if given in REFUSED:
        reason, fix = REFUSED[given]
        raise ConfigError(f"{called} is not used: {reason}", fix=fix)
    kind = PARAMETERS[NAMES[given]].kind
    try:
        return kind.read(text)
    except Unfit as unfit:
        reason = f": {unfit}"
    except (ValueError, RecursionError):
        reason = ""
    raise ConfigError(
        f"{called} is {_shortened(text)!r}, not {kind.wanted}{reason}",
        fix=f"set {prefix}{given} to {kind.wanted}",
    )


def _shortened(text: str) -> str:
    """A value for a sentence; the beginning of it where it is long."""
    return text if len(text) <= 100 else f"{text[:100]}…"


def _assemble(values: dict[str, Any]) -> Hyperparameters:
    objective = values.pop("objective", "binary:logistic")
    if is_hook(objective):
        values["objective_hook"] = printed(objective)
        # XGBoost starts from the prevalence only where it computes the gradients itself
        values.setdefault("base_score", 0.5)
    # With class weights the scores are no probabilities, and log-loss improves until the last round.
    weighted = values.get("scale_pos_weight", 1.0) != 1.0
    values.setdefault("eval_metric", ("aucpr", UNWEIGHTED if weighted else "logloss"))
    tuned = values.pop("_tuning_objective_metric", None)
    if tuned:
        values["eval_metric"] = _with_tuned(values["eval_metric"], tuned)
    ours = {item.name for item in fields(Hyperparameters)} - {"booster", "each"}
    own = {name: values.pop(name) for name in ours & values.keys()}
    start = {"objective": "binary:logistic", "tree_method": "hist", "seed": 0}
    return Hyperparameters(**own, booster=start | values)


def _with_tuned(metrics: tuple[str, ...], tuned: str) -> tuple[str, ...]:
    """The metrics and the one a tuning job watches; it comes first, as early stopping watches the last."""
    name = tuned.removeprefix("validation:")
    if name == tuned or name in map(printed, metrics):
        return metrics
    try:
        return (*PARAMETERS["eval_metric"].kind.read(name), *metrics)
    except ValueError as error:
        raise ConfigError(
            f"the tuning job watches {tuned!r}, which no metric of this job is called",
            fix=f"let it watch one of: {', '.join(f'validation:{printed(metric)}' for metric in metrics)}",
        ) from error

"""``data.derive``, checked before there is a job: against a configuration's names, then against the table's.

What an expression means is the job's to say (:mod:`fraudlab.container.expressions`); here is said which
columns a model is sent, and why it is not sent the others. The time of a row is sent where an expression
asks for its hour or its weekday, and is no feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fraudlab.config import DataConfig
from fraudlab.container.column_rules import ColumnNames
from fraudlab.container.expressions.declared import examine
from fraudlab.container.expressions.kinds_of_values import ValueKind
from fraudlab.errors import ConfigError
from fraudlab.objections import together

#: what asks for a proposal, as a mapping has it: ``{auto: true}``
_AUTO, _YES = "auto", "true"
_SENT = "a model is sent its features, and nothing else of a row"
_BARRED = {
    "label": "the label, which nobody knows when a transaction is scored",
    "card": f"the card of the row, data.card; {_SENT}",
    "label_known": "data.label_known, which nobody knows when a transaction is scored",
    "id": f"which data.id keeps from the model; {_SENT}",
    "drop": f"which data.drop leaves out; {_SENT}",
}


def asks_auto(derive: Mapping[str, str]) -> bool:
    """Whether ``data.derive`` asks for columns to be chosen: ``auto``, or ``auto: true`` beside others."""
    return derive.get(_AUTO, "").strip().lower() == _YES


def written_columns(derive: Mapping[str, str]) -> dict[str, str]:
    """The columns that a person has declared, without what asks for more."""
    return {name: text for name, text in derive.items() if name != _AUTO or not asks_auto(derive)}


def check_derived(data: DataConfig, names: ColumnNames, columns: Sequence[str] | None = None) -> None:
    """Check the columns that ``data.derive`` declares.

    Parameters
    ----------
    data : DataConfig
    names : ColumnNames
        The columns that the configuration names.
    columns : sequence of str, optional
        Of the table, once they are known.

    Raises
    ------
    ConfigError
        If one cannot be computed; all that is wrong at once.
    """
    derive = written_columns(data.derive)
    if not derive:
        return
    known = columns if columns is not None else names.features
    features = names.learnt(known)
    apart = {name: part for name, part in names.apart().items() if name not in features}
    barred = {name: _BARRED[part] for name, part in apart.items() if part != "time"}
    others = [name for name in known if name not in features and name not in apart]
    barred |= dict.fromkeys(others, f"which is not in data.features; {_SENT}")
    kinds = {name: ValueKind.TEXT if name in names.categorical else ValueKind.NUMBER for name in features}
    kinds |= dict.fromkeys(names.categorical, ValueKind.TEXT)
    kinds |= {name: ValueKind.TIME for name, part in apart.items() if part == "time"}
    _, faults = examine(
        derive,
        kinds,
        complete=bool(known),
        barred=barred,
        taken={name: f"data.{part}" for name, part in apart.items()}
        | dict.fromkeys(others, "a column of the table"),
    )
    if faults:
        raise together([ConfigError(f"data.derive: {fault.sentence}.", fix=fault.fix) for fault in faults])

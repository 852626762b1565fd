"""``serving.reasons``: the texts that a team writes for the reasons of scores, checked before there is a job.

What a text may be is the job's to say (:mod:`fraudlab.container.reason_texts`); here the file is read, and
which columns a model has is asked of the configuration and of the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fraudlab.config import RunConfig
from fraudlab.container.column_rules import ColumnNames
from fraudlab.derive_rules import written_columns
from fraudlab.errors import ConfigError
from fraudlab.objections import together

#: of the value `auto`, below the folder that fraudlab is called in; and what a run's copy is called
OWN, FILE = Path("conf", "reasons.yaml"), "reasons.yaml"
_MAX_BYTES = 1 << 20
_EXAMPLE = 'write lines such as  amount: {high: "Amount {value} is unusually high"}; see docs/reasons.md'


def reasons_file(reasons: str | None) -> str | None:
    """The file that ``serving.reasons`` means: for ``auto`` a team's own, where there is one."""
    if reasons != "auto":
        return reasons
    return str(OWN) if OWN.is_file() else None


def read_reasons(path: str) -> dict[str, Any]:
    """Read a file of texts, as it was written: nothing in it is a number, a date or a boolean.

    Raises
    ------
    ConfigError
        If it cannot be read, is not YAML, or has a name twice.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"serving.reasons={path} cannot be read: {error.strerror}.",
            fix="name a YAML file, or leave serving.reasons out",
        ) from error
    if len(content) > _MAX_BYTES:
        raise ConfigError(f"{path} has more than {_MAX_BYTES:,} bytes.", fix="write shorter texts")
    try:
        node = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.BaseLoader)
        _refuse_repeated(node, path)
        read = yaml.load(content.decode("utf-8-sig"), Loader=yaml.BaseLoader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error.reason}.", fix="save it as UTF-8") from error
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        problem = getattr(error, "problem", None) or "it is nested too deeply"
        raise ConfigError(f"{path} is not YAML{line}: {problem}.", fix=_EXAMPLE) from error
    if read is None or read == "":
        return {}
    if not isinstance(read, dict):
        raise ConfigError(f"{path} does not map columns to texts.", fix=_EXAMPLE)
    return read


def _refuse_repeated(node: Any, path: str) -> None:
    """YAML takes the last of two names that are alike; whoever wrote both meant both."""
    import yaml

    maps = [node, *[value for _, value in node.value]] if isinstance(node, yaml.MappingNode) else []
    wrong = []
    for one in maps:
        names: list[Any] = []
        if isinstance(one, yaml.MappingNode):
            for key, _ in one.value:
                if not isinstance(key, yaml.ScalarNode):
                    wrong.append(_no_name(path, key))
                elif key.value in names:
                    line = key.start_mark.line + 1
                    sentence = f"{path}: {key.value!r} stands there twice, the second time in line {line}."
                    wrong.append(ConfigError(sentence, fix="leave one of them out"))
                else:
                    names.append(key.value)
    if wrong:
        raise together(wrong)


def _no_name(path: str, key: Any) -> ConfigError:
    return ConfigError(f"{path}: line {key.start_mark.line + 1} begins with no name.", fix=_EXAMPLE)


def check_reasons(
    config: RunConfig,
    names: ColumnNames,
    columns: Sequence[str] | None = None,
    *,
    without_columns: bool = False,
) -> None:
    """Check the texts that ``serving.reasons`` names; of another configuration, nothing.

    Parameters
    ----------
    config : RunConfig
    names : ColumnNames
        The columns that the configuration names.
    columns : sequence of str, optional
        Of the table, once they are known.
    without_columns : bool
        Check what can be checked where no columns are known; else nothing is, as the table's will tell.

    Raises
    ------
    ConfigError
        If a text cannot be used; all that is wrong at once.
    """
    path = config.serving.reasons
    if path is None:
        return
    given: Mapping[str, Any] = read_reasons(path)
    known = columns if columns is not None else names.features
    if (
        not known and not without_columns
    ):  # the table's columns tell, and then all that is wrong is said at once
        return
    from fraudlab.container.reason_texts import examine

    kinds = {name: name in names.categorical for name in names.learnt(known)}
    kinds |= dict.fromkeys(names.categorical, True)
    kinds |= dict.fromkeys(written_columns(config.data.derive), False)
    _, faults = examine(given, kinds, complete=bool(known))
    if faults:
        raise together([ConfigError(f"{path}: {fault.sentence}.", fix=fault.fix) for fault in faults])

"""What a person calls a version of data in Comet: ``[WORKSPACE/]NAME:ALIAS_OR_VERSION``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fraudlab.config import DataConfig, DataKind
from fraudlab.errors import ConfigError

_WORD = r"[^/:\s\x00-\x1f]{1,200}"
_REFERENCE = re.compile(rf"(?:({_WORD})/)?({_WORD}):([^/\s\x00-\x1f]{{1,200}})")


@dataclass(frozen=True)
class DatasetReference:
    """A version of data in Comet.

    Attributes
    ----------
    workspace : str or None
        None is the one of ``tracking.workspace``, or the account's default.
    name : str
        Of the artifact.
    version : str
        Its number, with or without a ``v``, or an alias of it.
    """

    workspace: str | None
    name: str
    version: str

    def __str__(self) -> str:
        return (
            f"{self.workspace}/{self.name}:{self.version}"
            if self.workspace
            else f"{self.name}:{self.version}"
        )


def read_reference(text: str) -> DatasetReference:
    """Read ``data.artifact``.

    Raises
    ------
    ConfigError
        For what names no version.
    """
    found = _REFERENCE.fullmatch(text.strip())
    if found is None:
        name = text.strip().rstrip(":")
        whole = re.fullmatch(rf"(?:{_WORD}/)?{_WORD}", name)
        example = name if whole else "fraud-dataset"
        raise ConfigError(
            f"data.artifact={text!r} names no version.",
            fix=f"write [WORKSPACE/]NAME:ALIAS_OR_VERSION, such as data.artifact={example}:preprocessed, "
            f"{example}:raw or {example}:1.0.0",
        )
    return DatasetReference(found[1], found[2], found[3])


def is_described(data: DataConfig) -> bool:
    """Whether it is known what the table is: of a version of data, the version says it later."""
    return data.kind is not DataKind.artifact or bool(data.label)


def check_reference(data: DataConfig) -> None:
    """Check that a version is named where, and only where, a run starts from one.

    Raises
    ------
    ConfigError
        Where it is not.
    """
    if data.kind is DataKind.artifact:
        if data.artifact is None:
            raise ConfigError(
                "data.artifact must be given for data=artifact.",
                fix="add data.artifact=[WORKSPACE/]NAME:ALIAS_OR_VERSION, such as fraud-dataset:preprocessed",
            )
        read_reference(data.artifact)
    elif data.artifact is not None:
        raise ConfigError(
            f"data.artifact={data.artifact} is given, but data={data.kind.value} starts from no version.",
            fix=f"add data=artifact data.artifact={data.artifact}, or leave it out",
        )

"""The columns that a configuration names, by what they are for."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.config import DataConfig
from fraudlab.container.column_rules import ColumnNames


def column_names(data: DataConfig, slices: Sequence[str] = ()) -> ColumnNames:
    """The columns that a configuration names; `slices` are those of ``evaluation.slices``."""
    return ColumnNames(
        label=data.label,
        time=data.time,
        label_known=data.label_known,
        id=tuple(data.id),
        card=data.card,
        amount=data.amount,
        features=tuple(data.features),
        drop=tuple(data.drop),
        categorical=tuple(data.categorical),
        slices=tuple(slices),
    )

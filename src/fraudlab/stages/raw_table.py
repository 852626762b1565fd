"""The table of a run: found, checked and hashed before there is a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.cache import Cache
from fraudlab.config import DataKind, RunConfig
from fraudlab.container.column_rules import ColumnNames
from fraudlab.derive_rules import check_derived
from fraudlab.errors import ConfigError
from fraudlab.model_rules import check_constraints
from fraudlab.objections import parts_of
from fraudlab.reason_rules import check_reasons

if TYPE_CHECKING:
    from fraudlab.data.sources import Source


def find_table(config: RunConfig, cache: Cache) -> Source:
    """Find, check and hash the table of a run; the synthetic one is made where it is not there yet."""
    data = config.data
    for kind in ("synthetic", "digests"):
        cache.use(kind)
    path = Path(data.path) if data.path else _synthetic(config, cache)
    return look(config, path, cache.folder)


def look(config: RunConfig, path: Path, cache: Path, *, read: bool = True) -> Source:
    """Check a table as its configuration describes it, and hash it.

    Parameters
    ----------
    config : RunConfig
    path : Path
        Of the table.
    cache : Path
        Where hashes of unchanged files are remembered.
    read : bool
        If False, no file is read for its hash; see :func:`fraudlab.data.sources.resolve`.
    """
    from fraudlab.data import sources

    data = config.data
    if data.kind is DataKind.creditcard and path.is_file():
        from fraudlab.data import creditcard

        creditcard.check(path)
    return sources.resolve(
        path,
        label=data.label,
        time=data.time,
        label_known=data.label_known,
        id=data.id,
        card=data.card,
        amount=data.amount,
        features=data.features,
        drop=data.drop,
        categorical=data.categorical,
        slices=config.evaluation.slices,
        cache=cache,
        sha256=data.sha256,
        separator=data.separator,
        decimal=data.decimal,
        encoding=data.encoding,
        read=read,
        objections=partial(faults_of_columns, config),
    )


def faults_of_columns(config: RunConfig, names: ColumnNames, columns: Sequence[str]) -> list[ConfigError]:
    """All that a configuration says of columns and a table with these does not allow.

    Parameters
    ----------
    config : RunConfig
    names : ColumnNames
        The columns that the configuration names, or means.
    columns : sequence of str
        Of the table.
    """
    rules: tuple[Callable[[], None], ...] = (
        lambda: check_derived(config.data, names, columns),
        lambda: check_constraints(config, columns, names=names),
        lambda: check_reasons(config, names, columns),
    )
    found: list[ConfigError] = []
    for rule in rules:
        try:
            rule()
        except ConfigError as error:
            found += parts_of(error)
    return found


def _synthetic(config: RunConfig, cache: Cache) -> Path:
    from fraudlab.data import synthetic

    rows, fraud_rate = config.data.rows, config.data.fraud_rate
    return synthetic.cached(cache.folder, rows=rows, fraud_rate=fraud_rate, seed=config.seed)

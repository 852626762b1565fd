"""The test rows scored by the incumbent: whether it can, and how many of them it may have learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import DataError, EndpointError, FraudlabError, StorageError
from fraudlab.registry.version_endpoint import endpoint_with
from fraudlab.report.recorded.run_record import dig, number
from fraudlab.stages.context import Context
from fraudlab.stages.incumbent import Incumbent, Uncompared
from fraudlab.stages.prepare import Preparation
from fraudlab.stages.score import sent_rows
from fraudlab.stages.scoring import as_array, score_rows
from fraudlab.stages.unseen import find_unseen, refuse_wholly_unseen

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from fraudlab.container.features import Column, Features

_ELSE = "name another evaluation.incumbent, or null for none"
_SECONDS = 300.0


@dataclass(frozen=True)
class IncumbentScores:
    """What the incumbent says of the test rows.

    Attributes
    ----------
    incumbent : Incumbent
    score : ndarray of float32, shape (rows,)
    learned : int or None
        How many of these rows it may have learned from; None where nothing tells.
    """

    incumbent: Incumbent
    score: NDArray[np.float32]
    learned: int | None


def score_incumbent(
    context: Context, incumbent: Incumbent, prepared: Preparation
) -> IncumbentScores | Uncompared:
    """Score the test rows by the image's own ``serve`` with the incumbent, here, before anything is trained.

    Raises
    ------
    FraudlabError
        Where it was named, and cannot score these rows.
    """
    import pyarrow.parquet as pq

    table = pq.read_table(prepared.folder / "test")
    try:
        rows = comparable_rows(incumbent, table, prepared.manifest)
        with endpoint_with(incumbent.model) as url:
            score = score_rows(
                rows,
                _Sender(url).invoke,
                batch_rows=context.config.evaluation.batch_rows,
                reach=lambda _: None,
            )
    except StorageError:
        raise
    except FraudlabError as error:
        if incumbent.given:
            raise
        return Uncompared(error.message.rstrip("."), incumbent.name)
    return IncumbentScores(incumbent, score, learned_rows(incumbent, table, prepared.manifest))


def comparable_rows(incumbent: Incumbent, table: pa.Table, manifest: Mapping[str, Any]) -> pa.Table:
    """The rows of a prepared split as the incumbent is sent them.

    Raises
    ------
    DataError
        Where it predicts another label, or takes columns that the rows do not have, or have as another kind.
    """
    from fraudlab.container.contract import Fields
    from fraudlab.container.described_features import read_features
    from fraudlab.container.failure import JobError

    try:
        features = read_features(Fields(incumbent.contract, source="its model.json"))
    except JobError as error:
        raise DataError(f"The incumbent {incumbent.name}: {error.sentence}.", fix=_ELSE) from error
    label, own = incumbent.contract.get("label"), dig(manifest, "roles", "label")
    if label is not None and label != own:
        raise DataError(
            f"The incumbent {incumbent.name} predicts {label!r}, and this run {own!r}.", fix=_ELSE
        )
    _require_columns(incumbent, features, table, manifest)
    sent = sent_rows(table, incumbent.contract)
    refuse_wholly_unseen(
        find_unseen(features, sent),
        of="the test rows",
        fix=f"the incumbent {incumbent.name} was trained on other spellings; {_ELSE}",
    )
    return sent


def _require_columns(
    incumbent: Incumbent, features: Features, table: pa.Table, manifest: Mapping[str, Any]
) -> None:
    absent = [column.name for column in features.columns if not _is_there(column, table, manifest)]
    if absent:
        raise DataError(
            f"The incumbent {incumbent.name} takes {_columns(absent)}, which this run's rows do not have.",
            fix=f"keep what it takes among this run's features (data.features, data.drop); {_ELSE}",
        )
    other = [column.name for column in features.columns if not _is_alike(column, table, manifest)]
    if other:
        raise DataError(
            f"The incumbent {incumbent.name} takes {_columns(other)} as another kind than this run: numbers "
            "for categories, or other times.",
            fix=f"describe what it takes as it was trained (data.categorical, data.time_unit); {_ELSE}",
        )


def _is_there(column: Column, table: pa.Table, manifest: Mapping[str, Any]) -> bool:
    if column.clock is None:
        return column.name in table.column_names
    return bool(column.name == dig(manifest, "roles", "time"))


def _is_alike(column: Column, table: pa.Table, manifest: Mapping[str, Any]) -> bool:
    import pyarrow as pa

    if column.clock is not None:
        return bool(column.clock.dated == (dig(manifest, "time", "kind") == "timestamp"))
    is_category = pa.types.is_dictionary(table.schema.field(column.name).type)
    return bool(is_category == (column.categories is not None))


def _columns(names: list[str]) -> str:
    listed = ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"the {'column' if len(names) == 1 else 'columns'} {listed}"


def learned_rows(incumbent: Incumbent, table: pa.Table, manifest: Mapping[str, Any]) -> int | None:
    """How many rows of a test split the incumbent may have learned from; None where nothing tells.

    Where it was measured on the very same rows, none. Else, rows that lie in the time of its train or
    validation rows; of one table that was dealt at random, rows that it was not measured on.

    Parameters
    ----------
    incumbent : Incumbent
    table : pyarrow.Table
        The prepared split.
    manifest : mapping
        Of the preparation.
    """
    import numpy as np

    from fraudlab.container.prepared import ROW, TIME

    same_test = dig(incumbent.contract, "hashes", "prepared", "test")
    if same_test is not None and same_test == dig(manifest, "splits", "test", "sha256"):
        return 0
    if incumbent.run is None:
        return None
    own = _manifest(incumbent.run)
    table_digest = dig(own, "raw", "sha256")
    same_table = table_digest is not None and table_digest == dig(manifest, "raw", "sha256")
    if same_table and dig(own, "split", "kind") == "stratified":
        tested = _tested_rows(incumbent.run)
        return None if tested is None else int((~np.isin(as_array(table[ROW]), tested)).sum())
    kinds = {dig(one, "time", "kind") for one in (own, manifest)}
    if TIME in table.column_names and (kinds == {"timestamp"} or (same_table and kinds == {"number"})):
        time, inside = as_array(table[TIME]), np.zeros(table.num_rows, bool)
        for part in ("train", "validation"):
            first, last = (number(own, "splits", part, f"time_{end}") for end in ("start", "end"))
            if first is not None and last is not None:
                inside |= (time >= first) & (time <= last)
        return int(inside.sum())
    return None


def _manifest(run: Path) -> Mapping[str, Any]:
    from fraudlab.files import read_json

    path = run / "data" / "manifest.json"
    found = read_json(path) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _tested_rows(run: Path) -> NDArray[np.int64] | None:
    from fraudlab.report.recorded.scores import read_scores

    scores = read_scores(run)
    return None if scores is None else scores.row


class _Sender:
    """Sends bodies of CSV to an endpoint of this machine.

    Parameters
    ----------
    url : str
        Its base.
    """

    def __init__(self, url: str) -> None:
        from urllib3 import PoolManager

        self._url = f"{url}/invocations"
        self._pool = PoolManager(maxsize=4, retries=False, timeout=_SECONDS)

    def invoke(self, body: bytes) -> bytes:
        """The scores of rows.

        Raises
        ------
        EndpointError
            Where it refuses them, or does not answer.
        """
        from urllib3.exceptions import HTTPError

        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers)
        except HTTPError as error:
            raise EndpointError(
                f"The incumbent does not answer: {type(error).__name__}.", fix=_ELSE
            ) from error
        if answer.status != 200:
            words = answer.data.decode(errors="replace")[:500]
            raise EndpointError(f"The incumbent answered {answer.status}: {words}", fix=_ELSE)
        return answer.data

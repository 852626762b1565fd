"""From a file of transactions to a file of scores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import ConfigError, EndpointError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.container.features import Features
    from fraudlab.predict.client import EndpointClient
    from fraudlab.predict.file_rows import CsvOptions
    from fraudlab.predict.service_client import ServiceClient

    Scores = tuple[NDArray[np.float32], list[str] | None]


def predict_file(
    file: Path,
    *,
    endpoint: str,
    output: Path | None = None,
    batch_rows: int = 20_000,
    allow_unseen: bool = False,
    options: CsvOptions | None = None,
    sleep: Callable[[float], object] | None = None,
    overrides: Sequence[str] = (),
    model: Path | None = None,
    reasons: str | None = None,
) -> int:
    """Score raw rows of a CSV or Parquet file and write them as CSV: ``row,score,alert``.

    Every row is read and checked before the first is sent. Where the endpoint fails for good, what has been
    scored is kept in ``OUTPUT.partial``.

    Parameters
    ----------
    file : Path
        With the model's input columns by name; other columns are left out.
    endpoint : str
        Base URL, such as ``http://localhost:8080``, or the name of an endpoint of SageMaker.
    output : Path, optional
        Default standard output.
    batch_rows : int
        Rows of a request, at most; fewer where the endpoint takes fewer bytes.
    allow_unseen : bool
        Score a file in which a column holds nothing but categories that train has not seen.
    options : CsvOptions, optional
        How a CSV file is to be read, where its first bytes do not say it.
    sleep : callable, optional
        Waits some seconds before an endpoint that is busy or away is asked again.
    overrides : sequence of str
        As behind ``fraudlab train``: in which account an endpoint of SageMaker is.
    model : Path, optional
        The folder of the model that has to be the one that answers.
    reasons : str, optional
        ``"text"`` or ``"numbers"``: write a fourth column, what moved each score most.

    Returns
    -------
    int
        Rows scored.

    Raises
    ------
    DataError
        Where the file cannot be read, lacks a column, or has values the model cannot take.
    EndpointError
        Where the endpoint does not answer, or refuses, or has another model than `model`.
    StorageError
        Where the scores cannot be written.
    """
    from fraudlab.evaluation.operating import alerts
    from fraudlab.predict.file_rows import read_rows
    from fraudlab.predict.named_model import require_same_model
    from fraudlab.predict.score_file import ScoreFile
    from fraudlab.stages.scoring import read_batches, read_scores
    from fraudlab.stages.unseen import find_unseen, refuse_wholly_unseen, sentences
    from fraudlab.terminal import Terminal

    if batch_rows < 1:
        raise ConfigError(f"--batch-rows {batch_rows} is out of range.", fix="valid: 1 or more")
    terminal = Terminal(file=sys.stderr)
    client = _client(endpoint, overrides, sleep)
    contract = client.model()
    if model is not None:
        require_same_model(contract, model, client.base)
    features, threshold = _described(contract, client.base)
    table, notes = read_rows(file, features, options)
    for note in notes:
        terminal.say(note)
    unseen = find_unseen(features, table)
    if not allow_unseen:
        fix = "write the column as it was for training, or score these rows as missing with --allow-unseen"
        refuse_wholly_unseen(unseen, of=file.name, fix=fix)
    for sentence in sentences(unseen, rows=table.num_rows):
        terminal.say(sentence, style="yellow")
    scores = ScoreFile(output, reasons=reasons is not None)

    def invoke(body: bytes) -> bytes:
        return client.invoke(body, attributes=f"output=score,reasons={reasons}" if reasons else "")

    def read(answer: bytes, rows: int) -> Scores:
        return read_reasoned(answer, rows) if reasons else (read_scores(answer, rows), None)

    try:
        with scores, terminal.meter("scoring", total=table.num_rows) as meter:
            max_body = client.max_body()
            for score, found in read_batches(table, invoke, read, batch_rows=batch_rows, max_body=max_body):
                scores.add(score, alerts(score, threshold), found)
                meter.reach(scores.rows)
    except BaseException:
        client.close()
        if scores.rows:
            terminal.say(scores.kept(table.num_rows), style="yellow")
        raise
    terminal.say(f"{scores.rows:,} rows scored, {scores.alerts:,} alerts at threshold {threshold:.4g}")
    return scores.rows


def read_reasoned(answer: bytes, rows: int) -> Scores:
    """Read lines of a score and its reasons.

    Raises
    ------
    EndpointError
        Where they are something else, or not as many as rows.
    """
    import csv
    import io

    import numpy as np

    from fraudlab.predict.client import IS_IT_OURS

    try:
        lines = list(csv.reader(io.StringIO(answer.decode(), newline="")))
        score = np.array([score for score, _ in lines], np.float32)
    except (ValueError, csv.Error) as odd:
        begin = answer[:100].decode(errors="replace")
        raise EndpointError(f"The endpoint answered no scores with reasons: {begin}", fix=IS_IT_OURS) from odd
    if score.size != rows:
        raise EndpointError(f"The endpoint answered {score.size} scores for {rows} rows.", fix=IS_IT_OURS)
    return score, [text for _, text in lines]


def _client(
    endpoint: str, overrides: Sequence[str], sleep: Callable[[float], object] | None
) -> EndpointClient | ServiceClient:
    """What asks an endpoint: by its URL, or by its name in the configured account."""
    from fraudlab.predict.client import EndpointClient
    from fraudlab.predict.service_client import ServiceClient, is_endpoint_name

    if is_endpoint_name(endpoint):
        from fraudlab.cloud.configured_account import account_of
        from fraudlab.compose import compose

        return ServiceClient(endpoint, account_of(compose(overrides)), sleep=sleep)
    if overrides:
        raise ConfigError(
            f"{' '.join(overrides)} is for an endpoint of SageMaker, which has a name.",
            fix="leave it out, or name one: --endpoint NAME",
        )
    return EndpointClient(endpoint, sleep=sleep)


def _described(model: dict[str, Any], base: str) -> tuple[Features, float]:
    """The columns and the threshold of a ``model.json``."""
    from fraudlab.container.contract import Fields
    from fraudlab.container.described_features import read_features
    from fraudlab.container.failure import JobError
    from fraudlab.predict.client import IS_IT_OURS

    fields = Fields(model, source=f"{base}/model")
    try:
        return read_features(fields), fields.get("threshold", float)
    except JobError as error:
        raise EndpointError(f"{error.sentence}.", fix=IS_IT_OURS) from error

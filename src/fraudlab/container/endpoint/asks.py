"""Who asks which model what; and what answers that get no scores."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import numpy as np
import orjson

from fraudlab.container.bodies import BodyError, Parser, Rows
from fraudlab.container.endpoint.batching import Batcher
from fraudlab.container.endpoint.http_messages import Request
from fraudlab.container.scorer import Scorer


class Refusal(Exception):
    """An answer other than what was asked for.

    Parameters
    ----------
    status : int
    detail : str
    headers : bytes
        Complete lines.
    **members
        Further members of the problem.
    """

    def __init__(self, status: int, detail: str, *, headers: bytes = b"", **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.detail = detail
        self.members = members


class ServedModel:
    """A model that requests can be put to.

    Parameters
    ----------
    scorer : Scorer
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, scorer: Scorer, loop: asyncio.AbstractEventLoop) -> None:
        self.scorer = scorer
        self.contract = orjson.dumps(scorer.contract)
        self.header = b"x-fraudlab-model: %b\r\n" % scorer.model_id.encode()
        self.batcher = Batcher(scorer, loop)

    def healthy(self) -> bool:
        """Whether a row really gets a score."""
        features = self.scorer.features
        canary = features.given(np.full((1, len(features)), np.nan, np.float32))
        return bool(np.isfinite(self.scorer.score(canary)).all())


class Ask(NamedTuple):
    """Who asks which model what, and how the answer is to be written."""

    model: ServedModel
    request: Request
    parse: Parser
    outputs: tuple[str, ...]
    kind: str

    def read(self, max_rows: int, **more: Any) -> Rows:
        """The rows.

        Raises
        ------
        Refusal
            If they cannot be scored, or are more than `max_rows`.
        """
        try:
            return self.parse(self.request.body, self.model.scorer.features, max_rows, **more)
        except BodyError as error:
            place = {name: value for name in ("row", "column") if (value := getattr(error, name)) is not None}
            raise Refusal(error.status, error.sentence, **place) from error

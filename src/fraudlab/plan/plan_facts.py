"""What a plan is made of beside the configuration: plain values that somebody has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fraudlab.api_requests import Request
from fraudlab.plan.expectation import EarlierStep
from fraudlab.plan.fitting import TableSize
from fraudlab.plan.prices import PriceList

Via = Literal["transform", "endpoint"]


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """The image of the jobs.

    Attributes
    ----------
    name : str
        On the local engine, or the URI in a registry of AWS.
    id : str or None
        None where no engine was asked, or it has none of that name; of a URI its digest, where it has one.
    uri : str
        Under which jobs find it.
    is_local : bool
        It has to be in the registry before a job can have it.
    """

    name: str
    id: str | None
    uri: str
    is_local: bool = True

    @property
    def tag(self) -> str:
        """What follows the name in the URI: its tag, or its digest."""
        path, _, digest = self.uri.partition("@")
        return digest or (path.rpartition(":")[2] if ":" in path.rpartition("/")[2] else "latest")


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """The table of the run.

    Attributes
    ----------
    path : str
    files : int
    size : TableSize
    sha256 : str or None
        None where it has not been read since it changed.
    origin : str
        Where it comes from, if it is no file yet.
    """

    path: str
    files: int
    size: TableSize
    sha256: str | None
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a plan is made of beside the configuration.

    Attributes
    ----------
    backend, title : str
        Of :class:`fraudlab.backend_registry.Description`, as are `in_cloud` and `rehearsed`.
    region, account : str or None
        None where nobody has said one, or nobody has asked.
    run_id : str
    via : {"transform", "endpoint"}
    settings : mapping of str to str
        Those that matter, resolved, as a few words each.
    requests : mapping of str to dict
        By operation.
    prepared : str or None
        Why the process job is expected to be skipped; None where it is not.
    prepared_unknown : str or None
        Why it may be skipped, where nobody has looked.
    prepared_key : str or None
        The name of the preparation, where it is known.
    prices : PriceList
    earlier : sequence of EarlierStep
        Newest first.
    notes : sequence of str
        Of whoever found the facts.
    """

    backend: str
    title: str
    in_cloud: bool
    rehearsed: bool
    region: str | None
    account: str | None
    run_id: str
    via: Via
    settings: Mapping[str, str]
    image: ImageFacts
    table: TableFacts
    requests: Mapping[str, Request]
    prepared: str | None
    prepared_unknown: str | None
    prepared_key: str | None
    prices: PriceList
    earlier: Sequence[EarlierStep]
    notes: Sequence[str] = field(default=())

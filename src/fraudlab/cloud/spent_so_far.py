"""What runs in an account have cost so far, and what goes on there: for ``fraudlab runs list``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.cloud.after_run import account_of_run, cache_of_run
from fraudlab.cloud.running_costs import Costing, asked_costs
from fraudlab.plan.costs import dollars
from fraudlab.plan.price_cache import known_prices
from fraudlab.plan.prices import PriceList
from fraudlab.plan.spending import costs_of
from fraudlab.runs import Run

#: a run in one of these may have jobs that go on
_OPEN = frozenset({"detached", "dead", "running"})


@dataclass
class SoFar:
    """What runs have cost, and what their accounts say.

    Attributes
    ----------
    usd : dict
        Id of a run in an account to what its machines have cost by list; None where that is not known.
    words : dict
        Id of a run that has not ended to what a person should know of its costs.
    lines : list of str
        What may be costing money in those accounts, and which could not be asked.
    """

    usd: dict[str, float | None] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def spent_so_far(runs: Sequence[Run]) -> SoFar:
    """Ask each account that runs were in once; of runs elsewhere, and rehearsed ones, nothing is asked.

    What cannot be asked is one line, and never raised: the runs on this disk are listed all the same.
    """
    found = SoFar()
    asked: dict[tuple[str, str], list[Costing] | None] = {}
    for run in runs:
        place, is_open = run.record.get("cloud"), run.status in _OPEN
        if not isinstance(place, Mapping):
            continue
        account = account_of_run(run.folder, run.record)
        prices = known_prices(cache_of_run(run.folder))
        ended = costs_of(run.record, prices)["usd"]
        if account is None:
            found.usd[run.id] = ended
            if is_open:
                found.words[run.id] = "rehearsed, costs nothing"
            continue
        where = (str(place.get("account")), str(place.get("region")))
        if where not in asked:
            asked[where] = _asked(account, where, prices, found)
        found.usd[run.id] = ended
        if is_open:
            found.usd[run.id], found.words[run.id] = _of_open(run, ended, asked[where])
    return found


def _asked(account: Account, where: tuple[str, str], prices: PriceList, found: SoFar) -> list[Costing] | None:
    costing, lines = asked_costs(account, prices=prices)
    number = account.identity.account if costing is not None else where[0]
    if number != where[0]:
        lines.append(
            f"What may be costing money in account {where[0]} could not be asked: "
            f"the credentials are of {number} (fix: log in there)"
        )
        costing = None
    found.lines += lines
    return costing


def _of_open(run: Run, ended: float | None, costing: list[Costing] | None) -> tuple[float | None, str]:
    """What a run has cost that has not ended, in a figure and in words."""
    if costing is None:
        return None, f"{dollars(ended)} by list when it was left; AWS could not be asked since"
    mine = [one for one in costing if one.thing.run == run.id]
    parts = [ended, *(one.usd_so_far for one in mine)]
    usd = None if None in parts else sum(part for part in parts if part is not None)
    going = [f"{one.thing.kind.value} {one.thing.name} goes on" for one in mine]
    over = [
        f"its {name} job has ended, which is not in it"
        for name in _unbilled(run.record)
        if not any(one.thing.name == _handle(run.record, name) for one in mine)
    ]
    return usd, "; ".join([f"{dollars(usd)} so far by list", *going, *over])


def _unbilled(record: Mapping[str, Any]) -> list[str]:
    """The jobs that were started, and of which nobody has heard how long they are paid for."""
    jobs, billed = record.get("jobs"), record.get("billed_seconds")
    known = billed if isinstance(billed, Mapping) else {}
    return [name for name in jobs if name not in known] if isinstance(jobs, Mapping) else []


def _handle(record: Mapping[str, Any], name: str) -> object:
    handle = record["jobs"][name]
    return handle.get("name") if isinstance(handle, Mapping) else None

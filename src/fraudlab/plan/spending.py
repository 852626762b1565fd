"""What the machines of a run have cost by list, out of its record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Any

from fraudlab.plan.billed_jobs import billed_jobs
from fraudlab.plan.costs import dollars, usd_of_seconds
from fraudlab.plan.prices import CAVEAT, PriceList
from fraudlab.plan.steps import COMPONENTS


def costs_of(record: Mapping[str, Any], prices: PriceList) -> dict[str, Any]:
    """What ``run.json`` keeps of the costs of a run.

    Parameters
    ----------
    record : mapping
        Of ``run.json``.
    prices : PriceList

    Returns
    -------
    dict
        ``usd`` of all machines, null where the price of any is not known, and 0 where they were rehearsed;
        ``rehearsed``; ``region``; ``caveat``; ``jobs``, by name: ``instance_type``, ``machines``, ``seconds``
        of each machine, ``spot``, ``usd``, and the ``price`` per hour with its date and source. Volumes are
        not in it.
    """
    place = record.get("cloud")
    region = place.get("region") if isinstance(place, Mapping) else None
    rehearsed = record.get("rehearsed") is True
    jobs: dict[str, dict[str, Any]] = {}
    for job in billed_jobs(record):
        price = None if rehearsed else prices.hourly(region, COMPONENTS[job.name], job.instance_type)
        usd = usd_of_seconds(price, seconds=job.seconds, machines=job.machines) if price else None
        jobs[job.name] = {
            "instance_type": job.instance_type,
            "machines": job.machines,
            "seconds": job.seconds,
            "spot": job.spot,
            "usd": 0.0 if rehearsed else usd,
            "price": price.as_json() if price else None,
        }
    known = [job["usd"] for job in jobs.values()]
    return {
        "usd": None if None in known else fsum(known),
        "rehearsed": rehearsed,
        "region": region,
        "caveat": CAVEAT,
        "jobs": jobs,
    }


def spending_line(costs: Mapping[str, Any]) -> str | None:
    """The costs of a run for people; None where nothing of it was billed."""
    if not costs["jobs"]:
        return None
    if costs["rehearsed"]:
        return "cost: nothing, its jobs were rehearsed"
    each = ", ".join(f"{name} {dollars(job['usd'])}" for name, job in costs["jobs"].items())
    total = "unknown" if costs["usd"] is None else f"about {dollars(costs['usd'])}"
    return f"cost: {total} ({each}; {costs['caveat']})"

"""What may be costing money in the account now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.aws.account import Account
from fraudlab.cloud.running_costs import CLEAN, costing_lines, find_costing, is_rehearsed
from fraudlab.doctor.finding import Findings, note, unknown, well
from fraudlab.plan.price_cache import known_prices

if TYPE_CHECKING:
    from fraudlab.aws.account import Identity

_CHECK = "costs"


def check_costs(account: Account, _identity: Identity, *, cache: Path | None = None) -> Findings:
    """Say what fraudlab made here that may be costing money, by the prices that a cache has too."""
    prices = None if cache is None else known_prices(cache)
    costing, found = find_costing(account, prices=prices)
    missing = [unknown(_CHECK, error.message.rstrip("."), error.fix) for error in found.unasked]
    if not costing:
        return missing or [well(_CHECK, "nothing that fraudlab made is running")]
    said = " ".join(line.strip() for line in costing_lines(account, costing))
    return [well(_CHECK, said) if is_rehearsed(account) else note(_CHECK, said, CLEAN), *missing]

"""``fraudlab cloud prices`` as it is called: asks AWS where that is wanted, and prints what is known."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fraudlab.backend_registry import describe
from fraudlab.errors import BackendError, ConfigError, described
from fraudlab.plan.live_prices import fetch_prices
from fraudlab.plan.price_cache import keep, known_prices
from fraudlab.plan.price_table import as_json, table_lines
from fraudlab.plan.survey import region_of


def list_prices(overrides: Sequence[str], *, refresh: bool, json: bool) -> int:
    """Print the prices of the configured region, or of all that are known where none is set.

    Parameters
    ----------
    overrides : sequence of str
        As behind ``fraudlab train``: the region, and whose credentials ask.
    refresh : bool
        Ask AWS first, and keep what it answers; where it does not, what was known stays, and is printed.
    json : bool
        One object in place of a table.

    Returns
    -------
    int
        Exit code: 4 where AWS was asked in vain.

    Raises
    ------
    ConfigError
        Where AWS is to be asked, and no region is set.
    """
    from fraudlab.compose import compose
    from fraudlab.outcome import as_line

    config = compose(overrides)
    region = region_of(config, describe("sagemaker"))
    cache = Path(config.paths.cache)
    refused: BackendError | None = None
    if refresh:
        if region is None:
            raise ConfigError("Prices differ by region, and none is set.", fix="add --region REGION")
        try:
            kept = keep(cache, region, fetch_prices(config.sagemaker, region))
            _aside(f"asked AWS, and wrote its prices to {kept}")
        except BackendError as error:
            refused = error
            _aside(f"error: {error}\nnothing was changed; these prices were known before:")
    prices = known_prices(cache)
    if json:
        print(as_line({**as_json(prices, region), "error": None if refused is None else described(refused)}))
    else:
        for number, one in enumerate([region] if region else prices.regions):
            print("\n" * (number > 0) + "\n".join(table_lines(prices, one)))
    return 0 if refused is None else refused.exit_code


def _aside(text: str) -> None:
    """Say something that is no part of the answer."""
    from fraudlab.redaction import hide

    print(hide(text), file=sys.stderr, flush=True)

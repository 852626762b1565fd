"""Asked before a run spends money: its plan in five lines with its price, and a question."""

from __future__ import annotations

from typing import Any

from fraudlab.backend_registry import describe
from fraudlab.config import RunConfig
from fraudlab.errors import ConfigError


def require_consent(config: RunConfig, *, quiet: bool = False) -> dict[str, Any] | None:
    """Show what a run in the cloud may cost and ask; a rehearsal costs nothing, and asks nothing.

    Parameters
    ----------
    config : RunConfig
    quiet : bool
        Show nothing where nothing has to be asked.

    Returns
    -------
    dict or None
        What ``run.json`` keeps of the plan that was shown; None of a run that is not in the cloud.

    Raises
    ------
    ConfigError
        Where nobody agrees, nobody can be asked, or the plan is refused.
    """
    if not describe(config.backend.kind).in_cloud:
        return None
    from fraudlab.cloud.agreement import require_agreement
    from fraudlab.plan.plan_text import five_lines, money
    from fraudlab.plan.run_plan import consent_needed
    from fraudlab.plan.survey import plan_of
    from fraudlab.redaction import hide

    plan = plan_of(config)
    asks = consent_needed(config, plan)
    if asks or not quiet:
        print(hide("\n".join(five_lines(plan))), flush=True)
    if asks and not require_agreement(f"Start it ({money(plan)})?", yes=False, instead="yes=true"):
        raise ConfigError("Nothing was started: nobody agreed to what it may cost.", fix="yes=true")
    return plan.as_record()

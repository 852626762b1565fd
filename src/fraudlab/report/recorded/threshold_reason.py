"""How a model's threshold came about, in words."""

from __future__ import annotations

from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.report.recorded.run_record import RunRecord, dig, number


def threshold_reason(record: RunRecord) -> str:
    """How the threshold came about, as it follows "the one the model was shipped with"."""
    policy, rows = dig(record.model, "decision", "policy"), record.decided_on
    if policy == "fixed":
        given = number(record.model, "decision", "threshold")
        return (
            f"given, not chosen (evaluation.threshold={given:g})"
            if given is not None
            else "given, not chosen"
        )
    within = _within(record)
    if policy == "f1" and rows:
        return f"chosen where F1 is highest on {rows}{within}"
    share = number(record.model, "decision", "recall")
    if policy == "recall" and rows and share is not None:
        return f"chosen as the highest that catches {share * 100:g}\u00a0% of the frauds on {rows}"
    if policy != "cost" or not rows:
        return "stored with the model"
    alert, missed = (number(record.model, "decision", f"{what}_cost") for what in ("alert", "missed_fraud"))
    price = f"{missed:g} each" if missed is not None else "their amounts"
    loss, fee = (number(record.model, "decision", name) for name in ("loss_share", "missed_fraud_fee"))
    if loss is not None and loss != 1:
        price = f"{loss * 100:g}\u00a0% of {price}"
    if fee:
        price += f" and {fee:g} more"
    work = f"{alert:g} each" if alert is not None else "their price"
    if (number(record.model, "threshold") or 0.0) >= NO_ALERTS:
        if within and number(record.model, "decision", "budget", "without", "alerts"):
            return f"which alerts nothing: on {rows} no threshold catches a fraud{within}"
        return f"which alerts nothing: on {rows} missed frauds ({price}) cost less than alerts ({work}) would"
    return f"chosen where missed frauds ({price}) and alerts ({work}) together cost least on {rows}{within}"


def _within(record: RunRecord) -> str:
    most = number(record.model, "decision", "alert_budget")
    return "" if most is None else f" with at most {most:g} alerts per day"

"""Asked once before a study spends money: what all of it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fraudlab.backend_registry import describe
from fraudlab.cloud.agreement import require_agreement
from fraudlab.errors import ConfigError
from fraudlab.plan.costs import dollars
from fraudlab.plan.prices import CAVEAT
from fraudlab.plan.run_plan import consent_needed
from fraudlab.redaction import hide
from fraudlab.studies.study_plan import StudyPlan, allowance_of, plan_study
from fraudlab.studies.study_spending import Allowance, Spending
from fraudlab.studies.study_text import study_lines, study_money
from fraudlab.studies.tuning_request import TuningRequest


@dataclass
class AgreedCost:
    """What a person has agreed that a study may cost, and what it has.

    Attributes
    ----------
    plan : StudyPlan
        That was shown.
    spending : Spending
    allowance : Allowance or None
        None where there is no maximum.
    cut : bool
        The maximum has ended the search.
    """

    plan: StudyPlan
    spending: Spending
    allowance: Allowance | None
    cut: bool = False

    def as_record(self) -> dict[str, Any]:
        """What ``outcome.json`` keeps of it."""
        agreed = self.plan.as_record()
        return {
            **{key: agreed[key] for key in ("most_usd", "likely_usd", "max_usd", "rehearsed", "region")},
            "spent_usd": self.spending.usd(),
            "ended_by_maximum": self.cut,
            "caveat": CAVEAT,
        }

    def require_final(self) -> None:
        """Refuse a final run that may cost more than is left.

        Raises
        ------
        ConfigError
        """
        if self.allowance is not None and not self.allowance.covers_final():
            raise ConfigError(
                f"The final run may cost {dollars(self.allowance.final)}, and of sagemaker.max_usd="
                f"{self.allowance.limit:g} {dollars(max(0.0, self.allowance.left()))} are left.",
                fix="raise sagemaker.max_usd: the same command goes on with the study",
            )

    @property
    def line(self) -> str:
        """What the study has cost, for people."""
        spent = self.spending.usd()
        most = "unknown" if spent is None else f"at most {dollars(spent)}"
        if self.plan.run.facts.rehearsed:
            return f"cost of the study: nothing, it was rehearsed (in AWS {most}, by seconds of this machine)"
        return f"cost of the study: {most} ({CAVEAT})"


def require_study_consent(request: TuningRequest) -> AgreedCost | None:
    """Show what a study in the cloud may cost and ask, as for a run; one that begins nothing asks nothing.

    Parameters
    ----------
    request : TuningRequest

    Returns
    -------
    AgreedCost or None
        None of a study that is not in the cloud.

    Raises
    ------
    ConfigError
        Where nobody agrees, nobody can be asked, or the plan is refused.
    """
    if not describe(request.config.backend.kind).in_cloud:
        return None
    plan, spending = plan_study(request)
    agreed = AgreedCost(plan, spending, allowance_of(plan, spending))
    if plan.costs_nothing:
        return agreed
    print(hide("\n".join(study_lines(plan))), flush=True)
    question = f"Start the study ({study_money(plan)})?"
    asks = consent_needed(request.config, plan.run)
    if asks and not require_agreement(question, yes=False, instead="yes=true"):
        raise ConfigError("Nothing was started: nobody agreed to what it may cost.", fix="yes=true")
    return agreed

"""The plan of a study for people: what a person reads before agreeing to it."""

from __future__ import annotations

from fraudlab.plan.costs import dollars
from fraudlab.plan.plan_text import five_lines
from fraudlab.plan.quotas import quotas
from fraudlab.plan.run_plan import without_price
from fraudlab.studies.study_plan import StudyPlan


def study_lines(plan: StudyPlan) -> list[str]:
    """What a person is shown before being asked: a run of it, how many there are, and what all may cost."""
    where, data, machines, _, prices = five_lines(plan.run)
    return [where, data, machines, *study_words(plan), prices]


def study_words(plan: StudyPlan, *, cost: str = "cost") -> list[str]:
    """The lines that a study adds to the plan of a run."""
    standing, facts = plan.standing, plan.run.facts
    each = " each" if plan.trials > 1 else ""
    parts = [] if standing.started else [f"start at most {dollars(plan.start.most)}"]
    parts.append(f"{_counted(plan)} at most {dollars(plan.trial.most)}{each}")
    parts.append(f"final at most {dollars(plan.final.most)}")
    if plan.spent:
        parts.append(f"at most {dollars(plan.spent)} spent so far")
    if not facts.in_cloud:
        parts = [_counted(plan)]
    lines = [f"{'study':<11}{', '.join(parts)}", f"{cost:<11}{study_money(plan)}"]
    if plan.parallel > 1 and facts.in_cloud:
        train = [one.step for one in plan.run.steps if one.step.name == "train"]
        needs = [f"{quota.name} (needs {quota.needed * plan.parallel})" for quota in quotas(train)]
        lines.append(f"{'quotas':<11}{'; '.join(needs)}, for {plan.parallel} trials beside each other")
    return lines


def study_money(plan: StudyPlan) -> str:
    """The figures of a study as one line."""
    facts = plan.run.facts
    if not facts.in_cloud:
        return "nothing: it runs on this machine"
    if facts.rehearsed:
        most = f" (in AWS at most {dollars(plan.at_most)}{_cut(plan)})" if plan.at_most is not None else ""
        return f"rehearsed: costs nothing{most}"
    if plan.at_most is None:
        return f"unknown: {without_price(facts)}"
    likely = (
        dollars(plan.likely) if plan.likely is not None else "unknown, as no earlier run was of this shape"
    )
    more = f", and {', '.join(plan.run.unpriced)} without a known price" if plan.run.unpriced else ""
    return f"at most {dollars(plan.at_most)}{more}{_cut(plan)}; probably {likely}"


def _counted(plan: StudyPlan) -> str:
    return f"{plan.trials} trial{'' if plan.trials == 1 else 's'}"


def _cut(plan: StudyPlan) -> str:
    """What a maximum may leave out."""
    if not plan.is_cut:
        return ""
    fit = f"room for {plan.affordable} of {_counted(plan)} at their most"
    return f" for all of it, {fit} ({dollars(plan.most)} without sagemaker.max_usd)"

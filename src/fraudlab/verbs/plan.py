"""``fraudlab plan``: what a run would send, rent and cost, and that it could work."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fraudlab import streams
from fraudlab.errors import ConfigError, FraudlabError

if TYPE_CHECKING:
    from fraudlab.plan.run_plan import Plan
    from fraudlab.studies.study_plan import StudyPlan

_FLAGS = ("--full", "--json", "--ask")
_HELP = """usage: fraudlab plan [OVERRIDES] [FLAGS]      overrides as of `fraudlab train`, flags in any order

Show what a run would send, rent and cost. Nothing is sent and nothing is started.
With tune.KEY=VALUE among the overrides, what the study of `fraudlab tune` may cost is shown too.
What AWS would refuse, what cannot fit and what may cost more than sagemaker.max_usd is refused.

flags:
  --full   every request as JSON
  --json   all of it as one JSON object on standard output
  --ask    ask AWS (nothing that costs money): whose account it is, its prices, whether the bucket has the
           prepared split; its prices are kept in the cache. With data=artifact, ask Comet for the version.
           Without it nothing leaves this machine

examples:
  fraudlab plan
  fraudlab plan backend=sagemaker sagemaker.region=eu-west-1 compute.train.instance_type=ml.m5.4xlarge
  fraudlab plan backend=sagemaker sagemaker.region=eu-west-1 sagemaker.spot=true --full
  fraudlab plan backend=sagemaker sagemaker.region=eu-west-1 --json
  fraudlab plan backend=sagemaker sagemaker.region=eu-west-1 sagemaker.max_usd=20 tune.trials=50
"""


def plan_command(words: Sequence[str]) -> int:
    """Run ``fraudlab plan …``.

    Parameters
    ----------
    words : sequence of str
        The command line behind ``plan``.

    Returns
    -------
    int
        Exit code.
    """
    if {"--help", "-h"} & set(words):
        print(_HELP, end="")
        return 0
    flags = {word for word in words if word.startswith("-") and word not in {"-v", "--verbose"}}
    if unknown := sorted(flags - set(_FLAGS)):
        raise ConfigError(f"{unknown[0]} is not a flag of plan.", fix=f"valid: {', '.join(_FLAGS)}")
    overrides = [word for word in words if not word.startswith("-")]
    gc.disable()  # composing makes many small objects, and the process ends with them
    if "--json" not in flags:
        print("\n".join(_lines(overrides, full="--full" in flags, ask="--ask" in flags)))
        return 0
    with streams.only_answers() as answer:
        return _answered(overrides, answer, ask="--ask" in flags)


def _lines(overrides: Sequence[str], *, full: bool, ask: bool) -> list[str]:
    from fraudlab.files import as_json
    from fraudlab.plan.plan_text import whole
    from fraudlab.redaction import hide

    plan, study = _planned(overrides, ask=ask)
    lines = list(whole(plan))
    if study is not None:
        from fraudlab.studies.study_text import study_words

        lines += study_words(study, cost="in all")
    if full:
        lines += [f"{name} {as_json(request).rstrip()}" for name, request in plan.facts.requests.items()]
    return [str(hide(line)) for line in lines]


def _answered(overrides: Sequence[str], answer: Callable[[str], None], *, ask: bool) -> int:
    from fraudlab.errors import described
    from fraudlab.outcome import as_line
    from fraudlab.plan.plan_text import as_json
    from fraudlab.redaction import hide

    try:
        plan, study = _planned(overrides, ask=ask)
        more = {} if study is None else {"study": study.as_record()}
        answer(as_line({**as_json(plan), **more, "error": None}))
    except FraudlabError as error:
        print(f"error: {hide(str(error))}", file=sys.stderr)
        answer(as_line({"error": described(error)}))
        return error.exit_code
    return 0


def _planned(overrides: Sequence[str], *, ask: bool) -> tuple[Plan, StudyPlan | None]:
    """The plan of a run, and of the study that it would start, if the overrides are of one."""
    from fraudlab.compose import compose
    from fraudlab.plan.survey import plan_of

    if any(word.lstrip("+~").partition("=")[0].partition(".")[0] == "tune" for word in overrides):
        return _of_study(overrides, ask=ask)
    config = compose(overrides)
    if not ask:
        return plan_of(config), None
    from fraudlab.plan.asking import asked_plan

    return asked_plan(config, overrides=overrides), None


def _of_study(overrides: Sequence[str], *, ask: bool) -> tuple[Plan, StudyPlan | None]:
    from fraudlab.studies.study_plan import plan_study, run_of_study
    from fraudlab.studies.tuning_request import read_request

    request = read_request(overrides)
    asked = None
    if ask:
        from fraudlab.plan.asking import asked_plan

        asked = asked_plan(run_of_study(request), overrides=request.overrides)
    study, _ = plan_study(request, run=asked)
    return study.run, study

"""``fraudlab models threshold``: its words."""

from __future__ import annotations

import argparse

from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

_DESCRIPTION = """Choose a model's threshold again, without training: on the validation scores that its train
job kept, by the prices it was trained with or by others. Makes a run that has the same booster, another
decision and a report of its own, and the next version of the name that the model is registered under. The old
run and the old version stay as they are."""
_EPILOG = """examples:
  fraudlab models threshold latest --alerts-per-day 50
  fraudlab models threshold fraud-detection-xgb:production --alert-cost 12 --missed-fraud-fee 15
  fraudlab models threshold latest --recall 0.8 --dry-run
  fraudlab models threshold latest --threshold 0.3 --name fraud-detection-xgb --json

The cheapest threshold is chosen unless the model's was chosen by F1, or --policy, --threshold or --recall
says otherwise. A budget holds on average over the days of validation."""
_PRICES = {
    "alert_cost": "what looking at one alert costs",
    "missed_fraud_cost": "what a missed fraud costs, in place of its amount",
    "missed_fraud_fee": "what a missed fraud costs on top",
    "loss_share": "how much of the amount of a missed fraud is lost, 0 to 1",
}
_METAVARS = {"loss_share": "SHARE"}


def add_threshold(actions: Verbs) -> None:
    """Add ``models threshold``."""
    parser = explained_verb(
        actions,
        "threshold",
        "choose a model's threshold again, without training",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="RUN|NAME:VERSION", help="run id or `latest`, or a version")
    parser.add_argument(
        "--alerts-per-day",
        type=_budget,
        metavar="N",
        help="at most so many alerts per day, on average; `any` takes away a budget there was",
    )
    parser.add_argument("--policy", choices=("cost", "f1"), help="the cheapest, or the best F1")
    parser.add_argument("--threshold", type=float, metavar="SCORE", help="this one")
    parser.add_argument("--recall", type=float, metavar="SHARE", help="the highest that catches this share")
    for name, words in _PRICES.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=float, metavar=_METAVARS.get(name, "MONEY"), help=words
        )
    parser.add_argument("--currency", metavar="TEXT", help="what the money is called, such as EUR")
    parser.add_argument("--name", metavar="NAME", help="register it under this name")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the registry's log")
    parser.add_argument(
        "--actor", metavar="NAME", help="who acts (default: FRAUDLAB_ACTOR, else your account)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be")
    parser.add_argument("--json", action="store_true", help="print JSON")
    runs_option(parser)
    registry_option(parser)
    parser.set_defaults(command=_threshold)


def _budget(text: str) -> float:
    try:
        return float("inf") if text == "any" else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, and not `any`") from error


def _threshold(arguments: argparse.Namespace) -> int:
    from fraudlab.models.redeciding import OtherDecision
    from fraudlab.models.threshold_command import choose_again

    prices = {name: value for name in _PRICES if (value := getattr(arguments, name)) is not None}
    asked = OtherDecision(
        policy=arguments.policy,
        threshold=arguments.threshold,
        recall=arguments.recall,
        alerts_per_day=arguments.alerts_per_day,
        prices=prices,
        currency=arguments.currency,
    )
    return choose_again(
        arguments.model,
        asked=asked,
        model=arguments.name,
        runs=arguments.runs,
        registry=arguments.registry,
        actor=arguments.actor,
        reason=arguments.reason,
        dry_run=arguments.dry_run,
        json_wanted=arguments.json,
    )

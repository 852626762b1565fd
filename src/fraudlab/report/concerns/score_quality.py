"""What scores are worth: how sure the figures are, and whether a score is a probability."""

from __future__ import annotations

from fraudlab.evaluation.shares import wilson
from fraudlab.report.concerns.concern import Concern
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import RunRecord, number, section
from fraudlab.report.recorded.training_rounds import best_round, hyperparameter

#: below this the standard deviation of average precision is about 0.03 or more (0.05 at 75 frauds)
FEW_FRAUDS = 200
#: a model of fewer rounds than this has hardly learned
MIN_ROUNDS = 10
#: scores are no probabilities where their mean is above the share of fraud times this
TIMES_PREVALENCE = 2.0


def few_rounds(record: RunRecord) -> Concern | None:
    """A model that has hardly learned."""
    rounds, trained = number(record.model, "rounds"), number(record.history, "rounds")
    if rounds is None or rounds >= MIN_ROUNDS:
        return None
    many = f"{numerals.count(rounds)} round{'' if rounds == 1 else 's'}"
    asked = hyperparameter(record, "num_round")
    if asked is not None and rounds >= asked:
        return Concern(
            "few_rounds",
            "note",
            f"Only {many} of boosting",
            f"As asked (model.num_round={asked:g}): the scores are hardly probabilities yet.",
        )
    of = f", of {numerals.count(trained)} trained" if trained is not None and trained > rounds else ""
    return Concern(
        "few_rounds",
        "caution",
        "Training ended almost at once",
        f"The model has only {many} of boosting{of}: its scores are hardly probabilities yet.",
        "Look at model.eval_metric, model.learning_rate and the validation rows.",
    )


def no_probabilities(record: RunRecord) -> Concern | None:
    """Class weights, or a mean score that no probabilities of these rows could have."""
    mean, prevalence = number(record.metrics, "mean_score"), number(record.metrics, "prevalence")
    measured = (
        f"the mean score is {numerals.score(mean)}, "
        f"and {numerals.percent(prevalence)} of the test rows are fraud"
        if mean is not None and prevalence is not None
        else ""
    )
    weight = hyperparameter(record, "scale_pos_weight")
    if weight is not None and weight != 1 and not section(record.model, "calibration"):
        way = "raise" if weight > 1 else "lower"
        return Concern(
            "no_probabilities",
            "caution",
            "Scores are no probabilities",
            f"Class weights {way} all of them (model.scale_pos_weight={weight:g})"
            + (f": {measured}." if measured else "."),
            "Their order and the threshold are not concerned. Do not read a score as a chance, and do not "
            "compare it with that of another model.",
        )
    if mean is None or prevalence is None or mean <= TIMES_PREVALENCE * prevalence:
        return None
    ends = wilson(number(record.metrics, "positives") or 0, number(record.metrics, "rows") or 0)
    if ends is not None and mean <= ends[1]:
        return None
    return Concern(
        "no_probabilities",
        "caution",
        "Scores are too high to be probabilities",
        f"{measured[:1].upper()}{measured[1:]}.",
        "Either the model has hardly learned, or fraud was more frequent where it did. The order of scores "
        "and the threshold are not concerned.",
    )


def few_frauds(record: RunRecord) -> Concern | None:
    """Test rows that measure little."""
    positives = number(record.metrics, "positives")
    if positives is None or positives >= FEW_FRAUDS:
        return None
    low, high = (number(record.metrics, f"average_precision_{end}") for end in ("low", "high"))
    known = low is not None and high is not None
    return Concern(
        "few_frauds",
        "caution",
        f"Only {numerals.count(positives)} fraud{'' if positives == 1 else 's'} in the test rows",
        "With others of the same kind, average precision might as well be anywhere in "
        f"{numerals.interval(low, high)}."
        if known
        else "Every figure below would be another one with other frauds.",
        "Two models are told apart on the same rows, by fraudlab compare, which says when it cannot tell.",
    )


def unseen(record: RunRecord) -> Concern | None:
    """Test rows with categories that say nothing to the model."""
    columns = section(record.manifest, "splits", "test", "unseen")
    worst = {name: many for name, many in columns.items() if isinstance(many, (int, float)) and many > 0}
    total = number(record.metrics, "unseen_categories") or sum(worst.values())
    if not total:
        return None
    ordered = sorted(worst, key=lambda name: -worst[name])
    where = ", ".join(f"{name} ({numerals.count(worst[name])})" for name in ordered[:4])
    rest = len(worst) - 4
    more = f" and {rest} more column{'' if rest == 1 else 's'}" if rest > 0 else ""
    value = "value of the test rows is a category" if total == 1 else "values of the test rows are categories"
    return Concern(
        "unseen",
        "caution",
        "Categories that training has not seen",
        f"{numerals.count(total)} {value} absent from train, scored as missing"
        f"{': ' + where + more if where else ''}.",
    )


def last_round(record: RunRecord) -> Concern | None:
    """The watched metric was best in the very last round that was allowed."""
    limit, rounds = hyperparameter(record, "num_round"), number(record.history, "rounds")
    best = best_round(record)
    if best is None or rounds is None or best + 1 < rounds or (limit is not None and rounds < limit):
        return None
    return Concern(
        "last_round",
        "note",
        "Training was still improving when it ended",
        f"The best of {numerals.count(rounds)} rounds is the last one: more (model.num_round) may find more.",
    )

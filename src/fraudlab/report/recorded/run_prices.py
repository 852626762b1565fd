"""What a missed fraud and an alert cost, by a run's model: the numbers, in words, and who gave them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from fraudlab.config import EvaluationConfig
from fraudlab.evaluation.cost_model import CostModel
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import RunRecord, dig, number, section

if TYPE_CHECKING:
    from fraudlab.evaluation.cost_model import Costs
    from fraudlab.report.recorded.scores import Scores

_SPACE = "\u00a0"


@dataclass(frozen=True)
class Prices:
    """The cost model of a run.

    Attributes
    ----------
    model : CostModel
    currency : str or None
    assumed : tuple of str
        Keys of ``evaluation`` that nobody gave.
    """

    model: CostModel
    currency: str | None
    assumed: tuple[str, ...]

    def of(self, scores: Scores | None) -> Costs | None:
        """What operating points of the test rows cost; None where missed frauds have no price."""
        if scores is None:
            return None
        from fraudlab.evaluation.ranking import rank

        return self.model.of(rank(scores.label, scores.score), scores.amount)

    def money(self, value: float | None) -> str:
        """An amount, with the currency where it has a name."""
        text = numerals.count(value)
        return f"{text}{_SPACE}{self.currency}" if self.currency and value is not None else text

    def in_words(self) -> dict[str, str]:
        """Each price as part of a sentence, by its key."""
        model = self.model
        stands = model.missed_fraud_cost is not None
        what = f"{model.missed_fraud_cost:g}" if stands else "its amount"
        share = "" if model.loss_share == 1 else f"{model.loss_share * 100:g}{_SPACE}% of "
        words = {"missed_fraud_cost" if stands else "amount": f"a missed fraud costs {share}{what}"}
        words["missed_fraud_fee"] = f"and {model.missed_fraud_fee:g} more" if model.missed_fraud_fee else ""
        words["alert_cost"] = f"an alert costs {model.alert_cost:g}"
        return words

    def sentence(self) -> str:
        """What costs what."""
        words = self.in_words()
        missed = " ".join(words[key] for key in list(words)[:2] if words[key])
        unit = f", in {self.currency}" if self.currency else ""
        return f"{missed[:1].upper()}{missed[1:]}; {words['alert_cost']}{unit}."

    def assumption(self) -> str | None:
        """Which of it is a default that nobody gave."""
        words = {
            "missed_fraud_cost": f"what a missed fraud costs ({self.model.missed_fraud_cost or 0:g})",
            "alert_cost": f"what an alert costs ({self.model.alert_cost:g})",
            "loss_share": "that all of a missed fraud is lost",
            "missed_fraud_fee": "that a missed fraud has no fee",
        }
        named = [text for key, text in words.items() if key in self.assumed]
        if not named:
            return None
        listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
        keys = ", ".join(f"evaluation.{key}" for key in words if key in self.assumed)
        return f"Assumed, not given: {listed} ({keys})."


def prices_of(record: RunRecord) -> Prices | None:
    """The prices of a run's model; None of a model that has none, or broken ones."""
    decision = section(record.model, "decision")
    if number(decision, "alert_cost") is None:
        return None
    try:
        model = CostModel.of_decision(decision)
    except ValueError:
        return None
    currency = dig(decision, "currency")
    given = {item.lstrip("+~").split("=", 1)[0] for item in record.overrides}
    assumed = tuple(
        name
        for name, value in asdict(model).items()
        if value is not None
        and value == getattr(EvaluationConfig, name)
        and f"evaluation.{name}" not in given
    )
    return Prices(model, currency if isinstance(currency, str) else None, assumed)

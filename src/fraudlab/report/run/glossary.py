"""What the words of a report mean, in a list that opens."""

from __future__ import annotations

from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.refitted import refit_of
from fraudlab.report.recorded.run_record import RunRecord, number


def glossary(record: RunRecord) -> Markup | None:
    """The words that this report uses, each explained once; None where nothing was measured."""
    if not record.metrics:
        return None
    words = {
        "Threshold": "A transaction whose score reaches it is an alert.",
        "Alert": "A transaction that somebody should look at. A false alarm is an alert that is no fraud.",
        "Recall": "Of all frauds, the share that is alerted.",
        "Precision": "Of all alerts, the share that is fraud.",
        "F1": "The harmonic mean of precision and recall: high only where both are.",
        "Average precision": "The mean precision over all thresholds, each weighted by the frauds it adds: 1 "
        "is a perfect order of the scores, and the share of fraud is what random alerts reach.",
        "ROC AUC": "The chance that a fraud has a higher score than a legitimate transaction, where equal "
        "scores count half.",
        "95\u00a0% interval": "Where the figure would lie, 95 times in 100, with other transactions of "
        "the same kind.",
        "Train, validation, test": "The model learns from train. What is chosen, such as the last round or "
        "the threshold, is chosen on validation where it is not given. Test is for the figures of this page.",
    }
    if number(record.metrics, "recall_at_fpr_0.001") is not None:
        words["False positives"] = "Of all legitimate transactions, the share that is alerted."
    if any("card_precision" in name for name in record.metrics):
        words["Card precision"] = (
            "Of the cards with the highest scores of a day, as many as are looked at, the share with fraud "
            "that day; a card that was found is not looked at again. The mean over days."
        )
    if record.slices:
        words["Slice"] = "The test rows with one value of a column, such as those of one country."
    if record.incumbent:
        words["Incumbent"] = "The model in use, which scored the same test rows with its own threshold."
    if refit_of(record):
        words["First fit, refit"] = (
            "The first fit learns from train, and validation chooses its rounds and the threshold. The refit "
            "learns from both, for as many rounds, and is the model."
        )
    if number(record.metrics, "value_recall") is not None:
        words["Value caught"] = "Of the money of all frauds, the share that is alerted."
    if number(record.manifest, "split", "gap_seconds"):
        words["Gap"] = "Time left out before validation and before test: a fraud is known only later."
    if record.importance:
        words["Gain"] = "How much a column's splits improved the fit on the rows that the model learned from."
    items = [element("div", element("dt", word), element("dd", text)) for word, text in words.items()]
    return element("details", element("summary", "What the words mean"), element("dl", items), class_="words")

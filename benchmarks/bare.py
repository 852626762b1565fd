"""The comparator: a plain pandas, xgboost and scikit-learn script that does the same work.

Reads the CSV, drops duplicates, splits by time, trains as many rounds with the same parameters, evaluates on
test, writes the model. No checks, no containers, no endpoint, no report, no record.

    python -m benchmarks.bare transactions.csv model.ubj '{"max_depth": 6}' 100
"""

from __future__ import annotations

import json
import sys

import pandas as pd
import xgboost as xgb
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score


def main(path: str, model: str, parameters: str, rounds: str) -> None:
    table = pd.read_csv(path)
    table = table.drop_duplicates().sort_values("Time")
    label, features = table["Class"], table.drop(columns=["Class", "Time"])
    first, second = int(0.6 * len(table)), int(0.8 * len(table))
    train = xgb.DMatrix(features.iloc[:first], label.iloc[:first])
    validation = xgb.DMatrix(features.iloc[first:second], label.iloc[first:second])
    test = xgb.DMatrix(features.iloc[second:], label.iloc[second:])
    booster = xgb.train(
        json.loads(parameters), train, int(rounds), evals=[(validation, "validation")], verbose_eval=False
    )
    score, actual = booster.predict(test), label.iloc[second:]
    print("average precision", average_precision_score(actual, score))
    print("ROC AUC", roc_auc_score(actual, score))
    print(confusion_matrix(actual, score >= 0.5))
    booster.save_model(model)


if __name__ == "__main__":
    main(*sys.argv[1:])

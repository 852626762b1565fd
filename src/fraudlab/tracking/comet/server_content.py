"""What a Comet server says it has of an experiment."""

from __future__ import annotations

from typing import Any

from fraudlab.tracking.comet.internals import Questions
from fraudlab.tracking.comet.logged_content import Known


def known_of(key: str, questions: Questions) -> Known | None:
    """Everything the server has of experiment `key`; None where it has no such experiment.

    Raises
    ------
    TrackingError
        The server refuses, or does not answer.
    """
    if questions.ask("experiment/metadata", key) is None:
        return None
    known = Known()
    for metric in _list(questions.ask("experiment/metrics/get-all", key), "metrics"):
        step = metric.get("step")
        known.points.add((metric["metricName"], None if step is None else int(step)))
        if (when := metric.get("timestamp")) is not None:
            known.moments.add((metric["metricName"], int(when)))
    parameters = _list(questions.ask("experiment/parameters", key), "values")
    known.parameters = {parameter["name"] for parameter in parameters}
    others = _list(questions.ask("experiment/log-other", key), "values")
    known.others = {other["name"]: str(other.get("valueCurrent")) for other in others}
    for asset in _list(questions.ask("experiment/asset/list", key), "assets"):
        known.assets.add((asset.get("type") or "asset", asset["fileName"]))
        known.asset_ids.add(asset["assetId"])
    known.models = {model["modelName"] for model in _list(questions.ask("experiment/model", key), "models")}
    return known


def _list(answer: Any, name: str) -> list[dict[str, Any]]:
    found = answer.get(name) if isinstance(answer, dict) else None
    return found if isinstance(found, list) else []

"""Scores to metrics, curves and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.container.contract import FOLDS
from fraudlab.files import read_json, storage, write_json
from fraudlab.gates import Gate
from fraudlab.stages.context import Context
from fraudlab.stages.incumbent_figures import FILE, facts_of_incumbent, incumbent_figures
from fraudlab.stages.prepare import Preparation
from fraudlab.stages.score import ScoredSplit
from fraudlab.stages.scoring import as_array
from fraudlab.stages.slice_content import slice_content
from fraudlab.stages.team_figures import (
    TestRows,
    budget_figures,
    intervals,
    sampled_share,
    stability_figures,
)
from fraudlab.stages.train import Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.evaluation.cost_model import Costs
    from fraudlab.evaluation.ranking import Ranking
    from fraudlab.stages.incumbent_scores import IncumbentScores


def measure(
    context: Context,
    scored: ScoredSplit,
    trained: Trained,
    prepared: Preparation,
    incumbent: IncumbentScores | None = None,
) -> dict[str, Any]:
    """Compute metrics and curves of the scored test split, and write them with the scores."""
    from fraudlab.container.prepared import AMOUNT, CARD, LABEL, ROW, TIME, card_numbers
    from fraudlab.evaluation.budgets import are_dates
    from fraudlab.evaluation.curves import curves_of
    from fraudlab.evaluation.decisions import money_at
    from fraudlab.evaluation.ranking import rank
    from fraudlab.report.recorded.run_record import days_of

    label = as_array(scored.table[LABEL])
    amount, time = (
        as_array(scored.table[name]) if name in scored.table.column_names else None for name in (AMOUNT, TIME)
    )
    threshold = float(trained.contract["threshold"])
    days = days_of(prepared.manifest, dates=time is not None and are_dates(time))
    ranking = rank(label, scored.score)
    asked, seed = context.config.evaluation, context.config.seed
    card = card_numbers(scored.table[CARD]) if CARD in scored.table.column_names else None
    rows = TestRows(ranking, amount, time if days else None, sampled_share(prepared.manifest), card)
    interval, recalls = intervals(rows, resamples=asked.resamples, seed=seed)
    budgets, named = budget_figures(
        rows, recalls=recalls, per_day=asked.alerts_per_day, cards_per_day=asked.cards_per_day
    )
    metrics = {
        **point_metrics(ranking, label, amount, threshold=threshold, days=days),
        **money_at(ranking, priced(trained.contract["decision"], ranking, amount), threshold),
        "average_precision_low": interval.low,
        "average_precision_high": interval.high,
        "endpoint_max_difference": scored.endpoint_max_difference,
        "unseen_categories": sum(prepared.manifest["splits"]["test"]["unseen"].values()),
        **named,
        **_before_calibration(label, scored.uncalibrated),
    }
    metrics |= _over_folds(
        context.folder.path, scored, card, prepared.manifest, cards_per_day=asked.cards_per_day
    )
    folder = context.folder.path / "evaluation"
    if asked.slices:
        content, of_slices = slice_content(
            rows, scored.table, asked.slices, threshold=threshold, resamples=asked.resamples, seed=seed
        )
        write_json(folder / "slices.json", content)
        metrics |= of_slices
    theirs = None if incumbent is None else _incumbent_scores(incumbent, scored, trained)
    if incumbent is not None and theirs is not None:
        facts = facts_of_incumbent(incumbent.incumbent, incumbent.learned)
        content, of_incumbent = incumbent_figures(
            rows,
            theirs,
            facts,
            trained.contract["decision"],
            threshold=threshold,
            days=days,
            resamples=asked.resamples,
            seed=seed,
        )
        write_json(folder / FILE, content)
        metrics |= of_incumbent
    write_json(folder / "metrics.json", dict(sorted(metrics.items())))
    write_json(folder / "curves.json", curves_of(ranking, threshold=threshold, days=days))
    write_json(folder / "budgets.json", budgets)
    if (stability := stability_figures(rows, threshold=threshold)) is not None:
        write_json(folder / "stability.json", stability)
    number = as_array(scored.table[ROW])
    mistakes = described_mistakes(rows, number, scored.reasons, threshold=threshold)
    write_json(folder / "mistakes.json", mistakes)
    _write_scores(folder / "scores.parquet", scored, card, prepared.manifest, theirs)
    return metrics


def _incumbent_scores(
    incumbent: IncumbentScores, scored: ScoredSplit, trained: Trained
) -> NDArray[np.float32]:
    """The incumbent's scores; where it is the very same model, those that the run's own way has given."""
    digests = [
        dict(one.get("hashes") or {}).get("model.ubj")
        for one in (incumbent.incumbent.contract, trained.contract)
    ]
    calibrations = [one.get("calibration") for one in (incumbent.incumbent.contract, trained.contract)]
    same = digests[0] is not None and digests[0] == digests[1] and calibrations[0] == calibrations[1]
    return scored.score if same else incumbent.score


def _before_calibration(label: NDArray[np.uint8], own: NDArray[np.float32] | None) -> dict[str, float]:
    """How far the booster's own scores are chances; empty where the model makes no others of them."""
    from fraudlab.evaluation import metrics

    if own is None:
        return {}
    return {
        "brier_uncalibrated": metrics.brier(label, own),
        "log_loss_uncalibrated": metrics.log_loss(label, own),
    }


def priced(decision: dict[str, Any], ranking: Ranking, amount: NDArray[np.float64] | None) -> Costs | None:
    """What operating points of scored rows cost by a model's own prices; None where a fraud has no price."""
    from fraudlab.evaluation.cost_model import CostModel

    try:
        return CostModel.of_decision(decision).of(ranking, amount)
    except ValueError:  # a model.json whose prices are none
        return None


def described_mistakes(
    rows: TestRows,
    row: NDArray[np.integer],
    reasons: Mapping[int, Any],
    *,
    threshold: float,
) -> dict[str, Any]:
    """The content of ``mistakes.json``: the dearest missed frauds, the surest false alarms, and why.

    Parameters
    ----------
    rows : TestRows
    row : ndarray of int, shape (n,)
        Their positions in the raw table.
    reasons : mapping of int
        Of the rows that have some, by position among `rows`.
    threshold : float
    """
    from fraudlab.evaluation.mistakes import false_alarms, missed_frauds

    frauds, score = rows.ranking.frauds, rows.ranking.score

    def described(position: int) -> dict[str, Any]:
        found: dict[str, Any] = {"row": int(row[position]), "score": float(score[position])}
        for name, values in (("time", rows.time), ("amount", rows.amount)):
            if values is not None and values[position] == values[position]:
                found[name] = float(values[position])
        return {**found, "reasons": reasons.get(position, [])}

    missed = missed_frauds(frauds, score, rows.amount, threshold=threshold)
    alarms = false_alarms(frauds, score, threshold=threshold)
    return {
        "missed": [described(position) for position in missed.tolist()],
        "false_alarms": [described(position) for position in alarms.tolist()],
    }


def judge(context: Context, gates: Sequence[Gate], metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Record what becomes of each gate, and return it; see :meth:`fraudlab.gates.Gate.judge`."""
    judged = [gate.judge(metrics) for gate in gates]
    if judged:
        context.folder.note(gates=judged)
    return judged


def point_metrics(
    ranking: Ranking,
    label: NDArray[np.uint8],
    amount: NDArray[np.float64] | None,
    *,
    threshold: float,
    days: float | None,
) -> dict[str, Any]:
    """The metrics of scored rows and of one threshold there, by their names."""
    from fraudlab.evaluation import metrics

    score = ranking.score
    at = ranking.at([threshold])[0]
    found: dict[str, Any] = {
        "average_precision": metrics.average_precision_of(ranking),
        "roc_auc": metrics.roc_auc_of(ranking),
        **at.as_metrics(),
        "prevalence": float(label.mean()),
        "mean_score": float(score.mean(dtype="float64")),
        "brier": metrics.brier(label, score),
        "log_loss": metrics.log_loss(label, score),
        "days": days,
        "alerts_per_day": at.alerts / days if days else None,
    }
    if (known := metrics.known_amounts(ranking.frauds, amount)) is not None:
        found["value_recall"] = metrics.value_recall(label, score, known, threshold=threshold)
    return found


def _over_folds(
    folder: Path,
    scored: ScoredSplit,
    card: NDArray[np.integer] | None,
    manifest: dict[str, Any],
    *,
    cards_per_day: int,
) -> dict[str, float]:
    """The figures of a prequential split: the newest fold is what was scored, the job measured the others."""
    if manifest["split"]["kind"] != "prequential":
        return {}
    from fraudlab.container.prepared import LABEL, TIME
    from fraudlab.evaluation.fold_figures import fold_figures, over_folds

    table = scored.table
    newest = fold_figures(
        as_array(table[LABEL]),
        scored.score,
        card=card,
        time=as_array(table[TIME]),
        cards_per_day=cards_per_day,
    )
    older = read_json(folder / "training" / "prequential.json")["folds"] if FOLDS in manifest else []
    write_json(folder / "evaluation" / "folds.json", [{"fold": 1, **newest}, *older])
    return over_folds([newest, *older])


def _write_scores(
    path: Path,
    scored: ScoredSplit,
    card: NDArray[np.integer] | None,
    manifest: dict[str, Any],
    incumbent: NDArray[np.float32] | None,
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fraudlab.container.prepared import AMOUNT, LABEL, ROW, SLICE, TIME
    from fraudlab.report.recorded.scores import CARD_NUMBER, INCUMBENT, UNCALIBRATED

    table, roles = scored.table, manifest["roles"]
    columns: dict[str, Any] = {"row": table[ROW]}
    columns.update({name: table[name] for name in roles["id"]})
    for name, column in (("time", TIME), ("amount", AMOUNT)):
        if column in table.column_names:
            columns[name] = table[column]
    columns.update({name: table[name] for name in table.column_names if name.startswith(SLICE)})
    if card is not None:
        columns[CARD_NUMBER] = pa.array(card)
    columns["label"] = table[LABEL]
    columns["score"] = pa.array(scored.score)
    if scored.uncalibrated is not None:
        columns[UNCALIBRATED] = pa.array(scored.uncalibrated)
    if incumbent is not None:
        columns[INCUMBENT] = pa.array(incumbent)
    columns["split"] = pa.array(["test"] * table.num_rows).dictionary_encode()
    with storage(path):
        temporary = path.with_name(".scores.parquet")
        pq.write_table(pa.table(columns), temporary, compression="zstd")
        temporary.replace(path)

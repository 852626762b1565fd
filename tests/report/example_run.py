"""A complete run folder with plausible numbers, as the workflow leaves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from omegaconf import OmegaConf

from fraudlab.config import RunConfig
from fraudlab.evaluation import metrics
from fraudlab.evaluation.budgets import FALSE_POSITIVE_RATES
from fraudlab.evaluation.curves import curves
from fraudlab.evaluation.intervals import intervals_of
from fraudlab.evaluation.mistakes import false_alarms, missed_frauds
from fraudlab.evaluation.ranking import rank
from fraudlab.evaluation.thresholds import choose_threshold
from fraudlab.stages.team_figures import TestRows, budget_figures, sampled_share, stability_figures

ROWS = 284_807
GAP = 3600.0
TimeKind = Literal["number", "timestamp"]


def build_run(
    folder: Path,
    *,
    split: Literal["time", "stratified"] = "time",
    time: TimeKind | None = "number",
    amount: bool = True,
    tracked: bool = True,
    test_rows: int = 42_000,
    frauds: int = 75,
    skill: float = 0.0,
    sharpness: float = 1.0,
    seed: int = 7,
    columns: tuple[str, ...] = (*(f"V{i}" for i in range(1, 29)), "Amount"),
    overrides: dict[str, Any] | None = None,
    run: dict[str, Any] | None = None,
) -> Path:
    """Write a run folder and return it.

    `seed` decides the test rows and how hard each is; `skill` shifts all frauds' scores, and `sharpness`
    changes the noise only, so that two runs with one seed have the same test rows.
    """
    config = OmegaConf.structured(RunConfig)
    config.data.label, config.data.time = "Class", "Time" if time else None
    config.data.amount = "Amount" if amount else None
    config.model.max_depth, config.model.num_round = 6, 300
    for key, value in (overrides or {}).items():
        OmegaConf.update(config, key, value)
    for part in ("data", "model", "training", "evaluation"):
        (folder / part).mkdir(parents=True)
    OmegaConf.save(config, folder / "config.yaml", resolve=True)
    OmegaConf.save(
        OmegaConf.create([f"{key}={value}" for key, value in (overrides or {}).items()]),
        folder / "overrides.yaml",
    )
    manifest = _manifest(split, time, test_rows, frauds, columns)
    threshold = _evaluation(folder, manifest, time, amount, skill, sharpness, seed)
    history = _history(seed)
    _write(folder / "data" / "manifest.json", manifest)
    _write(folder / "training" / "history.json", history)
    _write(
        folder / "model" / "model.json", _model(folder.name, threshold, columns, history["best_round"] + 1)
    )
    _write(folder / "evaluation" / "importance.json", _importance(columns, seed))
    record = _run(folder.name, manifest, tracked=tracked) | (run or {})
    _write(folder / "run.json", record)
    return folder


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _evaluation(
    folder: Path,
    manifest: dict[str, Any],
    time: TimeKind | None,
    amount: bool,
    skill: float,
    sharpness: float,
    seed: int,
) -> float:
    test = manifest["splits"]["test"]
    rows, positives = test["rows"], test["positives"]
    rng = np.random.default_rng(seed)
    label = np.zeros(rows, dtype=np.uint8)
    label[rng.choice(rows, positives, replace=False)] = 1
    hidden = rng.random(rows) < 0.2
    logit = np.where(
        label == 1, np.where(hidden, rng.normal(-5.5, 1.6, rows), rng.normal(2.6, 2.0, rows)), 0.0
    )
    logit += np.where(label == 0, rng.normal(-8.2, 1.5, rows), skill)
    logit += np.where((label == 0) & (rng.random(rows) < 0.0012), rng.normal(5.5, 1.8, rows), 0.0)
    logit += rng.normal(0, 0.3 * sharpness, rows)
    score = (1 / (1 + np.exp(-logit))).astype(np.float32)
    amounts = np.round(rng.lognormal(3.1, 1.5, rows), 2)
    days = (test["time_end"] - test["time_start"]) / 86_400 if time else None
    decision = choose_threshold(
        label, score, amounts if amount else None, policy="cost" if amount else "f1", alert_cost=5
    )
    threshold = decision.threshold
    _write(
        folder / "training" / "validation.json",
        {"threshold": threshold, "policy": decision.policy, "curve": decision.curve},
    )
    _write(folder / "evaluation" / "curves.json", curves(label, score, threshold=threshold, days=days))
    found = metrics.confusion(label, score, threshold=threshold)
    ranking = rank(label, score)
    interval, *recalls = intervals_of(ranking, FALSE_POSITIVE_RATES)
    times = np.linspace(test["time_start"], test["time_end"], rows) if time else None
    rows_of_test = TestRows(ranking, amounts if amount else None, times, sampled_share(manifest))
    budgets, named = budget_figures(rows_of_test, recalls=recalls, per_day=[20, 100, 500])
    _write(folder / "evaluation" / "budgets.json", budgets)
    if (stability := stability_figures(rows_of_test, threshold=threshold)) is not None:
        _write(folder / "evaluation" / "stability.json", stability)
    _write(
        folder / "evaluation" / "mistakes.json",
        _mistakes(label, score, amounts if amount else None, times, threshold),
    )
    flat: dict[str, float | None] = {
        "average_precision": metrics.average_precision(label, score),
        "average_precision_low": interval.low,
        "average_precision_high": interval.high,
        "roc_auc": metrics.roc_auc(label, score),
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "accuracy": found.accuracy,
        "threshold": threshold,
        "true_positives": found.tp,
        "false_positives": found.fp,
        "false_negatives": found.fn,
        "true_negatives": found.tn,
        "rows": rows,
        "positives": positives,
        "prevalence": positives / rows,
        "days": days,
        "alerts_per_day": (found.tp + found.fp) / days if days else None,
        "brier": metrics.brier(label, score),
        "log_loss": metrics.log_loss(label, score),
        "endpoint_max_difference": 0.0,
        "unseen_categories": 0,
        **named,
    }
    if amount:
        flat["value_recall"] = metrics.value_recall(label, score, amounts, threshold=threshold)
    _write(folder / "evaluation" / "metrics.json", flat)
    table = {
        "row": np.arange(ROWS - rows, ROWS),
        "label": label,
        "score": score,
        "split": np.full(rows, "test"),
    }
    if time:
        table["time"] = times
    if amount:
        table["amount"] = amounts
    pq.write_table(pa.table(table), folder / "evaluation" / "scores.parquet")
    return threshold


def _mistakes(label: Any, score: Any, amounts: Any, times: Any, threshold: float) -> dict[str, Any]:
    reasons = [["days_since_the_last_transaction_of_this_card", -2.125], ["V4", 0.75], ["<b>", 0.5]]

    def described(position: int) -> dict[str, Any]:
        named = {"time": times, "amount": amounts}
        found = {name: float(values[position]) for name, values in named.items() if values is not None}
        return {
            "row": ROWS - len(label) + position,
            "score": float(score[position]),
            **found,
            "reasons": reasons,
        }

    missed = missed_frauds(label, score, amounts, threshold=threshold)
    alarms = false_alarms(label, score, threshold=threshold)
    return {
        "missed": [described(row) for row in missed.tolist()],
        "false_alarms": [described(row) for row in alarms.tolist()],
    }


def _manifest(
    split: str, time: TimeKind | None, test_rows: int, frauds: int, columns: tuple[str, ...]
) -> dict[str, Any]:
    start = 1_522_540_800.0 if time == "timestamp" else 0.0
    end = start + (183 * 86_400 if time == "timestamp" else 172_792)
    gap = 7 * 86_400.0 if time == "timestamp" else GAP
    cuts = [start + 0.7 * (end - start), start + 0.85 * (end - start)]
    bounds = {
        "train": (start, cuts[0] - 1),
        "validation": (cuts[0] + gap, cuts[1] - 1),
        "test": (cuts[1] + gap, end),
    }
    counts = {"train": (199_364, 356), "validation": (40_511, 57), "test": (test_rows, frauds)}
    splits: dict[str, dict[str, Any]] = {}
    for name, (rows, positives) in counts.items():
        splits[name] = {
            "rows": rows,
            "positives": positives,
            "duplicates": rows // 300,
            "sha256": f"{name:0>64}",
        }
        splits[name] |= {"missing": {}, "unseen": {}}
        if time:
            splits[name] |= dict(zip(("time_start", "time_end"), bounds[name], strict=True))
    return {
        "schema": 1,
        "raw": {"file": "table.csv", "rows": ROWS, "columns": len(columns) + 2, "sha256": "7f" * 32},
        "columns": [{"name": name, "type": "number"} for name in columns],
        "preprocessing": {"scale": None},
        "duplicates": {"policy": "flag", "rows": 1081, "groups": 773, "dropped": 0},
        "split": {
            "kind": split,
            "gap_seconds": gap if split == "time" else 0.0,
            "gap_rows": 2_932 if split == "time" else 0,
            "cuts": cuts if split == "time" else None,
            "time_kind": time,
        },
        "splits": splits,
    }


def _history(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    rounds = np.arange(141)
    level = 0.815 - 0.32 * np.exp(-rounds / 14) - 0.00012 * np.maximum(rounds - 110, 0)
    values = level + rng.normal(0, 0.003, rounds.size) * np.exp(-rounds / 60)
    best = int(values.argmax())
    return {
        "metric": "aucpr",
        "validation": values.tolist(),
        "best_round": best,
        "rounds": int(rounds.size),
        "seconds": {"load": 0.11, "matrix": 0.62, "train": 2.84},
    }


def _importance(columns: tuple[str, ...], seed: int) -> list[dict[str, Any]]:
    gain = np.sort(np.random.default_rng(seed).dirichlet(np.full(len(columns), 0.25)))[::-1]
    return [
        {"column": name, "gain": float(share), "weight": 0.01, "cover": 0.01}
        for name, share in zip(reversed(columns), gain, strict=True)
    ]


def _model(run_id: str, threshold: float, columns: tuple[str, ...], rounds: int) -> dict[str, Any]:
    return {
        "schema": 1,
        "run_id": run_id,
        "columns": [{"name": name, "type": "number"} for name in columns],
        "threshold": threshold,
        "decision": {"policy": "cost", "alert_cost": 5.0, "measured_on": "validation"},
        "rounds": rounds,
        "versions": {"fraudlab": "0.1.0", "xgboost": "3.2.0", "numpy": "2.4.6", "python": "3.11.2"},
        "hashes": {"data": "7f" * 32, "model.ubj": "c4" * 32},
    }


def _run(run_id: str, manifest: dict[str, Any], *, tracked: bool) -> dict[str, Any]:
    splits = {
        name: {key: part[key] for key in ("rows", "positives")} for name, part in manifest["splits"].items()
    }
    experiment = (
        {"key": "3f9c51d04b7e4a0b9f5a6d1c2e8b7a90", "mode": "offline", "url": None} if tracked else None
    )
    return {
        "id": run_id,
        "name": "baseline",
        "status": "completed",
        "error": None,
        "started": "2026-02-03T09:14:07+00:00",
        "ended": "2026-02-03T09:14:21+00:00",
        "backend": "local",
        "fallback": None,
        "git": {"commit": "8d29b18f0c3a5c1e7b1f4a9d2e6b7c8d9e0f1a2b", "dirty": False},
        "image": {"name": "fraudlab-xgboost:0.1.0", "id": "sha256:" + "5e" * 32},
        "data": {
            "source": "synthetic",
            "path": "synthetic.parquet",
            "sha256": "7f" * 32,
            "rows": ROWS,
            "columns": 31,
        },
        "splits": splits,
        "packages": {"xgboost-cpu": "3.2.0", "numpy": "2.4.6", "pyarrow": "26.0.1", "comet_ml": "3.58.8"},
        "stages": {
            "prepare": {"seconds": 2.31, "cached": True},
            "train": {"seconds": 4.92, "cached": False},
            "score": {"seconds": 1.87},
            "evaluate": {"seconds": 0.25},
        },
        "experiment": experiment if tracked else None,
        "metrics": {},
        "platform": {"system": "Linux", "machine": "x86_64", "cpus": 2, "python": "3.11.2"},
    }

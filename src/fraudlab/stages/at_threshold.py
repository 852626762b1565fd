"""What a run recorded of its scored test rows, at another threshold: nothing is scored again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fraudlab.errors import RunError
from fraudlab.files import read_json, storage, write_json
from fraudlab.stages.evaluate import described_mistakes, point_metrics, priced
from fraudlab.stages.incumbent_figures import FILE, incumbent_figures
from fraudlab.stages.scoring import as_array
from fraudlab.stages.slice_content import slice_content
from fraudlab.stages.team_figures import TestRows, sampled_share, stability_figures

#: what of `evaluation/` a threshold changes nothing of
UNCHANGED = ("budgets.json", "importance.json", "folds.json", "scores.parquet")


def at_threshold(source: Path, *, threshold: float, decision: dict[str, Any]) -> dict[str, Any]:
    """The files of ``evaluation/`` that a threshold changes, by their names.

    Parameters
    ----------
    source : Path
        The run's folder.
    threshold : float
    decision : dict
        As ``model.json`` has it; for its prices.

    Raises
    ------
    RunError
        Where the run was not evaluated, or its scores cannot be read.
    """
    import numpy as np

    from fraudlab.container.prepared import SLICE
    from fraudlab.evaluation.budgets import are_dates
    from fraudlab.evaluation.curves import curves_of
    from fraudlab.evaluation.decisions import money_at
    from fraudlab.evaluation.ranking import rank
    from fraudlab.report.recorded.run_record import days_of, dig, read_run
    from fraudlab.report.recorded.scores import CARD_NUMBER, INCUMBENT

    table, folder = _scored(source / "evaluation" / "scores.parquet"), source / "evaluation"
    manifest, metrics = read_json(source / "data" / "manifest.json"), read_json(folder / "metrics.json")
    names = table.column_names
    label, score = as_array(table["label"]).astype(np.uint8), as_array(table["score"])
    amount, time = (as_array(table[name]) if name in names else None for name in ("amount", "time"))
    days = days_of(manifest, dates=time is not None and are_dates(time))
    ranking = rank(label, score)
    card = as_array(table[CARD_NUMBER]) if CARD_NUMBER in names else None
    rows = TestRows(ranking, amount, time if days else None, sampled_share(manifest), card)
    known = read_json(folder / "mistakes.json") if (folder / "mistakes.json").is_file() else {}
    made = {
        "metrics.json": {
            **metrics,
            **point_metrics(ranking, label, amount, threshold=threshold, days=days),
            **money_at(ranking, priced(decision, ranking, amount), threshold),
        },
        "curves.json": curves_of(ranking, threshold=threshold, days=days),
        "mistakes.json": described_mistakes(
            rows, as_array(table["row"]), _reasons(known, as_array(table["row"])), threshold=threshold
        ),
    }
    config = read_run(source).config
    resamples = int(dig(config, "evaluation", "resamples") or 1000)
    seed = int(dig(config, "seed") or 0)
    if slices := [name.removeprefix(SLICE) for name in names if name.startswith(SLICE)]:
        content, of_slices = slice_content(
            rows, table, slices, threshold=threshold, resamples=resamples, seed=seed
        )
        made["slices.json"] = content
        made["metrics.json"] |= of_slices
    facts = read_json(folder / FILE) if (folder / FILE).is_file() else None
    if facts is not None and INCUMBENT in names:
        made[FILE], of_incumbent = incumbent_figures(
            rows,
            as_array(table[INCUMBENT]),
            facts,
            decision,
            threshold=threshold,
            days=days,
            resamples=resamples,
            seed=seed,
        )
        made["metrics.json"] |= of_incumbent
    elif facts is not None:
        made[FILE] = facts
    if (stability := stability_figures(rows, threshold=threshold)) is not None:
        made["stability.json"] = stability
    return made


def _reasons(known: dict[str, Any], row: Any) -> dict[int, Any]:
    """By position, the reasons that were computed for rows the run showed already; others have none."""
    import numpy as np

    listed = [one for kind in ("missed", "false_alarms") for one in known.get(kind, [])]
    wanted = {one["row"]: one.get("reasons", []) for one in listed}
    at = np.flatnonzero(np.isin(row, list(wanted))) if wanted else np.array([], np.int64)
    return {int(position): wanted[int(row[position])] for position in at}


def _scored(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise RunError(f"There are no scored test rows: {path}.", fix="name a run that was evaluated")
    try:
        with storage(path), pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            more = [n for n in names if n in ("time", "amount") or n.startswith("fraudlab.")]
            wanted = ["row", "label", "score", *more]
            return file.read(columns=wanted)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise RunError(
            f"{path} cannot be read: {error}.", fix="the file was changed; repeat the run"
        ) from error


def write_at_threshold(folder: Path, made: dict[str, Any]) -> None:
    """Write them into a run's folder."""
    for name, content in made.items():
        ordered = dict(sorted(content.items())) if name == "metrics.json" else content
        write_json(folder / "evaluation" / name, ordered)

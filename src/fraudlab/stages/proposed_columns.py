"""``data.derive=auto``: once a table is prepared, its proposal takes the place of the ``auto``.

What follows is a run that declares these columns: its configuration, its jobs and its model have them like
any that a person wrote, and repeating it chooses nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.children import environment, python
from fraudlab.compose import as_yaml
from fraudlab.container.contract import LAUNCHER
from fraudlab.derive_rules import asks_auto, written_columns
from fraudlab.errors import JobFailed
from fraudlab.files import read_json, write_json, write_text
from fraudlab.model_rules import check_constraints
from fraudlab.named_columns import column_names
from fraudlab.stages.context import Context

if TYPE_CHECKING:
    from fraudlab.data.sources import Source
    from fraudlab.stages.prepare import Preparation

#: in the run's folder, what was tried and what it brought
PROPOSED = "data/proposed_columns.json"


def with_proposed(context: Context, source: Source, prepared: Preparation) -> tuple[Context, list[str]]:
    """Choose columns where a run asks for it; the run that declares them, and lines to show.

    Parameters
    ----------
    context : Context
    source : Source
    prepared : Preparation
        Whose train and validation rows choose. Its test rows are not read.

    Raises
    ------
    JobFailed
        Where the proposal cannot be made.
    """
    data = context.config.data
    if not asks_auto(data.derive):
        return context, []
    declared = written_columns(data.derive)
    context.terminal.say("  data.derive=auto: trying columns on train and validation", style="dim")
    question = {
        "prepared": str(prepared.folder),
        "declared": declared,
        "amount": data.amount,
        "taken": sorted({*column_names(data).apart(), *data.drop, *source.columns}),
        "seed": context.config.seed,
    }
    answer = _asked(question, context.workspace / "proposal")
    config = replace(context.config, data=replace(data, derive={**declared, **answer["columns"]}))
    check_constraints(config, [one["name"] for one in prepared.manifest["columns"]])
    write_json(context.folder.path / PROPOSED, answer)
    write_text(context.folder.path / "config.yaml", as_yaml(config))
    context.note_for_others()
    return replace(context, config=config), list(_lines(answer))


def _asked(question: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The answer of a process of its own: a launcher does not import xgboost."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "question.json", folder / "answer.json"
    write_json(paths[0], question)
    process = subprocess.Popen(
        python("fraudlab.proposing.proposal", *map(str, paths)),
        env={**environment(), LAUNCHER: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, error = process.communicate()
    finally:  # whatever ends the run ends this too
        process.kill()
        process.wait()
    if process.returncode != 0:
        reason = (error.strip().split("\n") or [""])[-1]
        raise JobFailed(
            f"data.derive=auto cannot choose columns: {reason}",
            fix="leave data.derive=auto out, or declare columns: docs/derived_columns.md",
        )
    answer: dict[str, Any] = read_json(paths[1])
    return answer


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """What was chosen and what each brought, a line for each."""
    if answer["why"] is not None:
        yield f"data.derive=auto declares no column: {answer['why']}"
    if answer["tried"]:
        kept = len(answer["columns"])
        yield (
            f"data.derive=auto: {answer['candidates']} candidates, {len(answer['tried'])} tried, {kept} kept;"
            f" small models' average precision on validation {answer['before']:.3f} to {answer['after']:.3f}"
        )
    for one in answer["tried"]:
        if one["kept"]:
            yield f"  {one['gain']:+.4f}  {one['name']} = {one['expression']}"

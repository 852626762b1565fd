"""The registry as a page of the board: models, their versions, and everything that was done to them."""

from __future__ import annotations

from fraudlab.board.board_page import frame, rows_table
from fraudlab.board.live_rounds import run_address
from fraudlab.registry import STAGES, ModelVersion, RegisteredModel, RegistryState
from fraudlab.registry.log_entries import LogEntry
from fraudlab.report.kit import numerals
from fraudlab.report.kit.markup import Child, Markup, element

#: lines of the history that a page shows, the newest first
_HISTORY = 500


def models_page(state: RegistryState, entries: list[LogEntry], *, where: str) -> str:
    """Models with their versions, and the history.

    Parameters
    ----------
    state : RegistryState
    entries : list of LogEntry
        Of the same log.
    where : str
        Of the registry, for a page without models.
    """
    if not entries:
        lead = f"No model is registered in {where}: `fraudlab models register RUN --name NAME` begins."
    else:
        lead = (
            f"{numerals.counted(len(state.models), 'model')}, {numerals.counted(len(entries), 'line')} "
            f"of history; the head of its chain is {state.head[:12]}."
        )
    return frame(
        "Models · fraudlab",
        [
            element("header", element("h1", "Models"), element("p", lead, class_="lead")),
            [_model(model) for model in state.models.values()],
            _history(entries) if entries else None,
        ],
    )


def _model(model: RegisteredModel) -> Markup:
    stages = ", ".join(f"{stage}: {model.holder(stage) or 'none'}" for stage in STAGES)
    rows = [_version(model, version) for version in reversed(model.versions)]
    heads = ("Version", "Stage", "Status", "Run", "Registered", "By", "Average precision")
    return element(
        "section",
        element("h2", model.name),
        element("p", stages, class_="lead"),
        rows_table(heads, rows),
    )


def _version(model: RegisteredModel, version: ModelVersion) -> list[Child]:
    metrics = version.facts.get("metrics")
    found = metrics.get("average_precision") if isinstance(metrics, dict) else None
    return [
        str(version.number),
        ", ".join(model.stages_of(version.number)) or "–",
        version.status,
        element("a", version.run, href=run_address(version.run)),
        numerals.instant(version.registered.time),
        version.registered.act.actor,
        numerals.decimal(found if isinstance(found, int | float) else None),
    ]


def _history(entries: list[LogEntry]) -> Markup:
    rows: list[list[Child]] = [
        [
            str(entry.seq),
            numerals.instant(entry.time),
            entry.act.actor,
            f"{entry.act.verb}{' (forced)' if entry.act.forced else ''}",
            f"{entry.act.name}:{entry.act.version}",
            entry.act.stage or "–",
            entry.act.reason or "–",
        ]
        for entry in reversed(entries[-_HISTORY:])
    ]
    left = len(entries) - len(rows)
    return element(
        "section",
        element("h2", "History"),
        rows_table(("Line", "Time", "Who", "What", "Version", "Stage", "Reason"), rows),
        element("p", f"{numerals.counted(left, 'older line')}: fraudlab models history", class_="note")
        if left
        else None,
    )

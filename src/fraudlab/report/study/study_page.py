"""A study as one self-contained page: what tuning was worth, how it came about, and every trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fraudlab.files import write_text
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Child, Markup, element
from fraudlab.report.kit.page import page
from fraudlab.report.recorded.run_record import Json, dig, number
from fraudlab.report.study.parallel_axes import parallel_chart
from fraudlab.report.study.study_charts import history_chart, importance_figure, slice_chart
from fraudlab.report.study.study_values import completed, written_value

#: trials in the table, the best first; the rest is in outcome.json
_SHOWN = 200


def render_study(outcome: Json, target: Path) -> Path:
    """Write the page of a study.

    Parameters
    ----------
    outcome : dict
        As ``outcome.json`` has it.
    target : Path

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    write_text(target, study_html(outcome))
    return target


def study_html(outcome: Json) -> str:
    """The page as text."""
    trials, space = outcome["trials"], outcome["space"]
    history = history_chart(trials)
    slices = [chart for name, entry in space.items() if (chart := slice_chart(name, entry, trials))]
    together = parallel_chart(space, trials)
    charts = [chart for chart in (history, together, *slices) if chart is not None]
    return page(
        title=f"{outcome['name']} · tuning of a fraud model",
        body=_body(outcome, history, together, slices),
        charts=charts,
        data={},
    )


def _body(
    outcome: Json, history: Chart | None, together: Chart | None, slices: Sequence[Chart]
) -> list[Markup | None]:
    importance = importance_figure(outcome.get("importance") or {})
    drawn = [history.figure() if history else None, importance]
    figures = [element("div", drawn, class_="stacked")] if any(drawn) else []
    if together is not None:
        figures.append(together.figure())
    return [
        _header(outcome),
        _tiles(outcome),
        _section("How it came about", element("div", figures, class_="pair")) if figures else None,
        _section("By parameter", element("div", [chart.figure() for chart in slices], class_="pair"))
        if slices
        else None,
        _section("Trials", _table(outcome)),
    ]


def _section(title: str, content: Child) -> Markup:
    return element("section", element("h2", title), content)


def _header(outcome: Json) -> Markup:
    trials = outcome["trials"]
    states = [trial["state"] for trial in trials]
    counts = [
        f"{states.count(state)} {state}" for state in ("pruned", "failed", "running") if state in states
    ]
    trained = f"{numerals.counted(len(completed(trials)), 'trial')} completed"
    spent = _spent(outcome)
    return element(
        "header",
        element("p", "Tuning of a fraud model", class_="eyebrow"),
        element("h1", outcome["name"]),
        element("p", outcome["worth"], class_="verdict"),
        element("p", ", ".join([trained, *counts]), class_="byline"),
        element("p", spent, class_="byline") if spent else None,
        element(
            "p",
            "Trials are judged on validation, where the best of many looks better than it is. Nothing but "
            "the model of the start and tuned models has scored test.",
            class_="lead",
        ),
    )


def _spent(outcome: Json) -> str:
    """What its jobs in an account have cost, beside what was agreed to; empty where nothing has a price."""
    costs = outcome.get("costs") or {}
    spent, most, limit = (number(costs, name) for name in ("spent_usd", "most_usd", "max_usd"))
    if spent is None:
        return ""
    agreed = [f"maximum {_dollars(limit)}"] if limit is not None else []
    agreed += [f"at most {_dollars(most)} for all of it"] if most is not None else []
    text = f"{_dollars(spent)} spent" + (f" ({', '.join(agreed)})" if agreed else "")
    if costs.get("rehearsed"):
        text += ", rehearsed: nothing was paid"
    return text + (". The maximum ended the search." if costs.get("ended_by_maximum") else ".")


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.4f}"


def _tiles(outcome: Json) -> Markup:
    tiles = [_tile("Start, on test", outcome["start"])]
    if outcome["final"] is not None:
        tiles.append(_tile("Tuned, on test", outcome["final"]))
    best = next((trial for trial in outcome["trials"] if trial["number"] == outcome["best"]), None)
    if best is not None:
        tiles.append(
            element(
                "div",
                element("dt", "Best trial, on validation"),
                element("dd", numerals.decimal(best["value"]), class_="figure"),
                element("dd", f"trial {best['number'] + 1}, chosen for it"),
            )
        )
    return element("dl", tiles, class_="headline even")


def _tile(title: str, run: Json) -> Markup:
    low, high = (number(run["metrics"], f"average_precision_{end}") for end in ("low", "high"))
    return element(
        "div",
        element("dt", title),
        element("dd", numerals.decimal(number(run["metrics"], "average_precision")), class_="figure"),
        element("dd", "95\u00a0% interval ", element("span", numerals.interval(low, high), class_="whole")),
        element("dd", f"run {run['run']}"),
    )


def _table(outcome: Json) -> Markup:
    """Every trial, the best first, then those without a value."""
    trials, names = outcome["trials"], list(outcome["space"])
    done = sorted(completed(trials), key=lambda trial: (-trial["value"], trial["number"]))
    known = {trial["number"] for trial in done}
    ordered = [*done, *(trial for trial in trials if trial["number"] not in known)]
    heads = ("Trial", "Average precision", "Ended", "Rounds", "Seconds", *names)
    body = table(heads, [_row(trial, names) for trial in ordered[:_SHOWN]], class_="wide many numbers")
    left = len(ordered) - _SHOWN
    note = element("p", f"{left} more are in outcome.json.", class_="lead") if left > 0 else None
    scrolled = element("div", body, class_="scroll", tabindex="0", role="group", aria_label="table")
    return element("div", scrolled, note)


def _row(trial: Json, names: Sequence[str]) -> Markup:
    value = number(trial, "value") if trial["state"] == "completed" else None
    ended = str(trial["state"])
    if ended == "pruned" and trial.get("round") is not None:
        ended = f"pruned at round {trial['round'] + 1}"
    if ended == "failed":
        ended = f"failed: {trial.get('error')}"
    texts = [
        numerals.decimal(value, 4),
        ended,
        numerals.count(number(trial, "rounds")),
        numerals.decimal(number(trial, "seconds"), 1),
        *(written_value(dig(trial, "params", name)) for name in names),
    ]
    return element(
        "tr", element("th", trial["number"] + 1, scope="row"), [element("td", text) for text in texts]
    )

"""The pages of the board: all runs, one run, and the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template
from typing import Any

from fraudlab.board.live_rounds import live_figure, run_address
from fraudlab.board.selection import Group, Shown, View
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import fact, table, written
from fraudlab.report.kit.markup import Child, Markup, element, escape, fragment
from fraudlab.runs import Run
from fraudlab.runs.list_table import cell
from fraudlab.runs.listing import headline
from fraudlab.runs.run_values import run_seconds

#: running trainings whose curves are drawn above the list
_LIVE = 4
#: what people sort and gather by, besides anything they type
SUGGESTED = ("started", "-average_precision", "-recall", "-value_recall", "seconds", "name", "status")
GROUPS = ("name", "backend", "data", "status", "model.max_depth", "git.commit", "data.sha256")


def frame(title: str, body: Iterable[Child], *, events: str | None = None) -> str:
    """Put a body into a page of the board.

    Parameters
    ----------
    title : str
    body : iterable
    events : str, optional
        The address that tells of changes.
    """
    links = element(
        "nav",
        element("a", "Runs", href="/"),
        element("a", "Models", href="/models"),
        element("span", id="state", role="status"),
        class_="board",
    )
    return Template(asset("board.html")).substitute(
        title=escape(title),
        body=fragment(links, body),
        events=escape(events or ""),
    )


def asset(name: str) -> str:
    """A file that belongs to the board."""
    return (resources.files("fraudlab.board") / "assets" / name).read_text(encoding="utf-8")


def runs_page(
    view: View,
    found: Shown | None,
    *,
    running: Sequence[Run],
    total: int,
    problem: str = "",
    left_out: Sequence[str] = (),
) -> str:
    """All runs, as a view shows them."""
    return frame(
        "Runs · fraudlab",
        [
            element("header", element("h1", "Runs"), element("p", _lead(found, total), class_="lead")),
            _live(running),
            _filters(view),
            element("p", problem, class_="problem", role="alert") if problem else None,
            [element("p", note, class_="note") for note in found.notes] if found else None,
            _table(view, found) if found and found.many else None,
            [element("p", f"Left out: {why}", class_="note") for why in left_out[:10]],
        ],
        events="/events",
    )


def _lead(found: Shown | None, total: int) -> str:
    if not total:
        return "There is no run yet. `fraudlab train` makes one; it appears here by itself."
    if found is None or found.many == total:
        return f"{numerals.counted(total, 'run')}."
    return f"{numerals.counted(found.many, 'run')} of {numerals.count(total)}."


def _live(running: Sequence[Run]) -> Markup:
    """The trainings that run; there also where none does, for those that begin later."""
    figures = [live_figure(run.id, run.folder) for run in running[:_LIVE]]
    more = len(running) - _LIVE
    note = element("p", f"and {more} more that run", class_="note") if more > 0 else None
    return element("div", element("div", figures, class_="live pair") if figures else None, note, id="live")


def live_part(running: Sequence[Run]) -> str:
    """What stands above the list, for a page that is open."""
    return _live(running)


def _filters(view: View) -> Markup:
    def field(name: str, label: str, value: str, example: str, options: Sequence[str] = ()) -> Markup:
        listing = element("datalist", [element("option", value=text) for text in options], id=f"{name}-words")
        return element(
            "label",
            label,
            element(
                "input",
                name=name,
                value=value,
                placeholder=example,
                list=f"{name}-words" if options else None,
                autocomplete="off",
                spellcheck="false",
            ),
            listing if options else None,
            class_=name,
        )

    return element(
        "form",
        field("where", "Where", view.where, "average_precision>0.8 and backend=local"),
        field("sort", "Sort", view.sort, "-average_precision", SUGGESTED),
        field("group", "Group by", view.group, "name", GROUPS),
        field("columns", "Columns", view.columns, "what differs"),
        element("button", "Show", type="submit"),
        class_="filters",
        method="get",
        action="/",
    )


def _table(view: View, found: Shown) -> Markup:
    heads: list[Child] = [
        element("span", "Compare", class_="hidden"),
        _sorting(view, "id", "Run"),
        _sorting(view, "status", "Status"),
        _sorting(view, "average_precision", "Average precision (95\u00a0% interval)"),
        _sorting(view, "started", "Begun"),
        _sorting(view, "seconds", "Took"),
        *(_sorting(view, column.name, column.name) for column in found.columns),
    ]
    head = element("tr", [element("th", text, scope="col") for text in heads])
    bodies = [
        element("tbody", _group_head(group, len(heads)), [_row(run, found) for run in group.runs])
        for group in found.groups
    ]
    button = element("button", "Compare the ticked", type="submit", id="compare")
    scroll = element(
        "div",
        element("table", element("thead", head), bodies, class_="wide runs"),
        class_="scroll",
        tabindex="0",
        role="group",
        aria_label="Runs",
    )
    return element("form", button, scroll, _pages(view, found), id="runs", method="get", action="/compare")


def _sorting(view: View, key: str, title: str) -> Markup:
    """A heading that sorts: first the largest, then the other way round."""
    now = f"-{key}" == view.sort
    mark = " ↓" if now else " ↑" if view.sort == key else ""
    return element("a", f"{title}{mark}", href=view.address(sort=key if now else f"-{key}", page=1))


def _group_head(group: Group, width: int) -> Markup | None:
    if not group.title:
        return None
    best = f", best average precision {numerals.decimal(group.best)}" if group.best is not None else ""
    words = f"{group.title} · {numerals.counted(group.many, 'run')}{best}"
    return element("tr", element("th", words, colspan=width, scope="rowgroup"), class_="group")


def _row(run: Run, found: Shown) -> Markup:
    tick = element(
        "input", type="checkbox", name="run", value=run.id, aria_label=f"Compare {run.id}",
        disabled=run.status != "completed",
    )  # fmt: skip
    return element(
        "tr",
        element("td", tick),
        element("th", element("a", run.id, href=run_address(run.id)), scope="row"),
        element("td", element("span", run.status, class_=f"status {_word(run.status)}")),
        element("td", _short(headline(run))),
        element("td", numerals.instant(run.head.started).removesuffix(" UTC")),
        element("td", numerals.duration(run_seconds(run.head))),
        [element("td", _short(cell(column.value(run)))) for column in found.columns],
    )


def _word(status: str) -> str:
    return status if status.isalpha() else "other"


def _short(text: str) -> Markup:
    cut = text if len(text) <= 60 else f"{text[:59]}…"
    return element("span", cut, title=text if cut != text else None)


def _pages(view: View, found: Shown) -> Markup | None:
    if found.pages == 1:
        return None
    here = min(view.page, found.pages)
    before = element("a", "Newer", href=view.address(page=here - 1), rel="prev") if here > 1 else None
    after = (
        element("a", "Older", href=view.address(page=here + 1), rel="next") if here < found.pages else None
    )
    if view.sort and before is not None:
        before = element("a", "Back", href=view.address(page=here - 1), rel="prev")
    if view.sort and after is not None:
        after = element("a", "On", href=view.address(page=here + 1), rel="next")
    words = element("span", f"page {here} of {numerals.count(found.pages)}")
    return element("nav", before, words, after, class_="pages", aria_label="Pages")


def run_page(run: Run, parameters: dict[str, Any], *, has_report: bool) -> str:
    """One run: what it found, its training, and what it was told."""
    head = run.head
    facts = {
        "Status": run.status,
        "Average precision": headline(run),
        "Backend": head.backend,
        "Begun": numerals.instant(head.started),
        "Took": numerals.duration(run_seconds(head)),
        "Folder": str(run.folder.absolute()),
    }
    error = (head.error or {}).get("message") if run.status != "completed" else None
    metrics = {name: value for name, value in head.metrics.items() if isinstance(value, int | float)}
    return frame(
        f"{run.id} · fraudlab",
        [
            element(
                "header",
                element("h1", run.id),
                element("p", element("a", "Report", href=f"{run_address(run.id)}/report"))
                if has_report
                else None,
            ),
            element("p", str(error), class_="problem") if error else None,
            element(
                "dl", [fact(name, written(value)) for name, value in facts.items()], class_="pairs facts"
            ),
            element(
                "section",
                element("h2", "Training"),
                element("div", live_figure(run.id, run.folder), id="live"),
            ),
            _section("Metrics", [fact(name, numerals.score(value)) for name, value in metrics.items()]),
            _section("Parameters", [fact(name, written(value)) for name, value in parameters.items()]),
        ],
        events=f"{run_address(run.id)}/events" if run.status == "running" else None,
    )


def _section(title: str, facts: list[Markup]) -> Markup | None:
    if not facts:
        return None
    return element("section", element("h2", title), element("dl", facts, class_="pairs many"))


def message_page(title: str, sentence: str) -> str:
    """A page that says one thing."""
    return frame(f"{title} · fraudlab", [element("h1", title), element("p", sentence, class_="lead")])


def rows_table(heads: Sequence[str], rows: Iterable[Sequence[Child]]) -> Markup:
    """A table that can be moved sideways."""
    lines = [element("tr", [element("td", child) for child in row]) for row in rows]
    return element("div", table(heads, lines, class_="wide many"), class_="scroll", tabindex="0")

"""What a page of the board shows, as the words of its address say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from fraudlab.errors import ConfigError
from fraudlab.runs import Run
from fraudlab.runs.list_table import cell
from fraudlab.runs.listing import Selection, select, shown_columns
from fraudlab.runs.run_values import RunColumn, RunValues

ROWS = 100
#: columns of parameters that differ, at most
_DIFFERING = 10
#: facts that have a column where they differ
_FACTS = ("name", "backend", "data")


@dataclass(frozen=True)
class View:
    """What is asked for.

    Attributes
    ----------
    where : str
        A condition; empty takes all.
    sort : str
        Empty is the newest first.
    group : str
        What runs are gathered by; empty gathers none.
    columns : str
        Names with commas; empty shows what differs.
    page : int
        From 1 on.
    """

    where: str = ""
    sort: str = ""
    group: str = ""
    columns: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> View:
        """From the words of an address; a page that is no number is the first."""
        page = query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
        words = {name: query.get(name, "").strip() for name in ("where", "sort", "group", "columns")}
        return cls(**words, page=max(1, number))

    def address(self, **changes: str | int) -> str:
        """The address of this view with changes."""
        changed = replace(self, **changes)  # type: ignore[arg-type]
        words = {name: value for name, value in vars(changed).items() if value not in {"", 1}}
        return f"/?{urlencode(words)}" if words else "/"


@dataclass(frozen=True)
class Group:
    """Runs that have something in common: what it is, and those of them that are on this page."""

    title: str
    runs: list[Run]
    many: int
    best: float | None


@dataclass(frozen=True)
class Shown:
    """One page of runs.

    Attributes
    ----------
    groups : list of Group
        One without a title where nothing is gathered.
    columns : list of RunColumn
    many : int
        How many runs there are on all pages.
    pages : int
    notes : list of str
        What a short name was taken for.
    """

    groups: list[Group] = field(default_factory=list)
    columns: list[RunColumn] = field(default_factory=list)
    many: int = 0
    pages: int = 1
    notes: list[str] = field(default_factory=list)


def shown(runs: Sequence[Run], view: View, values: RunValues) -> Shown:
    """Choose, order, gather and cut.

    Raises
    ------
    ConfigError
        Where a word of the view means nothing.
    """
    selection = Selection(where=[view.where] if view.where else [], sort=view.sort or None)
    chosen = select(runs, selection, values=values)
    if not view.sort:
        chosen.reverse()
    key = None
    if view.group:
        key = values.find(view.group)
        if key is None:
            raise ConfigError(f"Runs cannot be gathered by {view.group!r}.", fix=values.near(view.group))
        texts = {run.id: cell(key.value(run)) for run in chosen}
        order = {text: place for place, text in enumerate(dict.fromkeys(texts.values()))}
        chosen = sorted(chosen, key=lambda run: order[texts[run.id]])
    pages = max(1, -(-len(chosen) // ROWS))
    first = (min(view.page, pages) - 1) * ROWS
    visible = chosen[first : first + ROWS]
    return Shown(
        _gathered(chosen, visible, key), _columns(view, values, visible), len(chosen), pages, values.notes
    )


def _gathered(chosen: Sequence[Run], visible: list[Run], key: RunColumn | None) -> list[Group]:
    if key is None:
        return [Group("", visible, len(chosen), None)]
    members: dict[str, list[Run]] = {}
    for run in chosen:
        members.setdefault(cell(key.value(run)), []).append(run)
    on_page: dict[str, list[Run]] = {}
    for run in visible:
        on_page.setdefault(cell(key.value(run)), []).append(run)
    return [
        Group(f"{key.name}: {text}", runs, len(members[text]), _best(members[text]))
        for text, runs in on_page.items()
    ]


def _best(runs: Sequence[Run]) -> float | None:
    found = [run.head.metrics.get("average_precision") for run in runs]
    return max((value for value in found if isinstance(value, int | float)), default=None)


def _columns(view: View, values: RunValues, visible: Sequence[Run]) -> list[RunColumn]:
    if view.columns:
        words = [word.strip() for word in view.columns.split(",") if word.strip()]
        return shown_columns(words, values, visible)
    facts = [values.require(name) for name in _FACTS]
    differing = [column for column in facts if len({column.value(run) for run in visible}) > 1]
    told = [run for run in visible if values.of(run)]
    # what names the run, or where it went, tells no two models apart
    names = [name for name in values.differing(told) if name.split(".")[0] not in {"tracking", "yes"}]
    return differing + [values.parameter(name) for name in names[:_DIFFERING]]

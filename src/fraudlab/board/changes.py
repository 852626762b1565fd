"""What an open page is told while it is open, as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.concurrency import run_in_threadpool

from fraudlab.board.board_page import live_part
from fraudlab.board.live_rounds import live_figure
from fraudlab.board.run_catalog import RunCatalog

#: seconds between two looks at the folder
_EVERY = 1.0
#: looks after which a word is sent that says nothing, so that a page that is gone is noticed
_QUIET = 15

Gone = Callable[[], Awaitable[bool]]


async def list_changes(catalog: RunCatalog, gone: Gone) -> AsyncIterator[str]:
    """Tell the list when a run is made or changes, and draw the trainings that run."""

    def look() -> tuple[str, str]:
        runs = catalog.runs()
        now = [run for run in reversed(runs) if run.status == "running"]
        return str(catalog.version()), live_part(now)

    async for version, live in _looks(look, gone):
        if version is not None:
            yield event("changed", version)
        yield event("live", live) if live is not None else ": still here\n\n"


async def run_changes(catalog: RunCatalog, run_id: str, gone: Gone) -> AsyncIterator[str]:
    """Draw a training that runs, until it does not any more."""

    def look() -> tuple[str, str]:
        run = catalog.find(run_id)
        if run is None:
            return "gone", ""
        return run.status, live_figure(run.id, run.folder)

    async for status, live in _looks(look, gone):
        if live is not None:
            yield event("live", live)
        if status is not None:
            yield event("changed", status)
            if status != "running":
                return
        if live is None and status is None:
            yield ": still here\n\n"


async def _looks(
    look: Callable[[], tuple[str, str]], gone: Gone
) -> AsyncIterator[tuple[str | None, str | None]]:
    """What has changed since the look before, both at first; nothing now and then."""
    before: tuple[str | None, str | None] = (None, None)
    quiet = 0
    while not await gone():
        found = await run_in_threadpool(look)
        new = tuple(now if now != was else None for now, was in zip(found, before, strict=True))
        quiet = 0 if any(word is not None for word in new) else quiet + 1
        if not quiet or quiet % _QUIET == 0:
            yield new[0], new[1]
        before = found
        await asyncio.sleep(_EVERY)


def event(kind: str, data: str) -> str:
    """One event; each line of its data has a word before it, so that no data can end it."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {kind}\n{lines}\n"

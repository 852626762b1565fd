"""The board as an application: which address gives which page."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from fraudlab.board import board_page
from fraudlab.board.changes import Gone, list_changes, run_changes
from fraudlab.board.door import STANDING_ALONE, Door
from fraudlab.board.models_page import models_page
from fraudlab.board.run_catalog import RunCatalog
from fraudlab.board.selection import View, shown
from fraudlab.errors import FraudlabError
from fraudlab.redaction import hide
from fraudlab.registry import ModelRegistry, fold
from fraudlab.report.comparison.lineup import line_up
from fraudlab.report.comparison.lineup_page import lineup_html
from fraudlab.report.kit.page import asset as kit_asset
from fraudlab.runs import Run
from fraudlab.runs.run_values import RunValues

_KINDS = {"board.css": "text/css", "board.js": "text/javascript", "report.css": "text/css"}


class Board:
    """What the addresses answer.

    Parameters
    ----------
    catalog : RunCatalog
    registry : ModelRegistry
    ending : Event
        Set when the process is about to end: open pages are told nothing more.
    """

    def __init__(self, catalog: RunCatalog, registry: ModelRegistry, ending: Event) -> None:
        self.catalog = catalog
        self.registry = registry
        self._ending = ending

    def runs(self, request: Request) -> Response:
        view = View.read(request.query_params)
        runs = self.catalog.runs()
        found, problem = None, ""
        try:
            found = shown(runs, view, RunValues(runs, reader=self.catalog.parameters))
        except FraudlabError as error:
            problem = f"{error.message} {error.fix[:1].upper()}{error.fix[1:]}."
        text = board_page.runs_page(
            view,
            found,
            running=running(runs),
            total=len(runs),
            problem=problem,
            left_out=self.catalog.left_out(),
        )
        return _html(text)  # a condition that means nothing is an answer of the page, not of the protocol

    def run(self, request: Request) -> Response:
        run = self._run(request)
        if run is None:
            return _missing(request)
        parameters = self.catalog.parameters.read(run.folder)
        return _html(board_page.run_page(run, parameters, has_report=_is_file(run.report)))

    def report(self, request: Request) -> Response:
        run = self._run(request)
        if run is None or not _is_file(run.report):
            return _missing(request)
        return _standing_alone(run.report.read_text(encoding="utf-8", errors="replace"))

    def compare(self, request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.getlist("run")))
        runs = [self.catalog.find(name) for name in names]
        if any(run is None or run.status != "completed" for run in runs):
            return _html(
                board_page.message_page("Compare", "Only completed runs can be compared."), status=404
            )
        try:
            lineup = line_up([run.folder for run in runs if run is not None])
        except FraudlabError as error:
            sentence = f"{error.message} {error.fix[:1].upper()}{error.fix[1:]}."
            return _html(board_page.message_page("Compare", sentence), status=400)
        return _standing_alone(lineup_html(lineup))

    def models(self, _request: Request) -> Response:
        try:
            entries = self.registry.entries()
            text = models_page(fold(entries), entries, where=str(self.registry.folder))
        except FraudlabError as error:
            sentence = f"{error.message} {error.fix[:1].upper()}{error.fix[1:]}."
            return _html(board_page.message_page("Models", sentence), status=500)
        return _html(text)

    def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _KINDS:
            return _missing(request)
        text = kit_asset(name) if name == "report.css" else board_page.asset(name)
        return Response(text, media_type=_KINDS[name])

    async def list_events(self, request: Request) -> Response:
        return _events(list_changes(self.catalog, self._gone(request)))

    async def run_events(self, request: Request) -> Response:
        run = await run_in_threadpool(self._run, request)
        if run is None:
            return _missing(request)
        return _events(run_changes(self.catalog, run.id, self._gone(request)))

    def _gone(self, request: Request) -> Gone:
        """Whether nobody listens any more, or nobody will speak."""

        async def gone() -> bool:
            return self._ending.is_set() or await request.is_disconnected()

        return gone

    def _run(self, request: Request) -> Run | None:
        return self.catalog.find(request.path_params["run_id"])


def running(runs: list[Run]) -> list[Run]:
    """Those that run now, the newest first."""
    return [run for run in reversed(runs) if run.status == "running"]


def board_app(runs: Path, registry: Path, *, port: int, ending: Event | None = None) -> ASGIApp:
    """Make the application.

    Parameters
    ----------
    runs : Path
        Where runs are.
    registry : Path
        Where the registry is.
    port : int
        That it will listen on: requests for another are refused.
    ending : Event, optional
        See :class:`Board`.
    """
    board = Board(RunCatalog(runs), ModelRegistry(registry), ending or Event())
    board.catalog.runs()  # so that the first page is as quick as the others
    routes: list[tuple[str, Any]] = [
        ("/", board.runs),
        ("/compare", board.compare),
        ("/models", board.models),
        ("/events", board.list_events),
        ("/runs/{run_id}", board.run),
        ("/runs/{run_id}/report", board.report),
        ("/runs/{run_id}/events", board.run_events),
        ("/assets/{name}", board.asset),
    ]
    app = Starlette(
        routes=[Route(path, endpoint) for path, endpoint in routes],
        exception_handlers={404: lambda request, _error: _missing(request)},
    )
    return Door(app, port=port)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _html(text: str, *, status: int = 200) -> Response:
    return HTMLResponse(hide(text), status_code=status)


def _standing_alone(text: str) -> Response:
    return HTMLResponse(hide(text), headers={"content-security-policy": STANDING_ALONE})


def _missing(request: Request) -> Response:
    return _html(board_page.message_page("Not found", f"There is nothing at {request.url.path}."), status=404)


def _events(changes: Any) -> Response:
    return StreamingResponse(changes, media_type="text/event-stream")

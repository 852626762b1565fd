from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fraudlab.report import compare_runs, render_comparison, render_run

# Tests are no package that an absolute import could name.
from ..report.example_run import build_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[[str], Browser]]:
    """Start a headless browser from its path; while it lives, no other test can run an event loop."""
    with ExitStack() as stack:

        @cache
        def started(path: str) -> Browser:
            from playwright.sync_api import sync_playwright

            playwright = stack.enter_context(sync_playwright())
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            stack.callback(browser.close)
            return browser

        yield started


@pytest.fixture
def open_page(chromium: str, launch: Callable[[str], Browser]) -> Iterator[OpenPage]:
    """Open a file; a console message, an error or a request for anything else fails the test."""
    browser = launch(chromium)
    heard: list[str] = []
    contexts = []

    def open_one(path: Path, *, width: int = 1440, dark: bool = False, **options: Any) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request", lambda request: heard.append(request.url) if request.url != path.as_uri() else None
        )
        page.goto(path.as_uri())
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [word for word in heard if word != "data:,"] == []


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders ``time``, ``dated``, ``stratified``, ``hostile`` and ``failed``, each with its report."""
    folder = tmp_path_factory.mktemp("runs")
    overrides = {"model.max_depth": 8, "seed": 42}
    build_run(folder / "time", overrides=overrides, run={"fallback": "no Docker engine answers"})
    build_run(folder / "dated", time="timestamp", frauds=2_100, amount=False)
    build_run(folder / "stratified", split="stratified", time=None, amount=False, tracked=False)
    hostile = ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a" * 200, "V1")
    build_run(folder / "hostile", columns=hostile, run={"name": hostile[0], "fallback": hostile[1]})
    (folder / "failed").mkdir()
    (folder / "failed" / "run.json").write_text('{"id": "failed", "status": "failed"}')
    for run in folder.iterdir():
        render_run(run)
    return folder


@pytest.fixture(scope="session")
def comparison(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison page."""
    folder = tmp_path_factory.mktemp("comparison")
    other = build_run(folder / "other", skill=2.0, overrides={"model.name": "weighted"})
    return render_comparison(compare_runs(runs / "time", other), folder / "comparison.html")

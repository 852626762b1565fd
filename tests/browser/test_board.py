"""The board in a browser: live rounds without a reload, ticking, filters in the address, widths, colours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fraudlab.runs import RunFolder

# Tests are no package that an absolute import could name.
from ..report.example_run import build_run
from .test_report_page import CONTRAST

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A board's address, and the folder it shows: three runs."""
    runs = tmp_path_factory.mktemp("board") / "runs"
    runs.mkdir()
    for depth, name in ((4, "shallow"), (6, "middle"), (9, "deep")):
        metrics = {f"average_precision{end}": 0.7 + depth / 100 for end in ("", "_low", "_high")}
        build_run(
            runs / name, skill=depth / 4, overrides={"model.max_depth": depth}, run={"metrics": metrics}
        )
    words = ["runs", "board", "--port", "0", "--runs", str(runs), "--registry", str(runs / "registry")]
    with subprocess.Popen(
        [sys.executable, "-m", "fraudlab", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1], runs
        finally:
            process.terminate()


@pytest.fixture
def visit(chromium: str, launch: Callable[[str], Browser]) -> Iterator[Callable[..., Page]]:
    """Open an address; a console message or an error fails the test."""
    heard: list[str] = []
    contexts = []

    def open_one(address: str, *, width: int = 1440, dark: bool = False) -> Page:
        context = launch(chromium).new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert heard == []


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_every_page_fits_and_can_be_read(
    board: tuple[str, Path], visit: Callable[..., Page], width: int, dark: bool
) -> None:
    address, _ = board
    for path in (
        "",
        "?group=model.max_depth&where=average_precision>0.7",
        "?where=recal>1",
        "models",
        "runs/deep",
    ):
        page = visit(f"{address}{path}", width=width, dark=dark)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(CONTRAST) == []


def test_a_filter_is_in_the_address_and_comes_back(
    board: tuple[str, Path], visit: Callable[..., Page]
) -> None:
    page = visit(board[0])
    page.get_by_label("Where").fill("max_depth>=6")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?where=max_depth*")
    again = visit(page.url)
    assert again.locator("tbody tr").count() == 2
    assert again.get_by_label("Where").input_value() == "max_depth>=6"
    again.get_by_role("link", name="Average precision").click()
    again.wait_for_url("**sort=-average_precision*")
    assert "where=max_depth" in again.url
    assert again.locator("tbody th").first.inner_text() == "deep"


def test_ticked_runs_are_compared(board: tuple[str, Path], visit: Callable[..., Page]) -> None:
    page = visit(board[0])
    button = page.locator("#compare")
    assert button.is_disabled()
    page.get_by_label("Compare deep").check()
    assert button.is_disabled()
    page.get_by_label("Compare shallow").check()
    assert button.inner_text() == "Compare the 2 ticked"
    button.click()
    page.wait_for_url("**/compare?*")
    assert page.locator("h1").inner_text().endswith("better")
    assert page.locator("#pr svg .curve").count() == 2


def test_a_training_is_drawn_while_it_runs_and_its_run_appears(
    board: tuple[str, Path], visit: Callable[..., Page]
) -> None:
    address, runs = board
    page = visit(address)
    page.locator("#state").get_by_text("live").wait_for(timeout=60_000)
    page.get_by_label("Compare deep").check()
    folder = RunFolder.create(runs, "training", backend="local")
    try:
        (folder.path / "logs").mkdir()
        with (folder.path / "logs" / "train.log").open("w") as log:
            for number in range(20):
                log.write(f"[{number}]\tvalidation-aucpr:{0.5 + number / 100}\n")
                log.flush()
                if number in {9, 19}:
                    words = f"round {number + 1}: aucpr"
                    page.locator("#live").get_by_text(words).wait_for(timeout=60_000)
        assert page.locator("#live svg .curve").count() == 1
        page.locator("#runs tbody th").get_by_text("training").wait_for(timeout=60_000)
        assert page.get_by_label("Compare deep").is_checked()
        folder.complete()
        page.locator("#runs .status").nth(3).wait_for()
        page.locator("#live").get_by_text("training").wait_for(state="detached", timeout=60_000)
    finally:
        shutil.rmtree(folder.path)

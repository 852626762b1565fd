"""What a reader sees: text large enough and apart, nothing cut or alone, on every width and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from fraudlab.report import render_run

# Tests are no package that an absolute import could name.
from ..report.example_run import build_run
from .conftest import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

WIDTHS = [320, 390, 620, 820, 1120, 1200, 1440]

# Texts of one drawing, or of one time line, that touch.
TOUCHING = """() => {
  const found = [];
  for (const drawing of document.querySelectorAll("svg, .ticks, .unit")) {
    const texts = [...drawing.querySelectorAll("text, span:not(.key)")]
      .filter((text) => text.getClientRects().length);
    const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([text, box], i) => {
      for (const [other, second] of boxes.slice(i + 1)) {
        const apart = box.right < second.left || second.right < box.left;
        if (!apart && box.bottom > second.top + 2 && second.bottom > box.top + 2)
          found.push(`${text} | ${other}`);
      }
    });
  }
  return found;
}"""

# The smallest text of the drawings, in pixels of the screen.
SMALLEST = """() => Math.min(...[...document.querySelectorAll("svg text")].map((text) =>
  parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""

# Tiles that have a row for themselves without filling it.
ALONE = """() => {
  const tiles = [...document.querySelectorAll(".headline > div")].map((tile) => tile.getBoundingClientRect());
  const width = document.querySelector(".headline").getBoundingClientRect().width;
  return tiles.filter((tile) => tile.width < 0.9 * width
    && tiles.filter((other) => Math.abs(other.top - tile.top) < 2).length === 1).length;
}"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders with what is hard to draw: long names, wide ranges, half a year, one column."""
    folder = tmp_path_factory.mktemp("kinds")
    long = ("days_since_the_last_transaction_of_this_card", "amount_in_the_currency_of_the_account", "x")
    build_run(folder / "time", columns=long)
    build_run(folder / "dated", time="timestamp", frauds=2_100, amount=False)
    build_run(folder / "stratified", split="stratified", time=None, amount=False, columns=("only",))
    for run in folder.iterdir():
        render_run(run)
    return folder


@pytest.fixture(params=["time", "dated", "stratified"])
def page(request: pytest.FixtureRequest, kinds: Path, open_page: OpenPage) -> Page:
    return open_page(kinds / request.param / "report.html")


def at_every_width(page: Page) -> Iterator[int]:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        yield width


def test_no_text_of_a_drawing_touches_another_and_all_can_be_read(page: Page) -> None:
    for width in at_every_width(page):
        assert page.evaluate(TOUCHING) == [], width
        assert page.evaluate(SMALLEST) >= 11.5, width
        assert page.evaluate(ALONE) == 0, width


def test_paper_is_no_smaller(page: Page) -> None:
    page.set_viewport_size({"width": 688, "height": 900})  # A4 less its margins
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(TOUCHING) == []
    assert page.evaluate(SMALLEST) >= 11
    assert page.evaluate(ALONE) == 0


def test_a_name_is_whole_where_there_is_room(kinds: Path, open_page: OpenPage) -> None:
    page = open_page(kinds / "time" / "report.html")
    for width in at_every_width(page):
        cut = page.evaluate(
            "() => [...document.querySelectorAll('.bars .name')]"
            ".filter((name) => name.scrollHeight > name.clientHeight + 1"
            " || name.scrollWidth > name.clientWidth + 1)"
            ".map((name) => name.textContent)"
        )
        assert cut == [], width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_colours_of_the_readers_own_leave_nothing_invisible(
    kinds: Path, open_page: OpenPage, dark: bool
) -> None:
    page = open_page(kinds / "time" / "report.html", dark=dark, forced_colors="active")
    same = page.evaluate("""() => {
      const page = getComputedStyle(document.body).backgroundColor;
      const drawn = "svg .curve, svg .axis, svg .chosen, svg .threshold, svg .best";
      const lines = [...document.querySelectorAll(drawn)];
      const areas = [...document.querySelectorAll(".track > span, .interval .band, .interval .value")];
      const dots = [...document.querySelectorAll("svg .here")];
      return [
        ...lines.filter((line) => getComputedStyle(line).stroke === page),
        ...dots.filter((dot) => getComputedStyle(dot).fill === page),
        ...areas.filter((area) => getComputedStyle(area).backgroundColor === page),
      ].map((element) => element.getAttribute("class"));
    }""")
    assert same == []


def test_links_lead_to_files_beside_the_page(kinds: Path, open_page: OpenPage) -> None:
    folder = kinds / "time"
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "train.log").write_text("round=1")
    page = open_page(render_run(folder))
    targets: Any = page.locator(".facts a").evaluate_all(
        "(links) => links.map((a) => a.getAttribute('href'))"
    )
    assert {"data/manifest.json", "model/model.json", "logs/train.log"} <= set(targets)
    assert all((folder / unquote(target)).is_file() for target in targets)


def test_words_are_explained_in_place_by_keyboard(kinds: Path, open_page: OpenPage) -> None:
    page = open_page(kinds / "time" / "report.html")
    explained = page.get_by_text("Of all frauds, the share that is alerted.", exact=True)
    assert not explained.is_visible()
    page.locator(".words summary").focus()
    page.keyboard.press("Enter")
    assert explained.is_visible()
    assert page.get_by_text("Time left out before validation").is_visible()


def test_only_what_is_no_default_is_in_sight(kinds: Path, open_page: OpenPage) -> None:
    page = open_page(kinds / "time" / "report.html")
    section = page.locator("section", has=page.get_by_role("heading", name="Parameters"))
    shown = section.locator("dt").filter(visible=True).all_inner_texts()
    assert {"label", "max_depth", "num_round"} <= set(shown)
    assert "gamma" not in shown
    section.locator("summary").click()
    assert "gamma" in section.locator("dt").filter(visible=True).all_inner_texts()

"""The report as a browser shows it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import OpenPage

pytestmark = pytest.mark.browser

RUNS = ["time", "dated", "stratified", "hostile", "failed"]

# Every element that shows text of its own: its colour against the nearest background behind it.
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (share) => share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => [r, g, b].map((channel) => light(channel / 255))
    .reduce((sum, channel, i) => sum + channel * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  const found = [];
  for (const element of document.querySelectorAll("main *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || element.disabled) continue;
    const style = getComputedStyle(element);
    const text = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [luminance(text), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""

# Text of drawings that is cut off by the window or overlaps another text of the same drawing.
CLIPPED = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const boxes = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    boxes.forEach(([text, box], i) => {
      if (box.left < 0 || box.right > innerWidth) found.push(`cut off: ${text.textContent}`);
      for (const [other, second] of boxes.slice(i + 1)) {
        const apart = box.right <= second.left || second.right <= box.left;
        if (!apart && box.bottom > second.top + 2 && second.bottom > box.top + 2)
          found.push(`${text.textContent} over ${other.textContent}`);
      }
    });
  }
  return found;
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("run", RUNS)
def test_it_opens_without_a_word_in_the_console(
    runs: Path, open_page: OpenPage, run: str, dark: bool
) -> None:
    page = open_page(runs / run / "report.html", dark=dark)
    assert page.title().endswith("fraud model report")
    assert page.evaluate(CONTRAST) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background != "rgb(255, 255, 255)") == dark


@pytest.mark.parametrize("run", ["time", "dated", "stratified"])
def test_every_plot_is_drawn(runs: Path, open_page: OpenPage, run: str) -> None:
    page = open_page(runs / run / "report.html")
    assert page.locator("svg").count() == {"time": 7, "dated": 8, "stratified": 6}[run]
    empty = page.evaluate("""() => [...document.querySelectorAll("svg path:not(.thread)")]
        .filter((path) => { const box = path.getBBox(); return !(box.width > 100 && box.height > 20); })
        .map((path) => path.className.baseVal)""")
    assert empty == []
    flat = page.evaluate("""() => [...document.querySelectorAll(".segment, .track > span, .interval span")]
        .map((bar) => bar.getBoundingClientRect())
        .filter((box) => !(box.width > 0 && box.height > 0)).length""")
    assert flat == 0


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440, 2560])
@pytest.mark.parametrize("run", RUNS)
def test_no_width_scrolls_sideways_or_cuts_a_label(
    runs: Path, open_page: OpenPage, run: str, width: int
) -> None:
    page = open_page(runs / run / "report.html", width=width)
    page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CLIPPED) == []


def test_hostile_names_are_shown_as_text(runs: Path, open_page: OpenPage) -> None:
    page = open_page(runs / "hostile" / "report.html")
    assert page.locator("h1").inner_text() == "</script><script>alert(1)</script>"
    assert page.locator(".bars .name").get_by_text("<img src=x onerror=alert(1)>").count() == 1
    assert page.locator("img").count() == 0


def test_it_is_complete_without_javascript(runs: Path, open_page: OpenPage) -> None:
    path = runs / "time" / "report.html"
    still = open_page(path, java_script_enabled=False)
    moving = open_page(path)
    for selector in ("[data-live]", "#threshold-value", ".subtitle"):
        assert still.locator(selector).all_inner_texts() == moving.locator(selector).all_inner_texts()
    assert still.locator(".here").count() == 3


def test_paper_gets_everything_but_the_controls(runs: Path, open_page: OpenPage) -> None:
    page = open_page(runs / "time" / "report.html", width=700, dark=True)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not page.locator("#threshold").is_visible()
    assert page.locator("#threshold-value").is_visible()
    assert page.get_by_text("log_loss").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf()[:5] == b"%PDF-"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_comparison(comparison: Path, open_page: OpenPage, width: int, dark: bool) -> None:
    page = open_page(comparison, width=width, dark=dark)
    assert page.locator("h1").inner_text() == "B is better"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(CONTRAST) == []
    sizes = page.evaluate("""() => [...document.querySelectorAll("svg .curve")]
        .map((path) => path.getBBox()).map((box) => Math.min(box.width, box.height))""")
    assert len(sizes) == 10
    assert min(sizes) > 100
    page.locator("#pr svg").hover(position={"x": 150, "y": 80})
    assert page.locator("#pr .readout").inner_text().count("at threshold") == 2


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_many_runs_side_by_side(
    runs: Path, tmp_path: Path, open_page: OpenPage, width: int, dark: bool
) -> None:
    from fraudlab.report.comparison.lineup import line_up
    from fraudlab.report.comparison.lineup_page import render_lineup

    names = ["time", "dated", "stratified", "hostile"] * 5
    copies = [shutil.copytree(runs / name, tmp_path / f"{i:02d}-{name}") for i, name in enumerate(names)]
    page = open_page(render_lineup(line_up(copies), tmp_path / "c.html"), width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CONTRAST) == []
    strokes = page.evaluate("""() => [...document.querySelectorAll("#pr .curve")]
        .map((line) => getComputedStyle(line)).map((style) => `${style.stroke} ${style.strokeDasharray}`)""")
    assert len(set(strokes)) == 20
    page.locator("#pr svg").hover(position={"x": 150, "y": 80})
    assert page.locator("#pr .readout").inner_text().startswith("recall")

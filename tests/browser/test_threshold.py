"""Moving the threshold: every number and marker follows, and is the one that was recorded."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from fraudlab.evaluation.operating import NO_ALERTS, OperatingPoint
from fraudlab.report.kit import numerals
from fraudlab.report.kit.plot import BOTTOM, LEFT, RIGHT, TOP
from fraudlab.report.kit.scales import Linear

from .conftest import OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

_COUNTS = ("tp", "fp", "fn", "tn")


@pytest.fixture
def table(runs: Path) -> dict[float, dict[str, int]]:
    """Recorded counts by threshold."""
    columns = json.loads((runs / "time" / "evaluation" / "curves.json").read_text())["thresholds"]
    names = ("tp", "fp", "fn", "tn")
    counts = zip(*(columns[name] for name in names), strict=True)
    return dict(
        zip(columns["threshold"], (dict(zip(names, row, strict=True)) for row in counts), strict=True)
    )


@pytest.fixture
def page(runs: Path, open_page: OpenPage) -> Page:
    return open_page(runs / "time" / "report.html")


def live(page: Page) -> dict[str, str]:
    """Every number that follows the slider, by its name."""
    return page.evaluate(  # type: ignore[no-any-return]
        "() => Object.fromEntries([...document.querySelectorAll('[data-live]')]"
        ".map((cell) => [cell.dataset.live, cell.textContent]))"
    )


def place(page: Page, position: float) -> float:
    """Move the slider to a share of its way; return the threshold it then stands for."""
    return page.evaluate(  # type: ignore[no-any-return]
        """(share) => {
          const slider = document.getElementById("threshold");
          slider.value = Math.round(share * slider.max);
          slider.dispatchEvent(new Event("input"));
          return data.stops.threshold[slider.value];
        }""",
        position,
    )


@pytest.mark.parametrize("position", [0, 0.1, 0.35, 0.5, 0.8, 0.97, 1])
def test_numbers_are_the_recorded_ones_at_every_place(
    page: Page, table: dict[float, dict[str, int]], position: float
) -> None:
    threshold = place(page, position)
    row, shown = table[threshold], live(page)
    alerts = row["tp"] + row["fp"]
    precision = row["tp"] / alerts if alerts else None
    expected: dict[str, Any] = {name: numerals.count(value) for name, value in row.items()}
    assert {name: shown[name] for name in row} == expected
    assert shown["precision"] == numerals.decimal(precision)
    assert shown["recall"] == numerals.decimal(row["tp"] / 75)
    assert shown["f1"] == numerals.decimal(2 * row["tp"] / (alerts + 75))
    assert shown["alerts"] == numerals.count(alerts)
    assert page.locator("#threshold-value").inner_text() == numerals.score(threshold)


@pytest.mark.parametrize("position", [0.2, 0.5, 0.9])
def test_markers_stand_where_the_numbers_say(
    page: Page, table: dict[float, dict[str, int]], position: float
) -> None:
    row = table[place(page, position)]
    page.wait_for_timeout(200)
    marker = page.locator("#pr .here")
    recall = Linear(0, 1, LEFT, RIGHT)(row["tp"] / 75)
    precision = Linear(0, 1, BOTTOM, TOP)(row["tp"] / (row["tp"] + row["fp"]))
    assert float(marker.get_attribute("cx") or 0) == pytest.approx(recall, abs=0.01)
    assert float(marker.get_attribute("cy") or 0) == pytest.approx(precision, abs=0.01)
    sensitivity = Linear(0, 1, BOTTOM, TOP)(row["tp"] / 75)
    assert float(page.locator("#roc .here").get_attribute("cy") or 0) == pytest.approx(sensitivity, abs=0.01)


def test_money_and_alerts_a_day_follow(page: Page, runs: Path) -> None:
    metrics = json.loads((runs / "time" / "evaluation" / "metrics.json").read_text())
    assert live(page)["share"] == numerals.percent(metrics["value_recall"])
    assert live(page)["daily"] == numerals.quantity(metrics["alerts_per_day"])
    place(page, 0)
    assert live(page)["share"] == numerals.percent(1)
    assert live(page)["daily"] == numerals.quantity(42_000 / metrics["days"])
    place(page, 1)
    assert live(page)["value"] == live(page)["alerts"] == "0"


def test_cost_and_saving_follow(page: Page, runs: Path) -> None:
    scores = pq.read_table(runs / "time" / "evaluation" / "scores.parquet")
    label, score, amount = (scores[name].to_numpy() for name in ("label", "score", "amount"))
    for position in (0, 0.4, 0.9, 1):
        threshold = place(page, position)
        alerted = score.astype(float) >= threshold
        cost = amount[(label == 1) & ~alerted].sum() + 5 * alerted.sum()
        nothing = amount[label == 1].sum()
        assert live(page)["cost"] == numerals.count(round(float(cost), 6))
        assert live(page)["saving"] == numerals.count(round(float(nothing - cost), 6))
    assert "Assumed, not given: what an alert costs (5)" in page.locator(".costs").inner_text()


def test_a_typed_threshold_and_a_typed_number_of_alerts_move_it(page: Page) -> None:
    field = page.get_by_label("Alerts per day")
    for daily in (5, 40, 1000):
        field.fill(str(daily))
        assert float(live(page)["daily"].replace(",", "")) <= daily + 0.5
        alerts = int(live(page)["alerts"].replace(",", ""))
        days = page.evaluate("data.days")
        more = page.evaluate("data.stops.tp.map((tp, i) => tp + data.stops.fp[i])")
        assert alerts == max(found for found in more if found / days <= daily)
        assert field.input_value() == str(daily)  # what somebody types stays while they do
    stops = page.evaluate("data.stops.threshold")
    typed = page.get_by_role("spinbutton", name="Threshold")
    for threshold in (0.3, 0.95, 0.0, 7):
        typed.fill(str(threshold))
        found = page.evaluate("data.stops.threshold[document.getElementById('threshold').value]")
        assert abs(found - threshold) == min(abs(stop - threshold) for stop in stops)
    for threshold in (50, 1e9):  # further away than the last bit of a score can tell
        typed.fill(str(threshold))
        assert live(page)["alerts"] == "0"
    before = live(page)
    typed.fill("")
    assert live(page) == before
    page.get_by_role("button", name="Back to the chosen").click()
    assert typed.input_value() != ""


@pytest.mark.parametrize("chart", ["pr", "roc", "scores", "choice"])
def test_a_click_on_a_curve_brings_the_threshold_there(page: Page, chart: str) -> None:
    box = page.locator(f"#{chart} svg").bounding_box()
    assert box is not None
    found = set()
    for share in (0.25, 0.55, 0.8):
        page.locator(f"#{chart} svg").click(position={"x": box["width"] * share, "y": box["height"] * 0.4})
        page.wait_for_timeout(200)
        found.add(page.locator("#threshold-value").inner_text())
        marker = page.locator(f"#{chart} [data-at]").bounding_box()
        assert marker is not None
        if chart in ("scores", "choice"):  # nearest across; the curves are nearest by both directions
            assert (
                abs(marker["x"] + marker["width"] / 2 - (box["x"] + box["width"] * share)) < box["width"] / 6
            )
    assert len(found) == 3


def test_the_keyboard_moves_it_and_the_button_brings_it_back(page: Page) -> None:
    slider, button = (
        page.get_by_role("slider", name="Threshold"),
        page.get_by_role("button", name="Back to the chosen"),
    )
    chosen, before = page.locator("#threshold-value").inner_text(), live(page)
    assert button.is_disabled()
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    moved = live(page)
    assert int(moved["alerts"]) < int(before["alerts"])
    assert moved["recall"] in (slider.get_attribute("aria-valuetext") or "")
    assert page.locator(".at .quiet").all_inner_texts()[0] == before["precision"]
    button.click()
    assert live(page) == before
    assert page.locator("#threshold-value").inner_text() == chosen
    assert button.is_disabled()
    assert page.evaluate("document.activeElement.id") == "threshold"


def test_reloading_starts_at_the_chosen_threshold(page: Page) -> None:
    before = live(page)
    place(page, 0.9)
    page.reload()
    assert live(page) == before


@pytest.mark.parametrize("run", ["dated", "stratified"])
def test_it_moves_where_there_is_no_money_and_no_time(runs: Path, open_page: OpenPage, run: str) -> None:
    page = open_page(runs / run / "report.html")
    place(page, 0.9)
    assert "value" not in live(page)
    assert ("daily" in live(page)) == (run == "dated")


def test_browser_and_python_write_every_number_alike(page: Page) -> None:
    values = [0.0, 0.5, 0.8125, 0.0625, 0.9375, 0.00042, 3e-7, 1e-4, 0.001, 0.0995, 9.95, 19.99, 20, 1234.5]
    values += [i / 16 for i in range(17)] + [10.0**i for i in range(-6, 7)] + [2.675, 1e-12, 0.99999]
    values += [1.0, NO_ALERTS]
    written = page.evaluate(
        "(values) => values.map((v) => [decimal(v, 3), count(v), quantity(v), score(v), percent(v)])", values
    )
    for value, texts in zip(values, written, strict=True):
        assert texts == [
            numerals.decimal(value),
            numerals.count(value),
            numerals.quantity(value),
            numerals.score(value),
            numerals.percent(value),
        ], value


def test_browser_and_python_compute_every_share_alike(page: Page) -> None:
    counts = list(itertools.product((0, 1, 3, 1000), repeat=4))
    points = [OperatingPoint(0.5, tp, fp, fn, tn) for tp, fp, fn, tn in counts]
    columns = {name: [getattr(point, name) for point in points] for name in ("threshold", *_COUNTS)}
    found = page.evaluate(
        "(stops) => stops.threshold.map((_, index) => pointAt({ ...stops, value: [] }, index))", columns
    )
    for point, shown in zip(points, found, strict=True):
        assert {name: shown[name] for name in ("alerts", "precision", "recall", "f1", "rate")} == {
            "alerts": point.alerts,
            "precision": point.precision,
            "recall": point.recall,
            "f1": point.f1,
            "rate": point.false_positive_rate,
        }, point


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        ("pr", "recall "),
        ("roc", "false positive rate "),
        ("scores", "score "),
        ("choice", " alerts: cost "),
        ("calibration", "mean score "),
        ("training", "after "),
    ],
)
def test_the_pointer_reads_a_chart(page: Page, chart: str, words: str) -> None:
    figure = page.locator(f"#{chart}")
    subtitle = figure.locator(".subtitle")
    figure.locator("svg").hover(position={"x": 200, "y": 100})
    assert words in figure.locator(".readout").inner_text()
    assert not subtitle.is_visible()
    assert figure.locator(".cursor").get_attribute("visibility") == "visible"
    page.mouse.move(0, 0)
    assert subtitle.is_visible()
    assert figure.locator(".cursor").get_attribute("visibility") == "hidden"


def test_the_pointer_reads_a_recorded_point(page: Page, runs: Path) -> None:
    curve = json.loads((runs / "time" / "evaluation" / "curves.json").read_text())["pr"]
    points = {
        f"recall {numerals.decimal(recall)} · precision {numerals.decimal(precision)}"
        for recall, precision in zip(curve["recall"], curve["precision"], strict=True)
    }
    for x in (60, 150, 250, 320):
        page.locator("#pr svg").hover(position={"x": x, "y": 100})
        assert page.locator("#pr .readout").inner_text().split(" at threshold")[0] in points

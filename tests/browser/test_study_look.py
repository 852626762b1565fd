"""What a reader sees of a study: words apart and large enough, lines inside the drawing, on every width."""

import math
import random

import pytest

from fraudlab.report.study.study_page import render_study

from .test_look import SMALLEST, TOUCHING, at_every_width

pytestmark = pytest.mark.browser

RUN = {"average_precision": 0.7, "average_precision_low": 0.6, "average_precision_high": 0.8}
SPACE = {
    "max_depth": {"low": 3.0, "high": 9.0, "log": False, "step": None},
    "learning_rate": {"low": 0.02, "high": 0.3, "log": True, "step": None},
    "reg_lambda": {"low": 1e-06, "high": 300.0, "log": True, "step": None},
    "max_bin": {"low": 128.0, "high": 1024.0, "log": False, "step": 128.0},
    "max_cat_threshold": {"choices": [None, 8, 16, 31, 64, 128, 255, 512, 1024, 2048, 4096]},
    "grow_policy": {"choices": ["depthwise", "lossguide"]},
    "eval_metric": {"choices": ["['auc', 'logloss', 'aucpr']", "hook:money_saved_a_day", "aucpr"]},
}
# Lines and words of the drawing of all parameters that are outside of it.
OUTSIDE = """() => {
  const drawing = document.querySelector("#parallel svg");
  const whole = drawing.getBoundingClientRect();
  return [...drawing.querySelectorAll("text, path, line")].filter((mark) => {
    const box = mark.getBoundingClientRect();
    return box.left < whole.left - 1 || box.right > whole.right + 1
      || box.top < whole.top - 1 || box.bottom > whole.bottom + 1;
  }).map((mark) => mark.textContent);
}"""


def drawn(chance, entry):
    if "choices" in entry:
        return chance.choice(entry["choices"])
    if entry["log"]:
        return math.exp(chance.uniform(math.log(entry["low"]), math.log(entry["high"])))
    return chance.randint(int(entry["low"]), int(entry["high"]))


def study(count):
    """Trials as a search leaves them, a third of them ended early."""
    chance = random.Random(count)
    trials = []
    for number in range(count):
        state = "pruned" if number > 5 and number % 3 == 0 else "completed"
        trials.append(
            {
                "number": number, "state": state, "value": chance.uniform(0.5, 0.7), "error": None,
                "params": {name: drawn(chance, entry) for name, entry in SPACE.items()}, "seconds": 2.0,
                "run": f"mine-t{number:03d}", "round": 34 if state == "pruned" else None,
                "rounds": None if state == "pruned" else 120,
            }
        )  # fmt: skip
    best = max((one for one in trials if one["state"] == "completed"), key=lambda one: one["value"])
    return {
        "name": f"study-of-{count}", "trials": trials, "best": best["number"], "worth": "Noise.",
        "start": {"run": "s", "metrics": RUN}, "final": {"run": "f", "metrics": RUN},
        "space": SPACE, "importance": dict.fromkeys(SPACE, 1 / 7) if count > 9 else {},
    }  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 40, 200])
def test_a_study_can_be_read_on_every_width(tmp_path, open_page, count):
    page = open_page(render_study(study(count), tmp_path / "report.html"))
    for width in at_every_width(page):
        assert page.evaluate(TOUCHING) == [], width
        assert page.evaluate(SMALLEST) >= 11.5, width
        assert page.evaluate(OUTSIDE) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_lines_are_seen_in_colours_of_the_readers_own(tmp_path, open_page, dark):
    page = open_page(render_study(study(40), tmp_path / "report.html"), dark=dark, forced_colors="active")
    same = page.evaluate("""() => {
      const page = getComputedStyle(document.body).backgroundColor;
      return [...document.querySelectorAll("svg .strand, svg .curve")]
        .filter((line) => getComputedStyle(line).stroke === page).length;
    }""")
    assert same == 0

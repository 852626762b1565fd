"""The examples in docstrings do what they say, and whatever ``import fraudlab`` offers has one."""

import doctest
import importlib
from pathlib import Path

import pytest

import fraudlab

ROOT = Path(fraudlab.__file__).parents[1]
#: small runs: what is tested is that the words work, not the defaults' figures
DEFAULTS = """# @package _global_
data: {rows: 5000, fraud_rate: 0.02}
model: {num_round: 3}
evaluation: {resamples: 100}
"""


def module_of(file):
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


WITH_EXAMPLES = [
    module_of(file)
    for file in sorted(ROOT.glob("fraudlab/**/*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.fixture
def small_runs(in_tmp):
    (in_tmp / "conf" / "local").mkdir(parents=True)
    (in_tmp / "conf" / "local" / "local.yaml").write_text(DEFAULTS, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_EXAMPLES)
@pytest.mark.usefixtures("small_runs")
def test_examples_give_what_stands_below_them(name):
    tried = doctest.testmod(importlib.import_module(name))
    assert tried.attempted > 0
    assert tried.failed == 0


def test_whatever_import_fraudlab_offers_has_an_example():
    for name in set(fraudlab.__all__) - {"__version__"}:
        assert doctest.DocTestParser().get_examples(getattr(fraudlab, name).__doc__), name

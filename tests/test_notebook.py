"""The notebook: its cells do what they say, in their order, and none keeps an output."""

import ast
import asyncio
import json
import os
import re

import pytest

from fraudlab.runs import Run
from fraudlab.runs.framed_page import framed

from .conftest import ROOT
from .report.example_run import build_run

NOTEBOOK = ROOT / "notebooks" / "fraud_detection.ipynb"
STEPS = [
    "Prerequisites", "The dataset", "The experiment", "First experiment", "Second experiment", "Compare",
    "Register", "Deploy", "Evaluate", "Where it is from", "Clean up",
]  # fmt: skip


@pytest.fixture(scope="module")
def notebook():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def codes(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_it_has_the_steps_of_the_journey_and_no_outputs(notebook):
    text = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    headings = re.findall(r"^## \d+\. (.*)", text + "\n", re.MULTILINE)
    assert all(heading.startswith(step) for heading, step in zip(headings, STEPS, strict=True))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
    # every kernel of Python reads it, and tests do: no magics
    assert not [code for code in codes(notebook) if re.search(r"^\s*[%!]", code, re.MULTILINE)]
    assert notebook["nbformat"] == 4
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


def shown(code, names):
    """Run a cell as a kernel does: what its last line is worth is shown."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


@pytest.mark.slow
@pytest.mark.usefixtures("no_own_defaults")
def test_its_cells_run_from_the_first_to_the_last(notebook, tmp_path, capfd):
    """Inside an event loop, as in a kernel."""
    names = {"__name__": "__main__"}
    rich = []

    async def run_all():
        for code in codes(notebook):
            value = shown(code, names)
            if page := getattr(value, "_repr_html_", lambda: None)():
                rich.append((type(value).__name__, page))

    try:
        asyncio.run(run_all())
    finally:
        if (endpoint := names.get("endpoint")) is not None and endpoint.poll() is None:
            endpoint.kill()
            endpoint.wait()
    kinds = [name for name, _ in rich if name != "DataFrame"]
    assert kinds == ["Run", "Run", "ShownComparison"]
    assert all("&lt;svg" in page for name, page in rich if name != "DataFrame")
    assert names["registered"].version.reference == "fraud-detection-xgb:1"
    said = capfd.readouterr().out
    assert said.count("  train ") == 2
    assert "← asked for" in said
    assert names["endpoint"].returncode is not None
    assert os.listdir(tmp_path) == ["as-it-comes"]  # noqa: PTH208


def test_a_page_in_a_notebook_reaches_nothing_outside_its_frame(tmp_path):
    hostile = '"></iframe><script>alert(1)</script>'
    assert "<script>" not in framed(hostile)
    assert framed(hostile).count('"') == framed("").count('"')
    assert 'sandbox="allow-scripts"' in framed("")


def test_a_run_without_a_report_is_shown_as_text(tmp_path):
    run = Run(build_run(tmp_path / "a"))
    assert run._repr_html_() is None
    run.report.write_text("<p>mine</p>")
    assert "&lt;p&gt;mine" in run._repr_html_()

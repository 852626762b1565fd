"""The notebook: its cells do what they say, in their order and in a kernel, and none keeps an output."""

import json
import re

import nbformat
import pytest
from nbclient import NotebookClient

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


#: after the last cell, whether it was reached or not: no endpoint outlives the kernel that started it
ENDPOINT = """
if "endpoint" in globals():
    print("the endpoint had ended" if endpoint.poll() is not None else "the endpoint had to be killed")
    endpoint.kill()
    endpoint.wait()
"""

#: what `no_own_defaults` does, in the kernel
AS_IT_COMES = """
import pathlib
import fraudlab.compose
fraudlab.compose.config_folder = lambda folder=pathlib.Path("{}"): folder
del fraudlab, pathlib
"""


@pytest.fixture
def kernel(tmp_path, monkeypatch, no_own_defaults):
    """What runs the notebook in this environment's own kernel, in a folder that is empty."""
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
        (tmp_path / name.lower()).mkdir()
    startup = tmp_path / "ipythondir" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "as_it_comes.py").write_text(AS_IT_COMES.format(tmp_path / "as-it-comes"))
    (tmp_path / "work").mkdir()
    read = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(read)
    return NotebookClient(read, timeout=600, resources={"metadata": {"path": str(tmp_path / "work")}})


def executed(client):
    """The outputs of every cell of code, and what became of the endpoint."""
    last = nbformat.v4.new_code_cell(ENDPOINT)
    with client.setup_kernel():
        try:
            for index, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, index)
        finally:
            client.nb.cells.append(last)
            client.execute_cell(last, len(client.nb.cells) - 1)
    return [cell.outputs for cell in client.nb.cells if cell.cell_type == "code"]


def framed_in(outputs):
    """What is shown in a frame, each beside the text that stands for it where HTML cannot be shown."""
    shown = [out.data for cell in outputs for out in cell if out.output_type == "execute_result"]
    return [
        (data["text/plain"], data["text/html"]) for data in shown if "<iframe" in data.get("text/html", "")
    ]


@pytest.mark.slow
def test_it_runs_in_a_kernel_from_the_first_cell_to_the_last(kernel, tmp_path):
    outputs = executed(kernel)
    texts, pages = zip(*framed_in(outputs), strict=True)
    assert texts[:2] == ("Run('first', status='completed')", "Run('second', status='completed')")
    assert re.match(r"<first and second: .*\.>$", texts[2])
    assert all("&lt;svg" in page and 'sandbox="allow-scripts"' in page for page in pages)
    assert [re.search(r"&lt;h1&gt;.*&lt;/h1&gt;", page) is not None for page in pages] == [True] * 3
    assert ["Comparison of" in page for page in pages] == [False, False, True]
    shown = [out for cell in outputs for out in cell]
    printed = "".join(out.text for out in shown if out.output_type == "stream")
    lines = [out.data["text/plain"] for out in shown if out.output_type == "display_data"]
    assert [line.split()[0] for line in lines].count("train") == 2
    assert "← asked for" in printed
    assert printed.endswith("the endpoint had ended\n")
    assert "'fraud-detection-xgb:1'" in [out.data["text/plain"] for out in shown if "data" in out]
    assert not list((tmp_path / "work").iterdir())


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

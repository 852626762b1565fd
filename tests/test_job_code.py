"""Prepared data is stale after a change of what prepares it, and of nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import fraudlab
from fraudlab import job_code
from fraudlab.job_code import processing_code, processing_modules

JOB = "fraudlab.container.process"
#: what starts the job and tells how it ended; packages hold docstrings, and the version
AROUND = {"fraudlab.container.__main__", "fraudlab.container.irregular", "fraudlab._version", "fraudlab"}
#: runs the command, and says of which modules of ours it was made
TELL = """
import runpy, sys
sys.argv = ["fraudlab.container", "process"]
try:
    runpy.run_module("fraudlab.container", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
print("\\nMODULES", *[name for name, module in sys.modules.items() if name.split(".")[0] == "fraudlab"
                   and not hasattr(module, "__path__")])
"""


@pytest.fixture
def package(tmp_path):
    copy = tmp_path / "fraudlab"
    shutil.copytree(Path(fraudlab.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_modules_are_those_that_the_job_can_reach():
    graph = grimp.build_graph("fraudlab", cache_dir=None)
    assert set(processing_modules()) == {JOB, *graph.find_upstream_modules(JOB)} - packages(graph)


def packages(graph: grimp.ImportGraph) -> set[str]:
    return {module for module in graph.modules if graph.find_children(module)}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_job_imports_nothing_else(kind, tmp_path):
    import pyarrow as pa
    from pyarrow import csv, parquet

    table = pa.table(
        {"t": range(200), "a": [n % 7 for n in range(200)], "y": [n % 3 == 0 for n in range(200)]}
    )
    raw = tmp_path / "processing/input/raw"
    raw.mkdir(parents=True)
    write = csv.write_csv if kind == "csv" else parquet.write_table
    write(table, raw / f"table.{kind}")
    config = tmp_path / "processing/input/config"
    config.mkdir()
    job = {
        "file": f"table.{kind}", "label": "y", "time": "t", "time_unit": "s", "id": [], "card": None,
        "amount": None, "features": [], "drop": [], "categorical": [], "duplicates": "drop",
        "scale": "standard", "seed": 1,
        "split": {"kind": "stratified", "train": 0.6, "validation": 0.2, "test": 0.2, "gap_seconds": 0},
    }  # fmt: skip
    (config / "process.json").write_text(json.dumps(job))
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        env={"FRAUDLAB_ML_ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "\nMODULES " in done.stdout, done.stdout + done.stderr
    imported = set(done.stdout.rpartition("\nMODULES ")[2].split())
    assert JOB in imported
    assert imported - AROUND <= set(processing_modules())


def test_packages_hold_nothing_but_docstrings():
    """Otherwise they would have to count: importing a module runs them."""
    folder = Path(fraudlab.__file__).parent
    for module in processing_modules():
        for parent in list(Path(*module.split(".")[1:]).parents)[:-1]:
            text = (folder / parent / "__init__.py").read_text()
            assert text.count("\n") == 1, parent


@pytest.mark.parametrize(
    ("module", "same"),
    [
        ("container/process.py", False),
        ("container/processing/duplicates.py", False),
        ("container/formats/time_texts.py", False),  # reached by way of others
        ("container/separators.py", False),
        ("container/endpoint/http.py", True),
        ("container/endpoint/http_connection.py", True),
        ("container/train.py", True),
        ("container/serve.py", True),
        ("container/bodies/csv_rows.py", True),
        ("evaluation/metrics.py", True),
        ("report/kit/plot.py", True),
        ("_version.py", True),
    ],
)
def test_an_edit_counts_where_the_job_would_see_it(package, module, same):
    before = processing_code(package)
    assert before == processing_code()
    with (package / module).open("a") as file:
        file.write("\n# another line\n")
    assert (processing_code(package) == before) is same


def test_a_library_that_is_updated_counts(monkeypatch):
    before = processing_code()
    monkeypatch.setattr(job_code, "version", lambda name: "99.0" if name == "pyarrow" else "1.0")
    assert processing_code() != before

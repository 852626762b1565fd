"""Local mode is imported without the rest of the SageMaker SDK, and whoever wants that has it later."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEAN = "from fraudlab.backends.lean_import import import_local_mode\nimport_local_mode()\nimport sys\n"


def python(code):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False,
        env={"SAGEMAKER_SUPPRESS_V2_WARNING": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_local_mode_imports_no_estimators_no_catalogue_and_no_pandas():
    code = (
        "from sagemaker.local import LocalSession\n"
        "heavy = {'pandas', 'scipy', 'pydantic', 'sagemaker_core', 'sagemaker.estimator',"
        " 'sagemaker.jumpstart'}\nprint(sorted(heavy & set(sys.modules)))"
    )
    assert python(LEAN + code).stdout == "[]\n"


@pytest.mark.parametrize(
    "later",
    [
        "import sagemaker; sagemaker.Session; sagemaker.image_uris.retrieve",
        "from sagemaker import Session; from sagemaker.session import Session as S; assert Session is S",
        "from sagemaker.estimator import Estimator as E; import sagemaker as s; assert s.estimator.Estimator is E",  # noqa: E501
        "import sagemaker.estimator as e; e.Estimator",
        "from sagemaker.processing import ProcessingInput",
        "import sagemaker; assert sagemaker.__version__",
        "import sagemaker.amazon.common as c; c.read_recordio",
        "from sagemaker.amazon.common import RecordSerializer",
        "from sagemaker import local, estimator",
        "import sagemaker as s; from sagemaker.local import LocalSession as L; assert issubclass(L, s.Session)",  # noqa: E501
        "from sagemaker import *",
        "import sagemaker, importlib; importlib.reload(sagemaker).Session",
    ],
)
def test_whoever_imports_the_sdk_later_has_the_whole_of_it(later):
    done = python(LEAN + later)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_sdk_that_was_imported_before_stays_what_it_is():
    code = (
        "import sagemaker\nbefore = sagemaker\n"
        + LEAN
        + "assert sys.modules['sagemaker'] is before; before.estimator"
    )
    assert python(code).returncode == 0


def test_a_name_that_is_nowhere_is_an_attribute_error():
    done = python(LEAN + "import sagemaker\nsagemaker.nothing_of_that_name")
    assert done.returncode == 1
    assert "module 'sagemaker' has no attribute 'nothing_of_that_name'" in done.stdout + done.stderr


def test_a_version_that_needs_more_of_itself_is_imported_as_it_comes():
    """As if the SDK's local mode needed what is left out, at a moment when that cannot be imported."""
    code = (
        "from fraudlab.backends import lean_import\n"
        "lean_import._UNUSED = ('sagemaker.local.data',)\n"  # which local mode needs while it is imported
        "lean_import.import_local_mode()\nimport sagemaker\n"
        "from sagemaker.local import LocalSession\nfrom sagemaker.local.data import get_data_source_instance"
    )
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")

"""Which packages do for fraudlab, and which cannot be beside it."""

import pytest

from fraudlab.doctor.finding import State
from fraudlab.doctor.packages import check_lock, check_packages, differing, read_lock

REQUIRES = [
    "numpy>=2.0",
    "sagemaker[local]>=2.257.7,<3",
    "xgboost-cpu==3.2.0",
    'winonly>=1; sys_platform == "win32"',
]
RIGHT = {"numpy": "2.1.0", "sagemaker": "2.257.8", "xgboost-cpu": "3.2.0"}


def found(**other):
    installed = {**RIGHT, **{name.replace("_", "-"): version for name, version in other.items()}}
    return check_packages(version_of=installed.get, requires=REQUIRES)


def test_packages_that_do_are_one_line():
    (finding,) = found()
    assert (finding.state, finding.said) == (State.well, "3 packages have the versions fraudlab asks for")


@pytest.mark.parametrize(
    ("other", "said", "fix"),
    [
        ({"numpy": "1.26.4"}, "numpy 1.26.4 is installed, and fraudlab needs >=2.0", "make setup"),
        ({"numpy": None}, "numpy is not installed (needed: >=2.0)", "make setup"),
        ({"sagemaker": "3.1.0"}, "version 3 has no local mode", 'pip install "sagemaker[local]<3,>=2.257.7"'),
        ({"sagemaker": "2.200.0"}, "sagemaker 2.200.0 is installed", "make setup"),
        ({"xgboost": "3.2.0"}, "xgboost is installed beside", "pip uninstall xgboost"),
        ({"docker_py": "1.10.6"}, "docker-py is installed beside", "pip uninstall docker-py"),
        ({"hydra": "2.5"}, "hydra is installed beside", "pip uninstall hydra"),
    ],
)
def test_what_is_wrong_has_what_mends_it(other, said, fix):
    (finding,) = found(**other)
    assert finding.state is State.wrong
    assert said in finding.said
    assert fix in finding.fix


def test_all_that_is_wrong_is_told_at_once():
    assert len(found(numpy="1.0", sagemaker="3.0", xgboost="3.2.0")) == 3


def test_this_environment_has_what_fraudlab_asks_for():
    assert {finding.state for finding in check_packages()} == {State.well}


def test_a_lock_is_compared_with_what_is_installed(tmp_path):
    lock = tmp_path / "launcher.txt"
    lock.write_text(
        "# by uv\nnumpy==2.1.0 \\\n    --hash=sha256:00\n    # via x\nuvloop==0.21.0 ; python_version > '3'\n"
        "uvloop==0.1.0 ; python_version < '3'\n"
    )
    assert read_lock(lock.read_text()) == {"numpy": "2.1.0", "uvloop": "0.21.0"}
    (same,) = check_lock(lock, version_of={"numpy": "2.1.0"}.get)
    assert same.state is State.well
    (other,) = check_lock(lock, version_of={"numpy": "2.2.0"}.get)
    assert (other.state, other.fix) == (State.note, "make setup")
    assert "numpy 2.2.0 (locked: 2.1.0)" in other.said
    assert check_lock(tmp_path / "none.txt") == []


def test_what_is_not_installed_does_not_differ():
    assert differing({"a": "1", "b": "2"}, {"b": "3"}.get) == [("b", "3", "2")]

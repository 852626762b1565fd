"""Tests lie where what they test lies: a folder of tests is a room of src, or one of a few with a reason."""

from pathlib import Path

import fraudlab

TESTS = Path(__file__).parent
ROOMS = Path(fraudlab.__file__).parent
#: what is no room: the page in a browser, a server, the image, fuzzing, templates, scripts, files for tests
OTHERS = {"browser", "comet_server", "docker", "fuzz", "infra", "supply", "inputs"}


def folders(root):
    """Names of the folders below one that have Python files."""
    return {file.parent.relative_to(root).as_posix() for file in root.rglob("*.py")} - {"."}


def test_every_folder_of_tests_is_a_room_of_the_package():
    strangers = {name for name in folders(TESTS) - folders(ROOMS) if name.split("/")[0] not in OTHERS}
    # a whole backend, which a test adds to a checkout
    assert strangers - {"backends/third"} == set()

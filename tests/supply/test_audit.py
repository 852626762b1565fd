"""The audit: what it asks for, and that it never passes without having been answered."""

import os
import subprocess

import pytest

from .conftest import ROOT

PINS = {("numpy", "2.4.6"): ["launcher.txt"], ("rich", "14.3.4"): ["launcher.txt", "dev.txt"]}
CLEAN = [
    {"name": "numpy", "version": "2.4.6", "vulns": []},
    {"name": "rich", "version": "14.3.4", "vulns": []},
]
HOLE = {
    "id": "PYSEC-2026-1",
    "aliases": ["GHSA-aaaa-bbbb-cccc"],
    "fix_versions": ["14.4"],
    "description": "a hole",
}


@pytest.fixture
def audit(script):
    return script("requirements/audit.py")


def answer(*holes):
    return {"dependencies": [CLEAN[0], {**CLEAN[1], "vulns": list(holes)}]}


def test_every_line_of_the_locks_is_asked_for_whatever_environment_it_is_for(audit):
    locks = {
        "a.txt": "numpy==2.4.6 ; python < '3.12' \\\n    --hash=sha256:0\nnumpy==2.5.5 ; x \\\n    # via y",
        "b.txt": "# a comment\nnumpy==2.4.6 \\\n    --hash=sha256:0",
    }
    assert audit.locked(locks) == {("numpy", "2.4.6"): ["a.txt", "b.txt"], ("numpy", "2.5.5"): ["a.txt"]}


def test_the_real_locks_are_read_to_the_last_package(audit):
    texts = {lock.name: lock.read_text() for lock in audit.LOCKS}
    hashed = sum(
        line.startswith(tuple("abcdefghijklmnopqrstuvwxyz"))
        for t in texts.values()
        for line in t.splitlines()
    )
    assert (
        sum(
            len(files)
            for files in audit.locked({str(lock): lock.read_text() for lock in audit.LOCKS}).values()
        )
        == hashed
    )


def test_nothing_known_is_a_pass_that_says_of_how_many(audit):
    assert audit.judge(answer(), "", PINS, {}) == (0, ["no known vulnerabilities in 2 locked packages"])


def test_a_finding_names_the_version_that_fixes_it_and_the_locks(audit):
    code, lines = audit.judge(answer(HOLE), "", PINS, {})
    assert code == 1
    assert lines[0] == "rich 14.3.4: PYSEC-2026-1 (fixed in 14.4; locked in launcher.txt, dev.txt)"
    assert lines[1].startswith("fix: make lock ARGS='--upgrade-package NAME'")


@pytest.mark.parametrize("accepted", ["PYSEC-2026-1", "GHSA-aaaa-bbbb-cccc"])
def test_an_exception_is_by_any_of_the_ids_and_is_shown(audit, accepted):
    code, lines = audit.judge(answer(HOLE), "", PINS, {accepted: "not reachable"})
    assert code == 0
    assert f"accepted: {accepted}: not reachable" in lines


def test_an_exception_nothing_has_is_an_error(audit):
    code, lines = audit.judge(answer(), "", PINS, {"PYSEC-2026-1": "old"})
    assert code == 1
    assert lines[0] == "audit-ignore.txt accepts PYSEC-2026-1, which nothing has: remove it"


def test_an_exception_needs_a_reason(audit):
    with pytest.raises(SystemExit, match="'PYSEC-2026-1' has no reason behind its id"):
        audit.exceptions("# ids\nPYSEC-2026-1\n")


def test_a_package_the_service_does_not_know_is_no_pass(audit):
    skipped = {"name": "rich", "version": "14.3.4", "skip_reason": "not found"}
    code, lines = audit.judge({"dependencies": [CLEAN[0], skipped]}, "", PINS, {})
    assert code == 2
    assert "knows nothing of 1 of 2 locked packages (rich 14.3.4" in lines[0]


def test_a_service_that_cannot_be_reached_is_no_pass(python):
    # Whatever this machine may reach, a proxy on a closed port it may not.
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    unset = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    done = subprocess.run(
        [python, ROOT / "requirements/audit.py", "--timeout=3"],
        env={**unset, **nowhere},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "audit: the vulnerability service could not be asked: " in done.stderr
    assert "audit: fix: run this where the service can be reached" in done.stderr
    assert done.stdout == ""

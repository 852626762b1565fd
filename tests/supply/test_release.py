"""`make release`: what it refuses, what it writes, and that whatever fails leaves the checkout as it was.

`.ci/release.sh` makes a whole release, with wheel, source archive and a run of each.
"""

import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
TODAY = datetime.date(2026, 11, 27)
NEWS = "### Added\n- A thing: `a` for b.\n\n### Changed\n- Another."
CHANGELOG = f"# Changelog\n\nForm.\n\n## [Unreleased]\n\n{NEWS}\n\n## 0.1.0\n\n- All.\n"
MODULE = '"""What it is."""\n\n__version__ = "0.1.0"\n__all__ = ["__version__"]\n'
PROJECT = '[tool.hatch.version]\npath = "src/a.py"\n'
BUILDS = """#!/bin/sh
set -e
version=$(sed -n 's/^__version__ = "\\(.*\\)"$/\\1/p' src/a.py)
rm -rf dist; mkdir dist
touch "dist/fraudlab-$version-py3-none-any.whl" "dist/fraudlab-$version.tar.gz"
"""


@pytest.fixture
def release(script):
    return script("requirements/release.py")


def test_what_was_unreleased_is_moved_under_version_and_day(release):
    text = release.moved(CHANGELOG, Version("0.2.0"), TODAY)
    assert text == CHANGELOG.replace(NEWS, f"## [0.2.0] - 2026-11-27\n\n{NEWS}")
    assert release.unreleased(CHANGELOG) == NEWS
    assert release.unreleased(text) == ""
    first = "# Changelog\n\n## [Unreleased]\n- One.\n"
    assert release.moved(first, Version("0.1.0"), TODAY) == (
        "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-11-27\n\n- One.\n"
    )


def test_the_changelog_and_the_version_of_this_checkout_can_be_released(release):
    home = release.version_file(ROOT)
    current = release.current_version(home.read_text())
    assert release.with_version(home.read_text(), current) == home.read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text()
    news = release.unreleased(changelog)
    after = release.moved(changelog, Version("999.0.0"), TODAY)
    assert after.replace("## [999.0.0] - 2026-11-27\n\n", "") == changelog
    assert (news in after.partition("## [999.0.0]")[2]) or not news


@pytest.mark.parametrize(
    ("word", "changelog", "said"),
    [
        ("0.2.0", CHANGELOG, []),
        ("v0.2.0", CHANGELOG, []),
        ("0.2.0rc1", CHANGELOG, []),
        ("1.0.0", CHANGELOG, []),
        ("next", CHANGELOG, ["'next' is not a version; the current one is 0.1.0"]),
        ("0.1.0", CHANGELOG, ["0.1.0 is not newer than the current version, 0.1.0",
                              "CHANGELOG.md already has a heading for 0.1.0"]),
        ("0.0.9", CHANGELOG, ["0.0.9 is not newer than the current version, 0.1.0"]),
        ("0.1.0rc1", CHANGELOG, ["0.1.0rc1 is not newer than the current version, 0.1.0"]),
        ("0.2", CHANGELOG, ["0.2 is not MAJOR.MINOR.PATCH, with rc1 or the like behind it for a trial"]),
        ("0.2.0+here", CHANGELOG,
         ["0.2.0+here is not MAJOR.MINOR.PATCH, with rc1 or the like behind it for a trial"]),
        ("0.2.0", CHANGELOG.replace(NEWS, "### Added\n"),
         ["CHANGELOG.md says nothing below '## [Unreleased]'"]),
        ("0.2.0", CHANGELOG.replace("## [Unreleased]", "## Soon"),
         ["CHANGELOG.md has no heading '## [Unreleased]'"]),
    ],
)  # fmt: skip
def test_versions_and_changelogs_that_are_refused(release, word, changelog, said):
    assert release.refusals(word, release.asked(word), Version("0.1.0"), changelog) == said


def test_a_module_that_does_not_state_one_version_is_refused(release):
    for text in ("", MODULE + MODULE):
        with pytest.raises(SystemExit, match="must have one line __version__"):
            release.current_version(text)


class Checkout:
    """A small checkout with the real script, whose build is a stand-in."""

    def __init__(self, folder):
        self.folder = folder
        for name, text in {
            "CHANGELOG.md": CHANGELOG, "src/a.py": MODULE, "pyproject.toml": PROJECT,
            ".gitignore": "/dist/\n", "requirements/dist.sh": BUILDS,
            "requirements/release.py": (ROOT / "requirements/release.py").read_text(),
        }.items():  # fmt: skip
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "requirements/dist.sh").chmod(0o755)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "a")
        self.git("config", "user.email", "a@localhost")
        self.commit()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "All")

    def git(self, *words):
        done = subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self, *words, **more):
        command = [sys.executable, "requirements/release.py", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=pipe, text=True, **more)

    def release(self, *words):
        process = self.start(*words)
        output, errors = process.communicate()
        return process.returncode, output, errors

    @property
    def state(self):
        """What a release that fails must leave alone."""
        files = [(self.folder / name).read_text() for name in ("src/a.py", "CHANGELOG.md")]
        git = [self.git("rev-parse", "HEAD"), self.git("tag", "--list"), self.git("status", "--porcelain")]
        return files, git, self.git("diff", "--cached"), (self.folder / "dist").exists()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    return Checkout(tmp_path)


def test_a_release_is_a_commit_a_tag_and_what_was_built(checkout):
    code, output, errors = checkout.release("v0.2.0")
    assert (code, errors) == (0, "")
    assert "next: git push origin HEAD v0.2.0" in output
    assert checkout.git("status", "--porcelain") == ""
    assert '__version__ = "0.2.0"\n' in (checkout.folder / "src/a.py").read_text()
    assert checkout.git("log", "-1", "--format=%s") == "Release 0.2.0"
    assert checkout.git("show", "--name-only", "--format=") == "CHANGELOG.md\nsrc/a.py"
    assert checkout.git("cat-file", "-t", "v0.2.0") == "tag"
    assert checkout.git("tag", "--list", "--format=%(contents)", "v0.2.0") == f"fraudlab 0.2.0\n\n{NEWS}"
    assert len(list((checkout.folder / "dist").iterdir())) == 2
    code, _, errors = checkout.release("0.2.0")
    assert (code, errors.splitlines()) == (
        2,
        [
            "release: 0.2.0 is not newer than the current version, 0.2.0",
            "release: CHANGELOG.md says nothing below '## [Unreleased]'",
            "release: CHANGELOG.md already has a heading for 0.2.0",
            "release: there is a tag v0.2.0 already",
        ],
    )


def test_all_that_stands_in_the_way_is_said_at_once_and_nothing_is_touched(checkout):
    checkout.git("tag", "v0.2.0")
    checkout.git("checkout", "--quiet", "--detach")
    checkout.git("config", "--unset", "user.email")
    (checkout.folder / "new.txt").write_text("")
    before = checkout.state
    code, output, errors = checkout.release("0.2.0")
    assert (code, output, checkout.state == before) == (2, "", True)
    assert errors.splitlines() == [
        "release: the checkout has changes that are in no commit: ?? new.txt",
        "release: no branch is checked out, and the release's commit would be on none",
        "release: there is a tag v0.2.0 already",
        "release: git knows no user.name and user.email for the commit",
    ]
    assert checkout.release("")[::2] == (2, "release: name the version: make release VERSION=0.2.0\n")


FAILURES = {
    "the build": ("requirements/dist.sh", "#!/bin/sh\nmkdir dist; touch dist/half\nexit 7\n"),
    "what was built is another version": (
        "requirements/dist.sh",
        "#!/bin/sh\nmkdir dist; touch dist/fraudlab-0.1.0.tar.gz\n",
    ),
    "the commit": (".git/hooks/pre-commit", "#!/bin/sh\necho no >&2\nexit 1\n"),
    "the tag": (".git/hooks/reference-transaction", "#!/bin/sh\n! grep -q 'refs/tags/v0.2.0'\n"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_what_fails_leaves_the_checkout_as_it_was(checkout, what):
    name, text = FAILURES[what]
    (checkout.folder / name).write_text(text)
    (checkout.folder / name).chmod(0o755)
    if not name.startswith(".git/"):
        checkout.commit()
    before = checkout.state
    code, _, errors = checkout.release("0.2.0")
    assert code == 1
    assert "release: failed; the checkout is as it was, without dist/" in errors
    assert "Traceback" not in errors
    assert checkout.state == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_release_leaves_the_checkout_as_it_was(checkout, number):
    (checkout.folder / "requirements/dist.sh").write_text(
        "#!/bin/sh\nmkdir dist; touch dist/half; exec sleep 60\n"
    )
    checkout.commit()
    before = checkout.state
    process = checkout.start("0.2.0", start_new_session=True)
    while not (checkout.folder / "dist/half").exists():
        time.sleep(0.01)
        assert process.poll() is None
    os.killpg(process.pid, number)
    errors = process.communicate()[1]
    assert process.returncode != 0
    assert "release: failed; the checkout is as it was" in errors
    assert "Traceback" not in errors
    assert checkout.state == before

"""Makes a release: version, changelog, wheel and source archive that were tried, commit, tag. Pushes nothing.

Everything that can be refused is refused before anything is touched, and all of it at once. What fails later,
or is interrupted, leaves the checkout as it was: version and changelog of before, no commit, tag or dist/.

Usage: .venv/bin/python requirements/release.py VERSION
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
DIST = "requirements/dist.sh"
_VERSION_LINE = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)
_UNRELEASED = re.compile(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def main(words: list[str]) -> int:
    """Release the version that `words` name, or say everything that stands in the way."""
    if len(words) != 1 or not words[0]:
        return _say(["name the version: make release VERSION=0.2.0"])
    changelog = ROOT / "CHANGELOG.md"
    home = version_file(ROOT)
    before = {path: path.read_text(encoding="utf-8") for path in (home, changelog)}
    version = asked(words[0])
    problems = refusals(words[0], version, current_version(before[home]), before[changelog]) + _checkout(
        version
    )
    if problems or version is None:
        return _say(problems)
    today = datetime.now(UTC).date()
    after = {
        home: with_version(before[home], version),
        changelog: moved(before[changelog], version, today),
    }
    with _undone_where_it_fails(before):
        for path, text in after.items():
            path.write_text(text, encoding="utf-8")
        print(f"release: {home.relative_to(ROOT)} and CHANGELOG.md say {version}", flush=True)
        subprocess.run([ROOT / DIST], cwd=ROOT, check=True)
        made = sorted(path.name for path in (ROOT / "dist").iterdir())
        if made != [f"fraudlab-{version}-py3-none-any.whl", f"fraudlab-{version}.tar.gz"]:
            raise SystemExit(f"release: dist/ holds {made}, not a wheel and a source archive of {version}")
        _git("add", "--", *(str(path) for path in after))
        _git("commit", "--quiet", "--message", f"Release {version}")
        news = unreleased(before[changelog])
        _git(
            "tag",
            "--annotate",
            f"v{version}",
            "--cleanup=verbatim",
            f"--message=fraudlab {version}\n\n{news}",
        )
    print(f"release: commit, tag v{version} and dist/ are made, and nothing is pushed")
    print(f"next: git push origin HEAD v{version}, and upload dist/ to where your packages are")
    return 0


def version_file(root: Path) -> Path:
    """The one file with the version: where hatchling reads it."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return root / str(project["tool"]["hatch"]["version"]["path"])


def current_version(text: str) -> Version:
    """The version a module states.

    Raises
    ------
    SystemExit
        If there is not exactly one line that states it.
    """
    found = _VERSION_LINE.findall(text)
    if len(found) != 1:
        raise SystemExit('release: the version\'s file must have one line __version__ = "…"')
    return Version(found[0])


def with_version(text: str, version: Version) -> str:
    """The text of the version's module, for another version."""
    return _VERSION_LINE.sub(f'__version__ = "{version}"', text)


def asked(word: str) -> Version | None:
    """The version a person means, or None; ``v0.2.0`` is 0.2.0."""
    try:
        return Version(word)
    except InvalidVersion:
        return None


def refusals(word: str, version: Version | None, current: Version, changelog: str) -> list[str]:
    """Everything about version and changelog that stands in the way of a release."""
    found = []
    if version is None:
        found.append(f"{word!r} is not a version; the current one is {current}")
    elif len(version.release) != 3 or version.local or version.is_devrelease or version.is_postrelease:
        found.append(f"{word} is not MAJOR.MINOR.PATCH, with rc1 or the like behind it for a trial")
    elif version <= current:
        found.append(f"{version} is not newer than the current version, {current}")
    if not _UNRELEASED.search(changelog):
        found.append("CHANGELOG.md has no heading '## [Unreleased]'")
    elif not unreleased(changelog):
        found.append("CHANGELOG.md says nothing below '## [Unreleased]'")
    if version is not None and re.search(rf"^## \[?{re.escape(str(version))}\b", changelog, re.MULTILINE):
        found.append(f"CHANGELOG.md already has a heading for {version}")
    return found


def unreleased(changelog: str) -> str:
    """What is new since the last release, without its heading; "" where there are only headings."""
    match = _UNRELEASED.search(changelog)
    text = match[1].strip() if match else ""
    return text if any(line.strip() and not line.startswith("#") for line in text.splitlines()) else ""


def moved(changelog: str, version: Version, day: date) -> str:
    """The changelog, with what was unreleased under a heading of its version and day."""
    return (
        _UNRELEASED.sub(
            lambda match: f"## [Unreleased]\n\n## [{version}] - {day}\n\n{match[1].strip()}\n\n",
            changelog,
            count=1,
        ).rstrip("\n")
        + "\n"
    )


def _checkout(version: Version | None) -> list[str]:
    """What in the checkout stands in the way."""
    found = []
    if changed := _git("status", "--porcelain").splitlines():
        found.append(f"the checkout has changes that are in no commit: {', '.join(changed[:3])}")
    if not _git("branch", "--show-current"):
        found.append("no branch is checked out, and the release's commit would be on none")
    if version is not None and _git("tag", "--list", f"v{version}"):
        found.append(f"there is a tag v{version} already")
    if not (
        _git("config", "--get", "user.email", fails="") and _git("config", "--get", "user.name", fails="")
    ):
        found.append("git knows no user.name and user.email for the commit")
    return found


@contextmanager
def _undone_where_it_fails(before: dict[Path, str]) -> Iterator[None]:
    """Put files, commit and tags back to what they were where the block does not reach its end."""
    head = _git("rev-parse", "HEAD")
    tags = set(_git("tag", "--list").splitlines())
    earlier = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    except BaseException as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C waits until all is as it was
        for tag in set(_git("tag", "--list").splitlines()) - tags:
            _git("tag", "--delete", tag)
        _git("reset", "--quiet", "--soft", head)
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
        _git("reset", "--quiet", "--", *(str(path) for path in before))
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        print("release: failed; the checkout is as it was, without dist/", file=sys.stderr, flush=True)
        if isinstance(error, subprocess.CalledProcessError | KeyboardInterrupt):
            raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 1) from None
        raise
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _git(*words: str, fails: str | None = None) -> str:
    """What git answers; where it fails `fails`, or an error that it has printed itself."""
    kept: dict[str, Any] = {"stderr": subprocess.DEVNULL} if fails is not None else {}
    done = subprocess.run(
        ["git", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=fails is None,
        **kept,
    )
    return done.stdout.strip() if done.returncode == 0 else str(fails)


def _say(problems: list[str]) -> int:
    for problem in problems:
        print(f"release: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

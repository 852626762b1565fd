"""What a job wrote, collected without trusting it: regular files with one name, no links followed.

The SDK copies through links: a link that a hook left in ``model/`` to a file of the host brought that file
into ``model.tar.gz``.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fraudlab.archives import MAX_BYTES, MAX_MEMBERS
from fraudlab.container.irregular import irregular
from fraudlab.errors import JobFailed

#: follow no link, and do not wait for a pipe
_CAREFULLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_MAX_DEPTH = 32
_COPIED_AT_ONCE = 1 << 20
#: how many files one error names
_NAMED = 5


class Outputs:
    """The files below one folder that a job could write to.

    Whatever is no regular file, or has a second name, is left out and remembered: the job may go on changing
    the folder meanwhile, so that each file is opened first, and what was opened is looked at.

    Parameters
    ----------
    folder : Path
        One that is not there holds nothing; one that is a link is left out.
    name : str
        What to call it in an error.
    max_bytes : int, optional
        What all files together may hold; holes count, as they are copied as zeros.

    Attributes
    ----------
    left_out : list of str
        What was left out and why, as far as files have been asked for.
    """

    def __init__(self, folder: Path, *, name: str, max_bytes: int | None = MAX_BYTES) -> None:
        self.left_out: list[str] = []
        self._folder = folder
        self._name = name
        self._free = max_bytes
        self._members = 0

    def files(self) -> Iterator[tuple[str, BinaryIO]]:
        """Each file, open, with its name relative to the folder; closed when the next one is asked for."""
        try:
            root = os.open(self._folder, _CAREFULLY)
        except FileNotFoundError:
            return
        except OSError as error:
            self._leave_out("", _reason(self._folder, None, error))
            return
        yield from self._below(root, "", 0)

    def copy(self, target: Path) -> None:
        """Copy all files to a folder of the launcher's own."""
        for name, file in self.files():
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            with copied.open("wb") as place:
                shutil.copyfileobj(file, place, _COPIED_AT_ONCE)

    def check(self) -> None:
        """Look at all files, where they are to stay."""
        for _ in self.files():
            pass

    def _below(self, folder: int, prefix: str, depth: int) -> Iterator[tuple[str, BinaryIO]]:
        """What a folder holds; its descriptor is closed at the end."""
        try:
            for name in sorted(os.listdir(folder)):
                path = prefix + name
                self._members += 1
                if self._members > MAX_MEMBERS:
                    self._leave_out(path, f"is one of more than {MAX_MEMBERS:,} files and folders")
                    return
                try:
                    opened = os.open(name, _CAREFULLY, dir_fd=folder)
                except OSError as error:
                    self._leave_out(path, _reason(name, folder, error))
                    continue
                found = os.fstat(opened)
                if stat.S_ISDIR(found.st_mode) and depth < _MAX_DEPTH:
                    yield from self._below(opened, f"{path}/", depth + 1)
                elif why := self._objection(found):
                    os.close(opened)
                    self._leave_out(path, why)
                else:
                    with open(opened, "rb") as file:  # noqa: PTH123  (of a descriptor)
                        yield path, file
        except OSError as error:
            self._leave_out(prefix.rstrip("/"), f"cannot be read ({error.strerror})")
        finally:
            os.close(folder)

    def _objection(self, found: os.stat_result) -> str | None:
        if kind := irregular(found):
            return f"is {kind}"
        if stat.S_ISDIR(found.st_mode):
            return f"is more than {_MAX_DEPTH} folders deep"
        if self._free is not None:
            if found.st_size > self._free:
                return f"is too large ({found.st_size:,} bytes; {self._free:,} are left for it)"
            self._free -= found.st_size
        return None

    def _leave_out(self, path: str, why: str) -> None:
        place = f"{self._name}/{path}".rstrip("/").encode("unicode_escape", "backslashreplace").decode()
        self.left_out.append(f"{place} {why}")


def refuse_left_out(job: str, left_out: list[str]) -> None:
    """Refuse what a job that completed has left, where some of it is not to be taken.

    Raises
    ------
    JobFailed
        It names the files.
    """
    if not left_out:
        return
    more = f", and {len(left_out) - _NAMED:,} more" if len(left_out) > _NAMED else ""
    raise JobFailed(
        f"The {job} job left what cannot be taken: {'; '.join(left_out[:_NAMED])}{more}.",
        fix="let the job's hooks write plain files of their own; nothing of this job was published",
    )


def _reason(name: str | Path, folder: int | None, error: OSError) -> str:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        found = None
    kind = found and irregular(found)
    return f"is {kind}" if kind else f"cannot be read ({error.strerror})"

"""What a job's outputs must not hold: links, pipes, sockets, devices.

Whoever collects outputs may copy through a link, and publish a file that the job itself could not read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from fraudlab.container.failure import ConfigError, quoted

#: how many files one error names
_NAMED = 5
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def irregular(found: os.stat_result) -> str | None:
    """What something is that is no file or folder of its own: ``"a symbolic link"``; None where it is one.

    Parameters
    ----------
    found : os.stat_result
        Of the thing itself, not of what it leads to.
    """
    if kind := _KINDS.get(stat.S_IFMT(found.st_mode)):
        return kind
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        return "a hard link, which may be another file's second name"
    return None


def remove_irregular(folders: Iterable[Path]) -> list[str]:
    """Remove what is no regular file, or has a second name.

    Parameters
    ----------
    folders : iterable of Path
        They may be links themselves, as a platform mounts them; those that are not there hold nothing.

    Returns
    -------
    list of str
        What was removed, each with what it was.
    """
    removed = []
    for top in folders:
        for folder, folders_below, files in os.walk(top):
            for name in sorted((*folders_below, *files)):
                path = Path(folder, name)
                try:
                    kind = irregular(path.lstat())
                    if kind:
                        path.unlink()
                except FileNotFoundError:
                    continue
                if kind:
                    removed.append(f"{quoted(str(path))} is {kind}")
    return removed


def refuse_irregular(folders: Iterable[Path]) -> None:
    """Refuse outputs that hold what is no regular file; it is removed.

    Raises
    ------
    ConfigError
        It names the files.
    """
    if removed := remove_irregular(folders):
        more = f", and {len(removed) - _NAMED:,} more" if len(removed) > _NAMED else ""
        raise ConfigError(
            f"the job's outputs may hold regular files only: {'; '.join(removed[:_NAMED])}{more}",
            fix="let hooks.py write files of its own, and copy instead of linking",
        )

"""Files that are whole or not there, and errors of the disk as sentences."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fraudlab.errors import RunError, StorageError

#: how a disk says that it takes no more, and what to do
_FULL = {
    errno.ENOSPC: "free some space, or choose another disk with paths.runs=FOLDER",
    errno.EDQUOT: "free some of your quota, or choose another disk with paths.runs=FOLDER",
}


def write_json(path: Path, content: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of one.

    Raises
    ------
    StorageError
        Where the disk is full or refuses.
    """
    write_text(path, as_json(content))


def as_json(content: object) -> str:
    """JSON as :func:`write_json` writes it."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write text through a temporary file and a rename; see :func:`write_json`.

    A byte of a file name that is no UTF-8 becomes the escape that JSON reads back as itself.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an OSError while writing `path` into a :class:`StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        fix = _FULL.get(error.errno or 0, "choose another folder with paths.runs=FOLDER")
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.", fix=fix) from error


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Turn what says that a disk is full, wherever it comes from, into a :class:`StorageError`.

    Parameters
    ----------
    folder : Path
        Named where the error names no file.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        with storage(Path(os.fsdecode(error.filename)) if error.filename else folder):
            raise


def read_json(path: Path) -> Any:
    """Read JSON of a run.

    Raises
    ------
    RunError
        Where the file is missing or broken.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} does not exist.", fix="the run did not get that far: see its run.json"
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is not JSON ({error}).", fix="remove the run and repeat it") from error


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter; one that is there keeps the mode somebody gave it.

    Raises
    ------
    StorageError
        Where it cannot be made.
    """
    with storage(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def publish(made: Path, final: Path) -> bool:
    """Give a complete file, or a folder that holds something, its name unless the name is taken.

    Parameters
    ----------
    made : Path
        On the same file system; a file is removed where it was too late, a folder stays.
    final : Path
        Never replaced: somebody may be reading it.

    Returns
    -------
    bool
        False where somebody else was faster.

    Raises
    ------
    StorageError
        Where the disk refuses.
    """
    with storage(final):
        if made.is_dir():
            try:
                made.rename(final)
            except OSError as error:  # a folder takes the name of an empty one, and of no other
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
                return False
            return True
        try:
            os.link(made, final)
        except FileExistsError:
            return False
        except OSError:  # no hard links here: a race between two with the same content is no harm
            if final.exists():
                return False
            made.replace(final)
            return True
        finally:
            made.unlink(missing_ok=True)
        return True

"""Scores are written as they come, under another name until all are there.

So nobody takes a part for the whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from fraudlab.files import storage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HEADER = "row,score,alert"


class ScoreFile:
    """A CSV file of ``row,score,alert``, and ``reasons`` where they are asked for; a context manager.

    Until the block has ended well it is called ``NAME.partial``. A block that ends badly leaves that behind,
    with all rows scored until then.

    Parameters
    ----------
    path : Path or None
        None is standard output.
    reasons : bool
        Whether each row has a field for its reasons.

    Attributes
    ----------
    rows, alerts : int
        Written so far.
    """

    def __init__(self, path: Path | None, *, reasons: bool = False) -> None:
        self.path = path
        self._header = f"{_HEADER},reasons\n" if reasons else f"{_HEADER}\n"
        self.rows = self.alerts = 0
        # A pipe or /dev/stdout has no other name.
        is_plain = path is not None and (path.is_file() or not path.exists())
        self.partial = path.with_name(f"{path.name}.partial") if path is not None and is_plain else None
        self._file: IO[str] = sys.stdout

    def __enter__(self) -> ScoreFile:
        target = self.partial or self.path
        if target is not None:
            with storage(target):
                self._file = target.open("w", encoding="utf-8", newline="\n")
        self._write(self._header)
        return self

    def add(
        self, score: NDArray[np.float32], alert: NDArray[np.bool_], reasons: Sequence[str] | None = None
    ) -> None:
        """Write the next rows.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        pairs = enumerate(zip(score, alert, strict=True), self.rows)
        lines = [f"{row},{value!s},{int(flag)}" for row, (value, flag) in pairs]
        if reasons is not None:
            lines = [f"{line},{_field(text)}" for line, text in zip(lines, reasons, strict=True)]
        self._write("".join([f"{line}\n" for line in lines]))
        self.rows += score.size
        self.alerts += int(alert.sum())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.path is None:
            return
        with storage(self.path):
            self._file.close()
            if self.partial is not None:
                if error is None:
                    self.partial.replace(self.path)
                elif not self.rows:
                    self.partial.unlink()

    def kept(self, total: int) -> str:
        """What a person should know who has to go on with a part of the scores."""
        where = self.partial or self.path or "standard output"
        return f"the scores of the first {self.rows:,} of {total:,} rows are in {where}; the rest is missing"

    def _write(self, text: str) -> None:
        if self.path is None:
            self._file.write(text)
            self._file.flush()
        else:
            with storage(self.path):
                self._file.write(text)
                self._file.flush()


def _field(text: str) -> str:
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text

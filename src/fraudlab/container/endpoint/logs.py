"""The endpoint's log: one JSON object per line on standard output, for CloudWatch and for people with jq.

No line holds a value of a transaction: what was wrong with a row goes to whoever sent it, not to the log.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson

_LOGGER = logging.getLogger("fraudlab.serve")


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        content: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "process": record.process,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(content, default=str).decode()


def start_logging(level: str) -> None:
    """Write what is at least as urgent as `level` to standard output."""
    import time

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line())
    handler.formatter.converter = time.gmtime  # type: ignore[union-attr]
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(level.upper())
    _LOGGER.propagate = False


def is_logged(level: int) -> bool:
    """Whether lines of a level are written."""
    return _LOGGER.isEnabledFor(level)


def log(level: int, event: str, **fields: Any) -> None:
    """Write one line."""
    if is_logged(level):
        _LOGGER.log(level, event, extra={"fields": fields})


def log_defect(event: str, error: BaseException) -> None:
    """Write one line with the traceback of what should not have happened."""
    _LOGGER.error(event, exc_info=error, extra={"fields": {}})

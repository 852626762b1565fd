"""Who calls, where a launcher of fraudlab says so in its User-Agent; the fault `launcher_killed` ends it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_SUFFIX = re.compile(r"fraudlab-launcher/(\d+)")


def launcher_of(user_agent: str) -> int | None:
    """The process that a User-Agent names; None where it is none of this user's fraudlab."""
    found = _SUFFIX.search(user_agent)
    if found is None or int(found[1]) == os.getpid():
        return None
    process = Path("/proc") / found[1]
    try:
        words = (process / "cmdline").read_bytes()
        mine = process.stat().st_uid == os.getuid()
    except OSError:
        return None
    return int(found[1]) if mine and b"fraudlab" in words else None

"""A list of what was asked: every action with who needed it, for policies that allow just that."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from fraudlab.rehearsal.api_call import OWN_KEY, ROLE_KEY

#: names a file that is given each action once per process, beside the file in the state folder
VARIABLE = "FRAUDLAB_SEEN_ACTIONS"


class SeenActions:
    """Appends a line of JSON per action: ``{"time", "action", "by", "key"}``.

    ``by`` is ``launcher`` for whoever asks from outside and ``role`` for what a job's role does. What the
    rehearsal does by itself is not recorded.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        named = os.environ.get(VARIABLE)
        self._named = os.open(named, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if named else None
        self._once: set[tuple[str, str]] = set()

    def add(self, actions: Iterable[str], key: str) -> None:
        """Record the actions of one call."""
        if key == OWN_KEY:
            return
        by = "role" if key == ROLE_KEY else "launcher"
        for action in actions:
            line = {"time": round(time.time(), 3), "action": action, "by": by, "key": key}
            data = (json.dumps(line) + "\n").encode()
            os.write(self._file, data)
            with self._lock:
                new = (action, by) not in self._once
                self._once.add((action, by))
            if new and self._named is not None:
                os.write(self._named, data)

    def as_role(self, *actions: str) -> None:
        """Record what the execution role needs for something the rehearsal does without a call."""
        self.add([action for action in actions if (action, "role") not in self._once], ROLE_KEY)

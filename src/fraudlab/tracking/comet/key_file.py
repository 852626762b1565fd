"""An API key in a file of its own, which ``COMET_API_KEY_FILE`` names."""

from __future__ import annotations

import os
import stat
from collections.abc import MutableMapping
from pathlib import Path

from fraudlab.errors import TrackingError
from fraudlab.redaction import keep_secret

KEY, FILE = "COMET_API_KEY", "COMET_API_KEY_FILE"
#: several times what a key has that carries the address of its server
_MAX_BYTES = 4096
_CAREFULLY = getattr(os, "O_NONBLOCK", 0)


def adopt_key_file(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the SDK find the key of a file in this process's environment, unless that has one already.

    Raises
    ------
    TrackingError
        The file is missing, is none, holds no key, or others may read it.
    """
    named = environment.get(FILE, "")
    if not named or environment.get(KEY):
        return
    path = Path(named).expanduser()
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
    except OSError as error:
        raise TrackingError(
            f"{FILE} names {path}, which cannot be read: {error.strerror}",
            fix=f"name another file, or unset {FILE}",
        ) from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise TrackingError(f"{FILE} names {path}, which is no file", fix="name a file with the key in it")
    with os.fdopen(descriptor, "rb") as file:
        if os.name == "posix" and about.st_mode & 0o077:
            raise TrackingError(
                f"{path} holds an API key, and others may read it (mode {stat.S_IMODE(about.st_mode):04o})",
                fix=f"chmod 600 {path}",
            )
        raw = file.read(_MAX_BYTES + 1)
    try:
        words = raw.decode().split()
    except UnicodeDecodeError:
        words = []
    if len(words) != 1 or len(raw) > _MAX_BYTES:
        raise TrackingError(
            f"{path} does not hold one API key", fix="write the key into it, and nothing else"
        )
    keep_secret(words[0])
    environment[KEY] = words[0]

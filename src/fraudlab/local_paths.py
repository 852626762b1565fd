"""The paths a person names: of this machine, with ``~`` and ``$HOME`` as a shell would read them."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fraudlab.errors import ConfigError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,3}(?!/)")
#: what fetches a file of that scheme
_FETCH = {
    "s3": "aws s3 cp",
    "s3a": "aws s3 cp",
    "s3n": "aws s3 cp",
    "gs": "gcloud storage cp",
    "hdfs": "hdfs dfs -get",
}


def local_path(text: str, *, key: str, reads: bool = True) -> str:
    """The path on this machine that a person means.

    Parameters
    ----------
    text : str
        As typed: relative or absolute, also with a ``~`` or ``$NAME`` the shell left, or a ``file://`` URI.
    key : str
        What it was given for, such as ``"data.path"``.
    reads : bool
        It is there to be read, and not a folder to write to.

    Returns
    -------
    str
        `text` itself where there is something of that very name.

    Raises
    ------
    ConfigError
        For a URI of another scheme, or of another host.
    """
    if not text or "\0" in text:
        raise ConfigError(f"{key}={text!r} is not a path.", fix=f"name one: {key}=PATH")
    if os.path.lexists(text):
        return text
    if scheme := _SCHEME.match(text):
        return _of_uri(text, scheme[1].lower(), key=key, reads=reads)
    return str(Path(os.path.expandvars(text)).expanduser()) if _can_expand(text) else os.path.expandvars(text)


def _can_expand(text: str) -> bool:
    try:
        Path(text).expanduser()
    except RuntimeError:  # ~name, and nobody here has that name
        return False
    return True


def _of_uri(text: str, scheme: str, *, key: str, reads: bool) -> str:
    if scheme != "file":
        name = text.partition("?")[0].rstrip("/").rpartition("/")[2] or "FILE"
        fetch = f"{_FETCH.get(scheme, 'curl -fLO')} {shlex.quote(text)}" + (" ." if scheme in _FETCH else "")
        raise ConfigError(
            f"{key}={text} is not on this machine, and fraudlab reads and writes nothing elsewhere.",
            fix=f"fetch it first ({fetch}), then {key}={name}"
            if reads
            else f"name a folder of this machine: {key}=FOLDER",
        )
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"}:
        raise ConfigError(
            f"{key}={text} names a file of the host {parts.netloc}.",
            fix=f"for one of this machine: file:///{parts.path.lstrip('/')}",
        )
    return unquote(text[len("file:") :].removeprefix("//").removeprefix(parts.netloc))

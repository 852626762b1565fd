"""Comet's configuration, read before the SDK reads it and ends with a traceback."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit


def unreadable() -> str:
    """Why Comet's configuration cannot be used, in one line, or an empty string."""
    for name in filter(None, (os.environ.get("COMET_CONFIG"), "./.comet.config", "~/.comet.config")):
        if problem := _problem(Path(name).expanduser()):
            return problem
    try:
        address = urlsplit(os.environ.get("COMET_URL_OVERRIDE", ""))
        _ = address.port
    except ValueError:
        return "COMET_URL_OVERRIDE is not a URL"
    return ""


def _problem(file: Path) -> str:
    from configobj import ConfigObj, ConfigObjError

    if not file.is_file():
        return ""
    try:
        ConfigObj(str(file), list_values=False)
    except ConfigObjError as error:
        line = getattr(error, "line_number", None)
        return f"{file.absolute()} is not a configuration" + (f": see line {line}" if line else "")
    except UnicodeError:
        return f"{file.absolute()} is not text"
    except OSError as error:
        return f"{file.absolute()} cannot be read ({error.strerror})"
    return ""

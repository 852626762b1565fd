"""Comet's configuration, read as the SDK reads it, but without importing the SDK.

The SDK would also end with a traceback where its configuration is broken; here it is a sentence.
"""

from __future__ import annotations

import binascii
import json
import os
import sys
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fraudlab.errors import TrackingError
from fraudlab.redaction import keep_secret
from fraudlab.tracking.comet.key_file import adopt_key_file
from fraudlab.tracking.comet.partner_app import is_partner_app, partner_problems

if TYPE_CHECKING:
    from everett.manager import ConfigManager

_SERVER = "https://www.comet.com/clientlib/"
#: what the SDK looks through behind the environment and COMET_CONFIG, in its order
_FILES = ("./.comet.config", "/content/drive/MyDrive/.comet.config", "~/.comet.config")
#: of a key of Comet's, without the address that it may carry; it has 25
_KEY_CHARACTERS = 20
#: begins a key that a secret manager of the SDK's has to be asked for
_SECRET = "_SECRET_-"


@dataclass(frozen=True)
class Account:
    """Whether there is an API key, and which server it is for.

    Attributes
    ----------
    has_key : bool
        The key itself stays where it is.
    address : str
        Of the server, with a slash at its end.
    check_certificates : bool
        Whether a server has to prove who it is.
    ask_sdk : bool
        Only the SDK can tell all of this: a secret manager has the key, certificates of one's own have to be
        merged, Streamlit keeps the settings, or calls are signed for a Partner AI App.
    """

    has_key: bool
    address: str = _SERVER
    check_certificates: bool = True
    ask_sdk: bool = False


def unreadable() -> str:
    """Why Comet's configuration cannot be used, in one line, or an empty string."""
    try:
        values = _values()
        override = _value(values, "comet", "url_override")
        _ = urlsplit(override or "").port
    except _UnreadableError as error:
        return str(error)
    except ValueError:
        return "COMET_URL_OVERRIDE is not a URL"
    if not is_partner_app():
        return ""
    key = _value(values, "comet", "api_key") or ""
    try:
        named = "" if key.startswith(_SECRET) else _server_in(key)
    except TrackingError:
        named = ""  # a key that cannot be read has an error of its own
    return "; ".join(partner_problems(key_server=named, override=override))


def read_account() -> Account:
    """Read the settings a start depends on; see :func:`unreadable` for what must be true before.

    Raises
    ------
    TrackingError
        There is a key that cannot be read. With such a key the SDK cannot even write an archive.
    """
    adopt_key_file()
    values = _values()
    key = _value(values, "comet", "api_key") or ""
    keep_secret(key)
    if len(own := key.partition("*")[0]) >= _KEY_CHARACTERS:  # less is no key, and may be any word
        keep_secret(own)
    bundle = _value(values, "comet", "include", "custom_ca_bundle")
    if key.startswith(_SECRET) or bundle is not None or "streamlit" in sys.modules or is_partner_app():
        return Account(has_key=bool(key), ask_sdk=True)
    named = _server_in(key)
    override = _value(values, "comet", "url_override")
    if override is None and named:
        override = urljoin(named, "/clientlib/")
    return Account(
        has_key=bool(key) and key.count("*") < 2,
        address=_with_slash(override or _SERVER),
        check_certificates=_checks_certificates(values),
    )


def malformed_key() -> TrackingError:
    """The error of a key that cannot be read, which does not show it."""
    return TrackingError(
        "COMET_API_KEY is malformed", fix="copy it again from the account's settings, or unset it"
    )


class _UnreadableError(Exception):
    """The configuration cannot be read; the text says which part and why."""


def _values() -> ConfigManager:
    """All the places where the SDK looks, by the library it looks with."""
    import logging

    from everett import ConfigurationError
    from everett.ext.inifile import ConfigIniEnv
    from everett.manager import ConfigEnvFileEnv, ConfigManager, ConfigOSEnv

    logging.getLogger("everett").setLevel(logging.WARNING)  # at its finest level it would tell the key
    named = os.environ.get("COMET_INI") or os.environ.get("COMET_CONFIG")
    if named and Path(named).is_dir():
        named = str(Path(named, ".comet.config"))
    files = [(ConfigEnvFileEnv, ".env"), *((ConfigIniEnv, name) for name in (named, *_FILES) if name)]
    sources: list[Any] = [ConfigOSEnv()]
    for kind, name in files:
        file = Path(name).expanduser().absolute()
        try:
            sources.append(kind(name))
        except UnicodeError:
            raise _UnreadableError(f"{file} is not text") from None
        except OSError as error:
            raise _UnreadableError(f"{file} cannot be read ({error.strerror})") from None
        except (ConfigurationError, SyntaxError) as error:  # ConfigObj's errors are syntax errors
            line = getattr(error, "line_number", None)
            raise _UnreadableError(
                f"{file} is not a configuration" + (f": see line {line}" if line else "")
            ) from None
    values = ConfigManager(sources)
    try:
        _checks_certificates(values)
    except ConfigurationError:
        raise _UnreadableError("COMET_INTERNAL_CHECK_TLS_CERTIFICATE is neither true nor false") from None
    return values


def _value(values: ConfigManager, *names: str) -> str | None:
    """A setting without the blanks around it; None where nobody made it."""
    from everett import NO_VALUE

    *namespace, name = names
    found = values(name, namespace=namespace, raise_error=False)
    return None if found is NO_VALUE else str(found).strip()


def _checks_certificates(values: ConfigManager) -> bool:
    from everett.manager import parse_bool

    return (
        values(
            "check_tls_certificate",
            namespace=["comet", "internal"],
            default="true",
            parser=lambda text: bool(parse_bool(text.strip())),
        )
        is True
    )


def _server_in(key: str) -> str:
    """The address that a key carries behind a star, as base64 of JSON; empty where it carries none."""
    parts = key.split("*")
    if len(parts) != 2 or not parts[1]:
        return ""
    try:
        about = json.loads(_decoded(parts[1]))
        address = None if about is None else about.get("baseUrl")
        return "" if address is None else str(address)
    except (ValueError, binascii.Error, AttributeError):
        raise malformed_key() from None


def _decoded(text: str) -> bytes:
    """Base64 with its padding, without, or with some of it."""
    if len(text) % 4 and text.endswith("="):
        text = text.replace("=", "")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def _with_slash(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(path=parts.path if parts.path.endswith("/") else f"{parts.path}/").geturl()

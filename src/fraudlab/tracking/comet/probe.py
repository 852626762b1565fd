"""A short question to the server: whether a live experiment is possible."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from fraudlab.tracking.comet.account import Account, malformed_key, read_account
from fraudlab.tracking.comet.internals import can_sign, sdk_has_key, sdk_session, untried_version
from fraudlab.tracking.comet.partner_app import is_partner_app

PROBE_SECONDS = 1.5


def why_not_online(timeout: float = PROBE_SECONDS) -> str:
    """Why a live experiment is impossible, or an empty string.

    Parameters
    ----------
    timeout : float
        Longest wait in seconds, name resolution included.

    Raises
    ------
    TrackingError
        The API key cannot be read.
    """
    account = read_account()
    try:
        if not (sdk_has_key() if account.ask_sdk else account.has_key):
            return "no COMET_API_KEY"
        # Outside the wait: what signs calls, and the SDK, take their time to import.
        address, session = sdk_session() if account.ask_sdk else (account.address, _session(account))
        if account.ask_sdk and is_partner_app() and not can_sign(session):
            return "there are no AWS credentials to sign calls to the Partner AI App with"
    except ValueError:
        raise malformed_key() from None
    except OSError as error:
        return _unreachable(error)
    except (ImportError, AttributeError, TypeError) as error:
        said = f"Comet's SDK cannot be asked for its server ({type(error).__name__}: {error})"
        return f"{said}; {untried_version()}".removesuffix("; ")
    answer: list[str] = []
    probe = threading.Thread(target=lambda: answer.append(_probe(address, session, timeout)), daemon=True)
    probe.start()
    # Neither a slow name server nor an answer that drips in obeys a socket's timeout.
    probe.join(timeout)
    return answer[0] if answer else f"the Comet server did not answer in {timeout:g} s"


def _probe(address: str, session: Any, timeout: float) -> str:
    try:
        with session, session.get(f"{address}isAlive/ver", timeout=timeout) as response:
            if response.status_code in (401, 403) and is_partner_app():
                return (
                    f"the Partner AI App refused a signed call ({response.status_code}): "
                    "see that these AWS credentials may sagemaker:CallPartnerAppApi on it"
                )
            broken = response.status_code >= 500
            return f"the Comet server answered {response.status_code}" if broken else ""
    except OSError as error:
        return _unreachable(error)
    except Exception as error:  # noqa: BLE001 - credentials that cannot be had are told while a call is signed
        return f"a call to Comet cannot be made ({type(error).__name__})"


def _unreachable(error: OSError) -> str:
    # Every exception of requests is one; their texts are long, their types say enough.
    return f"the Comet server cannot be reached ({type(error).__name__})"


def _session(account: Account) -> Any:
    """A session with the proxies and certificates of the SDK's: what it reaches, ``start()`` reaches."""
    import requests

    session = requests.Session()
    if not account.check_certificates:
        from urllib3.exceptions import InsecureRequestWarning

        session.verify = False
        warnings.filterwarnings("ignore", category=InsecureRequestWarning)
    return session

"""Comet: whether there is a key, and whether the server answers; the key itself is never shown."""

from __future__ import annotations

from collections.abc import Callable

from fraudlab.doctor.finding import Findings, note, well, wrong

_KEY = "export COMET_API_KEY=… (comet.com: Account settings, API keys), or tracking=offline"


def check_comet(
    mode: str,
    *,
    unreadable: Callable[[], str] | None = None,
    why_not_online: Callable[[], str] | None = None,
) -> Findings:
    """Whether experiments of ``tracking.mode`` can be recorded.

    Parameters
    ----------
    mode : str
        ``auto``, ``online``, ``offline`` or ``off``.
    unreadable : callable, optional
        Says why Comet's configuration cannot be read, or an empty string.
    why_not_online : callable, optional
        Says why no live experiment is possible, or an empty string; raises TrackingError for a malformed key.
    """
    from fraudlab.errors import TrackingError
    from fraudlab.tracking.comet import account, probe

    if mode == "off":
        return [well("Comet", "tracking is off")]
    if why := (unreadable or account.unreadable)():
        return [wrong("Comet", f"its configuration cannot be used: {why}", fix="mend it, or tracking=off")]
    if mode == "offline":
        return [well("Comet", "experiments are kept offline, in the run's folder")]
    try:
        why = (why_not_online or probe.why_not_online)()
    except TrackingError as error:
        return [wrong("Comet", error.message.rstrip("."), fix=error.fix)]
    if not why:
        return [well("Comet", "there is a key, and the server answers")]
    if mode == "online":
        return [wrong("Comet", f"tracking=online, and {why}", fix=_KEY)]
    return [note("Comet", f"{why}: experiments are kept offline", fix=_KEY)]

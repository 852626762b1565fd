"""A page inside a notebook: in a frame of its own, so that neither changes the other."""

from __future__ import annotations

import html

_HEIGHT = 720


def framed(page: str, *, height: int = _HEIGHT) -> str:
    """A self-contained page as HTML that a notebook shows below a cell.

    Its script works in a frame without an origin: it can reach neither the notebook nor its server.

    Parameters
    ----------
    page : str
        A whole HTML document.
    height : int
        Of the frame, in pixels.
    """
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(page, quote=True)}" '
        f'style="width:100%;height:{height}px;border:0"></iframe>'
    )

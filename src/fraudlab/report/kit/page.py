"""One self-contained file: the page's frame, its style and its script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from string import Template
from typing import Any

from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, escape, fragment, script_json


def page(
    *, title: str, body: Iterable[Markup | None], charts: Iterable[Chart], data: Mapping[str, Any]
) -> str:
    """Put a body into the page.

    Parameters
    ----------
    title : str
        Of the browser's tab, escaped here.
    body : iterable of Markup
    charts : iterable of Chart
        Those in the body, for what the pointer reads.
    data : mapping
        More for the script, as JSON.
    """
    hover = {chart.id: chart.hover for chart in charts if chart.hover}
    return Template(asset("page.html")).substitute(
        title=escape(title),
        style=asset("report.css"),
        body=fragment(body),
        data=script_json({"charts": hover, **data}),
        script=asset("report.js"),
    )


def asset(name: str) -> str:
    """A file that pages are made with."""
    return (resources.files("fraudlab.report.kit") / "assets" / name).read_text(encoding="utf-8")

"""The group ``fraudlab runs``: which words it takes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from fraudlab.backend_registry import BACKENDS
from fraudlab.verbs.parsers import Verbs, runs_option, verb

_EXAMPLES = """examples:
  fraudlab runs list --status completed --sort -average_precision --limit 5
  fraudlab runs list --since 7d --json
  fraudlab runs show latest
  fraudlab runs report 20261123-142501-baseline

`fraudlab runs ACTION --help` says more."""


def add_runs_group(verbs: Verbs) -> None:
    """Add ``runs list|show|report``."""
    group = verbs.add_parser(
        "runs",
        help="list runs, show one, make its report again",
        description="Runs that are on the disk: list them, show one, make its report again.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    listing = verb(
        actions,
        "list",
        _runs_list,
        "every run with its headline, oldest first",
        "fraudlab runs list --status completed --since 7d --sort -average_precision --limit 5",
    )
    _add_selection(listing)
    show = verb(actions, "show", _runs_show, "what one run was and found", "fraudlab runs show latest")
    report = verb(
        actions, "report", _runs_report, "write a run's report.html again", "fraudlab runs report latest"
    )
    for parser in (show, report):
        parser.add_argument("run", nargs="?", default="latest", metavar="RUN", help="default: %(default)s")
    for parser in (listing, show, report):
        runs_option(parser)


def _add_selection(listing: argparse.ArgumentParser) -> None:
    listing.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help="running, completed, failed, interrupted or dead; several with commas",
    )
    listing.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="BACKEND",
        help=f"{' or '.join(BACKENDS)}; several with commas",
    )
    listing.add_argument(
        "--name", metavar="TEXT", help="a part of the run's id or of the model's name, or a pattern like v*"
    )
    listing.add_argument(
        "--since", metavar="WHEN", help="begun since: 7d or 12h ago, or a date like 2026-11-20"
    )
    listing.add_argument(
        "--sort",
        metavar="KEY",
        help="started (default), ended, seconds, id, name, status, backend, data, or a metric such as "
        "average_precision; with a hyphen before it the largest come first",
    )
    listing.add_argument(
        "--limit", type=int, metavar="N", help="the first N where --sort is given, else the newest N"
    )
    listing.add_argument("--json", action="store_true", help="print a JSON array, an object per run")


def _runs_list(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import list_all
    from fraudlab.runs.listing import Selection

    selection = Selection(
        status=_words(arguments.status),
        backend=_words(arguments.backend),
        name=arguments.name,
        since=arguments.since,
        sort=arguments.sort,
        limit=arguments.limit,
    )
    return list_all(arguments.runs, selection, as_json=arguments.json)


def _words(values: Sequence[str]) -> list[str]:
    """The words of an option that may be repeated and may hold commas."""
    return [word for value in values for word in value.split(",") if word]


def _runs_show(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import show

    return show(arguments.run, runs=arguments.runs)


def _runs_report(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import report

    return report(arguments.run, runs=arguments.runs)

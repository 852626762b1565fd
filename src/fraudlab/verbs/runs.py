"""The group ``fraudlab runs``: which words it takes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from fraudlab.backend_registry import BACKENDS
from fraudlab.errors import ConfigError
from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option, verb
from fraudlab.verbs.reproduce import add_reproduce
from fraudlab.verbs.sync import add_recover

_EXAMPLES = """examples:
  fraudlab runs list --status completed --sort -average_precision --limit 5
  fraudlab runs list --where "average_precision>0.8 and backend=local" --columns recall,max_depth,differing
  fraudlab runs list --since 7d --json
  fraudlab runs board                                  all runs on a page of this machine
  fraudlab runs show latest
  fraudlab runs report 20261123-142501-baseline
  fraudlab runs attach 20261123-142501-baseline        finish one that its launcher has left
  fraudlab runs reproduce latest                       the same bytes, or what differs
  fraudlab runs recover                                what killed runs had logged, for `fraudlab sync`

`fraudlab runs ACTION --help` says more."""


def add_runs_group(verbs: Verbs) -> None:
    """Add ``runs list|board|show|report|attach|reproduce|recover``."""
    group = explained_verb(
        verbs,
        "runs",
        "list runs, show all on a page, make a report again, finish one",
        description="Runs that are on the disk: list them, show them, make a report again, and finish one"
        "\nwhose jobs went on in the cloud when its launcher had left it.",
        epilog=_EXAMPLES,
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    listing = verb(
        actions,
        "list",
        _runs_list,
        "every run with its headline, oldest first",
        'fraudlab runs list --where "average_precision>0.8 and backend=local" --sort -average_precision \\\n'
        "      --columns average_precision,recall,model.max_depth",
    )
    _add_selection(listing)
    show = verb(actions, "show", _runs_show, "what one run was and found", "fraudlab runs show latest")
    report = verb(
        actions, "report", _runs_report, "write a run's report.html again", "fraudlab runs report latest"
    )
    attach = verb(
        actions,
        "attach",
        _runs_attach,
        "finish a run that its launcher has left",
        "fraudlab runs attach 20261123-142501-baseline",
    )
    attach.add_argument("run", metavar="RUN", help="its id; from any machine")
    attach.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="the account where the run has no folder here, such as backend=sagemaker sagemaker.bucket=NAME",
    )
    add_reproduce(actions)
    add_recover(actions)
    board = verb(
        actions,
        "board",
        _runs_board,
        "show all runs and the registry on a page of this machine, live",
        "fraudlab runs board --port 8090",
    )
    board.add_argument(
        "--port",
        type=int,
        default=8090,
        metavar="N",
        help="of 127.0.0.1; 0 takes one that is free (%(default)s)",
    )
    registry_option(board)
    for parser in (show, report):
        parser.add_argument("run", nargs="?", default="latest", metavar="RUN", help="default: %(default)s")
    for parser in (board, listing, show, report, attach):
        runs_option(parser)


def _add_selection(listing: argparse.ArgumentParser) -> None:
    listing.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help="running, completed, failed, interrupted, pruned, detached or dead; several with commas",
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
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help='such as "average_precision>0.8 and backend=local": fields, metrics and parameters with '
        "= != < <= > >= ~ in, is null, and, or, not; may be repeated (docs/runs.md)",
    )
    listing.add_argument(
        "--columns",
        action="append",
        default=[],
        metavar="NAMES",
        help="what is shown of each run, with commas: fields, metrics, parameters, patterns like model.*, "
        "and `differing` for the parameters that differ",
    )
    listing.add_argument(
        "--sort",
        metavar="KEYS",
        help="started (default), ended, seconds, id, name, status, backend, data, a metric such as "
        "average_precision, or a parameter; with a hyphen before it the largest come first; several with "
        "commas",
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
        where=arguments.where,
        sort=arguments.sort,
        limit=arguments.limit,
    )
    return list_all(arguments.runs, selection, columns=_words(arguments.columns), as_json=arguments.json)


def _words(values: Sequence[str]) -> list[str]:
    """The words of an option that may be repeated and may hold commas."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def _runs_show(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import show

    return show(arguments.run, runs=arguments.runs)


def _runs_report(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import report

    return report(arguments.run, runs=arguments.runs)


def _runs_attach(arguments: argparse.Namespace) -> int:
    from fraudlab.attaching import attach

    return attach(arguments.run, runs=arguments.runs, overrides=arguments.overrides)


def _runs_board(arguments: argparse.Namespace) -> int:
    from fraudlab.board.serving_board import HOST, serve_board
    from fraudlab.commands import require_free_port
    from fraudlab.runs import DEFAULT

    if not 0 <= arguments.port <= 65_535:
        raise ConfigError(f"--port {arguments.port} is not a port.", fix="valid: 0 to 65535")
    require_free_port(HOST, arguments.port)
    return serve_board(runs=arguments.runs or DEFAULT, registry=arguments.registry, port=arguments.port)

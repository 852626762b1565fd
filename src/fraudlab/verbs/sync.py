"""``fraudlab sync`` and ``fraudlab runs recover``: their words."""

from __future__ import annotations

import argparse

from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option, verb

_DESCRIPTION = """Upload to Comet what its server does not have of some runs, or of all: archives of offline
runs, what a lost connection kept back, and what killed runs and jobs have left.
The server is asked first, so nothing is sent twice, by whatever way the rest went up.
It may be killed and repeated at any moment.
Without RUN the registry of models is shown in Comet too, as by `fraudlab models mirror --to comet`."""
_EPILOG = """examples:
  fraudlab sync --dry-run                     what would be sent
  fraudlab sync                               every run
  fraudlab sync 20261123-142501-baseline      one of them

It needs COMET_API_KEY, or a key in ~/.comet.config."""


def add_sync(verbs: Verbs) -> None:
    """Add ``sync``."""
    parser = explained_verb(
        verbs,
        "sync",
        "upload to Comet what its server does not have",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("run", nargs="*", metavar="RUN", help="run id or `latest`; default: all runs")
    parser.add_argument("--dry-run", action="store_true", help="ask the server, and send nothing")
    runs_option(parser)
    registry_option(parser)
    parser.set_defaults(command=_sync)


def add_recover(actions: Verbs) -> None:
    """Add ``runs recover``."""
    parser = verb(
        actions,
        "recover",
        _recover,
        "make the archives of killed runs, and record that they have ended",
        "fraudlab runs recover",
    )
    parser.add_argument("run", nargs="*", metavar="RUN", help="run id or `latest`; default: all runs")
    runs_option(parser)


def _sync(arguments: argparse.Namespace) -> int:
    from fraudlab.syncing import sync

    code = 0
    try:
        code = sync(arguments.run, runs=arguments.runs, dry_run=arguments.dry_run)
    finally:
        # a version belongs to an experiment: those that are there by now can be shown
        if not arguments.run and (arguments.registry / "log.jsonl").is_file():
            from fraudlab.models import registry_commands

            registry_commands.mirror_comet(registry=arguments.registry, dry_run=arguments.dry_run)
    return code


def _recover(arguments: argparse.Namespace) -> int:
    from fraudlab.syncing import recover

    return recover(arguments.run, runs=arguments.runs)

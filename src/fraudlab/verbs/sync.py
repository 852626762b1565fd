"""``fraudlab sync`` and ``fraudlab runs recover``: their words."""

from __future__ import annotations

import argparse
from pathlib import Path

from fraudlab.errors import ConfigError
from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option, verb

_DESCRIPTION = """Upload to Comet what its server does not have of some runs, or of all: archives of offline
runs, what a lost connection kept back, and what killed runs and jobs have left.
The server is asked first, so nothing is sent twice, by whatever way the rest went up.
It may be killed and repeated at any moment.
Without RUN the registry of models is shown in Comet too, and in SageMaker where your configuration names a
role or a bucket (sagemaker.role, sagemaker.bucket), as by `fraudlab models mirror`; AWS is asked in no other
case. --to says it for one time: comet, or sagemaker as well."""
_EPILOG = """examples:
  fraudlab sync --dry-run                     what would be sent
  fraudlab sync                               every run, and the registry
  fraudlab sync 20261123-142501-baseline      one of them
  fraudlab sync --to comet                    nothing to SageMaker
  fraudlab sync --to sagemaker sagemaker.region=eu-west-1

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
    parser.add_argument(
        "words",
        nargs="*",
        metavar="RUN KEY=VALUE",
        help="run id or `latest` (default: all runs); with --to sagemaker also the account",
    )
    parser.add_argument(
        "--to", choices=("comet", "sagemaker"), help="show the registry in Comet alone, or in SageMaker too"
    )
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
    from fraudlab.models import registry_syncing

    names = [word for word in arguments.words if not _is_override(word)]
    overrides = [word for word in arguments.words if _is_override(word)]
    if overrides and arguments.to != "sagemaker":
        raise ConfigError(
            f"{' '.join(overrides)} says which account, and nothing is sent to one.", fix="add --to sagemaker"
        )

    def upload() -> int:
        from fraudlab.syncing import sync

        return sync(names, runs=arguments.runs, dry_run=arguments.dry_run)

    if names and arguments.to is None:
        return upload()
    shown = registry_syncing.steps(
        arguments.to, overrides, registry=arguments.registry, dry_run=arguments.dry_run
    )
    # a version belongs to an experiment: those that are there by now can be shown
    return registry_syncing.carry_out([upload, *shown])


def _is_override(word: str) -> bool:
    return "=" in word and not Path(word).exists()


def _recover(arguments: argparse.Namespace) -> int:
    from fraudlab.syncing import recover

    return recover(arguments.run, runs=arguments.runs)

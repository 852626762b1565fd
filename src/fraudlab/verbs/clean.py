"""``fraudlab clean``: its words, and which of the two places is cleaned."""

from __future__ import annotations

import argparse

from fraudlab.errors import ConfigError
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

_DESCRIPTION = """Remove prepared data and leftovers on this machine; runs stay.
With --cloud, list and then remove what fraudlab made in the AWS account and region, found by name and tag:
endpoints, their configurations, models, jobs still running, and below sagemaker.prefix in the bucket what is
older than a week and not in use. It asks before; without a terminal and without --yes it only lists."""
_EPILOG = """examples:
  fraudlab clean                                   this machine
  fraudlab clean --cloud                           list, ask, remove
  fraudlab clean --cloud --older-than 7d --yes     ask nothing, and only what is older than a week
  fraudlab clean --cloud sagemaker.region=eu-west-1 sagemaker.profile=fraud"""


def add_clean(verbs: Verbs) -> None:
    """Add ``clean``."""
    parser = explained_verb(
        verbs,
        "clean",
        "remove prepared data and leftovers, or with --cloud what was made in AWS; runs stay",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "words", nargs="*", metavar="KEY=VALUE", help="with --cloud, as behind `fraudlab train`"
    )
    parser.add_argument("--cloud", action="store_true", help="clean the AWS account in place of this machine")
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        help="with --cloud, such as 7d or 12h (default: objects of 7d, all else of any age)",
    )
    parser.add_argument("--yes", action="store_true", help="with --cloud, remove without asking")
    runs_option(parser)
    parser.set_defaults(command=_clean)


def _clean(arguments: argparse.Namespace) -> int:
    if arguments.cloud:
        from fraudlab.cloud.cleaning import clean_cloud

        return clean_cloud(arguments.words, older_than=arguments.older_than, yes=arguments.yes)
    given = {"--older-than": arguments.older_than, "--yes": arguments.yes, "KEY=VALUE": arguments.words}
    if odd := [name for name, value in given.items() if value]:
        raise ConfigError(f"{' and '.join(odd)} mean something with --cloud only.", fix="add --cloud")
    from fraudlab.commands import clean

    return clean(arguments.runs)

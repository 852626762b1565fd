"""The group ``fraudlab cloud``: which words it takes."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from fraudlab.verbs.parsers import Verbs, explained_verb

_DESCRIPTION = """Print the prices of SageMaker's machines that fraudlab reckons with, each with its date and
where it is from: read, derived, or answered by AWS. Without a region, all that are known are printed.
Nothing leaves this machine without --refresh, which asks AWS's Pricing API (pricing:GetProducts, which costs
nothing) and keeps the answer in the cache."""
_EPILOG = """exit codes:
  0   printed
  2   there is no region to ask AWS about
  4   AWS was asked in vain; what was known is printed, and stays

examples:
  fraudlab cloud prices --region eu-west-1
  fraudlab cloud prices --region sa-east-1 --refresh
  fraudlab cloud prices --region eu-west-1 --refresh sagemaker.profile=fraud
  fraudlab cloud prices --json"""

_VERIFY = """Carry out the smallest run twice in your AWS account, with a transform job and with an endpoint,
and twice in a rehearsal on this machine; then say where AWS answered otherwise. It asks first: the two cost
cents where all goes well, and the price that is shown is the most they may cost.
What AWS answered is kept in the folder without account ids, names, keys, tokens and addresses, so that it can
be sent to whoever maintains fraudlab; read it before you do."""
_VERIFY_EPILOG = """exit codes:
  0   compared, whether or not something differs
  2   nobody agreed to the price, or the configuration is refused
  otherwise as of `fraudlab train`: a run failed

examples:
  fraudlab cloud verify sagemaker.region=eu-west-1
  fraudlab cloud verify sagemaker.profile=fraud sagemaker.max_usd=2 yes=true
  fraudlab cloud verify --compare fraudlab-verify-20261127-104500    where there was no Docker before
  fraudlab cloud verify backend=rehearsal                            try the command: two rehearsals"""


def add_cloud_group(verbs: Verbs) -> None:
    """Add ``cloud prices`` and ``cloud verify``."""
    group = explained_verb(
        verbs,
        "cloud",
        "print the prices that plans reckon with, or try the smallest run in an account",
        epilog="examples:\n  fraudlab cloud prices --region eu-west-1\n  fraudlab cloud verify",
    )
    actions = group.add_subparsers(metavar="ACTION", required=True)
    prices = explained_verb(
        actions,
        "prices",
        "print the prices of a region, and refresh them",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    prices.add_argument("words", nargs="*", metavar="KEY=VALUE", help="as behind `fraudlab train`")
    prices.add_argument("--region", metavar="REGION", help="the same as sagemaker.region=REGION")
    prices.add_argument("--refresh", action="store_true", help="ask AWS first")
    prices.add_argument("--json", action="store_true", help="print one JSON object")
    prices.set_defaults(command=_prices)
    _add_verify(actions)


def _add_verify(actions: Verbs) -> None:
    parser = explained_verb(
        actions,
        "verify",
        "try the smallest runs in an account, and say where AWS is unlike the rehearsal",
        description=_VERIFY,
        epilog=_VERIFY_EPILOG,
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="as behind `fraudlab train`")
    parser.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="a new one (default: fraudlab-verify-DATE-TIME)"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="FOLDER", help="ask AWS nothing: compare what an earlier one recorded"
    )
    parser.set_defaults(command=_verify)


def _prices(arguments: argparse.Namespace) -> int:
    from fraudlab.cloud.price_listing import list_prices

    words = list(arguments.words)
    if arguments.region is not None:
        words.append(f"sagemaker.region={arguments.region}")
    return list_prices(words, refresh=arguments.refresh, json=arguments.json)


def _verify(arguments: argparse.Namespace) -> int:
    from fraudlab.cloud import verifying
    from fraudlab.redaction import hide

    folder = arguments.compare or arguments.folder
    if folder is None:
        folder = Path(f"fraudlab-verify-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}")
    if arguments.compare is None:
        found = verifying.verify(arguments.words, folder=folder)
    else:
        verifying.rehearse_again(arguments.words, folder=folder)
        found = verifying.compared(folder)
    print(hide("\n".join(verifying.shown(found, folder))))
    return 0

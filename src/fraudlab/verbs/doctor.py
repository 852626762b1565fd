"""``fraudlab doctor``: its words and its help."""

from __future__ import annotations

import argparse

from fraudlab.verbs.parsers import Verbs, explained_verb

_DESCRIPTION = """Say whether everything that a run needs is there: Python, packages, Docker, Compose, disk,
image, table, Comet. With --cloud, and where the backend is in AWS, also the account: credentials,
region, role, bucket, registry, quotas, and what may be costing money now."""
_EPILOG = """exit codes:
  0   all is well (what begins with ! is worth knowing, and stops nothing)
  4   something is wrong: each ✗ has a fix below it
  11  nothing is wrong that could be told, and something could not: each ?

examples:
  fraudlab doctor
  fraudlab doctor data=table data.path=t.csv data.label=is_fraud
  fraudlab doctor --cloud compute.train.instance_type=ml.m5.4xlarge sagemaker.spot=true
  fraudlab doctor --json"""


def add_doctor(verbs: Verbs) -> None:
    """Add ``doctor``."""
    parser = explained_verb(
        verbs,
        "doctor",
        "say whether everything a run needs is there, and what mends what is not",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="as behind `fraudlab train`")
    parser.add_argument("--cloud", action="store_true", help="check the AWS account as well")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from fraudlab.doctor.checkup import check_up

    return check_up(arguments.words, cloud=arguments.cloud, as_json=arguments.json)

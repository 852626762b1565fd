"""The verb ``fraudlab rehearsal``: which words it takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from fraudlab.verbs.parsers import Verbs, verb


def add_rehearsal(verbs: Verbs) -> None:
    """Add ``rehearsal``."""
    parser = verb(
        verbs,
        "rehearsal",
        _rehearsal,
        "serve a loopback AWS that runs SageMaker jobs in Docker",
        "fraudlab rehearsal --image '683313688378.dkr.ecr.*/sagemaker-xgboost:*=fraudlab-xgboost:latest'",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="%(default)s; 0 takes a free one")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".fraudlab-rehearsal"),
        metavar="FOLDER",
        help="where jobs, objects and images stay for the next time (%(default)s)",
    )
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="PATTERN=LOCAL",
        help="run this image of the local engine where a request names one like PATTERN; may be repeated",
    )
    parser.add_argument(
        "--announce", type=Path, metavar="FILE", help="write where it answers, as JSON, once it does"
    )
    parser.add_argument(
        "--idle-exit",
        type=float,
        metavar="SECONDS",
        help="end when nobody has asked for so long and no job runs",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="what goes wrong, see docs/rehearsal.md; may be repeated",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides when it does (%(default)s)")


def _rehearsal(arguments: argparse.Namespace) -> int:
    from fraudlab.rehearsal.rehearsing import RehearsalSettings, rehearse

    return rehearse(
        RehearsalSettings(
            host=arguments.host,
            port=arguments.port,
            state=arguments.state,
            announce=arguments.announce,
            idle_exit=arguments.idle_exit,
            images=tuple(arguments.image),
            faults=tuple(arguments.fault),
            seed=arguments.seed,
        )
    )

"""How a verb is added to the front door."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def verb(
    verbs: Verbs,
    name: str,
    command: Callable[[argparse.Namespace], int],
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a verb with its summary, an example, and the command that carries it out."""
    parser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser


def runs_option(parser: argparse.ArgumentParser) -> None:
    """Let a verb be told where runs are."""
    parser.add_argument(
        "--runs", type=Path, metavar="FOLDER", help="where runs are, and where names stay (default: runs)"
    )

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
    parser = explained_verb(
        verbs,
        name,
        summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
    )
    parser.set_defaults(command=command)
    return parser


def explained_verb(
    verbs: Verbs, name: str, summary: str, *, description: str | None = None, epilog: str
) -> argparse.ArgumentParser:
    """Add a verb or a group whose help has texts of its own, printed line by line as they are written."""
    return verbs.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def runs_option(parser: argparse.ArgumentParser) -> None:
    """Let a verb be told where runs are."""
    parser.add_argument(
        "--runs", type=Path, metavar="FOLDER", help="where runs are, and where names stay (default: runs)"
    )

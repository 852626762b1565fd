"""``fraudlab runs reproduce``: its words."""

from __future__ import annotations

import argparse

from fraudlab.backend_registry import BACKENDS
from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option

_SUMMARY = "carry a run out once more, and compare the model byte by byte"
_DESCRIPTION = """Carry a completed run out once more from what its folder has recorded, without the cache and
without an experiment, and compare the model byte by byte. What differs in data, packages, image and code is
said before it begins; where the model is another, the exit code is 7, and the error names all that differs. A
table that is another is refused at once: no run of it could give the same bytes."""
_EPILOG = """examples:
  fraudlab runs reproduce latest
  fraudlab runs reproduce latest --dry-run                             only say what differs
  fraudlab runs reproduce copies/20261123-142501-baseline --data t.csv
  fraudlab runs reproduce 20261123-142501-baseline --backend process   where there is no Docker"""


def add_reproduce(actions: Verbs) -> None:
    """Add ``runs reproduce``."""
    parser = explained_verb(actions, "reproduce", _SUMMARY, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("run", metavar="RUN", help="run id or `latest`; without --runs also a run's folder")
    parser.add_argument("--data", metavar="PATH", help="where the table is now (default: where it was)")
    parser.add_argument(
        "--backend", choices=tuple(BACKENDS), help="where jobs run now (default: where they ran)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what differs, and begin nothing")
    parser.add_argument("--yes", action="store_true", help="spend money without asking, in an account")
    parser.add_argument("--json", action="store_true", help="print the outcome as one JSON object at the end")
    runs_option(parser)
    parser.set_defaults(command=_reproduce)


def _reproduce(arguments: argparse.Namespace) -> int:
    from fraudlab.files import as_json
    from fraudlab.redaction import hide
    from fraudlab.reproduction.reproducing import reproduce, require_identical

    def say(line: str) -> None:
        print(hide(line), flush=True)

    outcome = reproduce(
        arguments.run,
        runs=arguments.runs,
        data=arguments.data,
        backend=arguments.backend,
        yes=arguments.yes,
        dry_run=arguments.dry_run,
        say=(lambda _: None) if arguments.json else say,
        quiet=arguments.json,
    )
    if arguments.json:
        print(as_json(hide(outcome.as_dict())), end="", flush=True)
    require_identical(outcome)
    if not arguments.json and outcome.again is not None:
        say(f"reproduced: the model is byte-identical, sha256 {outcome.as_dict()['model']}")
        others = [name for name, same in outcome.also_identical.items() if not same]
        if others:
            say(f"  not byte-identical: {', '.join(others)}")
    return 0

"""The verbs of the registry below ``fraudlab models``: which words they take."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from fraudlab.verbs.parsers import Verbs, explained_verb, runs_option, verb

_FOLDER_VARIABLE = "FRAUDLAB_REGISTRY"
_STAGES = ("staging", "production")
_VERSION = "its number, a stage, or latest"
_PROMOTE = """Give a version a stage, where the gates of conf/registry let it: better than the version that
has the stage by paired bootstrap, enough frauds, data and image known, no caution open, approved, and an
endpoint that answers. Every gate that fails is named. --force passes them with a reason, which the log
keeps; a rejected version, and one whose files were changed, gets no stage by force either."""
_PROMOTE_EXAMPLES = """examples:
  fraudlab models promote fraud-detection-xgb 3 --to staging
  fraudlab models promote fraud-detection-xgb 3 --to production --expect 2
  fraudlab models promote fraud-detection-xgb 3 --to production registry=strict
  fraudlab models promote fraud-detection-xgb 3 --to production --force --reason "incident 4711"

exit codes: 0 promoted, or in that stage already; 12 refused"""
_VERIFY = """Check that each line of the log follows from the one before it, and that every file of every
version is the one that was registered; links that were lost are made again. A chain cannot tell that its end
was cut off: write the head down somewhere else, and hand it in with --head."""
_VERIFY_EXAMPLES = """examples:
  fraudlab models verify
  fraudlab models verify --head 9f2c…

exit codes: 0 all is as it was written; 12 something is not"""

_MIRROR = """Show the registry elsewhere: versions, statuses and stages as the log has them. What is there is
asked first, so that nothing is told twice; it may be cut off and repeated at any time. The head of the log is
written there too, and a log that does not have the head that is there is refused: it was cut short.
In Comet a version belongs to the experiment that logged its model; one whose run is not there yet waits.
In SageMaker a version is a package of the group fraudlab-NAME; its image is pushed and its model is sent."""
_MIRROR_EXAMPLES = """examples:
  fraudlab models mirror --to comet --dry-run
  fraudlab models mirror --to comet
  fraudlab models mirror --to sagemaker sagemaker.region=eu-west-1"""


def add_version_verbs(actions: Verbs) -> None:
    """Add ``models register|list|show|approve|reject|promote|rollback|history|verify|mirror``."""
    register = verb(
        actions,
        "register",
        _register,
        "make a run's model the next version of a name",
        "fraudlab models register latest --name fraud-detection-xgb",
    )
    register.add_argument("run", metavar="RUN", help="run id or `latest`, or a run's folder")
    register.add_argument("--name", required=True, metavar="NAME", help="of the model")
    runs_option(register)
    listing = verb(actions, "list", _list, "every version of every model", "fraudlab models list --json")
    show = verb(
        actions,
        "show",
        _show,
        "what is known of a model or a version",
        "fraudlab models show fraud-detection-xgb 3",
    )
    _version(show, optional=True)
    approve = verb(
        actions,
        "approve",
        _approve,
        "approve a version, and accept cautions of its report",
        'fraudlab models approve fraud-detection-xgb 3 --reason "reviewed" --accept generated',
    )
    approve.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="KINDS",
        help="cautions that may stay open, as `promote` names them; several with commas",
    )
    reject = verb(
        actions,
        "reject",
        _reject,
        "reject a version: it gets no stage",
        'fraudlab models reject fraud-detection-xgb 4 --reason "trained on leaked labels"',
    )
    for parser in (approve, reject):
        _version(parser)
        parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="such as registry=strict")
    promote = explained_verb(
        actions, "promote", "give a version a stage", description=_PROMOTE, epilog=_PROMOTE_EXAMPLES
    )
    promote.set_defaults(command=_promote)
    _version(promote)
    promote.add_argument(
        "words", nargs="*", metavar="KEY=VALUE", help="of the gates, such as registry=strict"
    )
    promote.add_argument("--to", required=True, choices=_STAGES, help="the stage")
    promote.add_argument("--force", action="store_true", help="also where a gate fails; needs --reason")
    rollback = verb(
        actions,
        "rollback",
        _rollback,
        "give a stage back to the version that had it before",
        'fraudlab models rollback fraud-detection-xgb --from production --reason "alerts doubled"',
    )
    rollback.add_argument("name", metavar="NAME")
    rollback.add_argument(
        "--from", dest="stage", default="production", choices=_STAGES, help="the stage (%(default)s)"
    )
    for parser in (promote, rollback):
        parser.add_argument(
            "--expect", metavar="VERSION", help="refuse where another version has the stage; `none` is none"
        )
    history = verb(
        actions,
        "history",
        _history,
        "who did what, and how things stood at a time",
        "fraudlab models history fraud-detection-xgb --at 2026-11-20",
    )
    history.add_argument("name", nargs="?", metavar="NAME")
    history.add_argument(
        "--at", metavar="WHEN", help="a time, 7d or 12h ago, or a date: the end of that day (UTC)"
    )
    verify = explained_verb(
        actions, "verify", "check log and files", description=_VERIFY, epilog=_VERIFY_EXAMPLES
    )
    verify.set_defaults(command=_verify)
    verify.add_argument("--head", metavar="DIGEST", help="a last line's digest that somebody wrote down")
    mirror = explained_verb(
        actions,
        "mirror",
        "show the registry in Comet or SageMaker",
        description=_MIRROR,
        epilog=_MIRROR_EXAMPLES,
    )
    mirror.set_defaults(command=_mirror)
    mirror.add_argument(
        "words", nargs="*", metavar="KEY=VALUE", help="the account, as behind `fraudlab train`"
    )
    mirror.add_argument("--to", required=True, choices=("comet", "sagemaker"), help="where")
    mirror.add_argument("--dry-run", action="store_true", help="ask only, and say what would be told")
    for parser in (register, approve, reject, promote, rollback):
        parser.add_argument(
            "--reason", default="", metavar="TEXT", required=parser in (approve, reject), help="why"
        )
        parser.add_argument(
            "--actor", metavar="NAME", help="who acts (default: FRAUDLAB_ACTOR, else your account)"
        )
    for parser in (listing, show, history, verify):
        parser.add_argument("--json", action="store_true", help="print JSON")
    for parser in (register, listing, show, approve, reject, promote, rollback, history, verify, mirror):
        registry_option(parser)


def registry_option(parser: argparse.ArgumentParser) -> None:
    """Let a verb be told where the registry is."""
    parser.add_argument(
        "--registry",
        type=Path,
        default=Path(os.environ.get(_FOLDER_VARIABLE) or "registry"),
        metavar="FOLDER",
        help="where the registry is (default: FRAUDLAB_REGISTRY, else registry)",
    )


def _version(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("version", nargs="?" if optional else None, metavar="VERSION", help=_VERSION)


def _register(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.register(
        arguments.run,
        name=arguments.name,
        registry=arguments.registry,
        runs=arguments.runs,
        actor=arguments.actor,
        reason=arguments.reason,
    )


def _list(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.list_models(registry=arguments.registry, json_wanted=arguments.json)


def _show(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.show(
        arguments.name, arguments.version, registry=arguments.registry, json_wanted=arguments.json
    )


def _approve(arguments: argparse.Namespace) -> int:
    return _decide(
        "approve", arguments, [kind for text in arguments.accept for kind in text.split(",") if kind]
    )


def _reject(arguments: argparse.Namespace) -> int:
    return _decide("reject", arguments, [])


def _decide(verb_name: str, arguments: argparse.Namespace, accepted: list[str]) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.decide(
        verb_name,
        arguments.name,
        arguments.version,
        registry=arguments.registry,
        actor=arguments.actor,
        reason=arguments.reason,
        accepted=accepted,
        overrides=arguments.words,
    )


def _promote(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.promote(
        arguments.name,
        arguments.version,
        to=arguments.to,
        registry=arguments.registry,
        actor=arguments.actor,
        reason=arguments.reason,
        expect=arguments.expect,
        force=arguments.force,
        overrides=arguments.words,
    )


def _rollback(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.rollback(
        arguments.name,
        stage=arguments.stage,
        registry=arguments.registry,
        actor=arguments.actor,
        reason=arguments.reason,
        expect=arguments.expect,
    )


def _history(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.history(
        arguments.name, at=arguments.at, registry=arguments.registry, json_wanted=arguments.json
    )


def _mirror(arguments: argparse.Namespace) -> int:
    if arguments.to == "sagemaker":
        from fraudlab.cloud import model_packages

        return model_packages.mirror(arguments.words, registry=arguments.registry, dry_run=arguments.dry_run)
    from fraudlab.errors import ConfigError
    from fraudlab.models import registry_commands

    if arguments.words:
        raise ConfigError("--to comet takes no overrides.", fix="COMET_API_KEY and others: docs/tracking.md")
    return registry_commands.mirror_comet(registry=arguments.registry, dry_run=arguments.dry_run)


def _verify(arguments: argparse.Namespace) -> int:
    from fraudlab.models import registry_commands

    return registry_commands.verify(
        registry=arguments.registry, head=arguments.head, json_wanted=arguments.json
    )

"""The front door: one line per verb. A heavy module is imported by the verb that needs it."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fraudlab import streams
from fraudlab._version import __version__
from fraudlab.errors import AFTER_INTERRUPTION, FraudlabError, Interrupted, StorageError
from fraudlab.verbs.clean import add_clean
from fraudlab.verbs.cloud import add_cloud_group
from fraudlab.verbs.deploy import add_deploy
from fraudlab.verbs.doctor import add_doctor
from fraudlab.verbs.model_versions import registry_option
from fraudlab.verbs.models import add_models_group
from fraudlab.verbs.parsers import Verbs, runs_option, verb
from fraudlab.verbs.predict import add_predict
from fraudlab.verbs.rehearse import add_rehearsal
from fraudlab.verbs.runs import add_runs_group
from fraudlab.verbs.sync import add_sync

VERBS = (
    *("train", "plan", "tune", "predict", "compare", "serve", "clean", "runs", "data", "models"),
    *("rehearsal", "doctor", "deploy", "cloud", "sync"),
)
_DESCRIPTION = (
    "Describe a fraud-detection run once; run it as plain processes, as SageMaker jobs in\n"
    "Docker on this machine (local mode, or a rehearsal of AWS), or in an AWS account."
)
_EXAMPLES = """examples:
  fraudlab train                                        the default table, in Docker where there is one
  fraudlab train backend=process model=weighted         other answers to conf/train.yaml's questions
  fraudlab train data=table data.path=t.csv data.label=is_fraud data.time=ts "data.id=[tx]"
  fraudlab train experiment=notebook_v1                 a named combination
  fraudlab plan backend=sagemaker sagemaker.region=eu-west-1    what it would send and cost
  fraudlab compare latest 20261123-142501-baseline      two runs side by side
  fraudlab serve --model runs/latest/model              a local endpoint
  fraudlab predict --endpoint http://localhost:8080 transactions.csv

`fraudlab VERB --help` says more. `eval "$(fraudlab train -sc install=bash)"` completes overrides."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (see :mod:`fraudlab.errors`)."""
    streams.prepare()
    code = 0
    try:
        code = _run_command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        streams.silence()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        streams.silence()
        print(f"error: Output cannot be written: {error.strerror}.", file=sys.stderr)
        return code or StorageError.exit_code
    return code


def _run_command(arguments: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["train"] or "-sc" in words[:1] or "--shell-completion" in words[:1]:
            from fraudlab.verbs.train import train_command

            return train_command(words, verbs=VERBS)
        if words[:1] == ["plan"]:
            from fraudlab.verbs.plan import plan_command

            return plan_command(words[1:])
        if words[:1] == ["tune"]:
            from fraudlab.verbs.tune import tune_command

            return tune_command(words[1:])
        parsed = _parsed(_with_hyphen(words))
        command: Callable[[argparse.Namespace], int] = parsed.command
        return command(parsed)
    except FraudlabError as error:
        from fraudlab.redaction import hide

        print(f"error: {hide(str(error))}", file=sys.stderr)
        return error.exit_code
    except SystemExit:
        # Help that argparse has printed is written out while it can be told that nobody reads it.
        sys.stdout.flush()
        raise
    except KeyboardInterrupt:
        print(f"error: Interrupted.\nfix: {AFTER_INTERRUPTION}", file=sys.stderr)
        return Interrupted.exit_code


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    """Parse, and let overrides stand behind flags too: argparse takes them in one place only."""
    parser = _parser()
    parsed, more = parser.parse_known_args(words)
    if more and (not hasattr(parsed, "words") or any(word.startswith("-") for word in more)):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        parsed.words = [*parsed.words, *more]
    return parsed


def _with_hyphen(words: Sequence[str]) -> list[str]:
    """``--sort -KEY`` as one word: argparse takes what begins with a hyphen for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--sort" and word[:1] == "-" and word[1:2].isalpha():
            joined[-1] = f"--sort={word}"
        else:
            joined.append(word)
    return joined


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fraudlab",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=_front_formatter,
    )
    parser.add_argument("--version", action="version", version=f"fraudlab {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    verbs.add_parser("train", help="prepare, train, deploy, evaluate, report: one run")
    verbs.add_parser("plan", help="what a run would send, rent and cost; nothing is sent")
    verbs.add_parser("tune", help="search the model's settings on validation, and test the best once")

    add_predict(verbs)

    compare = verb(
        verbs,
        "compare",
        _compare,
        "put two to twenty runs side by side, on the terminal and as a page",
        "fraudlab compare 20261123-142501-notebook-v1 latest\n"
        "  fraudlab compare base wider deeper --markdown | gh pr comment --body-file -",
    )
    compare.add_argument(
        "names",
        nargs="+",
        metavar="RUN",
        help="run id or `latest`, each is judged against the first; without --runs also a run's folder",
    )
    compare.add_argument(
        "--output", type=Path, metavar="HTML", help="default: in RUNS/comparisons, named after the runs"
    )
    compare.add_argument(
        "--markdown", action="store_true", help="print Markdown for a pull request instead of the tables"
    )
    runs_option(compare)

    serve = verb(
        verbs,
        "serve",
        _serve,
        "serve a model on this machine, without Docker",
        "fraudlab serve --model fraud-detection-xgb:production --port 8080",
    )
    serve.add_argument(
        "--model",
        default="runs/latest/model",
        metavar="FOLDER|NAME:VERSION",
        help="a model's folder, or a version of the registry by its number or stage (%(default)s)",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="%(default)s")
    serve.add_argument("--workers", type=int, default=1, help="processes, one thread each (%(default)s)")
    serve.add_argument(
        "--follow",
        action="store_true",
        help="answer with whichever version has the stage: a promotion takes over between two requests",
    )
    registry_option(serve)

    add_clean(verbs)
    add_runs_group(verbs)
    _add_data_group(verbs)
    add_models_group(verbs)
    add_rehearsal(verbs)
    add_doctor(verbs)
    add_deploy(verbs)
    add_cloud_group(verbs)
    add_sync(verbs)
    return parser


def _front_formatter(prog: str) -> argparse.HelpFormatter:
    """Leave room for the longest verb: argparse measures them without what they are indented by."""
    formatter = argparse.RawDescriptionHelpFormatter(prog)
    formatter._action_max_length = len("    rehearsal")
    return formatter


def _add_data_group(verbs: Verbs) -> None:
    group = verbs.add_parser("data", help="generate a table")
    actions = group.add_subparsers(metavar="ACTION", required=True)
    generate = verb(
        actions,
        "generate",
        _data_generate,
        "write the synthetic table to a file",
        "fraudlab data generate transactions.csv --rows 100000 --seed 7",
    )
    generate.add_argument("file", type=Path, metavar="FILE", help=".csv or .parquet")
    generate.add_argument("--rows", type=int, default=284_807, help="%(default)s")
    generate.add_argument("--fraud-rate", type=float, default=0.001727, help="%(default)s")
    generate.add_argument("--seed", type=int, default=42, help="%(default)s")


def _compare(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import compare

    return compare(arguments.names, runs=arguments.runs, output=arguments.output, markdown=arguments.markdown)


def _serve(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import serve

    return serve(
        arguments.model,
        registry=arguments.registry,
        follow=arguments.follow,
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
    )


def _data_generate(arguments: argparse.Namespace) -> int:
    from fraudlab.commands import generate

    return generate(arguments.file, rows=arguments.rows, fraud_rate=arguments.fraud_rate, seed=arguments.seed)

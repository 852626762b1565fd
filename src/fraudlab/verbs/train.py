"""``fraudlab train``: its own flags, its help, and what is printed of how runs ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

from fraudlab import streams
from fraudlab.errors import ConfigError, FraudlabError, GateFailed

if TYPE_CHECKING:
    from fraudlab.hydra_front import Task
    from fraudlab.runs import Run

#: flags that print something and start no run
_STARTS_NONE = {"--cfg", "-c", "--info", "-i", "--hydra-help", "--version", "--shell-completion", "-sc"}

_HELP = """usage: fraudlab train [OVERRIDES] [FLAGS]        overrides and flags in any order
       fraudlab train --help KEY                 type, unit, default and range of a key or section

Carry out one run: prepare, train, deploy, evaluate, report.

flags:
  -v, --verbose        show what the jobs print
  --json               print one JSON object per run, in a line, on standard output (run, folder, status,
                       exit_code, metrics, gates, report, model, error), and progress on standard error
  --fail-if CONDITION  exit with 10 where the test metrics say so, as "average_precision<0.7"; may be repeated
  -m, --multirun       several runs, one after another: values with commas between them
  --cfg job            show the configuration and stop

examples:
  fraudlab train backend=process
  fraudlab train model=weighted model.max_depth=8 seed=7
  fraudlab train data=table data.path=my.parquet data.label=is_fraud data.time=ts "data.id=[tx_id]"
  fraudlab train experiment=notebook_v1
  fraudlab train -m model=baseline,weighted            several runs, one after another
  fraudlab train --json --fail-if "average_precision<0.7" --fail-if "alerts_per_day>50"
  fraudlab train --help model.max_depth
  eval "$(fraudlab train -sc install=bash)"            complete overrides with the tab key

questions, and their answers (QUESTION=ANSWER):
{groups}

keys (KEY=VALUE; `--help KEY` or `--help SECTION` says more):
{keys}

more flags, of Hydra: --cfg hydra|all, --resolve, --info, --package, -sc install=SHELL, --hydra-help
"""


class _Asked(NamedTuple):
    """The words of a command line, sorted.

    Attributes
    ----------
    rest : list of str
        Overrides and Hydra's flags, as they came.
    conditions : list of str
        Behind ``--fail-if``.
    """

    rest: list[str]
    conditions: list[str]


def train_command(words: Sequence[str], *, verbs: Sequence[str]) -> int:
    """Run ``fraudlab train …``.

    Parameters
    ----------
    words : sequence of str
        The command line behind ``fraudlab``.
    verbs : sequence of str
        Every verb, to complete the first word.

    Returns
    -------
    int
        Exit code.
    """
    if words[0] != "train":
        from fraudlab.hydra_front import complete

        return complete(words, verbs=verbs, task=_printing())
    rest = list(words[1:])
    if {"--help", "-h"} & set(rest):
        topics = [word for word in rest if not word.startswith("-") and "=" not in word]
        print("\n".join(map(_help_for, topics)) if topics else help_text(), end="")
        return 0
    if "--json" not in rest:
        return _train(rest, _printing())
    with streams.only_answers() as answer:
        return _answered([word for word in rest if word != "--json"], answer)


def help_text() -> str:
    """The text of ``fraudlab train --help``: every group with its options, every key."""
    from fraudlab.config_options import groups, options, valid_keys

    asked = [f"  {group:<12}{' | '.join(options(group))}" for group in groups()]
    keys = []
    for section in valid_keys(""):
        names = valid_keys(section)
        line = f"{section}." + "{" + ", ".join(names) + "}" if names else section
        keys.append(fill(line, 100, initial_indent="  ", subsequent_indent=" " * 6))
    return _HELP.format(groups="\n".join(asked), keys="\n".join(keys))


def _help_for(topic: str) -> str:
    from fraudlab.reference import help_for

    return help_for(topic)


def _train(words: Sequence[str], task: Task) -> int:
    from fraudlab.cloud.consent import require_consent
    from fraudlab.gates import parse_gates
    from fraudlab.hydra_front import carry_out

    asked = _sorted(words)
    return carry_out(asked.rest, replace(task, gates=parse_gates(asked.conditions), consent=require_consent))


def _answered(words: Sequence[str], answer: Callable[[str], None]) -> int:
    """Carry out runs and print one JSON object for each, also where an error came before the run began."""
    from fraudlab.hydra_front import Task
    from fraudlab.outcome import as_line, of_error, of_run

    def refused(error: FraudlabError) -> None:
        _say(error)
        answer(as_line(of_error(error)))
        if error.run is not None:
            _say_costs(error.run)

    def completed(run: Run) -> None:
        answer(as_line(of_run(run)))
        _say_costs(run.folder)

    try:
        if found := _STARTS_NONE & {word.partition("=")[0] for word in words}:
            raise ConfigError(
                f"--json is for runs, and {found.pop()} starts none.", fix="leave one of them out"
            )
        return _train(words, Task(completed=completed, failed=refused))
    except BaseException as error:
        answer(as_line(of_error(error)))
        raise


def _printing() -> Task:
    from fraudlab.hydra_front import Task

    def failed(error: FraudlabError) -> None:
        if isinstance(error, GateFailed) and error.run is not None:
            print(f"report: {_as_printed(error.run)}")
        _say(error)
        if error.run is not None:
            _say_costs(error.run)

    def completed(run: Run) -> None:
        print(f"report: {_as_printed(run.folder)}")
        _say_costs(run.folder)

    return Task(completed=completed, failed=failed)


def _say_costs(folder: Path) -> None:
    from fraudlab.cloud.after_run import say_costs_after

    say_costs_after(folder, _to_standard_error)


def _say(error: FraudlabError) -> None:
    _to_standard_error(f"error: {error}")


def _to_standard_error(line: str) -> None:
    from fraudlab.redaction import hide

    print(hide(line), file=sys.stderr)


def _sorted(words: Sequence[str]) -> _Asked:
    rest: list[str] = []
    conditions: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if word in {"-v", "--verbose"}:
            rest.append("verbose=true")
        elif name != "--fail-if":
            rest.append(word)
        elif equals:
            conditions.append(value)
        elif waiting:
            conditions.append(waiting.pop(0))
        else:
            raise ConfigError("--fail-if needs a condition.", fix='write --fail-if "average_precision<0.7"')
    return _Asked(rest, conditions)


def _as_printed(run: Path) -> Path:
    path = run / "report.html"
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path

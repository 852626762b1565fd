"""Runs as the command line asks for them: one through our own checks, Hydra's flags through Hydra's front."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fraudlab.compose import (
    CONFIG_NAME,
    checked,
    compose,
    mistakes,
    own_folder,
    readable,
    search_path_override,
)
from fraudlab.config import register_schema
from fraudlab.config_options import config_folder
from fraudlab.errors import ConfigError, FraudlabError, Interrupted, nearest
from fraudlab.objections import together
from fraudlab.override_mistakes import explain
from fraudlab.overrides import quoted
from fraudlab.redaction import showing_configuration, watch_environment

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from fraudlab.config import RunConfig
    from fraudlab.gates import Gate
    from fraudlab.runs import Run

#: Hydra's flags that stand alone, and those with a word behind them
_ALONE = ("--help", "-h", "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m",
          "--shell-completion", "-sc")  # fmt: skip
_VALUED = ("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--experimental-rerun")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_CFG = ("job", "hydra", "all")
#: flags of which Hydra takes one kind at a time
_MODES = {
    **dict.fromkeys(("--cfg", "-c"), "--cfg"),
    **dict.fromkeys(("--info", "-i"), "--info"),
    **dict.fromkeys(("--run", "-r"), "--run"),
    **dict.fromkeys(("--multirun", "-m"), "-m"),
    **dict.fromkeys(("--shell-completion", "-sc"), "-sc"),
}
_EXAMPLES = {"--cfg": "job", "-c": "job", "--package": "model", "-p": "model"}
_OURS = ("--config-path", "-cp", "--config-name", "-cn")


@dataclass(frozen=True)
class Task:
    """What one command line asks of every run it starts.

    Attributes
    ----------
    completed, failed : callable
        Told how each run ended.
    gates : sequence of Gate
        Conditions that make a run fail.
    consent : callable
        Given each configuration before its run begins; raises where it may not begin, and returns what the
        run's record keeps of its plan.
    """

    completed: Callable[[Run], None]
    failed: Callable[[FraudlabError], None]
    gates: Sequence[Gate] = ()
    consent: Callable[[RunConfig], dict[str, Any] | None] = lambda _config: None


class _SweepEnds(BaseException):
    """Somebody stopped a run. After an ``Exception`` Hydra would begin the next run of a sweep."""

    def __init__(self, error: Interrupted) -> None:
        super().__init__(str(error))
        self.error = error


def carry_out(words: Sequence[str], task: Task) -> int:
    """Carry out the runs, or the question to Hydra, that overrides and Hydra's flags ask for, in any order.

    After an interruption no other run of a sweep is begun.

    Returns
    -------
    int
        Exit code: of the first run that failed.
    """
    if any(word.startswith("-") for word in words):
        return _through_hydra(words, task)
    try:
        config = compose(words)
        plan = task.consent(config)
        # What a run needs takes a second to import: a mistake is said before that.
        from fraudlab.workflow import run_workflow

        task.completed(run_workflow(config, overrides=words, gates=task.gates, plan=plan))
    except FraudlabError as error:
        task.failed(error)
        return error.exit_code
    return 0


def _through_hydra(words: Sequence[str], task: Task) -> int:
    """Let Hydra do what its flags ask for; every run it starts is checked and carried out as any other."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if "${" in str(Path.cwd()):
        raise ConfigError(
            f"Flags cannot be used in {Path.cwd()}: Hydra takes ${{ in its path for a reference.",
            fix="call it from another folder, or without flags",
        )
    failed: list[FraudlabError] = []

    @hydra.main(version_base="1.3", config_path=str(config_folder()), config_name=CONFIG_NAME)
    def run_one(node: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from fraudlab.workflow import run_workflow

        overrides = list(HydraConfig.get().overrides.task)
        try:
            config = checked(node)
            plan = task.consent(config)
            task.completed(run_workflow(config, overrides=overrides, gates=task.gates, plan=plan))
        except Interrupted as error:
            raise _SweepEnds(error) from error
        except FraudlabError as error:  # the other runs of a sweep still go on
            task.failed(error)
            failed.append(error)

    register_schema()
    watch_environment()
    printing = {"--cfg", "-c", "--info", "-i"} & {word.partition("=")[0] for word in words}
    with TemporaryDirectory(prefix="fraudlab-sweep-") as aside:
        arguments = ["fraudlab", *_in_hydras_order(words, aside=aside)]
        try:
            with _hydras_environment(arguments), showing_configuration() if printing else nullcontext():
                run_one()
        except _SweepEnds as end:
            task.failed(end.error)
            failed.append(end.error)
        except (HydraException, OmegaConfBaseException) as error:
            overrides = _sorted_words(words)[1]
            raise together([explain(error), *mistakes(overrides, sweep=True)]) from error
    return failed[0].exit_code if failed else 0


@contextmanager
def _hydras_environment(arguments: list[str]) -> Iterator[None]:
    """Give Hydra its command line, and let errors reach us instead of its own printing."""
    before, sys.argv = sys.argv, arguments
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]


def _in_hydras_order(words: Sequence[str], *, aside: str) -> list[str]:
    """Flags first, then all overrides in a row: argparse takes them in no other order.

    In the folder `aside` Hydra may leave what it writes of a sweep.
    """
    flags, overrides = _sorted_words(words)
    sweep = bool({"-m", "--multirun"} & set(flags))
    if {"-sc", "--shell-completion"} & set(flags):  # completion reads no search path, and overrides as YAML
        own = own_folder()
        return [*flags, *(["--config-dir", str(own)] if own else []), *overrides]
    ours = [*search_path_override(), *([f"hydra.sweep.dir={quoted(aside)}"] if sweep else [])]
    return [*flags, *readable(overrides, sweep=sweep), *ours]


def _sorted_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            overrides.append(word)
            continue
        if name in _OURS:
            raise ConfigError(
                f"{name} would replace fraudlab's own configuration.",
                fix="put your own options into ./conf, or use --config-dir FOLDER",
            )
        flags.append(word)
        if name in ("--info", "-i"):
            flags += [rest.pop(0)] if rest and rest[0] in _INFO and not equals else []
        elif name in _VALUED:
            flags += _value_of(name, rest, value if equals else None)
        elif name not in _ALONE:
            raise _no_flag(word)
    modes = [_MODES[name] for word in flags if (name := word.partition("=")[0]) in _MODES]
    if len(set(modes)) > 1:
        raise ConfigError(
            f"{' and '.join(dict.fromkeys(modes))} ask for different things.",
            fix="leave all but one of them out",
        )
    return flags, overrides


def _value_of(flag: str, rest: list[str], given: str | None) -> list[str]:
    """The word behind a flag, as words."""
    value = given if given is not None else rest.pop(0) if rest else None
    if value is None:
        raise ConfigError(
            f"{flag} needs a word behind it.", fix=f"for example {flag} {_EXAMPLES.get(flag, 'FOLDER')}"
        )
    if flag in ("--cfg", "-c") and value not in _CFG:
        raise ConfigError(f"{flag} {value} shows nothing.", fix=nearest(value, _CFG))
    return [] if given is not None else [value]


def _no_flag(word: str) -> ConfigError:
    from fraudlab.config_options import groups, valid_keys

    bare = word.lstrip("-")
    section = bare.partition("=")[0].partition(".")[0]
    if section in (*valid_keys(""), *groups()):
        return ConfigError(f"{word} has hyphens, and keys have none.", fix=f"write {bare}")
    name = word.partition("=")[0]
    return ConfigError(f"{name} is not a flag.", fix=nearest(name, [*_ALONE, *_VALUED, "--info", "-i"]))


def complete(words: Sequence[str], *, verbs: Sequence[str], task: Task) -> int:
    """Answer the shell's question for completions: Hydra knows overrides, not that a verb comes first."""
    line = os.environ.get("COMP_LINE", "")
    parts = line.split(" ")
    if "query" in words[-1] and len(parts) <= 2:
        typed = parts[1] if len(parts) == 2 else ""
        print(" ".join(verb for verb in verbs if verb.startswith(typed)))
        return 0
    if len(parts) > 1:
        if parts[1] != "train":
            return 0
        os.environ["COMP_LINE"] = " ".join([parts[0], *parts[2:]])
        point = int(os.environ.get("COMP_POINT", len(line)))
        os.environ["COMP_POINT"] = str(max(0, point - len("train ")))
    try:
        return _through_hydra(words, task)
    except ConfigError:
        if "query" in words[-1]:  # half a word need not make sense yet
            return 0
        raise

"""``fraudlab train``: one run through our own checks; Hydra's own flags through Hydra's own front."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.compose import (
    CONFIG_NAME,
    checked,
    compose,
    config_folder,
    explain,
    own_folder,
    readable,
    search_path_override,
)
from fraudlab.config import register_schema
from fraudlab.errors import ConfigError, FraudlabError, nearest
from fraudlab.redaction import hide, showing_configuration, watch_environment

if TYPE_CHECKING:
    from omegaconf import DictConfig

#: Hydra's flags that stand alone, and those with a word behind them
_ALONE = ("--help", "-h", "--hydra-help", "--version", "--resolve", "--run", "-r", "--multirun", "-m",
          "--shell-completion", "-sc")  # fmt: skip
_VALUED = ("--cfg", "-c", "--package", "-p", "--config-dir", "-cd", "--experimental-rerun")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_OURS = ("--config-path", "-cp", "--config-name", "-cn")

_HELP = """usage: fraudlab train [-v] [OVERRIDES] [HYDRA FLAGS]

Carry out one run: prepare, train, deploy, evaluate, report. With -v, show what the jobs print.

examples:
  fraudlab train backend=process
  fraudlab train model=weighted model.max_depth=8 seed=7
  fraudlab train data=table data.path=my.parquet data.label=is_fraud data.time=ts "data.id=[tx_id]"
  fraudlab train experiment=notebook_v1
  fraudlab train -m model=baseline,weighted            several runs, one after another
  fraudlab train --cfg job                             show the configuration and stop
  eval "$(fraudlab train -sc install=bash)"            complete overrides with the tab key

questions, and their answers (QUESTION=ANSWER):
{groups}

keys (KEY=VALUE; types, units and defaults in `--cfg job`):
{keys}

flags of Hydra: --cfg job|hydra|all, -m, --resolve, --info, --package, -sc install=SHELL, --hydra-help
"""


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
        return _complete(words, verbs)
    rest = ["verbose=true" if word in {"-v", "--verbose"} else word for word in words[1:]]
    if rest in (["--help"], ["-h"]):
        print(help_text(), end="")
        return 0
    if any(word.startswith("-") for word in rest):
        return _through_hydra(rest)
    return _one_run(rest)


def help_text() -> str:
    """The text of ``fraudlab train --help``: every group with its options, every key."""
    from fraudlab.compose import groups, options, valid_keys

    asked = [f"  {group:<12}{' | '.join(options(group))}" for group in groups()]
    keys = []
    for section in valid_keys(""):
        names = valid_keys(section)
        keys.append(f"  {section}." + "{" + ", ".join(names) + "}" if names else f"  {section}")
    return _HELP.format(groups="\n".join(asked), keys="\n".join(keys))


def _one_run(overrides: Sequence[str]) -> int:
    config = compose(overrides)
    from fraudlab.workflow import run_workflow

    run = run_workflow(config, overrides=overrides)
    print(f"report: {_shown(run.report)}")
    return 0


def _through_hydra(words: Sequence[str]) -> int:
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
            run = run_workflow(checked(node), overrides=overrides)
            print(f"report: {_shown(run.report)}")
        except FraudlabError as error:  # the other runs of a sweep still go on
            print(f"error: {hide(str(error))}", file=sys.stderr)
            failed.append(error)

    register_schema()
    watch_environment()
    shown = {"--cfg", "-c", "--info", "-i"} & {word.partition("=")[0] for word in words}
    before, sys.argv = sys.argv, ["fraudlab", *_in_hydras_order(words)]
    full_error = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors reach us instead of Hydra's own printing
    try:
        with showing_configuration() if shown else nullcontext():
            run_one()
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error) from error
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
    return failed[0].exit_code if failed else 0


def _in_hydras_order(words: Sequence[str]) -> list[str]:
    """Flags first, then all overrides in a row: argparse takes them in no other order."""
    flags, overrides = _sorted_words(words)
    sweep = bool({"-m", "--multirun"} & set(flags))
    if {"-sc", "--shell-completion"} & set(flags):  # completion reads no search path, and overrides as YAML
        own = own_folder()
        return [*flags, *(["--config-dir", str(own)] if own else []), *overrides]
    return [*flags, *readable(overrides, sweep=sweep), *search_path_override()]


def _sorted_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
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
            flags += [rest.pop(0)] if rest and not equals else []
        elif name not in _ALONE:
            raise _no_flag(word)
    return flags, overrides


def _no_flag(word: str) -> ConfigError:
    from fraudlab.compose import groups, valid_keys

    bare = word.lstrip("-")
    section = bare.partition("=")[0].partition(".")[0]
    if section in (*valid_keys(""), *groups()):
        return ConfigError(f"{word} has hyphens, and keys have none.", fix=f"write {bare}")
    name = word.partition("=")[0]
    return ConfigError(f"{name} is not a flag.", fix=nearest(name, [*_ALONE, *_VALUED, "--info", "-i"]))


def _complete(words: Sequence[str], verbs: Sequence[str]) -> int:
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
        return _through_hydra(words)
    except ConfigError:
        if "query" in words[-1]:  # half a word need not make sense yet
            return 0
        raise


def _shown(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path

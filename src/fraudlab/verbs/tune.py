"""``fraudlab tune``: its words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fraudlab.errors import ConfigError

_HELP = """usage: fraudlab tune [OVERRIDES]      tune.KEY=VALUE of the study, and those of `fraudlab train`

Try settings of the model, judge each by average precision on validation, and train the best once more as a
normal run. Trials never see test: what tuning was worth is measured there once, against the settings you
started from, with its interval. Every trial is a run (`fraudlab runs list --where study.name=NAME`).
The same call goes on with a study that was stopped or killed, at whatever moment.

keys:
  tune.trials=50          how many settings are tried, those of earlier calls included
  tune.timeout=2h         no trial begins later than this
  tune.parallel=2         trials beside each other, each on its share of the cores
  tune.name=NAME          of the study; without it the same question has the same name
  tune.seed=7             of what is tried; default the run's seed
  tune.sampler=tpe        tpe | random
  tune.pruner=median      median | none: whether a trial that falls behind is ended
  tune.warmup_rounds=30   rounds before which no trial is ended
  tune.space.PARAMETER    {low: 3, high: 9}, {low: 0.01, high: 0.3, log: true}, a list, or null for none
  tune=NAME               another file of conf/tune, such as one of your own in ./conf/tune

examples:
  fraudlab tune tune.trials=50 backend=process
  fraudlab tune backend=process data=table data.path=t.csv data.label=is_fraud data.time=ts tune.timeout=1h
  fraudlab tune "tune.space.max_depth=[4, 6, 8]" "tune.space.gamma={low: 0, high: 5}"
  fraudlab tune split=prequential tune.parallel=2       the mean over the folds' validation weeks
  fraudlab tune backend=local tune.trials=20            each trial a job in Docker
  fraudlab tune backend=sagemaker sagemaker.max_usd=20  asked once; the maximum is of the whole study
  fraudlab plan backend=sagemaker tune.trials=50        what it may cost; nothing is sent
"""


def tune_command(words: Sequence[str]) -> int:
    """Run ``fraudlab tune …``.

    Parameters
    ----------
    words : sequence of str
        The command line behind ``tune``.

    Returns
    -------
    int
        Exit code.
    """
    if {"--help", "-h"} & set(words):
        print(_HELP, end="")
        return 0
    if flags := [word for word in words if word.startswith("-")]:
        raise ConfigError(f"{flags[0]} is not a flag of tune.", fix="valid: --help; all else is KEY=VALUE")
    from fraudlab.studies.tuning import tune

    outcome = tune(words, ended=_say_costs)
    print(outcome.worth)
    print(f"best settings: {_as_printed(outcome.folder / 'best.yaml')}")
    print(f"report: {_as_printed(outcome.page)}")
    return 0


def _say_costs(run: Path) -> None:
    from fraudlab.cloud.after_run import say_costs_after
    from fraudlab.redaction import hide

    say_costs_after(run, lambda line: print(hide(line), file=sys.stderr))


def _as_printed(path: Path) -> Path:
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path

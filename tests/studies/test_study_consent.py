"""A study that costs money is asked about once, before it begins, and keeps to its maximum all the way."""

import json
import sys
from types import SimpleNamespace

import pytest
from tests.studies.test_study_plan import CLOUD, billed, write_run

from fraudlab import workflow
from fraudlab.cli import main
from fraudlab.cloud import agreement
from fraudlab.errors import ConfigError
from fraudlab.files import private_folder
from fraudlab.plan import survey as surveying
from fraudlab.studies import tuning
from fraudlab.studies.searching import Search
from fraudlab.studies.study_consent import require_study_consent
from fraudlab.studies.study_spending import Allowance
from fraudlab.studies.tuning_request import read_request, require_same


class Begun(Exception):
    """The study has begun its first run."""


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, in_tmp, monkeypatch):
    def begin(*_, **__):
        raise Begun

    monkeypatch.setattr(surveying, "image_id", lambda _: f"sha256:{'ab' * 32}")
    monkeypatch.setattr(workflow, "run_workflow", begin)
    return in_tmp


def sit(monkeypatch, answer):
    """Somebody at a terminal, who gives one answer; the questions are in the list."""
    questions = []

    def read(question):
        questions.append(question)
        return answer

    monkeypatch.setattr(agreement, "can_ask", lambda: True)
    monkeypatch.setitem(agreement.agrees.__kwdefaults__, "read", read)
    return questions


REFUSED = {
    "nobody can be asked": ([], None, "there is no terminal to ask.\nfix: yes=true"),
    "no": ([], "n", "Nothing was started: nobody agreed"),
    "nothing": ([], "", "Nothing was started"),
    "a maximum that is too small, agreed to or not": (
        ["sagemaker.max_usd=0.5", "yes=true"],
        None,
        "A study of one trial may cost $",
    ),
    "a maximum without a price": (
        ["sagemaker.region=sa-east-1", "sagemaker.max_usd=9", "yes=true"],
        None,
        "cannot be kept: prices of region sa-east-1",
    ),
}


@pytest.mark.parametrize(("words", "answer", "message"), REFUSED.values(), ids=list(REFUSED))
def test_nothing_begins_without_consent(own_folder, monkeypatch, capsys, words, answer, message):
    if answer is not None:
        sit(monkeypatch, answer)
    assert main(["tune", *CLOUD, *words]) == 2
    assert message in capsys.readouterr().err
    assert not (own_folder / "runs").exists()


@pytest.mark.parametrize(("more", "answer"), [(["yes=true"], None), ([], "y"), ([], " YES ")])
def test_it_is_asked_once_for_all_of_it(monkeypatch, capsys, more, answer):
    questions = [] if answer is None else sit(monkeypatch, answer)
    with pytest.raises(Begun):
        tuning.tune([*CLOUD, "tune.trials=7", *more])
    assert len(questions) == (0 if answer is None else 1)
    assert all(question.startswith("Start the study (at most $3.") for question in questions)
    shown = capsys.readouterr().out
    assert "7 trials at most $0.26 each" in shown
    assert shown.count("at most $3.1") == 1


def test_a_rehearsal_is_shown_and_not_asked_about(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Begun):
        tuning.tune(["backend=rehearsal", "data.rows=1000", "tune.trials=7", "sagemaker.max_usd=2"])
    assert "rehearsed: costs nothing (in AWS at most $2.00 for all of it" in capsys.readouterr().out


def test_on_this_machine_nothing_is_shown(capsys):
    with pytest.raises(Begun):
        tuning.tune(["backend=process", "data.rows=1000"])
    assert "cost" not in capsys.readouterr().out


def test_one_that_has_ended_is_not_asked_about_again(own_folder, capsys):
    runs = own_folder / "runs"
    for run_id, role in (("mine-start", "start"), ("mine-final", "final")):
        write_run(runs, run_id, role, "completed", **billed(train=3600))
    (runs / "studies" / "mine").mkdir(parents=True)
    outcome = {"trials": [{"number": 0, "state": "completed"}], "final": {"run": "mine-final"}}
    (runs / "studies" / "mine" / "outcome.json").write_text(json.dumps(outcome))
    agreed = require_study_consent(read_request([*CLOUD, "tune.trials=1"]))
    assert agreed is not None
    assert capsys.readouterr().out == ""
    with pytest.raises(ConfigError, match="no terminal"):
        require_study_consent(read_request([*CLOUD, "tune.trials=2"]))


def test_a_final_run_that_does_not_fit_is_not_begun(own_folder):
    write_run(own_folder / "runs", "mine-start", "start", "completed", **billed(train=3600))
    agreed = require_study_consent(read_request([*CLOUD, "sagemaker.max_usd=4", "yes=true"]))
    assert agreed is not None
    agreed.require_final()
    for number in range(13):
        write_run(
            own_folder / "runs", f"mine-t{number:03d}", "trial", "failed", trial=number, **billed(train=3600)
        )
    with pytest.raises(ConfigError, match=r"The final run may cost .* of sagemaker\.max_usd=4 \$0\.\d+ are"):
        agreed.require_final()


class Book:
    """Trials by number; each is what it was given of a run."""

    def __init__(self):
        self.ended, self.runs = [], {}

    def left(self):
        return []

    def ask(self):
        return SimpleNamespace(number=len(self.runs), params={})

    def begin(self, trial, run):
        self.runs[trial.number] = run

    def run_of(self, trial):
        return self.runs.get(trial.number)

    def complete(self, trial, value, **_):
        self.ended.append(trial.number)

    def rows(self):
        return [SimpleNamespace(number=number) for number in self.runs]


class Pool:
    """Ends one trial whenever it is asked for an event, and has it cost what trials cost."""

    def __init__(self, spent, cost):
        self.going, self.most, self.events = [], 0, self
        self._spent, self._cost = spent, cost

    def begin(self, slot, _request):
        self.going.append(slot)
        self.most = max(self.most, len(self.going))

    def get(self):
        self._spent[0] += self._cost
        slot = self.going.pop(0)
        ended = {"status": "completed", "table": "t", "value": 0.5, "rounds": 1, "seconds": 1.0}
        return SimpleNamespace(slot=slot, content={"ended": ended})


@pytest.mark.parametrize(
    ("limit", "parallel", "cost", "ended", "most", "cut"),
    [
        (None, 1, 1.0, 10, 1, False),
        (12.0, 1, 1.0, 10, 1, False),  # 10 trials and a final run of 2
        (11.0, 1, 1.0, 9, 1, True),
        (3.0, 1, 1.0, 1, 1, True),
        (2.9, 1, 1.0, 0, 0, True),
        (11.0, 1, 0.5, 10, 1, False),  # trials cost less than they may
        (5.0, 1, 0.5, 5, 1, True),  # 2.5 spent, 1 for a trial, 2 for the final run
        (5.0, 4, 0.5, 5, 3, True),  # never more beside each other than fit if each costs its most
        (3.5, 4, 1.0, 1, 1, True),
        (3.5, 4, 0.25, 3, 1, True),
    ],
)
def test_the_search_ends_before_a_trial_that_could_exceed_the_maximum(
    own_folder, limit, parallel, cost, ended, most, cut
):
    request = read_request(["backend=process", "tune.trials=10"])
    private_folder(request.folder.parent)
    private_folder(request.folder)
    require_same(request)
    object.__setattr__(request.options, "parallel", parallel)  # this machine may have fewer cores
    book, spent = Book(), [0.0]
    spending = SimpleNamespace(usd=lambda **_: spent[0])
    pool = Pool(spent, cost)
    allowance = None if limit is None else Allowance(limit, 1.0, 2.0, spending)
    search = Search(request, book, pool, table="t", told=lambda _: None, allowance=allowance)
    search.run()
    assert (len(book.ended), pool.most, search.is_cut) == (ended, most, cut)
    assert limit is None or spent[0] + 2.0 <= limit or not ended

"""Nothing that costs money begins before somebody has seen what it may cost, and agreed."""

import sys

import pytest

import fraudlab
from fraudlab import workflow
from fraudlab.cloud import agreement
from fraudlab.cloud.consent import require_consent
from fraudlab.compose import compose
from fraudlab.errors import ConfigError

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1"]
FEW = [f"compute.{job}.max_minutes=60" for job in ("process", "train", "transform")]


@pytest.fixture
def begun(no_own_defaults, monkeypatch):
    """The runs that were begun, each with what its record is given of its plan."""
    runs = []

    def begin(config, *, overrides, plan, **_):
        runs.append(plan)
        return config.backend.kind

    monkeypatch.setattr(workflow, "run_workflow", begin)
    return runs


@pytest.fixture
def terminal(monkeypatch):
    """Somebody at a terminal, who gives one answer to every question; the questions are in the list."""
    questions = []

    def sit(answer):
        def read(question):
            questions.append(question)
            if answer is None:
                raise EOFError
            return answer

        monkeypatch.setattr(agreement, "can_ask", lambda: True)
        monkeypatch.setitem(agreement.agrees.__kwdefaults__, "read", read)
        return questions

    return sit


def test_python_is_asked_as_the_command_line_is(begun):
    with pytest.raises(ConfigError, match="no terminal to ask") as caught:
        fraudlab.train(CLOUD, quiet=True)
    assert caught.value.fix == "yes=true"
    assert begun == []


@pytest.mark.parametrize("more", [["yes=true"], []])
def test_python_keeps_to_the_limit_of_money(begun, more):
    with pytest.raises(ConfigError, match=r"may cost \$\d+\.\d\d, more than sagemaker\.max_usd=0\.01"):
        fraudlab.train([*CLOUD, "sagemaker.max_usd=0.01", *more])
    assert begun == []


def test_a_limit_without_a_known_price_cannot_be_kept(begun):
    with pytest.raises(ConfigError, match="prices of region sa-east-1 are not known"):
        fraudlab.train([*CLOUD[:1], "sagemaker.region=sa-east-1", "sagemaker.max_usd=9", "yes=true"])
    assert begun == []


def test_yes_agrees_beforehand_and_the_run_keeps_its_plan(begun, capsys):
    fraudlab.train([*CLOUD, *FEW, "yes=true"])
    (plan,) = begun
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 5
    assert [line.split()[0] for line in shown] == ["where", "data", "machines", "cost", "prices"]
    assert plan["region"] == "eu-west-1"
    assert plan["rehearsed"] is False
    assert f"at most ${plan['most_usd']:.2f}" in shown[3]
    assert {price["kind"] for price in plan["prices"]} <= {"read", "derived", "derived, factor assumed"}


def test_quiet_and_agreed_prints_nothing(begun, capsys):
    fraudlab.train([*CLOUD, "yes=true"], quiet=True)
    assert capsys.readouterr().out == ""
    assert len(begun) == 1


@pytest.mark.parametrize("answer", ["y", "yes", " YES "])
def test_an_answer_of_yes_begins(begun, terminal, answer):
    questions = terminal(answer)
    fraudlab.train(CLOUD)
    assert len(begun) == len(questions) == 1
    assert questions[0].startswith("Start it (at most $")


@pytest.mark.parametrize("answer", ["n", "no", "", "maybe", "ja", None])
def test_any_other_answer_does_not(begun, terminal, answer, capsys):
    terminal(answer)
    with pytest.raises(ConfigError, match="Nothing was started"):
        fraudlab.train(CLOUD, quiet=True)
    assert begun == []
    assert "cost       at most $" in capsys.readouterr().out  # what is asked about is shown, quiet or not


def test_what_costs_nothing_is_not_asked_about(begun, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    fraudlab.train(["backend=process"])
    fraudlab.train(["backend=rehearsal"], quiet=True)
    assert begun[0] is None
    assert begun[1]["rehearsed"] is True


def test_no_secret_is_shown(no_own_defaults, monkeypatch, capsys):
    monkeypatch.setenv("COMET_API_KEY", "s3cr3tOfMine0123456789")
    image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraudlab:s3cr3tOfMine0123456789"
    require_consent(compose([*CLOUD, f"backend.image={image}", "yes=true"]))
    assert "image ***" in capsys.readouterr().out

"""``tune.…`` overrides: what they mean, and that all that is wrong is said at once, before anything runs."""

import pytest

from fraudlab.cli import main
from fraudlab.errors import ConfigError
from fraudlab.studies.tune_options import read_options
from fraudlab.studies.tuning_request import override, read_request, require_same


def test_the_usual_study():
    options, wrong = read_options([])
    assert wrong == []
    assert (options.trials, options.parallel, options.timeout, options.sampler) == (50, 1, None, "tpe")
    assert "max_depth" in {dimension.name for dimension in options.space}


def test_what_is_overridden():
    words = ["tune.trials=7", "tune.timeout=90m", "tune.name=mine", "tune.pruner=none", "tune.seed=3"]
    space = ["tune.space.max_depth=[3, 4]", "tune.space.gamma={low: 0, high: 5}", "tune.space.subsample=null"]
    options, wrong = read_options(
        [*words, *space, "~tune.space.reg_lambda", "tune.space.learning_rate.low=0.05"]
    )
    assert wrong == []
    assert (options.trials, options.timeout, options.name, options.pruner, options.seed) == (
        7,
        5400,
        "mine",
        "none",
        3,
    )
    found = {dimension.name: dimension for dimension in options.space}
    assert found["max_depth"].choices == (3, 4)
    assert (found["gamma"].high, found["learning_rate"].low) == (5, 0.05)
    assert {"subsample", "reg_lambda"}.isdisjoint(found)


def test_a_file_of_ones_own_replaces_the_space(tmp_path, monkeypatch):
    folder = tmp_path / "conf" / "tune"
    folder.mkdir(parents=True)
    (folder / "narrow.yaml").write_text("trials: 9\nspace:\n  max_depth: [3, 4]\n")
    (folder / "broken.yaml").write_text("trials: [\n")
    (folder / "list.yaml").write_text("- 1\n")
    monkeypatch.chdir(tmp_path)
    options, wrong = read_options(["tune=narrow", "tune.trials=5"])
    assert wrong == []
    assert (options.trials, [dimension.name for dimension in options.space]) == (5, ["max_depth"])
    for name, message in (("broken", "cannot be read"), ("list", "has no keys"), ("narow", "no option")):
        found, (error,) = read_options([f"tune={name}"])
        assert found is None
        assert message in error.message
    assert "did you mean 'narrow'" in error.fix


REFUSED = {
    "tune.trails=5": "did you mean 'trials'",
    "tune.trials=0": "valid: 1 to",
    "tune.trials=2.5": "valid: 1 to",
    "tune.trials=true": "valid: 1 to",
    "tune.trials=many": "valid: 1 to",
    "tune.trials=null": "valid: 1 to",
    "tune.parallel=0": "valid: 1 to",
    "tune.seed=-1": "valid: 0 to",
    "tune.timeout=5": "Units: w weeks",
    "tune.timeout=0s": "tune.timeout=2h",
    "tune.timeout=soon": "",
    "tune.sampler=grid": "random, tpe",
    "tune.pruner=medain": "did you mean 'median'",
    "tune.warmup_rounds=-1": "valid: 0 to",
    "tune.name=a/b": "letters, digits and hyphens",
    "tune.name=-a": "letters, digits and hyphens",
    "tune.name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "28",
    "tune.trials=1,2": "brackets",
    "tune.space.max_depth={low: 3": "tune.KEY=VALUE",
    "tune=nothing": "default",
    "tune.space=5": "low: 3",
}


@pytest.mark.parametrize(("word", "fix"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_be_used_is_refused(word, fix):
    found, wrong = read_options([word])
    assert found is None
    assert len(wrong) == 1
    assert fix in wrong[0].fix


def test_everything_is_said_at_once(in_tmp, capsys):
    words = [
        "tune.trails=5",
        "tune.space.max_dept=[1, 2]",
        "tune.space.gamma={low: 2, high: 1}",
        "model.max_dept=3",
    ]
    assert main(["tune", *words]) == 2
    error = capsys.readouterr().err
    assert [part in error for part in ("trails", "tune.space.max_dept", "low=2", "model.max_dept")] == [
        True
    ] * 4
    assert not (in_tmp / "runs").exists()


RUNS = {
    "backend=sagemaker sagemaker.region=eu-west-1": "no terminal to ask",
    "run.id=mine": "names one run",
    "tune.parallel=200 backend=process": "more than the",
    "split=prequential split.validation_length=0s model.early_stopping_rounds=0 evaluation=half": "leaves n",
    "--multirun": "not a flag",
}


@pytest.mark.parametrize(("words", "message"), RUNS.items(), ids=list(RUNS))
def test_runs_that_no_study_has(words, message, in_tmp, capsys):
    assert main(["tune", *words.split()]) == 2
    assert message in capsys.readouterr().err
    assert not (in_tmp / "runs").exists()


def test_the_same_question_has_the_same_name():
    name = read_request(["backend=process"]).name
    assert read_request(["backend=local", "tune.trials=3", "tune.timeout=1h", "tracking=off"]).name == name
    assert read_request(["model.max_bin=256"]).name != name
    assert read_request(["tune.seed=1"]).name != name
    assert read_request(["tune.space.gamma=[0, 1]"]).name != name
    assert len(name) <= 28


def test_a_study_is_not_gone_on_with_by_another_question(in_tmp):
    (in_tmp / "runs" / "studies" / "mine").mkdir(parents=True)
    require_same(read_request(["tune.name=mine"]))
    require_same(read_request(["tune.name=mine", "tune.trials=100", "backend=process"]))
    with pytest.raises(ConfigError, match=r"model.max_bin was 512, is 256") as raised:
        require_same(read_request(["tune.name=mine", "model.max_bin=256", "tune.space.gamma=[0, 1]"]))
    assert "tune.space.gamma.choices" in raised.value.message


SETTINGS = [
    (("max_depth", 4), "max_depth=4"),
    (("gamma", 0.1), "gamma=0.1"),
    (("base_score", None), "base_score=null"),
    (("tree_method", "hist"), "tree_method=hist"),
    (("seed_per_iteration", True), "seed_per_iteration=true"),
]


@pytest.mark.parametrize(("setting", "word"), SETTINGS)
def test_a_setting_as_an_override(setting, word):
    assert override(setting) == f"model.{word}"
    assert getattr(read_request([override(setting)]).config.model, setting[0]) == setting[1]


def test_help_has_examples(capsys):
    assert main(["tune", "--help"]) == 0
    assert "examples:" in capsys.readouterr().out

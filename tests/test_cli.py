"""The front door: help, completion, and the verbs that are not a run."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import omegaconf
import pytest
from omegaconf import OmegaConf

from fraudlab import cli, config
from fraudlab.backend_registry import BACKENDS
from fraudlab.cli import VERBS, main
from fraudlab.config import RunConfig
from fraudlab.config_options import valid_keys
from fraudlab.errors import DataError

FRAUDLAB = [sys.executable, "-m", "fraudlab"]


def call(*words, **environment):
    return subprocess.run(
        [*FRAUDLAB, *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


def verbs_and_actions():
    groups = {"runs": ("list", "show", "report"), "data": ("generate",), "models": ("import", "export")}
    return [(v,) for v in VERBS] + [
        (group, action) for group, actions in groups.items() for action in actions
    ]


@pytest.mark.parametrize("words", verbs_and_actions(), ids=" ".join)
def test_every_verb_answers_help_with_an_example(words, capsys):
    if words in {("train",), ("plan",), ("tune",)}:
        assert main([*words, "--help"]) == 0
    else:
        with pytest.raises(SystemExit) as done:
            main([*words, "--help"])
        assert done.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: fraudlab")
    if words not in {("runs",), ("data",), ("models",)}:
        assert "example" in shown
        assert f"fraudlab {' '.join(words)} " in shown


def test_the_front_page_lists_every_verb_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom fraudlab.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'hydra', 'omegaconf', 'numpy', 'pyarrow', 'xgboost', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"\n    {verb} " in done.stdout for verb in VERBS)


def test_train_help_lists_every_group_and_key(capsys):
    main(["train", "--help"])
    shown = capsys.readouterr().out
    assert "model       baseline | notebook_v1 | notebook_v2 | weighted" in shown
    assert "early_stopping_rounds" in shown


def test_help_of_train_imports_neither_hydra_nor_what_a_run_needs():
    code = (
        "import sys\nfrom fraudlab.cli import main\nmain(['train', '--help'])\n"
        "heavy = {'hydra', 'omegaconf', 'yaml', 'numpy', 'pyarrow', 'rich', 'comet_ml'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "early_stopping_rounds" in done.stdout


def test_the_keys_of_help_are_those_of_the_schema_as_omegaconf_reads_it():
    def keys(section):
        node = OmegaConf.select(schema, section) if section else schema
        return [str(key) for key in node] if OmegaConf.is_dict(node) else []

    schema = OmegaConf.structured(RunConfig)
    sections = ["", *keys(""), "model.max_depth", "data.label", "nothing", "model.nothing"]
    assert [valid_keys(section) for section in sections] == [keys(section) for section in sections]
    assert config.MISSING == omegaconf.MISSING


def test_cfg_shows_the_configuration_and_runs_nothing(in_tmp):
    done = call("train", "--cfg", "job", "model.max_depth=8")
    assert done.returncode == 0
    assert "  max_depth: 8\n" in done.stdout
    assert list(in_tmp.iterdir()) == []


def test_hydras_flags_refuse_what_cannot_work_as_clearly(in_tmp):
    done = call("train", "--cfg", "job", "model.max_dpeth=8")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: 'model.max_dpeth' is not a key in model.\nfix: did you mean 'max_depth'?"
    )


def test_a_sweep_with_a_wrong_value_fails_before_it_starts_that_run(in_tmp):
    done = call("train", "-m", "backend=process", "model.max_depth=-1,-2")
    assert done.returncode == 2
    assert done.stderr.count("not auto, or a whole number of at least 0 and at most 64") == 2
    assert not (in_tmp / "runs").exists()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fraudlab ", set(VERBS)),
        ("fraudlab tr", {"train"}),
        ("fraudlab train model=no", {"model=notebook_v1", "model=notebook_v2"}),
        ("fraudlab train seed=7 backend=", {f"backend={name}" for name in BACKENDS}),
        ("fraudlab train model.max_dep", {"model.max_depth="}),
        ("fraudlab compare x", set()),
    ],
)
def test_the_tab_key_completes_verbs_and_overrides(line, offered):
    done = call("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == offered


def test_completion_can_be_installed():
    done = call("train", "-sc", "install=bash")
    assert done.returncode == 0
    assert "complete " in done.stdout


def test_serve_refuses_a_port_in_use(in_tmp, capsys):
    Path("model").mkdir()
    Path("model", "model.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--model", "model", "--port", str(port)]) == 4
    error = capsys.readouterr().err
    assert f"Port {port} on 127.0.0.1 cannot be used (Address already in use)." in error
    assert "choose another, such as --port " in error


def test_serve_refuses_a_folder_without_a_model(in_tmp, capsys):
    assert main(["serve", "--model", "nothing"]) == 7
    assert "There is no model in nothing." in capsys.readouterr().err


def test_predict_says_when_nobody_answers(in_tmp, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert main(["predict", "--endpoint", f"http://127.0.0.1:{port}", "t.csv"]) == 6
    assert "`docker compose up` or `fraudlab serve`" in capsys.readouterr().err


def test_predict_refuses_what_is_not_a_url(in_tmp, capsys):
    assert main(["predict", "--endpoint", "localhost:8080", "t.csv"]) == 2
    assert "for example --endpoint http://localhost:8080" in capsys.readouterr().err


def test_generate_writes_the_same_table_each_time(in_tmp):
    for name in ("a.parquet", "b.parquet"):
        assert main(["data", "generate", name, "--rows", "2000", "--seed", "3"]) == 0
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["t.xlsx"], "valid: .csv, .parquet"),
        (["t.csv", "--rows", "5"], "1000 rows or more"),
        (["t.csv", "--fraud-rate", "2"], "a rate up to 0.5"),
    ],
)
def test_generate_refuses_what_it_cannot_write(in_tmp, capsys, words, message):
    assert main(["data", "generate", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(in_tmp.iterdir()) == []


def test_a_list_without_runs_says_so(in_tmp, capsys):
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out == "no runs in runs\n"


def test_comparing_runs_that_are_not_there_is_an_error(in_tmp, capsys):
    assert main(["compare", "a", "b"]) == 7
    assert "There is no run 'a' in runs." in capsys.readouterr().err


def test_the_wheel_works_outside_a_checkout(tmp_path):
    """Built, unpacked elsewhere and used there: the configuration travels with it."""
    import zipfile

    root = Path(__file__).parents[1]
    wheels = tmp_path / "wheels"
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(wheels),
    ]
    subprocess.run([*build, str(root)], check=True, capture_output=True)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        names = wheel.namelist()
        wheel.extractall(tmp_path / "site")
    assert "fraudlab/conf/train.yaml" in names
    assert not [name for name in names if name.startswith("fraudlab/conf/local")]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    small = ["backend=process", "tracking=off", "data.rows=5000", "data.fraud_rate=0.02", "model.num_round=3"]
    done = subprocess.run(
        [*FRAUDLAB, "train", *small],
        cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    where = [sys.executable, "-c", "import fraudlab; print(fraudlab.__file__)"]
    used = subprocess.run(
        where, cwd=elsewhere, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert used.stdout.startswith(str(tmp_path / "site"))
    assert (elsewhere / "runs" / "latest" / "report.html").is_file()


def test_the_package_shows_its_functions_before_any_is_used():
    code = (
        "import sys, fraudlab\nprint(*[name for name in dir(fraudlab) if not name.startswith('_')])\n"
        "assert 'fraudlab.api' not in sys.modules\nassert '__version__' in dir(fraudlab)\n"
        "assert all(callable(getattr(fraudlab, name)) for name in fraudlab.__all__ if name[0] != '_')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Run compare train\n"


SHOWN = [
    "--cfg job model=weighted",
    "model=weighted --cfg job",
    "backend=local --cfg=job seed=7 model=weighted",
    "-p model model=weighted -c job",
    "model=weighted -c job --resolve --package model",
]


@pytest.mark.parametrize("line", SHOWN)
def test_flags_and_overrides_come_in_any_order(in_tmp, capsys, line):
    assert main(["train", *line.split()]) == 0
    assert "scale_pos_weight: 24.0\n" in capsys.readouterr().out
    assert list(in_tmp.iterdir()) == []


SWEEPS = [
    "-m backend=local backend=process model=baseline,weighted",
    "model=baseline,weighted --multirun",
    "backend=local -m model=baseline,weighted",
    "model=baseline,weighted -v -m --json seed=3",
]


@pytest.mark.parametrize("line", SWEEPS)
def test_a_sweep_comes_in_any_order_and_leaves_nothing_of_hydras(in_tmp, capfd, monkeypatch, line):
    begun = []

    def run(config, **_options):
        begun.append(config.model.name)
        raise DataError("enough", fix="none")

    monkeypatch.setattr("fraudlab.workflow.run_workflow", run)
    assert main(["train", *line.split()]) == 3
    assert begun == ["baseline", "weighted"]
    assert capfd.readouterr().err.count("error: enough") == 2
    assert list(in_tmp.iterdir()) == []


NO_MODES = {
    "-m model=baseline --cfg job": "-m and --cfg ask for different things",
    "--info --cfg job": "--info and --cfg ask for different things",
    "--cfg": "--cfg needs a word",
    "-p": "-p needs a word",
    "--cfg jobb": "did you mean 'job'?",
}


@pytest.mark.parametrize("line", NO_MODES)
def test_flags_that_cannot_be_are_refused_in_a_sentence(in_tmp, capsys, line):
    assert main(["train", *line.split()]) == 2
    assert NO_MODES[line] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        (["doctor", "a=1", "--json", "b=2"], ["a=1", "b=2"]),
        (["doctor", "--cloud", "a=1"], ["a=1"]),
        (["clean", "--cloud", "a=1", "--yes", "b=2"], ["a=1", "b=2"]),
        (["deploy", "latest", "--to", "sagemaker", "a=1"], ["latest", "a=1"]),
        (["deploy", "--to", "sagemaker", "latest", "--name", "x", "a=1"], ["latest", "a=1"]),
    ],
)
def test_overrides_may_stand_before_and_behind_flags(words, taken):
    assert cli._parsed(words).words == taken


@pytest.mark.parametrize(
    "words", [["doctor", "--jsno"], ["compare", "a", "b", "--jsno"], ["clean", "--cloud", "-x"]]
)
def test_what_no_verb_knows_is_refused(words, capsys):
    with pytest.raises(SystemExit) as done:
        cli._parsed(words)
    assert done.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err

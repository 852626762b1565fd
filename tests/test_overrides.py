"""What a shell leaves of what a person typed, and what it means."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.compose import as_dict, as_yaml, compose
from fraudlab.errors import ConfigError
from fraudlab.local_paths import local_path
from fraudlab.overrides import literal, quoted_where_certain

TABLE = ["data=table", "data.label=y", "data.path=t.csv"]
#: what Hydra's grammar, OmegaConf's or a shell's has a use for, and what it has none for
NAMES = [
    "/x/day=1/t.csv", "a,b.csv", "t (1).csv", "jörg/t.csv", "a b.csv", "it's.csv", 'a"b.csv', "a$b.csv",
    "$", "{a}", "}{.csv", "[a].csv", "a%20b#c.csv", "a\\b.csv", "a\\", "\\'", "a:b.csv", "a?b.csv",
    "@a.csv", "~a", "a~b", "a\nb", "表.csv", "\udce9.csv", "1e5", "007", "true", "NULL", "1_000", "a${b.csv",
    "a${b}.csv", "\\${b}.csv", "${}.csv", "-a.csv", "+a.csv", "*.csv", "choice(1).csv", "a|b;c&d.csv",
    "C:\\t.csv", "a='b'", "'a", "é", "%", "((", ")(",
]  # fmt: skip
ODDEST = "a = (b), ü 'q' $y {z} %20 #h\\k \n ${s}"
COLUMNS = [
    "is fraud", "tx(id)", "a.b", "größe", "a=b", "it's", "5", "1e5", "true", "a:b", "a{b}", "a}b", "x%",
    "$x", "~x", "\\",
]  # fmt: skip


def read(word, *, sweep=False):
    """The value of an override, as Hydra and OmegaConf make it; much faster than a whole configuration."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    parsed = OverridesParser.create().parse_override(quoted_where_certain([word], sweep=sweep)[0])
    node = OmegaConf.create({"data": {"label": "y"}, "it": parsed.value()})
    return OmegaConf.to_container(node, resolve=True)["it"]


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_read_as_it_is(in_tmp, name):
    for key in ("data.path", "paths.runs", "data.label", "backend.image"):
        assert read(f"{key}={name}") == name
    assert local_path(name, key="data.path") == name


def test_a_configuration_with_any_texts_can_be_written_and_read_back(in_tmp):
    config = compose(TABLE)
    config.data.drop, config.model.monotone_constraints = NAMES, {"a${b}": "${c}"}
    assert as_dict(config)["data"]["drop"] == NAMES
    assert yaml.safe_load(as_yaml(config)) == as_dict(config)


def test_an_odd_text_reaches_the_configuration(in_tmp):
    config = compose([*TABLE, f"data.path={ODDEST}/t.csv", f"paths.runs={ODDEST}", f"data.time={ODDEST}"])
    assert (config.data.path, config.data.time) == (f"{ODDEST}/t.csv", ODDEST)
    assert (config.paths.runs, config.paths.cache) == (ODDEST, f"{ODDEST}/.cache")


@given(
    st.text(min_size=1).filter(lambda text: text.strip() not in {"", "null"} and not set("\"'}") & set(text))
)
def test_no_text_is_too_odd(text):
    assert read(f"data.time={text}") == text


@given(st.text(alphabet="\\${}a'"))
def test_a_literal_text_resolves_to_itself(text):
    from omegaconf import OmegaConf

    assert OmegaConf.create({"a": literal(text)}).a == text


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_is_named_as_it_is(column):
    assert read(f"data.drop=[{column}]") == [column]
    assert read(f"data.drop=[other, {column}]") == ["other", column]
    assert read(f"data.drop={column}") == [column]


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("data.path='a b.csv'", "path", "a b.csv"),
        ('data.path="a,b.csv"', "path", "a,b.csv"),
        ("data.path=${data.label}.csv", "path", "y.csv"),
        ("data.path=${oc.env:FRONT_TEST}/t.csv", "path", "/x=1/t.csv"),
        ("data.path=$FRONT_TEST/t.csv", "path", "/x=1/t.csv"),
        ("data.path=${FRONT_TEST}/t.csv", "path", "/x=1/t.csv"),
        ("data.path=$NOT_SET_AT_ALL/t.csv", "path", "$NOT_SET_AT_ALL/t.csv"),
        ("data.path=~/t.csv", "path", "/home/jörg/t.csv"),
        ("data.path=~nobody-of-that-name/t.csv", "path", "~nobody-of-that-name/t.csv"),
        ("data.path=file:///x/t%201.csv", "path", "/x/t 1.csv"),
        ("data.path=file://localhost/x/t.csv", "path", "/x/t.csv"),
        ("data.path=FILE:/x/t.csv", "path", "/x/t.csv"),
        ("data.path =t.csv", "path", "t.csv"),
        ("data.time=null", "time", None),
        ("data.drop=a,b", "drop", ["a", "b"]),
        ("data.drop=['a,b', c d]", "drop", ["a,b", "c d"]),
        ("data.drop=[]", "drop", []),
        ("data.drop=[${data.label}x]", "drop", ["yx"]),
        ("data.sha256=1234e56", "sha256", "1234e56"),
    ],
)
def test_what_has_one_meaning_is_taken_for_it(in_tmp, monkeypatch, override, key, value):
    monkeypatch.setenv("FRONT_TEST", "/x=1")
    monkeypatch.setenv("HOME", "/home/jörg")
    found = read(override)
    assert (local_path(found, key="data.path") if key == "path" else found) == value


def test_what_is_there_by_that_very_name_is_meant(in_tmp):
    for name in ("~", "${data.label}.csv", "s3:", "$HOME"):
        (in_tmp / name).mkdir()
        assert local_path(read(f"data.path={name}"), key="data.path") == name


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("model.monotone_constraints={größe: 1, b c: -1}", '{"größe": 1, "b c": -1}'),
        ("model.monotone_constraints={'a,b': 1, c: -1}", '{"a,b": 1, "c": -1}'),
        ("model.monotone_constraints=(1,0,-1)", "(1,0,-1)"),
        ("model.interaction_constraints=[[a(1), b=c],[2]]", [["a(1)", "b=c"], [2]]),
        ("model.eval_metric=auc,error@0.3", ["auc", "error@0.3"]),
    ],
)
def test_names_inside_a_structure_are_texts(override, value):
    assert read(override) == value


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("data.path=a=1.csv,b (2).csv", "data.path='a=1.csv','b (2).csv'"),
        ("data.path='a,b',c", "data.path='a,b','c'"),
        ("data.path=null,c", "data.path=null,'c'"),
        ("data.path=t(1,2).csv", "data.path='t(1,2).csv'"),
        ("data.path=choice(a,b)", "data.path=choice(a,b)"),
        ("data.drop=[a,b c],[d]", "data.drop=['a','b c'],['d']"),
        ("data.drop=a,b", "data.drop=['a'],['b']"),
        ("tracking.project=,", "tracking.project=','"),
        ("model=baseline,weighted", "model=baseline,weighted"),
        ("model.max_depth=range(1,4)", "model.max_depth=range(1,4)"),
        ("model.eval_metric=auc,aucpr", "model.eval_metric=auc,aucpr"),
    ],
)
def test_a_sweep_stays_one(word, expected):
    assert quoted_where_certain([word], sweep=True) == [expected]


@pytest.mark.parametrize(
    ("overrides", "message", "fix"),
    [
        (["baseline"], "'baseline' is not KEY=VALUE.", "did you mean model=baseline?"),
        (["nothing"], "'nothing' is not KEY=VALUE.", "--help"),
        ([""], "an override is empty.", "quotes"),
        (["=3"], "'' is not a key.", "--help"),
        (["größe=3"], "'größe' is not a key.", "--help"),
        (["model.max_depth=3,4"], "model.max_depth=3,4 has several values", "[3,4]"),
        (["model=baseline,weighted"], "model=baseline,weighted has several values for one run.", "add -m"),
        (["model.max_depth=choice(1,2)"], "has several values for one run.", "add -m"),
        (["data.rows=100,000"], "data.rows=100,000 is not a number.", "write data.rows=100000"),
        (["model.max_depth=(3"], "model.max_depth: the value '(3' cannot be read.", "quotes"),
        (["model.max_depth=ü"], "model.max_depth: the value 'ü' cannot be read.", "quotes"),
        (["model.max_depth=3=4"], "model.max_depth: the value '3=4' cannot be read.", "quotes"),
        (['data.derive={"a b": "x / y"}'], "data.derive: the value '{\"a b\": ", "docs/derived_columns.md"),
        (['data.derive={größe: "x / y"}'], "data.derive: the value '{größe: ", "double quotes"),
        (['++data.derive={a: "x / y}'], "data.derive: the value '{a: ", "double quotes"),
        (["data.derive={a: hour(t)/2, b: 'c'}"], "data.derive: the value \"{a: hour", "double quotes"),
        (["model=a b"], "'a b' is not an option of 'model'.", "Valid: baseline"),
        (["model=/x/y=1"], "'/x/y=1' is not an option of 'model'.", "Valid: baseline"),
        (["seed=${nope}"], "${nope} names no key.", "with its section"),
        (["seed=${oc.env:NOPE}"], "the environment variable NOPE is not set.", "set NOPE"),
        (["~data.id"], "'~data.id' cannot be taken away.", "[]"),
        ([*TABLE, "data.path=s3://b/t.csv"], "data.path=s3://b/t.csv is", "aws s3 cp s3://b/t.csv ."),
        ([*TABLE, "data.path=https://h/t.csv?a&b"], "is not on this machine", "(curl -fLO 'https://h/t.csv?a&b')"),
        ([*TABLE, "data.path=gs://b/t.csv"], "is not on this machine", "then data.path=t.csv"),
        ([*TABLE, "data.path=file://host/t.csv"], "a file of the host host.", "file:///t.csv"),
        (["paths.runs=s3://b/runs"], "is not on this machine", "paths.runs=FOLDER"),
        (["model.hooks=hdfs://n/h.py"], "model.hooks=hdfs://n/h.py is not on this machine", "hdfs dfs -get"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_our_words(in_tmp, overrides, message, fix):
    with pytest.raises(ConfigError) as caught:
        compose(overrides)
    assert message in caught.value.message
    assert fix in (caught.value.fix or "")
    for jargon in ("mismatched", "Lexer", "EOF", "token", "extraneous", "Ambiguous", "Interpolation"):
        assert jargon not in str(caught.value)


@pytest.mark.parametrize("folder", [ODDEST, "a:b", "a${b}", "\udce9"])
def test_options_of_ones_own_are_found_in_any_folder(tmp_path, monkeypatch, folder):
    own = tmp_path / folder / "conf" / "model"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text("name: mine\nmax_depth: 3\n")
    monkeypatch.chdir(own.parents[1])
    assert compose(["model=mine"]).model.max_depth == 3


def test_flags_completion_and_sweeps_work_in_an_odd_folder(tmp_path):
    own = tmp_path / ODDEST.replace("$", "")  # a reference in the path stops them: see below
    (own / "conf" / "model").mkdir(parents=True)
    (own / "conf" / "model" / "mine.yaml").write_text("name: mine\nmax_depth: 3\n")

    def call(*words, **environment):
        return subprocess.run(
            [sys.executable, "-m", "fraudlab", *words],
            cwd=own, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    shown = call("train", "model=mine", "--cfg", "job", "seed=3")
    assert (shown.returncode, "max_depth: 3\n" in shown.stdout, "seed: 3\n" in shown.stdout) == (
        0,
        True,
        True,
    )
    completed = call("-sc", "query=bash", COMP_LINE="fraudlab train model=m", COMP_POINT="22")
    assert completed.stdout.split() == ["model=mine"]
    swept = call("train", "model=mine,baseline", "-m", "seed=-1", "data.path=a (1).csv")
    assert swept.stderr.count("seed=-1 is out of range") == 2
    assert swept.stderr.count("data.path=a (1).csv is given") == 2


def test_flags_are_refused_where_hydra_takes_the_folder_for_a_reference(tmp_path):
    folder = tmp_path / "a${b}"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", "-m", "model=baseline,weighted"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "call it from another folder" in done.stderr


def test_an_installation_below_an_odd_folder_composes(tmp_path):
    """Copied rather than built: what is tested is the path of its conf/."""
    import shutil

    root = Path(__file__).parents[1]
    site = tmp_path / "a = (b), ü 'q' $y {z} %20 #h"
    shutil.copytree(
        root / "src" / "fraudlab", site / "fraudlab", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(root / "conf", site / "fraudlab" / "conf", ignore=shutil.ignore_patterns("local"))
    code = "import fraudlab.cli as cli; print(cli.__file__); cli.main(['train', '--cfg', 'job'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert str(site) in done.stdout
    assert "seed: 42" in done.stdout, done.stderr

"""The reference of keys: complete, true, the same on the terminal and as a page."""

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from fraudlab.cli import main
from fraudlab.compose import compose
from fraudlab.config_options import config_folder, valid_keys
from fraudlab.config_ranges import RANGES, TEXTS, UNITS
from fraudlab.errors import ConfigError
from fraudlab.reference import _shown, keys, page

ROOT = Path(__file__).parents[1]


def test_the_page_is_what_make_reference_writes():
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == page()


def test_every_key_of_the_schema_is_there_with_all_that_is_asked():
    def below(parent):
        for name in valid_keys(parent):
            path = f"{parent}.{name}".lstrip(".")
            yield from below(path) if valid_keys(path) else [path]

    assert list(keys()) == list(below(""))
    for key in keys().values():
        assert len(key.sentence) > 8, key
        assert key.kind, key
        assert key.valid, key
        assert key.default, key
        if key.kind.startswith(("whole number", "number")) and key.name not in UNITLESS:
            assert key.unit, key


#: numbers that count nothing
UNITLESS = {"model.learning_rate", "model.reg_lambda", "model.reg_alpha", "seed"}


def test_ranges_units_and_texts_are_of_keys():
    assert {*RANGES, *TEXTS, *UNITS} <= set(keys())


@pytest.mark.parametrize(
    "option", ["model=weighted", "model=notebook_v2", "split=stratified", "evaluation=half"]
)
@pytest.mark.usefixtures("no_own_defaults")
def test_defaults_are_those_of_a_run(option):
    node = OmegaConf.structured(compose([option]))
    for key in keys().values():
        shown = key.others.get(option, key.default)
        value = OmegaConf.select(node, key.name)
        value = list(value) if OmegaConf.is_list(value) else value
        if key.name.partition(".")[0] == option.partition("=")[0] and "${" not in shown:
            assert _shown(value) == shown, key.name


TOPICS = {
    "model.max_depth": ["whole number", "levels", "at least 0 and at most 64", "auto; model=notebook_v1: 6"],
    "max_depth": ["model.max_depth"],
    "model.eta": ["model.learning_rate", "above 0 and at most 1"],
    "seed": ["0 to 2147483647", "42"],
    "data.delay": ["0s or more, such as 7d", "data=handbook: 7d"],
    "data": ["data=handbook", "keys (", "data.fraud_rate", "share of fraud"],
    "compute.train": ["compute.train.volume_gb"],
    "evaluation.policy": ["cost, f1, fixed"],
    "experiment": ["experiment=notebook_v1"],
    "model": ["model=weighted", "model.eval_metric"],
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("order", ["flag first", "flag last", "behind what make adds"])
def test_help_on_a_key_a_section_or_a_group(capsys, topic, order):
    words = {
        "flag first": ["--help", topic],
        "flag last": [topic, "-h"],
        "behind what make adds": ["backend=local", "--help", topic],
    }[order]
    assert main(["train", *words]) == 0
    shown = capsys.readouterr().out
    for text in TOPICS[topic]:
        assert text in shown


@pytest.mark.parametrize(
    ("topic", "meant"),
    [("model.max_dpeth", "model.max_depth"), ("modle", "model"), ("data.lable", "data.label")],
)
def test_help_on_what_is_no_key_names_the_nearest(capsys, topic, meant):
    assert main(["train", "--help", topic]) == 2
    assert f"did you mean {meant!r}?" in capsys.readouterr().err


def test_all_numbers_out_of_their_range_are_said_at_once():
    with pytest.raises(ConfigError) as raised:
        compose(["data.rows=5", "split.test=2", "serving.workers=0", "compute.train.volume_gb=0"])
    for text in ("data.rows=5 ", "split.test=2.0 ", "serving.workers=0 ", "compute.train.volume_gb=0 "):
        assert f"{text}is out of range." in raised.value.message
    assert "serving.workers: 1 to 64" in raised.value.fix


def test_comments_in_conf_name_files_that_exist():
    named = []
    for file in config_folder().rglob("*.yaml"):
        if file.parent.name == "local":
            continue
        comments = " ".join(re.findall(r"#(.*)", file.read_text(encoding="utf-8")))
        for name in re.findall(r"(?:[\w.-]+/)*[\w-]+\.(?:yaml|md|py|txt|sh)\b", comments):
            named.append(name)
            assert (ROOT / name).exists() or name == "conf/local/local.yaml", f"{file}: {name}"
    assert {"docs/configuration.md", "docs/tables.md", "README.md"} <= set(named)


def test_the_cloud_is_named_with_what_it_has_not_met(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "a rehearsal of AWS" in " ".join(capsys.readouterr().out.split())
    for file in ("README.md", "docs/cloud.md"):
        text = " ".join((ROOT / file).read_text().split())
        assert "real account" in text, file

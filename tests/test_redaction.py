from __future__ import annotations

import os
from pathlib import Path

import pytest

import fraudlab
from fraudlab import redaction
from fraudlab.cli import main
from fraudlab.compose import as_dict, as_yaml, compose
from fraudlab.errors import ConfigError
from fraudlab.redaction import hide, known_secrets, redact
from fraudlab.tracking.comet.recording import as_fields


@pytest.mark.parametrize(
    "name",
    ["api_key", "COMET_API_KEY", "db.password", "AWS_SECRET_ACCESS_KEY", "apikey", "hf-token", "credentials"],
)
def test_a_value_whose_name_says_so_is_hidden(name):
    assert redact({name: "something"}) == {name: "***"}


@pytest.mark.parametrize("name", ["keys", "tokenizer", "monkey", "passwords_checked", "secretary"])
def test_other_names_are_left_alone(name):
    assert redact({name: "something"}) == {name: "something"}


def test_an_unset_secret_stays_unset():
    assert redact({"api_key": None}) == {"api_key": None}


def test_secrets_are_found_at_any_depth_and_in_names():
    value = {"a": [{"b": "x-s3cr3t-x"}, 1, None], "s3cr3t": True}

    assert redact(value, ["s3cr3t"]) == {"a": [{"b": "x-***-x"}, 1, None], "***": True}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://me:pass@host/x?y@z", "https://***@host/x?y@z"),
        ("see git+ssh://token@host/r and http://host/a@b", "see git+ssh://***@host/r and http://host/a@b"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("me@example.org", "me@example.org"),
    ],
)
def test_only_the_user_of_an_address_is_hidden(text, clean):
    assert redact(text) == clean


def test_secrets_of_an_environment_are_the_long_values_with_telling_names():
    environment = {"COMET_API_KEY": "0123456789", "DB_PASSWORD": "short", "HOME": "/home/somebody"}

    assert known_secrets(environment) == ("0123456789",)


def test_flatten_joins_names_by_dots_and_writes_lists_as_json():
    nested = {
        "model": {"depth": 6, "grow": {"policy": "lossguide"}},
        "id": ["a", "b"],
        "time": None,
        "on": True,
    }

    assert as_fields(nested) == {
        "model.depth": 6,
        "model.grow.policy": "lossguide",
        "id": '["a", "b"]',
        "time": "null",
        "on": True,
    }


KEYS = {
    "a name that says so": ("MY_API_KEY", "wKpQ7z"),
    "in another case": ("deploy_token", "hunter22"),
    "a password": ("DBPASS", "correct horse battery"),
    "a value that says so": ("PROJECT", "ghp0A1b2C3d4E5f6G7h8"),
    "a path-like key": ("WEBHOOK_AUTH", "T000/B000/XXXX"),
}
ORDINARY = {
    "a word": ("PROJECT", "fraudlab"),
    "a number": ("ROW_KEY_COUNT", "1234567"),
    "short": ("TOKEN", "abc"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_from_the_environment_is_its_reference_again(monkeypatch, kind):
    name, value = KEYS[kind]
    monkeypatch.setenv(name, value)
    config = compose([f"tracking.project=x-${{oc.env:{name}}}"])
    assert config.tracking.project == f"x-{value}"
    assert f"project: x-${{oc.env:{name}}}" in as_yaml(config)
    assert as_dict(config)["tracking"]["project"] == f"x-${{oc.env:{name}}}"
    assert hide({"a": [f"see {value}"]}) == {"a": [f"see ${{oc.env:{name}}}"]}


@pytest.mark.parametrize("kind", ORDINARY)
def test_an_ordinary_value_is_a_reference_in_the_configuration_only(monkeypatch, kind):
    name, value = ORDINARY[kind]
    monkeypatch.setenv(name, value)
    assert f"project: ${{oc.env:{name}}}" in as_yaml(compose([f"tracking.project=${{oc.env:{name}}}"]))
    assert hide(f"see {value}") == f"see {value}"


def test_a_place_is_no_key(monkeypatch, tmp_path):
    monkeypatch.setenv("KEY_FOLDER", str(tmp_path))
    compose(["tracking.project=${oc.env:KEY_FOLDER}"])
    assert hide(str(tmp_path)) == str(tmp_path)


def test_what_was_not_taken_from_the_environment_stays(monkeypatch):
    monkeypatch.delenv("UNSET_KEY", raising=False)
    config = compose(["tracking.project=${oc.env:UNSET_KEY,a-default-of-mine}"])
    assert "project: a-default-of-mine" in as_yaml(config)


def test_a_key_of_the_wrong_type_is_not_repeated(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "wKpQ7zzz")
    with pytest.raises(ConfigError) as caught:
        compose(["model.max_depth=${oc.env:MY_API_KEY}"])
    assert "wKpQ7zzz" not in str(caught.value)


@pytest.mark.parametrize(
    "flags", [["--cfg", "job"], ["--cfg", "job", "--resolve"], ["--cfg=job", "--resolve"]], ids=" ".join
)
def test_a_key_is_not_printed_with_the_configuration(monkeypatch, capsys, flags):
    monkeypatch.setenv("MY_API_KEY", "wKpQ7zzz")
    assert main(["train", *flags, "tracking.project=${oc.env:MY_API_KEY}"]) == 0
    shown = capsys.readouterr().out
    assert "project: ${oc.env:MY_API_KEY}" in shown
    assert "wKpQ7zzz" not in shown


def test_no_file_of_a_run_holds_a_key(monkeypatch, in_tmp, capsys):
    keys = {
        "MY_API_KEY": "wKpQ7zzz",
        "MODEL_TOKEN": "m0delT0ken",
        "TAG_SECRET": "T4gS3cr3t",
        "COMET_API_KEY": "c" * 25,
    }
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    overrides = [
        "tracking.project=${oc.env:MY_API_KEY}",
        "model.name=${oc.env:MODEL_TOKEN}",
        "tracking.tags=[a,${oc.env:TAG_SECRET}]",
        f"tracking.workspace={keys['COMET_API_KEY']}",
    ]
    small = ["backend=process", "tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4"]
    run = fraudlab.train([*small, *overrides])
    files = [path for path in (in_tmp / "runs").rglob("*") if path.is_file() and ".cache" not in path.parts]
    assert len(files) > 15
    everything = b"".join(path.read_bytes() + os.fsencode(path) for path in files)
    everything += capsys.readouterr().out.encode()
    assert [name for name, value in keys.items() if value.encode() in everything] == []
    assert "project: ${oc.env:MY_API_KEY}" in Path(run.folder, "config.yaml").read_text()
    assert "${oc.env:MY_API_KEY}" in run.report.read_text()


def test_what_was_hidden_is_revealed_where_the_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that looks like a key is named by a run's handles, which another launcher has to read."""
    bucket = "fraudlab-000000000000-eu-west-1"
    monkeypatch.setenv("TEAM_BUCKET", bucket)
    monkeypatch.setattr(redaction, "_interpolated", {bucket: "TEAM_BUCKET"})
    handle = {"job": "train", "output": f"s3://{bucket}/out", "sizes": [1, f"s3://{bucket}"], "none": None}
    hidden = redaction.hide(handle)
    assert bucket not in str(hidden)
    monkeypatch.setattr(redaction, "_interpolated", {})
    assert redaction.revealed(hidden) == handle
    assert redaction.hide(handle) == hidden  # and is hidden again
    monkeypatch.delenv("TEAM_BUCKET")
    assert redaction.revealed(hidden) == hidden


def test_what_may_be_costing_money_is_said_without_secrets(monkeypatch, capsys, tmp_path):
    from fraudlab.cloud import after_run
    from fraudlab.verbs import train

    monkeypatch.setenv("COMET_API_KEY", "s3cr3tOfMine0123456789")
    line = "endpoint fraudlab-r, of s3cr3tOfMine0123456789"
    monkeypatch.setattr(after_run, "say_costs_after", lambda folder, say: say(line))
    train._say_costs(tmp_path)
    assert capsys.readouterr().err == "endpoint fraudlab-r, of ***\n"

from __future__ import annotations

import pytest

from fraudlab.redaction import flatten, known_secrets, redact


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

    assert flatten(nested) == {
        "model.depth": 6,
        "model.grow.policy": "lossguide",
        "id": '["a", "b"]',
        "time": "null",
        "on": True,
    }

"""What fraudlab made is found by name and tag, and nothing else is."""

import pytest
from tests.moto_account import make_endpoint, tags

from fraudlab.aws.answers import AccessRefused
from fraudlab.cloud import made_things
from fraudlab.cloud.made_things import ThingKind, find_made, is_ours


def names(found, kind):
    return [thing.name for thing in found.things if thing.kind is kind]


def test_an_empty_account_has_nothing(moto_account):
    found = find_made(moto_account)
    assert (found.things, found.unasked) == ([], [])


@pytest.mark.parametrize(
    ("name", "tagged", "ours"),
    [
        ("fraudlab-r-endpoint", tags(), True),
        ("fraudlab-r-endpoint", [], False),
        ("fraudlab-r-endpoint", [{"Key": "project", "Value": "fraudlab"}], False),
        ("fraudlab-r-endpoint", [{"Key": "fraudlab:run", "Value": "r"}], False),
        ("fraudlab-r-endpoint", [{"Key": "Fraudlab:Project", "Value": "fraudlab"}], False),
        ("fraudlab2-r-endpoint", tags(), False),
        ("my-fraudlab-endpoint", tags(), False),
        ("x-fraudlab-r-endpoint", tags(), False),
        ("fraudlab-r-endpoint", tags(**{"project": "another"}), True),
    ],
)
def test_only_what_has_our_name_and_our_tag_is_ours(moto_account, name, tagged, ours):
    make_endpoint(moto_account, name, tagged=tagged)
    found = find_made(moto_account)
    for kind in (ThingKind.endpoint, ThingKind.endpoint_config, ThingKind.model):
        assert names(found, kind) == ([name] if ours else []), kind
    assert is_ours(name, {tag["Key"]: tag["Value"] for tag in tagged}) is ours


def test_all_pages_are_read(moto_account):
    for number in range(130):
        make_endpoint(moto_account, f"fraudlab-{number:03}-endpoint")
    found = find_made(moto_account, kinds=(ThingKind.endpoint, ThingKind.model))
    assert len(names(found, ThingKind.endpoint)) == len(names(found, ThingKind.model)) == 130


def test_tags_that_cannot_be_read_hide_nothing_else(moto_account, monkeypatch):
    for name in ("fraudlab-a", "fraudlab-b", "fraudlab-c"):
        make_endpoint(moto_account, name)
    read = made_things.tags_of

    def refusing(account, arn):
        if arn.endswith("endpoint/fraudlab-b"):
            raise AccessRefused("no", fix="ask")
        return read(account, arn)

    monkeypatch.setattr(made_things, "tags_of", refusing)
    found = find_made(moto_account)
    assert names(found, ThingKind.endpoint) == ["fraudlab-a", "fraudlab-c"]
    assert len(names(found, ThingKind.model)) == 3
    assert [error.message for error in found.unasked] == ["no"]

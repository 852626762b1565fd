"""Which objects the fast reader takes. That it reads them as the careful one does: test_json_rows.py."""

import gc
import json
import weakref

import pytest

from fraudlab.container.bodies.json_objects import read_object, read_objects
from fraudlab.container.features import Column, Features

from .models import MIXED, NUMBERS

LONG = [{"a": 1.5, "b": number, "c": None} for number in range(2_000)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "b": -2.5e3, "c": null}', [(1, -2500, None)]),
        ('[{"a": 1, "b": 2, "c": 3}, {"c": 3, "b": 2, "a": 1}]', [(1, 2, 3)] * 2),
        ('{"instances": [{"a": 1, "b": 2, "c": 3}]}', [(1, 2, 3)]),
        (' \n{"\\u0061": 1, "b": 2, "c": 3}', [(1, 2, 3)]),
        (json.dumps(LONG), [tuple(row.values()) for row in LONG]),
        (json.dumps({"instances": LONG}), [tuple(row.values()) for row in LONG]),
    ],
)
def test_what_is_usual_is_read(text: str, expected: list[tuple[float | None, ...]]) -> None:
    assert read_objects(text.encode(), NUMBERS) == expected


def test_categories_are_text() -> None:
    rows = [{"m": "kiosk, 24h", "a": 1, "b": 2}, {"a": 3, "b": 4, "m": None}]
    assert read_objects(json.dumps(rows).encode(), MIXED) == [(1, "kiosk, 24h", 2), (3, None, 4)]
    assert read_objects(json.dumps([rows[0] | {"m": 12}]).encode(), MIXED) is None


@pytest.mark.parametrize(
    "text",
    [
        "[[1, 2, 3]]",
        '{"a": 1, "b": 2}',
        '{"a": 1, "b": 2, "c": 3, "d": 4}',
        '{"a": 1, "b": 2, "c": 3, "a": 1}',
        json.dumps(LONG)[:-1] + ', {"a": 1, "b": 2, "c": 3, "a": 1}]',
        '{"a": 1, "b": 2, "c": "3"}',
        '{"a": 1, "b": 2, "c": true}',
        '{"a": 1, "b": 2, "c": NaN}',
        '{"a": 1, "b": 2, "c": 1e400}',
        '{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3}',
        '{"instances": [{"a": 1, "b": 2, "c": 3}], "more": 1}',
        '{"instances": [{"a": 1, "b": 2, "c": 3}], "instances": [{"a": 1, "b": 2, "c": 3}]}',
        '[{"a": 1, "b": 2, "c": 3}, [1, 2, 3]]',
        '[{"a": 1, "b": 2, "c": 3},]',
        '{"a": 1, "b": 2, "\xff": 3}',
    ],
)
def test_what_is_not_is_left_to_the_careful_reader(text: str) -> None:
    assert read_objects(text.encode("latin-1"), NUMBERS) is None


def test_one_object_is_no_list() -> None:
    assert read_object(b'{"a": 1, "b": 2, "c": 3}', NUMBERS) == (1, 2, 3)
    assert read_object(b'[{"a": 1, "b": 2, "c": 3}]', NUMBERS) is None
    assert read_object(b'{"instances": [{"a": 1, "b": 2, "c": 3}]}', NUMBERS) is None


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb"])
def test_names_that_json_escapes_are_left_to_the_careful_reader(name: str) -> None:
    features = Features([Column(name), Column("é")])
    assert read_objects(json.dumps({name: 1, "é": 2}).encode(), features) is None
    assert read_object(json.dumps({name: 1, "é": 2}).encode(), features) is None


def test_a_reader_goes_with_its_model() -> None:
    features = Features([Column("a")])
    assert read_objects(b'[{"a": 1}]', features) == [(1,)]
    gone = weakref.ref(features)
    del features
    gc.collect()
    assert gone() is None

import re

import pytest

from fraudlab.container.expressions.declared import examine
from fraudlab.container.expressions.kinds_of_values import ValueKind

KINDS = {
    "x": ValueKind.NUMBER,
    "b c": ValueKind.NUMBER,
    "log": ValueKind.NUMBER,
    "country": ValueKind.TEXT,
    "city": ValueKind.TEXT,
}

HOSTILE = [
    ("", "is empty"),
    ("  \n", "is empty"),
    ("1", "reads no column"),
    ("1 / 0", "reads no column"),
    ("min(1, 2)", "reads no column"),
    ("xx", "unknown column 'xx'"),
    ("X", "unknown column 'X'"),
    ("b", "unknown column 'b'"),
    ("x + counrty", r"unknown column 'counrty' \(did you mean 'country'\?\)"),
    ("é", "unknown column 'é'"),
    ("\u0445 + 1", "unknown column"),  # a Cyrillic x
    ("__import__('os')", "unknown function '__import__'"),
    ("__import__", "unknown column '__import__'"),
    ("eval(x)", "unknown function 'eval'"),
    ("exec('x')", "unknown function 'exec'"),
    ("Log(x)", r"unknown function 'Log' \(did you mean 'log'\?\)"),
    ("hour(x)", "asks for the hour of the numbers of 'x', which is not the time of a row"),
    ("weekday(x) == 5", "asks for the weekday of the numbers of 'x', which is not"),
    ("weekday(5)", "asks for the weekday of the number 5"),
    ("hour(5 * x)", "asks for the hour of a number, which is not"),
    ("hour(x, 2)", r"gives hour 2 values; it is hour\(time\)"),
    ("dayofweek(x)", r"calls dayofweek; weekday\(time\) is 0 on a Monday"),
    ("month(x)", r"calls month; of a time there are hour\(time\) and weekday\(time\)"),
    ("sqrt(x)", "unknown function 'sqrt'; there are min, max, log"),
    ("x.real", r"'\.' at character 2; a name with other characters"),
    ("x.__class__", r"'\.' at character 2"),
    ("x[0]", r"'\['"),
    ("x; x", "';'"),
    ("lambda: x", "':'"),
    ("{x}", "'{'"),
    ("x @ x", "'@'"),
    ("x \\ 2", r"'\\\\'"),
    ("x # 2", "'#'"),
    ("x\x00", "x00"),
    ("x\u2212 1", "at character 2"),  # a minus that is none
    ("x × 2", "at character 3"),
    ("x ** 2", "multiply instead"),
    ("x ^ 2", "multiply instead"),
    ("x // 2", "no whole division"),
    ("x % 2", "no remainder"),
    ("x = 2", "equal is written =="),
    ("x === 2", "equal is written =="),
    ("x <> 2", "not equal is written !="),
    ("x and x", r"min\(a > 1, b > 2\)"),
    ("x > 1 or x < 0", r"max\(a > 1, b > 2\)"),
    ("x > 1 && x < 3", r"min\(a > 1, b > 2\)"),
    ("not x", "has 'x' at character 5"),
    ("! x", "opposite comparison"),
    ("x if x else x", "where"),
    ("x > 1 ? 2 : 3", "where"),
    ("1 < x < 3", "compares a comparison"),
    ("nan", "'nan', which is no number"),
    ("x == NaN", "'NaN', which is no number"),
    ("x + inf", "'inf', which is no number"),
    ("-Infinity + x", "no number"),
    ("x == None", "no number"),
    ("1e999 * x", "'1e999', which a float64 cannot hold"),
    ("1e-999 * x", "cannot hold"),
    ("1_000 * x", "'1_000', which is no number"),
    ("0x10 * x", "'0x10', which is no number"),
    ("2x", "'2x', which is no number"),
    ("1.2.3 * x", "'1.2.3', which is no number"),
    ("١ + x", "at character 1"),  # an Arabic 1
    ("x x", "'x' at character 3 where an operator"),
    ("x,", "','"),
    ("x + ", "ends where a column or a number"),
    ("+x", r"'\+' at character 1"),
    ("* x", "at character 1"),
    ("(x", r"does not close '\(' of character 1"),
    ("log(x", r"does not close 'log\(' of character 1"),
    ("x)", r"'\)' at character 2"),
    ("()", r"'\)' at character 2"),
    ('"b c', "quote that is not closed"),
    ("'b c", "quote that is not closed"),
    ("`b c` `b c`", "'b c' at character 7"),
    ('"log"(x)', r"'\(' at character 6"),
    ("(" * 40 + "x" + ")" * 40, "nested more than 32 deep"),
    ("abs(" * 33 + "x" + ")" * 33, "nested more than 32 deep"),
    ("-" * 40 + "x", "nested more than 32 deep"),
    ("(" * 900, "nested more than 32 deep"),
    ("x" + " " * 1000, "1,001 characters; the limit is 1,000"),
    ("+".join(["x"] * 300), "more than 200 operators and values"),
    ("log()", r"gives log 0 values; it is log\(x\)"),
    ("log(x, x)", "gives log 2 values"),
    ("min(x)", "gives min 1 values"),
    ("max()", "gives max 0 values"),
    (f"max({', '.join(['x'] * 17)})", "gives max 17 values"),
    ("where(x > 1, x)", "gives where 2 values"),
    ("where(x, 1, 2)", "gives where a number as its condition"),
    ("where(country, x, x)", "gives where text as its condition"),
    ("where(x > 1, country, 2)", "gives where the categories of 'country'"),
    ("where(x > 1, 'a', 2)", "gives where the text 'a'"),
    ("country", "is text; compare it"),
    ("country + 1", r"gives \+ the categories of 'country'"),
    ("-country", "gives the minus in front the categories of 'country'"),
    ("log(country)", "gives log the categories of 'country'"),
    ("country == 5", r"compares the categories of 'country' with the number 5 \(.* '5'\)"),
    ("x == '5'", "compares the numbers of 'x' with the text '5'"),
    ("country == x", "compares the categories of 'country' with the numbers of 'x'"),
    ("country == city", "not a column with a text"),
    ("'a' == 'b'", "not a column with a text"),
    ("country < 'DE'", "texts are == or !="),
    ("'b c' / 2", r"gives / the text 'b c' \(the column is written `b c`\)"),
    ("is_missing('b c')", "asks whether a text is missing"),
    (5, "not the text of an expression"),
    (None, "not the text of an expression"),
    ({"a": 1}, "not the text of an expression"),
]


@pytest.mark.parametrize(("text", "said"), HOSTILE, ids=[repr(text)[:30] for text, _ in HOSTILE])
def test_what_is_no_expression_is_refused(text: object, said: str) -> None:
    usable, faults = examine({"d": text}, KINDS)
    assert not usable
    assert len(faults) == 1
    assert re.search(said, faults[0].sentence), faults[0].sentence
    assert faults[0].sentence.startswith("derived column 'd' ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x", "has the name of a column of the table"),
        ("", "has no name"),
        (" ", "has no name"),
        ("n" * 201, "a name of 201 characters"),
        ("fraudlab.row", "a name fraudlab keeps"),
        ("a\nb", "cannot be printed"),
        ("a\x00", "cannot be printed"),
        ("\udcff", "cannot be printed"),
        ("Class", r"has the name of data\.label"),
    ],
)
def test_a_name_may_be_any_that_nobody_has(name: str, said: str) -> None:
    _, faults = examine({name: "x + 1"}, KINDS, taken={"Class": "data.label"})
    assert [bool(re.search(said, fault.sentence)) for fault in faults] == [True]


def test_everything_is_said_at_once() -> None:
    given = {"d": "y + z", "x": "log(x, 1)", "e": "f", "f": "x", "g": "g + 1", "h": "Class * 2", "i": "e + 1"}
    _, faults = examine(given, KINDS, barred={"Class": "the label"})
    assert [fault.sentence.removeprefix("derived column ") for fault in faults] == [
        "'d' reads an unknown column 'y'",
        "'d' reads an unknown column 'z'",
        "'x' has the name of a column of the table; give it another",
        "'x' gives log 2 values; it is log(x)",
        "'e' reads 'f', which is declared after it",
        "'g' reads 'g', which is itself",
        "'h' reads 'Class', the label",
    ]


def test_no_more_columns_than_a_person_would_write() -> None:
    assert len(examine({f"d{at}": "x" for at in range(100)}, KINDS)[0]) == 100
    usable, faults = examine({f"d{at}": "x" for at in range(101)}, KINDS)
    assert not usable
    assert "101 columns are declared" in faults[0].sentence


def test_unknown_names_are_taken_for_numbers_where_the_columns_are_not_known() -> None:
    assert not examine({"d": "y / z"}, {}, complete=False)[1]
    assert examine({"d": "y / z + log(1, 2)"}, {}, complete=False)[1]

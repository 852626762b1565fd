"""``data.derive``: what is refused before there is a job, and in which words."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from fraudlab.cli import main
from fraudlab.compose import as_yaml, compose
from fraudlab.derive_rules import check_derived
from fraudlab.errors import ConfigError, DataError
from fraudlab.model_rules import check_constraints
from fraudlab.named_columns import column_names
from fraudlab.objections import parts_of
from fraudlab.stages.prepared_key import job_description
from fraudlab.stages.raw_table import look

TABLE = "y,t,card,tx,x,country,note,b c\n" + "".join(
    f"{at % 2},{at},c,{at},{at},DE,n,1\n" for at in range(20)
)
ROLES = [
    "data=table",
    "data.path=t.csv",
    "data.label=y",
    "data.time=t",
    "data.time_unit=s",
    "data.card=card",
    "data.id=[tx]",
    "data.drop=[note]",
    "data.categorical=[country]",
]


@pytest.fixture
def table(in_tmp: Path) -> Path:
    (in_tmp / "t.csv").write_text(TABLE)
    return in_tmp / "t.csv"


COLUMNS = TABLE.split("\n")[0].split(",")
NOT_SENT = "; a model is sent its features, and nothing else of a row."
NOT_LISTED = f"reads 'x', which is not in data.features{NOT_SENT}"


def said(derive: dict[str, str], *overrides: str) -> list[str]:
    """What is wrong, one sentence each."""
    config = compose([*ROLES, *overrides])
    config.data.derive = derive
    with pytest.raises(ConfigError) as refused:
        check_derived(config.data, column_names(config.data), COLUMNS)
    assert refused.value.exit_code == 2
    assert "docs/derived_columns.md" in str(refused.value.fix)
    lines = refused.value.message.split("\n")
    return [line.strip().removeprefix("data.derive: derived column ") for line in lines[len(lines) > 1 :]]


@pytest.mark.parametrize("overrides", [[], ["data.features=[x,country]"]], ids=["all columns", "some"])
def test_what_a_model_is_not_sent_cannot_be_read(overrides):
    derive = {"a": "y * 2", "b": "t / 2", "c": "card", "d": "tx + 1", "e": "note", "f": "quite"}
    assert said(derive, *overrides) == [
        "'a' reads 'y', the label, which nobody knows when a transaction is scored.",
        "'b' gives / the time 't', which is no number; hour(time) and weekday(time) make numbers of it.",
        f"'c' reads 'card', the card of the row, data.card{NOT_SENT}",
        f"'d' reads 'tx', which data.id keeps from the model{NOT_SENT}",
        f"'e' reads 'note', which data.drop leaves out{NOT_SENT}",
        "'f' reads an unknown column 'quite'.",
    ]


NO_NUMBER = "; hour(time) and weekday(time) make numbers of it."
OF_TIME = {
    "t": f"is the time itself{NO_NUMBER}",
    "-t": f"gives the minus in front the time 't', which is no number{NO_NUMBER}",
    "t > 5": f"compares the time 't' with the number 5 (as a category's name it is written '5'){NO_NUMBER}",
    "t == t": f"compares the time 't' with the time 't'{NO_NUMBER}",
    "log(t)": f"gives log the time 't', which is no number{NO_NUMBER}",
    "where(x > 1, t, 0)": f"gives where the time 't', which is no number{NO_NUMBER}",
    "hour(x)": "asks for the hour of the numbers of 'x', which is not the time of a row: that is data.time.",
    "weekday(country)": "asks for the weekday of the categories of 'country', which is not the time of a row:"
    " that is data.time.",
}


@pytest.mark.parametrize("text", OF_TIME)
def test_of_the_time_there_are_hour_and_weekday(text):
    assert said({"a": text}) == [f"'a' {OF_TIME[text]}"]


@pytest.mark.parametrize(
    "text", ["hour(t) + weekday(t)", "hour(t) >= 22", "is_missing(t)", "log(1 + hour(`t`))"]
)
@pytest.mark.parametrize("overrides", [[], ["data.features=[x,country]"]], ids=["all columns", "some"])
def test_the_hour_and_the_weekday_of_the_time_may_be_read(text, overrides):
    config = compose([*ROLES, *overrides])
    config.data.derive = {"a": text, "b": "a > 3"}
    check_derived(config.data, column_names(config.data), COLUMNS)


def test_a_column_that_is_no_feature_cannot_be_read_and_its_name_is_taken():
    derive = {"x": "country == 'DE'", "b c": "x", "tx": "x", "y": "x", "country": "country != 'DE'"}
    assert said(derive, "data.features=[country]") == [
        "'x' has the name of a column of the table; give it another.",
        "'b c' has the name of a column of the table; give it another.",
        f"'b c' {NOT_LISTED}",
        "'tx' has the name of data.id; give it another.",
        f"'tx' {NOT_LISTED}",
        "'y' has the name of data.label; give it another.",
        f"'y' {NOT_LISTED}",
        "'country' has the name of a column of the table; give it another.",
    ]


def test_the_table_is_asked_before_there_is_a_run(table):
    with pytest.raises(ConfigError, match="reads an unknown column 'xx'"):
        look(compose([*ROLES, "data.derive={a: xx + 1}"]), table, table.parent)


def test_a_mistake_beside_others_is_said_with_them(in_tmp):
    with pytest.raises(ConfigError) as refused:
        compose([*ROLES, "data.features=[x]", "data.derive={a: x +}", "split.gap=soon", "model.max_depth=-1"])
    for word in ("derived column 'a' ends where", "split.gap", "max_depth"):
        assert word in refused.value.message


@pytest.mark.parametrize("given", ["[a,b]", "true", "3", "'x / y'"])
def test_what_is_no_mapping_is_refused(in_tmp, given):
    with pytest.raises(ConfigError, match="a mapping of names to expressions, or auto") as refused:
        compose([*ROLES, f"data.derive={given}"])
    assert 'data.derive={ratio: "amount / mean"}' in str(refused.value.fix)


@pytest.mark.parametrize(
    "override",
    [
        'data.derive={r: "x / `b c`"}',
        "data.derive={r: 'x / `b c`'}",
        "data.derive={r: 'x / \"b c\"'}",
        'data.derive.r="x / `b c`"',
        '+data.derive.r="x / `b c`"',
    ],
)
def test_ways_to_write_it(table, override):
    config = compose([*ROLES, override])
    assert list(config.data.derive) == ["r"]
    assert look(config, table, table.parent).columns[0] == "y"
    assert "derive:\n    r: x / " in as_yaml(config)


def test_a_constraint_may_name_a_derived_column(table):
    overrides = [*ROLES, "data.features=[x,country]", "data.derive={r: x + 1}"]
    compose([*overrides, "model.monotone_constraints={r: 1, x: -1}"])
    with pytest.raises(ConfigError, match="'s'"):
        compose([*overrides, "model.monotone_constraints={s: 1}"])
    check_constraints(
        compose([*ROLES, "data.derive={r: x + 1}", "model.interaction_constraints=[[r,x]]"]),
        ["y", "t", "card", "tx", "x", "country", "note", "b c"],
    )


def test_what_is_prepared_does_not_depend_on_it(table):
    plain, derived = compose(ROLES), compose([*ROLES, "data.derive={r: x + 1}"])
    source = look(derived, table, table.parent)
    assert job_description(plain, source) == job_description(derived, source)


def test_a_plan_says_what_is_derived(table, capsys):
    overrides = [*ROLES, "backend=process", "tracking=off"]
    assert main(["plan", *overrides, 'data.derive={r: "x /\n `b c`", s: "x + 1"}']) == 0
    assert re.search(
        r"^derived +2 columns: r = x / `b c`; s = x \+ 1$", capsys.readouterr().out, re.MULTILINE
    )
    assert main(["plan", *overrides]) == 0
    assert "derived" not in capsys.readouterr().out


#: what a table and its configuration have against each other, and a part of the sentence that says it
MISTAKES = {
    "data.categorical=[countri]": "data.categorical names 'countri', which is not a column of t.csv.",
    "data.drop=[nota]": "data.drop names 'nota', which is not a column of t.csv.",
    "data.drop=[]": "t.csv: column 'note' is not numeric",
    "data.derive={r: xx + 1}": "'r' reads an unknown column 'xx'",
    "data.derive={r: y + 1}": "'r' reads 'y', the label",
    "model.monotone_constraints={xx: 1}": "model.monotone_constraints names 'xx'",
    "model.interaction_constraints=[[x,xx]]": "model.interaction_constraints names 'xx'",
    "serving.reasons=reasons.yaml": "'xx' is not a column of the model",
}
PAIRS = [
    pair
    for pair in combinations(MISTAKES, 2)
    if pair[0].partition("=")[0] != pair[1].partition("=")[0]
    and pair != ("data.categorical=[countri]", "data.drop=[nota]")  # these two are one sentence
    and not all("constraints" in one for one in pair)  # and these
]


@pytest.mark.parametrize("given", [*[(one,) for one in MISTAKES], *PAIRS], ids=" ".join)
def test_what_the_columns_do_not_allow_is_said_at_once(table, given):
    Path("reasons.yaml").write_text("xx: text\n")
    with pytest.raises((ConfigError, DataError)) as refused:
        look(compose([*ROLES, *given]), table, table.parent)
    for one in given:
        assert MISTAKES[one] in refused.value.message
    assert len(parts_of(refused.value)) == len(given), refused.value.message
    assert isinstance(refused.value, DataError) == (given == ("data.drop=[]",))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        (["data.label=yy", "data.drop=[nota]"], ["data.label names 'yy'; data.drop names 'nota', which"]),
        # which column is the label nobody knows then, so that nothing is said of others
        (["data.label=fraudulent", "data.derive={r: xx + 1}"], ["data.label names 'fraudulent'"]),
        # the time is known by what is probably meant
        (["data.time=tt", "data.derive={r: hour(t)}"], ["data.time names 'tt'"]),
        (["data.time=tt", "data.derive={r: t + 1}"], ["data.time names 'tt'", "'t', which is no number"]),
    ],
)  # fmt: skip
def test_of_a_misspelt_name_what_was_probably_meant_is_judged(table, given, parts):
    with pytest.raises(ConfigError) as refused:
        look(compose([*ROLES, *given]), table, table.parent)
    for part in parts:
        assert part in refused.value.message
    assert len(parts_of(refused.value)) == len(parts), refused.value.message


def test_what_needs_no_table_is_said_with_what_is_refused_before_it(table):
    Path("reasons.yaml").write_text("xx: '{valu}'\n")
    wrong = ['data.derive={r: "y + 1", s: "zz +"}', "serving.reasons=reasons.yaml", "split.train=0.9"]
    with pytest.raises(ConfigError) as refused:
        compose([*ROLES, *wrong])
    said = [part.message for part in parts_of(refused.value)]
    assert len(said) == 4, said
    for part in ("split.train", "'r' reads 'y', the label", "derived column 's'", "{valu} is not known"):
        assert part in refused.value.message
    compose([*ROLES, *wrong[:2]])  # else all is said once the columns are known

from __future__ import annotations

import json

import pytest

from fraudlab.report.kit.markup import Markup, element, escape, fragment, script_json

HOSTILE = "</script><script>alert(1)</script>"


def test_text_is_escaped_and_markup_is_not_escaped_again() -> None:
    inner = element("b", "1 < 2 & 3")
    assert inner == "<b>1 &lt; 2 &amp; 3</b>"
    assert element("p", inner, " > ", HOSTILE) == (
        "<p><b>1 &lt; 2 &amp; 3</b> &gt; &lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )


def test_attributes_cannot_be_left() -> None:
    assert element("i", title='" onload="alert(1)') == '<i title="&quot; onload=&quot;alert(1)"></i>'


def test_attribute_names_and_values() -> None:
    written = element("input", class_="a", aria_label="b", disabled=True, hidden=False, name=None, x=1.50001)
    assert written == '<input class="a" aria-label="b" disabled x="1.5">'


def test_children_are_flattened_and_absent_ones_left_out() -> None:
    assert fragment("a", None, ["b", [3, Markup("<br>")]]) == "ab3<br>"


def test_string_methods_do_not_launder_text() -> None:
    assert not isinstance(Markup("<b>") + HOSTILE, Markup)
    assert escape(Markup("<b>") + "<i>") == "&lt;b&gt;&lt;i&gt;"


def test_json_cannot_end_its_script_and_reads_back() -> None:
    value = {"name": HOSTILE, "comment": "<!--", "cdata": "]]>", "list": [1.5, "\u2028", "é"]}
    written = script_json(value)
    assert "<" not in written
    assert ">" not in written
    assert json.loads(written) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_number_that_browsers_refuse(value: float) -> None:
    assert script_json({"x": [value, (1.0, value)]}) == '{"x":[null,[1.0,null]]}'

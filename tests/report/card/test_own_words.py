"""A person's words in a card: read, kept, and never taken for what was generated."""

import pytest

from fraudlab.report.card.own_words import is_as_generated, place, sealed, words_of


def card(*, purpose="", notes="", said="generated"):
    return sealed(f"# Card\n\n{place('purpose', purpose)}\n\n{said}\n\n{place('notes', notes)}")


WORDS = {
    "a line": "We look at these by hand.",
    "several paragraphs": "One.\n\n- two\n- three\n\n```\ncode\n```",
    "a heading like one of ours": "## Limits\n\n| a | b |\n|---|---|",
    "a comment": "<!-- to do -->",
    "backslashes and groups": r"\1 \g<0> C:\new",
    "another script": "目的：不正検知 – naïve",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words_come_back_as_they_were_and_change_nothing_of_the_rest(words):
    text = card(purpose=words)
    assert words_of(text) == {"purpose": words}
    assert is_as_generated(text)
    assert words_of(text.replace("\n", "\r\n")) == {"purpose": words}
    assert is_as_generated("\ufeff" + text.replace("\n", "\r\n"))


def test_words_typed_between_the_marks_need_no_empty_lines():
    text = card().replace("<!-- yours: notes -->\n\n", "<!-- yours: notes -->\nmine\n")
    assert words_of(text) == {"notes": "mine"}
    assert is_as_generated(text)


DAMAGE = {
    "a generated sentence is another": lambda text: text.replace("generated\n", "changed\n", 1),
    "words stand outside": lambda text: text.replace("# Card", "# Card\n\nmine"),
    "a mark is gone": lambda text: text.replace("<!-- end of yours: purpose -->\n", ""),
    "a place is gone": lambda text: text.replace(place("notes", "n"), ""),
    "a mark within words": lambda text: text.replace(
        "p\n<!-- end", "<!-- end of yours: purpose -->\np\n<!-- end"
    ),
    "the seal is gone": lambda text: text[: text.index("\n<!-- generated:")],
    "words behind the seal": lambda text: text + "mine\n",
    "empty": lambda text: "",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_card_of_which_more_was_changed_is_told(damage):
    text = card(purpose="p", notes="n")
    assert is_as_generated(text)
    assert not is_as_generated(DAMAGE[damage](text))

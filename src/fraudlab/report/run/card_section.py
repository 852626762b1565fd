"""What the model's card says beyond the rest of the page: purpose, limits, and a person's own words."""

from __future__ import annotations

from collections.abc import Mapping

from fraudlab.report.card.card_content import CardSection, card_sections
from fraudlab.report.card.model_card import CARD, own_words
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import RunRecord


def card_section(record: RunRecord) -> Markup | None:
    """The sections of the card in which a person has a place; None of a run without a model or figures."""
    if not record.model or not record.metrics:
        return None
    words = own_words(record.folder)
    return element(
        "section",
        element("h2", "Model card"),
        element(
            "p",
            "With the figures of this page in ",
            element("code", f"model/{CARD}"),
            " and in the model’s archive. What you write there between the marks stands here too.",
            class_="lead",
        ),
        [_part(section, words) for section in card_sections(record) if section.words],
    )


def _part(section: CardSection, words: Mapping[str, str]) -> Markup | None:
    own = [part for part in words.get(section.words or "", "").split("\n\n") if part.strip()]
    if not (section.paragraphs or section.points or own):
        return None
    return element(
        "div",
        element("h3", section.title),
        [element("p", text) for text in section.paragraphs],
        element("ul", [element("li", point) for point in section.points]) if section.points else None,
        [element("p", part) for part in own],
        class_="card",
    )

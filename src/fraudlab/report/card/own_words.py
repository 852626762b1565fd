"""The places of a card that are a person's: read from an old card, kept in a new one. Pure."""

from __future__ import annotations

import hashlib
import re

_BEGIN, _END = "<!-- yours: {} -->", "<!-- end of yours: {} -->"
_PLACE = re.compile(r"<!-- yours: ([a-z]+) -->\n(.*?)<!-- end of yours: \1 -->", re.DOTALL)
_SEAL = re.compile(r"\n<!-- generated: ([0-9a-f]{64}) -->\n?\Z")


def place(name: str, words: str) -> str:
    """A place with the words in it."""
    inner = f"{words.strip()}\n" if words.strip() else "\n"
    return f"{_BEGIN.format(name)}\n{inner}{_END.format(name)}"


def words_of(card: str) -> dict[str, str]:
    """What a person has written, by the name of its place; a place that is empty is left out."""
    found = {name: words.strip() for name, words in _PLACE.findall(_unified(card))}
    return {name: words for name, words in found.items() if words}


def sealed(card: str) -> str:
    """A card with the digest of its generated part at its end."""
    text = card.rstrip() + "\n"
    return f"{text}\n<!-- generated: {_digest(text)} -->\n"


def is_as_generated(card: str) -> bool:
    """Whether nothing was changed but what stands in the places for it."""
    text = _unified(card)
    seal = _SEAL.search(text)
    return seal is not None and _digest(text[: seal.start()]) == seal[1]


def _digest(text: str) -> str:
    without = _PLACE.sub(lambda found: place(found[1], ""), text.rstrip() + "\n")
    return hashlib.sha256(without.encode()).hexdigest()


def _unified(card: str) -> str:
    """Line ends as they were written: editors of other systems change them."""
    return card.removeprefix("\ufeff").replace("\r\n", "\n")

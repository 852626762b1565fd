"""What a page holds, read as a browser would: elements closed, text without markup."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"br", "hr", "input", "link", "meta"}


class Page(HTMLParser):
    """A parsed page.

    Attributes
    ----------
    tags : list of (str, dict)
        Every start tag with its attributes.
    text : list of str
        Text in order, without that of style and script.
    scripts : list of str
        Content of script elements.
    """

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.open[-1:] != ["style"] and data.strip():
            self.text.append(" ".join(data.split()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def index(self, text: str) -> int:
        """Position of a text among the texts."""
        return self.text.index(text)

"""Docstrings have one form, and units are "per" something."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "fraudlab").rglob("*.py"))
#: "one line a row": "a" for "per", which reads as an article
A_FOR_PER = re.compile(
    r"\b(?:one|no|[\d,]+)(?: \w+)? "
    r"(?:bits?|bytes?|codes?|columns?|coroutines?|digests?|entry|files?|folders?|lines?|numbers?|objects?|"
    r"records?|requests?|rows?|scores?|tasks?|threads?|trees?|values?) an? "
    r"(?:row|line|round|request|stage|run|column|host|fold|split|group|word|backend|second|slice|file|channel)\b"
)
UNITS = ["one line a row", "no coroutine a request", "20,000 requests a second", "one Parquet folder a split"]


def summaries(source: str) -> list[str]:
    """The first words of what functions say of themselves."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return [text.splitlines()[0] for node in functions if (text := ast.get_docstring(node))]


def comments_and_summaries(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    tree = ast.parse(source)
    spoken = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    docstrings = [text.splitlines()[0] for node in spoken if (text := ast.get_docstring(node))]
    return comments + docstrings + summaries(source)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_a_summary_says_what_is_done_or_what_comes_back(path: Path) -> None:
    """A verb for what a function does, the value itself for what it only returns: never "Return the …"."""
    found = summaries(path.read_text(encoding="utf-8"))
    assert [text for text in found if re.match(r"(Returns?|Yields?)\b", text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_a_unit_is_per_something(path: Path) -> None:
    assert [
        text for text in comments_and_summaries(path.read_text(encoding="utf-8")) if A_FOR_PER.search(text)
    ] == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_with_an_article_is_found(unit: str) -> None:
    assert A_FOR_PER.search(f"# {unit}, and more")
    assert not A_FOR_PER.search("# " + re.sub(r" an? (\w+)$", r" per \1", unit))

"""What README and docs refer to is there, and their lines can be read in any window."""

import ast
import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt

from fraudlab.cli import main
from fraudlab.errors import FraudlabError

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/**/*.md")]
    if page.is_file()
)
#: its lines are those of whoever wrote them
HISTORY = ROOT / "CHANGELOG.md"
MAX_COLUMNS = 129
FILES = [
    file.relative_to(ROOT).as_posix()
    for folder in ("src", "tests", "benchmarks", "containers", "requirements", "docs", ".ci")
    for file in (ROOT / folder).rglob("*.*")
]


def named(page):
    return page.relative_to(ROOT).as_posix()


def anchors(page):
    """The names that headings of a page have, as GitHub and the site make them."""
    found, seen = [], Counter()
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for token, following in itertools.pairwise(tokens):
        if token.type == "heading_open":
            texts = (part.content for part in following.children if part.type in {"text", "code_inline"})
            words = "".join(texts)
            name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            found.append(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def links(page):
    """Every target of a link or picture of a page, code left out."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for part in token.children or []:
            if part.type in {"link_open", "image"}:
                yield part.attrs.get("href") or part.attrs.get("src")


def leads_nowhere(page, target):
    """Why a link cannot be followed, or None."""
    if re.match(r"(https?|mailto):", target):
        return None
    file, _, anchor = target.partition("#")
    there = (page.parent / file).resolve() if file else page
    if not there.is_relative_to(ROOT):
        return "leads out of the checkout"
    if not there.exists():
        return "does not exist"
    if anchor and there.suffix == ".md" and anchor not in anchors(there):
        return f"has no heading of that name; there are {anchors(there)}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page):
    assert {to: why for to in links(page) if (why := leads_nowhere(page, to))} == {}


def test_links_that_lead_nowhere_are_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "a.md"
    page.write_text(
        "# One `code`, two\n\n## Twice\n\n## Twice\n\n[a](#twice-1) [b](a.md#one-code-two) [c](https://e.example/)\n"
        "[d](b.md) [e](#three) ![f](g.png) [h](../x) `[i](j.md)`\n\n| [k](l.md) |\n|---|\n| [m](n.md) |\n"
    )
    assert anchors(page) == ["one-code-two", "twice", "twice-1"]
    wrong = [to for to in links(page) if leads_nowhere(page, to)]
    assert wrong == ["b.md", "#three", "g.png", "../x", "l.md", "n.md"]


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)
def test_lines_are_below_130_columns(page):
    """Rows of a table cannot be broken in Markdown."""
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
    long = [number for number, line in lines if len(line) > MAX_COLUMNS and not line.startswith("|")]
    assert long == []


@pytest.mark.parametrize("page", [page for page in PAGES if page != HISTORY], ids=named)
def test_modules_and_scripts_that_a_page_names_are_there(page):
    """By their path, or the end of it; what is the reader's own has `NAME` in it, or lies in a job's tree."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    said = set(re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|sh))`", prose))
    wrong = {name for name in said if "NAME" not in name and not name.startswith("input/")}
    assert {name for name in wrong if not any(f"/{file}".endswith(f"/{name}") for file in FILES)} == set()


def test_every_page_of_docs_is_in_the_list_of_the_site():
    """`make docs` says so too, a minute later."""
    listed = (ROOT / "docs/site/pages.txt").read_text(encoding="utf-8").split()
    pages = {page.relative_to(ROOT).with_suffix("").as_posix() for page in ROOT.glob("docs/*.md")}
    assert pages - set(listed) == set()


def test_issue_forms_are_forms():
    """What GitHub asks of one; it shows a form with a fault as no form at all."""
    forms = sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml"))
    assert forms
    for form in forms:
        content = yaml.safe_load(form.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= set(content) <= {"name", "description", "labels", "body"}
        parts = [part for part in content["body"] if part["type"] != "markdown"]
        assert all(part["attributes"]["label"] for part in parts)
        assert len({part["id"] for part in parts}) == len(parts) > 0


ROW = re.compile(r"^\| \[(.+)\]\(\.\./CONTRIBUTING\.md#(.+?)\) \| (.+) \|$", re.MULTILINE)
STEP = re.compile(r"`([^`]+)`(?: \(((?:`\w+`(?:, )?)+)\))?")
RECIPES = {
    what: (anchor, STEP.findall(steps))
    for what, anchor, steps in ROW.findall((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
}


def names_in(file):
    """What a module defines at its top."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        found |= {getattr(target, "id", None) or getattr(target, "name", None) for target in targets}
    return found


def test_the_table_of_what_to_open_has_what_people_ask_for():
    asked = {"backend", "hyperparameter", "threshold rule", "metric", "report figure", "page", "body format"}
    assert set(RECIPES) >= {f"a {what}" for what in asked | {"stage"}}


@pytest.mark.parametrize("what", RECIPES)
def test_what_to_open_exists_and_is_at_most_three_files(what):
    _, steps = RECIPES[what]
    assert 1 < len(steps) <= 3
    for path, names in steps:
        examples = sorted(ROOT.glob(path.replace("NAME", "*")))
        assert examples, f"{path} is not there any more"
        if names:
            assert set(re.findall(r"\w+", names)) <= names_in(ROOT / path), path


@pytest.mark.parametrize("what", RECIPES)
def test_contributing_lists_the_same_files_in_the_same_order(what):
    anchor, steps = RECIPES[what]
    sections = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n### ")
    (section,) = [text for text in sections if text.splitlines()[0].lower().replace(" ", "-") == anchor]
    assert re.findall(r"^\d\. `([^`]+)`", section, re.MULTILINE) == [path for path, _ in steps]
    words = re.findall(r"\w+", " ".join(names for _, names in steps))
    assert {word for word in words if f"`{word}`" not in section} == set()


def test_the_readme_has_every_exit_code():
    codes, waiting = set(), [FraudlabError]
    while waiting:
        kind = waiting.pop()
        codes.add(kind.exit_code)
        waiting += kind.__subclasses__()
    (sentence,) = re.findall(
        r"^Exit codes: (.*?)\. ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    named = {int(code) for code in re.findall(r"(?:^|, )(\d+) ", sentence.replace("\n", " "))}
    assert named == {0, *codes} - {1}


def test_the_help_of_runs_has_an_example_of_every_action(capsys):
    with pytest.raises(SystemExit):
        main(["runs", "--help"])
    shown = capsys.readouterr().out
    for action in ("list", "board", "show", "report", "attach"):
        assert f"  fraudlab runs {action}" in shown

"""One word has one meaning: no file name and no class name stands twice in src."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SRC = Path(__file__).parent.parent / "src" / "fraudlab"

#: names that stand twice on purpose, each with the reason
FILES = {
    "account.py": "an account of AWS, and one of Comet",
    "answers.py": "what AWS answers, and what the endpoint answers",
    "train.py": "the command of the image, the stage that runs it and the verb of the command line",
    "process.py": "the command of the image, and the backend that runs commands as plain processes",
}
CLASSES = {
    "Account": "an account of AWS, and one of Comet",
    "ConfigError": "one kind of error on both sides of the container wall: the same exit code",
    "StorageError": "one kind of error on both sides of the container wall: the same exit code",
}


def twice(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: places for name, places in sorted(found.items()) if len(places) > 1}


def file_names(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        if path.name not in {"__init__.py", "__main__.py"}:
            found[path.name].append(str(path.relative_to(root)))
    return found


def class_names(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(root)))
    return found


def test_no_file_name_stands_twice() -> None:
    again = twice(file_names(SRC))
    assert {name: places for name, places in again.items() if name not in FILES} == {}
    assert set(FILES) <= set(again), "a name that no longer stands twice needs no reason"


def test_no_class_name_stands_twice() -> None:
    again = twice(class_names(SRC))
    assert {name: places for name, places in again.items() if name not in CLASSES} == {}
    assert set(CLASSES) <= set(again), "a name that no longer stands twice needs no reason"


def test_names_that_stand_twice_are_found(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (tmp_path / folder / "rows.py").write_text("class Rows: ...\n")
    assert twice(file_names(tmp_path)) == {"rows.py": ["a/rows.py", "b/rows.py"]}
    assert twice(class_names(tmp_path)) == {"Rows": ["a/rows.py", "b/rows.py"]}

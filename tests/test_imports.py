"""No circle of imports anywhere in src: what stands above is never needed to read what stands below.

All imports count, also those inside functions and those for types only. What does not count is that Python
runs ``a/__init__`` before ``a.b``: a package that gathers what is in it would be a circle with each of those.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import fraudlab


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    graph = grimp.build_graph("fraudlab", cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circle(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others(imports):
    assert circle(imports) == []


def test_a_circle_would_be_found(imports):
    top = {**imports, "fraudlab.container.failure": {"fraudlab.container.serve"}}
    assert "fraudlab.container.serve" in circle(top)


def test_imports_in_functions_and_for_types_are_seen(imports):
    """Otherwise a circle could hide there."""
    folder = Path(fraudlab.__file__).parent
    inside, for_types = set(), set()
    for file in folder.rglob("*.py"):
        parts = file.relative_to(folder).with_suffix("").parts
        module = ".".join(["fraudlab", *parts]).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text())):
            named = {(module, part.module) for part in ast.walk(node) if isinstance(part, ast.ImportFrom)}
            if isinstance(node, ast.FunctionDef):
                inside |= named
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                for_types |= named
    for pairs in (inside, for_types):
        ours = {(module, name) for module, name in pairs if name in imports and name.count(".") > 1}
        assert len(ours) > 10
        # `from package import module` is an import of the module.
        missed = {
            (module, name)
            for module, name in ours
            if not any(f"{found}.".startswith(f"{name}.") for found in imports[module])
        }
        assert missed == set()


def test_the_version_is_below_everything(imports):
    assert imports["fraudlab._version"] == set()
    assert [module for module, imported in imports.items() if "fraudlab" in imported] == []

"""The site that ``make docs`` builds of README, docs/ and all docstrings; it needs no network to be read.

The pages keep the places their files have, so that a link that works in a checkout works in the site. What is
in docs/site/ exists for the site alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from fraudlab import __version__  # noqa: E402

project = "fraudlab"
release = __version__
html_title = f"fraudlab {release}"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
root_doc = "README"
# Everything else in the checkout is not even looked at: environments and runs are large.
include_patterns = ["*.md", "docs/**", "build/modules/*"]
_pages = {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs", "build"}
exclude_patterns = sorted(path.name for path in ROOT.iterdir() if path.name not in _pages)
exclude_patterns += ["build/[!m]*", "docs/site/*.py", "build/modules/modules.rst"]

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
myst_heading_anchors = 6
apidoc_modules: list[dict[str, Any]] = [
    {
        "path": str(ROOT / "src/fraudlab"),
        "destination": "build/modules",
        "exclude_patterns": ["**/__main__.py"],
        "max_depth": 1,
        "automodule_options": {"members", "undoc-members", "show-inheritance"},
    }
]
# A name is documented where it is defined; docs/site/python.rst has those of the Python interface once more.
autodoc_default_options = {"ignore-module-all": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # "Parameters" says more: shapes, units, values
napoleon_google_docstring = False
napoleon_use_ivar = True
# Types of parameters are words ("array_like of shape (n,)"), no references.
napoleon_use_param = False
napoleon_use_rtype = False

# A reference to nothing is an error, whichever page or docstring it stands in. What others document is
# not at hand without a network, and the names of exceptions below "Raises" may be those of two modules.
nitpicky = True
nitpick_ignore_regex = [(r"py:(class|exc|obj)", r"(?!\.|fraudlab\.).*")]
suppress_warnings = ["ref.python"]


def setup(app: Any) -> None:
    """Give README, which is a page for everybody, the site's list of pages, and the site an index.html."""
    app.connect("source-read", _list_pages)
    app.connect("build-finished", _first_page)


def _list_pages(_app: Any, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += (ROOT / "docs/site/pages.txt").read_text(encoding="utf-8")


def _first_page(app: Any, problem: Exception | None) -> None:
    if problem is None and app.builder.format == "html":
        to = f"<meta http-equiv=refresh content='0; url={root_doc}.html'>"
        text = f"<!doctype html>{to}<title>fraudlab</title>\n"
        Path(app.outdir, "index.html").write_text(text, encoding="utf-8")

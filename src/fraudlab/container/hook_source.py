"""The file ``hooks.py``: where it is looked for, and what can be said of it without running it.

The launcher checks the file it is about to send by the same functions, before any job starts.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError, listing, near

FILE = "hooks.py"
#: where an image that is derived from this one keeps it
IMAGE_FOLDER = Path("/opt/fraudlab")


@dataclass(frozen=True, slots=True)
class HookSource:
    """One ``hooks.py``, parsed.

    Attributes
    ----------
    path : Path
    content : bytes
    names : tuple of str
        What its top level defines or assigns.
    """

    path: Path
    content: bytes
    names: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Of the file, as hexadecimal: ``model.json`` says by it which code made the model."""
        return hashlib.sha256(self.content).hexdigest()

    def require(self, names: Iterable[str]) -> None:
        """Refuse names that the file does not define, and list those it does."""
        for name in names:
            if name not in self.names:
                public = sorted(found for found in self.names if not found.startswith("_"))
                raise ConfigError(
                    f"{self.path} has no function {name!r}{near(name, public, limit=3)}",
                    fix=f"name one of: {listing(public)}" if public else f"define it in {self.path.name}",
                )


def hook_folders(tree: Tree) -> list[Path]:
    """Where a job looks, in order: what the launcher sends, a channel of one's own, a derived image."""
    return [tree.channel("config"), tree.channel("code"), IMAGE_FOLDER]


def find_hooks(folders: Sequence[Path]) -> Path:
    """The ``hooks.py`` of the first folder that has one.

    Raises
    ------
    ConfigError
        If none has.
    """
    for folder in folders:
        if (folder / FILE).is_file():
            return folder / FILE
    raise ConfigError(
        f"a hook is named, and there is no {FILE} in {' or '.join(map(str, folders))}",
        fix=f"put {FILE} into the channel config",
    )


def read_hooks(path: Path) -> HookSource:
    """Read and parse a file without running it.

    Raises
    ------
    ConfigError
        If it cannot be read, or is not Python; with the line.
    """
    try:
        content = path.read_bytes()
        tree = ast.parse(content, filename=str(path))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", fix="give the path of a file"
        ) from error
    except SyntaxError as error:
        where = f" line {error.lineno}" if error.lineno else ""
        raise ConfigError(f"{path}{where} is not Python: {error.msg}", fix="correct the file") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{path} is not Python: {error}", fix="correct the file") from error
    return HookSource(path, content, tuple(_bound(tree)))


def _bound(tree: ast.Module) -> Iterable[str]:
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield name

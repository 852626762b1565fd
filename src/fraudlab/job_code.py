"""What decides, besides table and description, what a processing job writes: its modules, and its libraries.

A run that starts the job in its own environment asks here, so that a table is prepared again after a change
of what prepares it, and of nothing else. A run that starts the job in an image goes by the image's id: the
code is in there, and need not be the launcher's.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

#: where the job begins; how it is started and how its failure is told changes nothing that it writes
_JOB = "fraudlab.container.process"
_TRAIN_JOB = "fraudlab.container.train"
#: what reads, orders and writes rows
_LIBRARIES = ("numpy", "pyarrow", "scikit-learn")
_IMPORT = re.compile(r"^[ \t]*from[ \t]+(fraudlab[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", re.MULTILINE)
_PACKAGE = Path(__file__).parent


def processing_code(package: Path = _PACKAGE) -> str:
    """Identify the code of the processing job in this environment.

    Parameters
    ----------
    package : Path
        The folder of the package ``fraudlab``.

    Returns
    -------
    str
        A sha256, equal where modules and versions are equal.
    """
    digest = _digest(processing_modules(package))
    for name, used in _versions().items():
        digest.update(f"{name} {used}\0".encode())
    return digest.hexdigest()


def jobs_code(package: Path = _PACKAGE) -> str:
    """Identify the code by which a model is made: of the processing job and of the train job.

    Parameters
    ----------
    package : Path
        The folder of the package ``fraudlab``.

    Returns
    -------
    str
        A sha256, equal where their modules are; versions of packages are no part of it.
    """
    return _digest(_modules([_JOB, _TRAIN_JOB], package)).hexdigest()


def processing_modules(package: Path = _PACKAGE) -> dict[str, bytes]:
    """The modules that the processing job imports, those inside functions included, and their sources.

    They are found in the text of the imports: to import them would take a second, to parse them a tenth.
    """
    return _modules([_JOB], package)


def _digest(modules: Mapping[str, bytes]) -> hashlib._Hash:
    digest = hashlib.sha256()
    for module, source in sorted(modules.items()):
        digest.update(f"{module}\0{len(source)}\0".encode() + source)
    return digest


def _modules(jobs: list[str], package: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    waiting = [*jobs]
    while waiting:
        module = waiting.pop()
        file = _file(package, module)
        if module in found or file is None:
            continue
        found[module] = file.read_bytes()
        for origin, names in _IMPORT.findall(found[module].decode()):
            waiting += [origin, *(f"{origin}.{name}" for name in re.findall(r"\w+", names))]
    return found


def _file(package: Path, module: str) -> Path | None:
    """The file of a module; None for what is none, as a name inside a module is, and for a package."""
    path = package.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return path if path.is_file() else None


def _versions() -> Mapping[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}

"""Importing the SageMaker SDK's local mode without the rest of the SDK.

``import sagemaker`` imports estimators of every framework, JumpStart's catalogue with thousands of pydantic
classes, pandas and SciPy: 2.4 s of a CPU before the first container can start. Local mode needs none of it
and takes 0.4 s alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

#: what local mode imports and, for jobs and endpoints, never asks for anything: readers of RecordIO
_UNUSED = ("sagemaker.amazon.common",)
_opening = threading.RLock()


class _Unopened(ModuleType):
    """A module whose code has not run: it runs at the first question for something that is not there.

    A package answers for its submodules without that. The module stays the same object, so that whoever
    imports the SDK later, in a notebook perhaps, has the whole of it.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # asked of what is no package, before anything is wanted of it
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        submodule = f"{self.__name__}.{name}"
        if "__path__" in vars(self) and importlib.util.find_spec(submodule):
            return importlib.import_module(submodule)
        with _opening:
            if type(self) is _Unopened:
                self.__class__ = ModuleType  # type: ignore[assignment]
                assert self.__spec__ is not None
                assert self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def import_local_mode() -> None:
    """Import ``sagemaker.local``; as it comes where the SDK is imported already, or is not what it was.

    Raises
    ------
    ImportError
        There is no SDK, or it is broken.
    """
    if "sagemaker" in sys.modules:
        importlib.import_module("sagemaker.local")
        return
    try:
        for name in ("sagemaker", *_UNUSED):
            _leave_unopened(name)
        importlib.import_module("sagemaker.local")
    except (ImportError, AttributeError):  # a version that needs more of itself
        for name in [name for name in sys.modules if f"{name}.".startswith("sagemaker.")]:
            del sys.modules[name]
        importlib.import_module("sagemaker.local")


def _leave_unopened(name: str) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Unopened
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)

"""Describe a fraud-detection run once; run it as plain processes, or as SageMaker jobs in Docker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fraudlab._version import __version__

__all__ = ["Run", "__version__", "compare", "train"]

if TYPE_CHECKING:
    from fraudlab.api import Run, compare, train


def __getattr__(name: str) -> Any:
    """Import the Python interface on first use: the image carries only part of this package."""
    if name in {"Run", "compare", "train"}:
        from fraudlab import api

        return getattr(api, name)
    raise AttributeError(f"module 'fraudlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

"""The version, for the package, the image and what is made by either; imports nothing."""

from __future__ import annotations

__version__ = "0.1.0"

from pathlib import Path
from typing import Any

import pytest

from fraudlab.container.channels import channel_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a channel named train is to be."""
    return tmp_path / "train"


@pytest.fixture(params=["whole", "in small blocks"])
def blocks(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text files in one block, and in many."""
    if request.param != "whole":
        monkeypatch.setattr(channel_files, "_BLOCK_BYTES", 100)

"""What the work on a job has around it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fraudlab.rehearsal.faults import Faults


@dataclass(frozen=True)
class Services:
    """What the rehearsal lends to the work.

    Attributes
    ----------
    s3 : boto3 client
        Of the rehearsal's own S3.
    resolve_image : callable
        Gives the id that the local engine has for an image's URI; raises
        :class:`~fraudlab.errors.ImageMissing`.
    faults : Faults
    folder : Path
        For what is on its way; nothing stays there. It also says whose the containers are.
    """

    s3: Any
    resolve_image: Callable[[str], str]
    faults: Faults
    folder: Path

    @cached_property
    def owner(self) -> str:
        """What all containers of this rehearsal are labelled with, and those of no other."""
        return hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]

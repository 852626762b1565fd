"""Images in an account's registry: how their URIs look, and the tag that only one image has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fraudlab._version import __version__

#: the registry of an account, in any partition
_REGISTRY = re.compile(r"\d{12}\.dkr[.-]ecr(?:-fips)?\.")
#: an image there that is named by a tag, which is ``latest`` where none is given
_TAGGED = re.compile(r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[^/:@]+/([^:@]+)(?::([^:@]+))?")


def in_registry(name: str) -> bool:
    """Whether an image is in a registry of AWS already, and no engine need have it."""
    return _REGISTRY.match(name) is not None


@dataclass(frozen=True)
class TaggedImage:
    """An image in a registry of AWS that is named by a tag, under which another may be tomorrow."""

    registry: str
    region: str
    repository: str
    tag: str


def tagged_image(uri: str) -> TaggedImage | None:
    """The parts of a URI that names an image by its tag; None where it names one by its digest."""
    found = _TAGGED.fullmatch(uri)
    return None if found is None else TaggedImage(found[1], found[2], found[3], found[4] or "latest")


def tag_of(image_id: str) -> str:
    """The tag that only this image has."""
    return f"{__version__}-{image_id.removeprefix('sha256:')[:32]}"


def domain_of(region: str | None) -> str:
    """What the names of a region's services end with."""
    return "amazonaws.com.cn" if (region or "").startswith("cn-") else "amazonaws.com"

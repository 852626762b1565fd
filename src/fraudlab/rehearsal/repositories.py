"""The account's image registry: repositories and what is in them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fraudlab.files import read_json, write_json
from fraudlab.rehearsal.announcement import ACCOUNT, REGION
from fraudlab.rehearsal.registry_process import RegistryProcess

ImageDetail = dict[str, Any]
NO_REGISTRY = (
    "This rehearsal has no registry, because docker-registry is not installed: images are the local engine's"
    " own tags. Tag an image there, or install docker-registry and start the rehearsal again."
)


class Repositories:
    """Repositories on disk; images in a registry, or, where there is none, the local engine's own tags.

    Attributes
    ----------
    host : str or None
        Where images are pushed to, ``127.0.0.1:PORT``; None without a registry.
    """

    def __init__(self, file: Path, registry: RegistryProcess | None) -> None:
        self._file, self.registry = file, registry
        self.host: str | None = None
        self._lock = threading.RLock()
        self._known: dict[str, dict[str, Any]] = read_json(file) if file.is_file() else {}

    def has_repository(self, name: str) -> bool:
        return name in self._known

    def get(self, name: str) -> dict[str, Any] | None:
        """What is known of a repository: ``created``, ``mutability``, ``scan``, ``tags``, ``pushed``."""
        return self._known.get(name)

    def names(self) -> list[str]:
        """All repositories, oldest first."""
        return sorted(self._known, key=lambda name: (self._known[name]["created"], name))

    def uri(self, name: str) -> str:
        """What images of a repository are called."""
        return f"{self.host or f'{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com'}/{name}"

    def put(self, name: str, **facts: Any) -> None:
        """Make a repository, or change what is known of one."""
        with self._lock:
            there = self._known.get(name) or {
                "created": time.time(), "mutability": "MUTABLE", "scan": False, "tags": {}, "pushed": {},
            }  # fmt: skip
            self._known = {**self._known, name: {**there, **facts}}
            write_json(self._file, self._known)

    def remove(self, name: str) -> None:
        """Forget a repository, after its images."""
        for digest in {image["imageDigest"] for image in self.images(name)}:
            self.delete(name, digest)
        with self._lock:
            self._known = {known: facts for known, facts in self._known.items() if known != name}
            write_json(self._file, self._known)

    def pushed(self, name: str, digest: str) -> None:
        """Remember when an image came."""
        with self._lock:
            self.put(name, pushed={**self._known[name]["pushed"], digest: time.time()})

    def delete(self, name: str, digest: str) -> None:
        """Delete an image with all its tags."""
        if self.registry is not None:
            self.registry.ask("DELETE", f"/v2/{name}/manifests/{digest}")
        with self._lock:
            pushed = {one: moment for one, moment in self._known[name]["pushed"].items() if one != digest}
            self.put(name, pushed=pushed)

    def images(self, name: str) -> list[ImageDetail]:
        """Every image of a repository, as DescribeImages answers it."""
        return list(self._of_registry(name) if self.registry is not None else self._of_engine(name))

    def image_id(self, repository: str, reference: str) -> str | None:
        """The id that an engine has for an image."""
        if self.registry is None:
            return f"{repository}:{reference}"
        found = self.registry.manifest(repository, reference)
        if found is None:
            return None
        manifest = json.loads(found[2])
        if "manifests" in manifest:  # an index: the engine picks the platform when it pulls
            return found[0]
        return str(manifest["config"]["digest"])

    def pull_name(self, repository: str, reference: str) -> str | None:
        """The name by which the engine can pull an image."""
        if self.host is None:
            return None
        return f"{self.host}/{repository}{'@' if reference.startswith('sha256:') else ':'}{reference}"

    def _of_registry(self, name: str) -> Iterator[ImageDetail]:
        registry = self.registry
        assert registry is not None
        tags: dict[str, list[str]] = {digest: [] for digest in self._known[name]["pushed"]}
        for tag in registry.tags(name):
            digest = registry.digest(name, tag)
            if digest is not None:
                tags.setdefault(digest, []).append(tag)
        for digest, its_tags in tags.items():
            found = registry.manifest(name, digest)
            if found is None:
                continue
            manifest = json.loads(found[2])
            parts = (
                [manifest["config"], *manifest["layers"]] if "config" in manifest else manifest["manifests"]
            )
            moment = self._known[name]["pushed"].get(digest, self._known[name]["created"])
            detail = {
                "imageDigest": digest,
                "imageTags": its_tags,
                "imageSizeInBytes": sum(part["size"] for part in parts),
                "imagePushedAt": moment,
                "imageManifestMediaType": found[1],
            }
            yield {**detail, "artifactMediaType": manifest.get("config", {}).get("mediaType", found[1])}

    def _of_engine(self, name: str) -> Iterator[ImageDetail]:
        from docker.errors import DockerException

        from fraudlab.rehearsal.image_names import engine

        try:
            client = engine()
            try:
                found = client.api.images(name=name)
            finally:
                client.close()
        except DockerException:
            return
        for image in found:
            tags = [tag.rpartition(":")[2] for tag in image.get("RepoTags") or []]
            yield {
                "imageDigest": image["Id"],
                "imageTags": tags,
                "imageSizeInBytes": image["Size"],
                "imagePushedAt": float(image["Created"]),
                "imageManifestMediaType": "application/vnd.docker.distribution.manifest.v2+json",
            }

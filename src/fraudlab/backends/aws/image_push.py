"""The image in the account's registry: pushed once, under a tag that is made of the image's id."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import AccessRefused, code_of, explained, explained_calls, is_absent
from fraudlab.aws.image_uris import in_registry, tag_of, tagged_image
from fraudlab.backends.aws.transfers import ShowMeter
from fraudlab.backends.docker_engine import connected, default_image, preflight
from fraudlab.errors import BackendError, ImageMissing

if TYPE_CHECKING:
    from fraudlab.terminal import Meter

_MIB = 1 << 20
#: manifests of one image, as Docker and as OCI write them
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
#: what runs on the instance types of SageMaker's jobs
PLATFORM = "amd64"


@dataclass(frozen=True)
class ImageToRun:
    """The image that jobs are given.

    Attributes
    ----------
    name : str
        On the local engine, or the URI under which jobs find it.
    id : str or None
        On the local engine; of a URI, its digest, once it is known; see :func:`pinned`.
    is_local : bool
        It has to be in the registry before a job can have it.
    """

    name: str
    id: str | None
    is_local: bool = True


def image_to_run(name: str | None, *, any_platform: bool, push: bool = True) -> ImageToRun:
    """The image of a configuration: of the local engine, or one that is in a registry of AWS already.

    Parameters
    ----------
    name : str, optional
        ``backend.image``; the default is what `make image` builds.
    any_platform : bool
        Whether it may be of another processor than the machines of SageMaker have.
    push : bool
        Whether jobs find images in a registry, and not on the engine itself.

    Raises
    ------
    BackendError
        Where there is no engine, no such image, or it cannot run on those machines.
    """
    if name and in_registry(name):
        return ImageToRun(name, name.partition("@")[2] or None, is_local=False)
    chosen = name or default_image()
    engine = preflight(chosen, with_compose=False)
    if engine.architecture != PLATFORM and not any_platform:
        raise ImageMissing(
            f"The image {chosen} is for {engine.architecture}, and SageMaker's machines are {PLATFORM}.",
            fix=f"build it for them: DOCKER_DEFAULT_PLATFORM=linux/{PLATFORM} make image",
        )
    return ImageToRun(chosen, engine.image_id, is_local=push)


def pinned(image: ImageToRun, account: Account, *, run_id: str) -> ImageToRun:
    """An image of a registry by its digest, so that all jobs of a run have the one its tag is of now.

    Where the registry does not say, its identity is one of this run alone: what the image prepares is not
    shared with runs whose tag may be of another.
    """
    named = None if image.is_local else tagged_image(image.name)
    if named is None:
        return image
    digest = None
    if named.region == account.region:
        try:
            found = account.client("ecr").batch_get_image(
                registryId=named.registry,
                repositoryName=named.repository,
                imageIds=[{"imageTag": named.tag}],
                acceptedMediaTypes=list(_MANIFESTS),
            )
        except Exception as error:
            told = explained(error, doing=f"Looking for {image.name}")
            if not (is_absent(error) or isinstance(told, AccessRefused)):
                raise told from error
        else:
            digest = next((str(each["imageId"]["imageDigest"]) for each in found.get("images", [])), None)
    if digest is None:
        return replace(image, id=f"{image.name} in run {run_id}")
    repository = image.name.removesuffix(f":{named.tag}")
    return replace(image, name=f"{repository}@{digest}", id=digest)


@dataclass(frozen=True)
class ImageRegistry:
    """The repository of the account in which the image belongs.

    Attributes
    ----------
    account : Account
    repository : str
        Its name, ``sagemaker.repository``.
    """

    account: Account
    repository: str

    def pushed(self, image: ImageToRun, *, meter: ShowMeter) -> str:
        """The URI, by its digest, of a local image that is in the registry afterwards.

        Parameters
        ----------
        image : ImageToRun
            Of the local engine.
        meter : callable
            Shows the progress of a push.

        Raises
        ------
        BackendError
            Where there is no such repository, it refuses, or another image has the tag.
        """
        assert image.id is not None
        tag, uri = tag_of(image.id), self._uri()
        if (digest := self._digest(tag, image.id)) is None:
            _push(image.name, uri, tag, self._credentials(), meter=meter)
            digest = self._digest(tag, image.id)
        if digest is None:
            raise BackendError(
                f"{uri}:{tag} was pushed and is not there.", fix="see what your registry keeps, and repeat"
            )
        return f"{uri}@{digest}"

    def _uri(self) -> str:
        with explained_calls(doing=f"Finding the repository {self.repository}"):
            found = self._ecr.describe_repositories(repositoryNames=[self.repository])
        return str(found["repositories"][0]["repositoryUri"])

    def _digest(self, tag: str, image_id: str) -> str | None:
        """The digest under a tag; None where the tag is free.

        Raises
        ------
        BackendError
            Where another image has it.
        """
        doing = f"Looking for the image in {self.repository}"
        try:
            found = self._ecr.batch_get_image(
                repositoryName=self.repository,
                imageIds=[{"imageTag": tag}],
                acceptedMediaTypes=list(_MANIFESTS),
            )
        except Exception as error:
            if is_absent(error) and code_of(error) != "RepositoryNotFoundException":
                return None
            raise explained(error, doing=doing) from error
        images = found.get("images", [])
        if not images:
            return None
        digest = str(images[0]["imageId"]["imageDigest"])
        if image_id not in {digest, _config_of(images[0].get("imageManifest"))}:
            raise BackendError(
                f"The tag {tag} in {self.repository} is another image, {digest[:19]}….",
                fix="somebody has pushed to it by hand: delete that tag, and let tags be immutable (infra/)",
            )
        return digest

    def _credentials(self) -> dict[str, str]:
        with explained_calls(doing="Logging in to the registry"):
            answer = self._ecr.get_authorization_token()
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
        username, _, password = token.partition(":")
        return {"username": username, "password": password}

    @property
    def _ecr(self) -> Any:
        return self.account.client("ecr")


def _config_of(manifest: str | None) -> str:
    """The image id that a manifest is of: the digest of its configuration."""
    try:
        return str(json.loads(manifest or "")["config"]["digest"])
    except (ValueError, KeyError, TypeError):
        return ""


def _push(
    image: str,
    repository: str,
    tag: str,
    credentials: dict[str, str],
    *,
    meter: ShowMeter,
) -> None:
    """Push a local image; the name it gets for that is taken away again."""
    with connected(timeout=600) as client:
        client.api.tag(image, repository, tag)
        try:
            lines = client.api.push(
                repository, tag=tag, stream=True, decode=True, auth_config=dict(credentials)
            )
            size = int(client.images.get(image).attrs["Size"])
            with meter("image (MiB)", total=max(1, size // _MIB)) as shown:
                _follow(lines, repository, shown)
        finally:
            client.api.remove_image(f"{repository}:{tag}", noprune=True)


def _follow(lines: Any, repository: str, shown: Meter) -> None:
    """Show what is sent of all layers, until they are."""
    layers: dict[str, int] = {}
    for line in lines:
        if "error" in line:
            raise _refused(str(line["error"]).strip().rstrip("."), repository)
        detail = line.get("progressDetail") or {}
        if line.get("status") == "Pushing" and detail.get("current"):
            layers[line["id"]] = int(detail["current"])
            shown.reach(sum(layers.values()) // _MIB)


def _refused(words: str, repository: str) -> BackendError:
    """What a registry says to a push, with a fix."""
    if "immutable" in words:
        return BackendError(
            f"The tag was taken while the image was pushed to {repository} ({words}).", fix="repeat the run"
        )
    if any(sign in words for sign in ("denied", "authorized", "no basic auth", "forbidden")):
        return AccessRefused(
            f"The image may not be pushed to {repository} ({words}).",
            fix="ask your administrator for the launcher policy of infra/; see docs/admin.md",
        )
    if "name unknown" in words or "does not exist" in words:
        return ImageMissing(
            f"The registry has no repository {repository} ({words}).",
            fix="make it with the template in infra/, or name another: sagemaker.repository=NAME",
        )
    return BackendError(
        f"The image cannot be pushed to {repository} ({words}).",
        fix="see that Docker reaches the registry, and repeat the run",
    )

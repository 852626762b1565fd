"""The registry shown in SageMaker's: a group of model packages per model, and a package per version.

Sources: CreateModelPackage, UpdateModelPackage and ModelLifeCycle of the SageMaker API reference. A package
is found again by what its customer metadata say; a version of a group has the group's tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fraudlab.aws.tags import NAME_PREFIX
from fraudlab.errors import RegistryError
from fraudlab.registry.log_entries import LogEntry, canonical, digest_of
from fraudlab.registry.mirror_steps import require_known
from fraudlab.registry.model_registry import ModelRegistry
from fraudlab.registry.registry_state import APPROVED, REJECTED, ModelVersion, RegisteredModel, fold

_APPROVAL = {APPROVED: "Approved", REJECTED: "Rejected"}
_STATUS = {APPROVED: "Approved", REJECTED: "Rejected"}
_VERSION, _HEAD = "fraudlab-version", "fraudlab-head"
_MAX_NAME, _MAX_TOKEN, _MAX_TEXT, _MAX_VALUE = 63, 36, 1_000, 256
#: what the image reads and writes
_READ, _WRITTEN = ["text/csv", "application/json"], ["text/csv", "application/json"]
Place = Callable[[ModelVersion], tuple[str, str]]


def mirror_to_sagemaker(
    registry: ModelRegistry,
    client: Any,
    *,
    tags: Sequence[Mapping[str, str]],
    place: Place,
    say: Callable[[str], None] = print,
    dry_run: bool = False,
) -> int:
    """Tell SageMaker what it does not have; how many things were told, or would be.

    Parameters
    ----------
    registry : ModelRegistry
    client : boto3 client of sagemaker
    tags : sequence of dict
        Of new groups.
    place : callable
        Given a version that is not there yet, brings its model to the account; the image's name and the URI
        of ``model.tar.gz``.
    say : callable
        Takes a line for each thing that is told.
    dry_run : bool
        Ask only.

    Raises
    ------
    RegistryError
        Where a name is too long, or a package has a head that the log does not.
    """
    entries, told = registry.entries(), 0
    for model in fold(entries).models.values():
        group = group_of(model.name)
        there = _packages(client, group)
        for properties in ({} if there is None else there).values():
            if head := properties["CustomerMetadataProperties"].get(_HEAD):
                require_known(head, entries)
        if there is None:
            told += 1
            say(_line(f"group {group}", dry_run=dry_run))
            if not dry_run:
                client.create_model_package_group(ModelPackageGroupName=group, Tags=list(tags))
        for version in model.versions:
            told += _mirror_version(client, model, version, entries, there or {}, place, say, dry_run=dry_run)
    return told


def group_of(name: str) -> str:
    """The group of a model: its name behind the beginning that all of ours have.

    Raises
    ------
    RegistryError
        Where SageMaker takes no name so long.
    """
    group = name if name.startswith(NAME_PREFIX) else f"{NAME_PREFIX}{name}"
    if len(group) > _MAX_NAME:
        raise RegistryError(
            f"The group {group} would have {len(group)} characters, and SageMaker takes {_MAX_NAME}.",
            fix=f"register models under names of at most {_MAX_NAME - len(NAME_PREFIX)} characters",
        )
    return group


def package_form(
    model: RegisteredModel, version: ModelVersion, entries: Sequence[LogEntry]
) -> dict[str, Any]:
    """What of a package follows from the log: approval, life cycle, and metadata of the customer.

    The head of the log is in the newest version; the older ones keep what they had when they were newest.
    """
    stages, facts = model.stages_of(version.number), version.facts
    stage = stages[-1].capitalize() if stages else "Development"
    decided = version.decided
    known = {
        _VERSION: str(version.number),
        "fraudlab-content": version.content,
        "fraudlab-model": version.model,
        "fraudlab-run": version.run,
        "fraudlab-commit": facts.get("commit"),
        "fraudlab-data": facts.get("data", {}).get("sha256"),
        _HEAD: entries[-1].digest if version.number == len(model.versions) else None,
    }
    return {
        "ModelApprovalStatus": _APPROVAL.get(version.status, "PendingManualApproval"),
        "ModelLifeCycle": {
            "Stage": stage,
            "StageStatus": _STATUS.get(version.status, "PendingApproval"),
            "StageDescription": _text(f"by {decided.act.actor}: {decided.act.reason}" if decided else ""),
        },
        "CustomerMetadataProperties": {
            name: str(value)[:_MAX_VALUE] for name, value in known.items() if value
        },
    }


def _mirror_version(
    client: Any,
    model: RegisteredModel,
    version: ModelVersion,
    entries: Sequence[LogEntry],
    there: Mapping[int, Mapping[str, Any]],
    place: Place,
    say: Callable[[str], None],
    *,
    dry_run: bool,
) -> int:
    form, found = package_form(model, version, entries), there.get(version.number)
    if found is not None:
        before = found["CustomerMetadataProperties"]
        form["CustomerMetadataProperties"] = {**before, **form["CustomerMetadataProperties"]}
        if all(found.get(key) == value for key, value in form.items()):
            return 0
    verb = "package" if found is None else "change of"
    says = f"{form['ModelApprovalStatus']}, {form['ModelLifeCycle']['Stage']}"
    say(_line(f"{verb} {version.reference} ({says})", dry_run=dry_run))
    if dry_run:
        return 1
    if found is not None:
        arn = found["ModelPackageArn"]
        # going back to what was there before is another request than the first of its kind
        since = str(found.get("LastModifiedTime"))
        token = _token({"arn": arn, **form, "head": entries[-1].digest, "since": since})
        client.update_model_package(ModelPackageArn=arn, ClientToken=token, **form)
        return 1
    image, data = place(version)
    group = group_of(model.name)
    client.create_model_package(
        ModelPackageGroupName=group,
        ModelPackageDescription=_text(f"{version.reference}, run {version.run}"),
        InferenceSpecification={
            "Containers": [{"Image": image, "ModelDataUrl": data}],
            "SupportedContentTypes": _READ,
            "SupportedResponseMIMETypes": _WRITTEN,
        },
        ClientToken=_token({"group": group, "version": version.number, "content": version.content}),
        **form,
    )
    return 1


def _packages(client: Any, group: str) -> dict[int, dict[str, Any]] | None:
    """The packages of a group that are of ours, by version; None where there is no such group."""
    pages = client.get_paginator("list_model_package_groups").paginate(NameContains=group)
    names = {one["ModelPackageGroupName"] for page in pages for one in page["ModelPackageGroupSummaryList"]}
    if group not in names:
        return None
    found: dict[int, dict[str, Any]] = {}
    for page in client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group):
        for one in page["ModelPackageSummaryList"]:
            described = client.describe_model_package(ModelPackageName=one["ModelPackageArn"])
            number = described.get("CustomerMetadataProperties", {}).get(_VERSION, "")
            if number.isdecimal():
                found[int(number)] = described
    return found


def _token(content: Mapping[str, Any]) -> str:
    return digest_of(canonical(content))[:_MAX_TOKEN]


def _text(text: str) -> str:
    """One line, as the patterns of SageMaker's descriptions have it."""
    return " ".join(text.split())[:_MAX_TEXT]


def _line(what: str, *, dry_run: bool) -> str:
    return f"{'would tell' if dry_run else 'tells'} SageMaker: {what}"

"""What ``clean --cloud`` takes away in the bucket: what is old, ours, and read by nothing that stays."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import partial

from fraudlab.aws.account import Account
from fraudlab.cloud.in_use import each, seen
from fraudlab.cloud.removals import Clearing, Removal
from fraudlab.cloud.running_costs import age
from fraudlab.cloud.stale_objects import PrefixedBucket, StaleFolder


def add_objects(
    clearing: Clearing,
    account: Account,
    bucket: PrefixedBucket,
    *,
    before: datetime,
    now: datetime,
    active: Collection[str],
    going_models: Collection[str],
) -> None:
    """Add what is old below the prefix, and say why some of it stays.

    Parameters
    ----------
    before : datetime
        What was written to after that is not old.
    active : collection of str
        The runs whose jobs go on.
    going_models : collection of str
        Names of the models that are taken away: what they read is needed no more.
    """
    folders = bucket.folders()
    stale = [folder for folder in folders if folder.newest <= before]
    reads = _model_data(account, bucket) if stale else {}
    clearing.hidden += [f"model {name}" for name, read in reads.items() if read is None]
    needed = {key for name, read in reads.items() if name not in going_models for key in read or ()}
    may_be_read = {folder.key for folder in stale if bucket.run_of(folder) and None in reads.values()}
    kept_runs = [
        run
        for folder in folders
        if (run := bucket.run_of(folder))
        and (folder not in stale or run in active or folder.key in needed | may_be_read)
        and folder.reads_tables
    ]
    tables = any(bucket.run_of(folder) is None for folder in stale)
    inputs = bucket.needed_inputs(kept_runs) if tables else set()
    for folder in stale:
        run = bucket.run_of(folder)
        reason = _reason(folder, run, active=active, needed=needed, inputs=inputs)
        if not reason and folder.key in may_be_read:
            reason = "a model that may not be looked at may read it"
        if reason:
            clearing.stays.append(f"s3://{bucket.name}/{folder.key}: {reason}")
        else:
            what = _line(bucket, folder, now)
            readers = frozenset(f"model {name}" for name, read in reads.items() if folder.key in (read or ()))
            clearing.removals.append(Removal(what, partial(bucket.remove, folder), stands_under=readers))
    for upload in bucket.uploads(before, beside=folders):
        if upload.run in active:
            continue
        what = f"unfinished upload s3://{bucket.name}/{upload.key}, {age(upload.began, now)} old"
        clearing.removals.append(Removal(what, partial(bucket.abort, upload)))
    if any("s3://" in removal.what for removal in clearing.removals) and bucket.keeps_versions():
        clearing.stays.append("earlier versions of objects: the bucket keeps them until its lifecycle rule")


def _reason(
    folder: StaleFolder,
    run: str | None,
    *,
    active: Collection[str],
    needed: Collection[str],
    inputs: Collection[str] | None,
) -> str:
    """Why an old folder stays; empty where it does not."""
    if run is not None and run in active:
        return "a job of this run goes on"
    if folder.key in needed:
        return "a model reads it"
    if run is None and inputs is None:
        return "a run that stays does not say which tables it reads"
    if run is None and folder.key in (inputs or ()):
        return "a run that stays reads it"
    return ""


def _model_data(account: Account, bucket: PrefixedBucket) -> dict[str, set[str] | None]:
    """The folders that each model reads, whosever it is: each machine that starts reads one.

    None for somebody else's model that may not be looked at.
    """
    client, reads = account.client("sagemaker"), {}
    for one in each(client, "list_models", "Models"):
        found = seen(client.describe_model, ModelName=one["ModelName"])
        reads[str(one["ModelName"])] = (
            None if found is None else bucket.folders_in(json.dumps(found, default=str))
        )
    return reads


def _line(bucket: PrefixedBucket, folder: StaleFolder, now: datetime) -> str:
    size = f"{folder.objects:,} objects, {folder.bytes / (1 << 20):,.1f} MiB"
    return f"s3://{bucket.name}/{folder.key}, {size}, {age(folder.newest, now)} old"

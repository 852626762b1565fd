"""Raw table to typed splits: the processing job, skipped where its inputs' hashes say it has been run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab import api_requests
from fraudlab.data.file_hashes import Identity, identity
from fraudlab.data.sources import check_was_read
from fraudlab.errors import DataError
from fraudlab.files import publish, read_json, storage, write_json
from fraudlab.job_code import processing_code
from fraudlab.stages.context import PREPARED, Context
from fraudlab.stages.prepared_key import content_key, job_description, prepared_content
from fraudlab.stages.slice_content import require_slices
from fraudlab.stages.unseen import Unseen, find_unseen, refuse_wholly_unseen

if TYPE_CHECKING:
    from fraudlab.config import DataConfig
    from fraudlab.data.sources import Source


@dataclass(frozen=True)
class Preparation:
    """The processing job's output.

    Attributes
    ----------
    folder : Path
        Holds ``train/ validation/ test/``, each with Parquet files of raw, typed columns.
    key : str
        Equal where the content is equal.
    uri : str or None
        Where jobs find the same; None where it has to be given to them first.
    manifest : dict
        What was decided and counted; see ``docs/contract.md``.
    cached : bool
        Whether an earlier run had made it.
    """

    folder: Path
    key: str
    uri: str | None
    manifest: dict[str, Any]
    cached: bool


def prepare(context: Context, source: Source) -> Preparation:
    """Prepare a table, or find it prepared.

    Raises
    ------
    DataError
        Where no test row has a category of some column that train has.
    ConfigError
        Where the run starts from prepared data that lack a column of ``evaluation.slices``.
    """
    job = job_description(context.config, source)
    known = context.folder.record.get(PREPARED) or {}
    code = context.backend.image_id or processing_code()
    key = known.get("key") or source.prepared_key or content_key(job, source.sha256, code)
    context.note_for_others(**{PREPARED: {**known, "key": key}})
    force = context.config.force and source.prepared_key is None  # what was prepared elsewhere is no job here
    if force:  # what was prepared before goes, unless another run reads it
        context.cache.discard("prepared", key)
    final = context.cache.use("prepared", key)
    cached = _is_complete(final) and not force
    files, content = context.backend.files, prepared_content(key)
    folder, uri = final, None
    if not cached:
        found = None if force or context.is_started("process") else files.find(content)
        written = found or _run_job(context, source, job)
        folder = _publish(files.fetch(written), final, force=force)
        cached, uri = found is not None, found
        if found is None and files.exists(written):  # where there is one file system, it has been moved
            uri = files.keep(written, content=content)
    manifest = read_json(folder / "manifest.json")
    require_slices(context.config.evaluation.slices, manifest)
    write_json(context.folder.path / "data" / "manifest.json", manifest)
    refuse_wholly_unseen(
        unseen_in(folder, manifest),
        of="test",
        fix="a column whose values are new every time, such as a month or an id, teaches nothing: "
        "list it in data.drop or data.id",
    )
    return Preparation(folder, key, uri, manifest, cached)


def unseen_in(folder: Path, manifest: dict[str, Any]) -> list[Unseen]:
    """The categories of a preparation's test split that its train split does not have."""
    if not any(manifest["splits"]["test"]["unseen"].values()):
        return []
    import pyarrow.parquet as pq

    from fraudlab.container.contract import Fields
    from fraudlab.container.described_features import read_features

    features = read_features(Fields(manifest, source="manifest.json"))
    names = [features.names[position] for position in features.categorical]
    return find_unseen(features, pq.read_table(folder / "test", columns=names))


def time_span(time: dict[str, Any] | None) -> str:
    """The first and the last time of a table for a line, with the unit where they are numbers; or nothing.

    Parameters
    ----------
    time : dict, optional
        The manifest's ``time``.
    """
    from fraudlab.report.kit import numerals

    if time is None:
        return ""
    unit, first, last = time["unit"], time["first"], time["last"]
    if time["kind"] == "timestamp":
        read = f" (data.time_unit={unit})" if unit else ""
        return f"{numerals.timestamp(first)} to {numerals.timestamp(last)} UTC{read}"
    read = f", counted (data.time_unit={unit})" if unit else ""
    return numerals.duration(last - first).replace("\u00a0", " ") + read


def cautions(manifest: dict[str, Any], data: DataConfig) -> list[str]:
    """What a person should know of the table before trusting a number, one line for each.

    Parameters
    ----------
    manifest : dict
        Of the preparation.
    data : DataConfig
        What the run was told of the columns, for the overrides that leave one out.
    """
    from fraudlab.report.concerns.label_copies import sentence, without

    copies = manifest["label_copies"]
    if not copies:
        return list(manifest["notes"])
    overrides = without(
        [copy["column"] for copy in copies],
        drop=data.drop,
        features=data.features,
        categorical=data.categorical,
    )
    return [
        *manifest["notes"],
        *(f"caution: {sentence(copy)}" for copy in copies),
        f"         if that is not known when a transaction is scored: {overrides}",
    ]


def _run_job(context: Context, source: Source, job: dict[str, Any]) -> str:
    """Run the processing job; the URI of what it wrote."""
    raw = context.workspace / "raw"
    inside = raw if len(source.files) == 1 else raw / str(job["file"])
    placed = [inside / name for name in job["table"]["files"]]
    before: list[Identity] = []

    def request() -> api_requests.Request:
        if not source.files:
            raise DataError(
                f"The process job has not been started, and its table {source.path} is not on this machine.",
                fix="attach on the machine that has it",
            )
        for file, target in zip(source.files, placed, strict=True):
            place_table(file, target)
        before.extend(identity(target) for target in placed)
        check_was_read(source, placed, before)  # it may be kept under its hash, for runs to come
        _refuse_bytes(job)
        write_json(context.config_channel / "process.json", job)
        files = context.backend.files
        return api_requests.processing_job(
            context.config,
            context.backend.placement,
            run_id=context.run_id,
            raw=files.stage(raw, name="raw", content=_raw_key(source, job)),
            config_channel=files.stage(context.config_channel, name="config"),
            prepared=files.destination("prepared"),
        )

    handle = context.job("process", request)
    with context.job_log("process") as log:
        context.wait(handle, log)
    if before:
        check_was_read(source, placed, before)
    return handle.output


def _raw_key(source: Source, job: dict[str, Any]) -> str:
    """A text that only this table has under these file names."""
    names = json.dumps([source.sha256, job["file"], job["table"]["files"]])
    return f"raw-{hashlib.sha256(names.encode()).hexdigest()[:32]}"


def _refuse_bytes(job: dict[str, Any]) -> None:
    """Refuse names that are no UTF-8, which a job's JSON cannot hold."""
    text = json.dumps(job, ensure_ascii=False)
    if odd := re.search(r'[^"]*[\ud800-\udfff][^"]*', text):
        raise DataError(
            f"The name {odd[0].encode('ascii', 'backslashreplace').decode()!r} is not UTF-8.",
            fix="rename it, or write the column's name in UTF-8",
        )


def place_table(source: Path, target: Path) -> None:
    """Give a table to a job under a name and folder of its own: local mode mounts whole folders.

    A hard link where possible, else a copy.
    """
    with storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:
            shutil.copyfile(source, target)


def _publish(output: Path, final: Path, *, force: bool) -> Path:
    """Give a complete preparation its name, and say where to read it.

    Another run may have been faster, with the same bytes: its preparation is used, and never replaced while
    others read it. A run that forces the job, or finds only a damaged preparation, reads its own.
    """
    if publish(output, final) or (_is_complete(final) and not force):
        return final
    return output


def _is_complete(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()

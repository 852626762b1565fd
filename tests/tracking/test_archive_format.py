"""An archive that is written without Comet's SDK is the one that the SDK would have written.

Both are told the same; then their messages are compared, and what a server has of them when the SDK's own
uploader has sent them.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from tests.comet_server import KEY as API_KEY
from tests.comet_server import comet_server

from fraudlab.container import experiment_archive
from fraudlab.container.training.tracking import Archive as JobArchive
from fraudlab.tracking import new_key
from fraudlab.tracking.comet.archived_experiment import ArchivedExperiment
from fraudlab.tracking.comet.internals import temporary_files_in
from fraudlab.tracking.comet.recording import CometExperiment
from fraudlab.tracking.comet.sdk import load_sdk, quiet_config
from fraudlab.tracking.datasets import DatasetVersion

#: of an archive: when it was written, and names that are drawn
DRAWN = {"local_timestamp", "assetId", "file_path"}


class OfTheSdk:
    """An offline experiment of the SDK, for which :class:`CometExperiment` says what it says to ours."""

    def __init__(self, folder):
        sdk = load_sdk()
        config = quiet_config(sdk, folder=folder, name="run-1", tags=("nightly", "ü"))
        with temporary_files_in(folder):
            self._live = sdk.start(
                online=False, mode="get_or_create", workspace="risk", project="cards",
                experiment_key=new_key(), experiment_config=config,
            )  # fmt: skip
        self.tmpdir = self._live.tmpdir

    def __getattr__(self, name):
        return getattr(self._live, name)

    def __setattr__(self, name, value):
        if name == "curr_step":
            self._live.curr_step = value
        else:
            super().__setattr__(name, value)

    def end(self):
        self._live._log_metric = lambda *_values, **_more: None
        self._live.end()


def of_ours(folder):
    return ArchivedExperiment(
        new_key(), folder, workspace="risk", project_name="cards", name="run-1", tags=("nightly", "ü")
    )


def everything(experiment, files: Path) -> None:
    """Each kind of thing, and of each what is long, short, empty, odd."""
    experiment.log_parameters(
        {
            "max_depth": 6, "lambda": 1e-05, "exact": 0.1 + 0.2, "none": None, "list": ["a", 1], "no": False,
            "nested": {"deep": {"er": "ü\n\"'"}}, "empty": "", "": 3, "inf": float("inf"), "big": 10**30,
            "minus": -0.0, "n" * 99: 1, "p" * 100: 1, "o" * 101: 1, "v": "v" * 1000, "w": "w" * 1001,
        }
    )  # fmt: skip
    for number in range(40):
        experiment.log_metrics({"validation_aucpr": number / 7, "validation_auc": 0.5}, step=number)
    experiment.log_metrics(
        {"average_precision": 0.1 + 0.2, "rows": 57, "zero": 0, "huge": 1e300, "truth": True}
    )
    experiment.log_metrics({"m" * 150: 1.5, "none": None, "nan": float("nan"), "text": "x"})
    experiment.log_curve("precision-recall", [0, 0.5, 1e-09], [1, 0.1 + 0.2, 0])
    experiment.log_curve("roc.by-day", [0.0], [float("inf")])
    experiment.log_confusion_matrix([[90, 1], [2, 7]], labels=["legitimate", "fraud"])
    for path in sorted(files.iterdir()):
        experiment.log_asset(path)
    experiment.log_asset(files / "config.yaml")  # again: the later one counts
    experiment.log_model("fraudlab-weighted", files)
    for number, uri in enumerate(
        ["s3://b/p/model.tar.gz", "s3://b/p/", "s3://b", "s3://b/m", "file:///x/y/m.tar.gz", "gs://b/a b/ü"]
    ):
        experiment.log_model(f"remote-{number}", files, uri=uri)
    experiment.log_dataset(
        DatasetVersion(name="raw", kind="raw", hashes={"t.csv": "ab" * 32}, facts={"rows": 1})
    )
    experiment.log_others(
        {
            "git": {"commit": "abc", "dirty": False}, "none": None, "number": 3, "share": 0.25,
            "line": "a\nb", "nan": float("nan"), "inf": float("inf"),
            "k" * 150: "v" * 1200, "list": [1, None],
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The archives that the SDK and we write of the same, theirs first."""
    files = tmp_path_factory.mktemp("files")
    for name, content in {
        "model.ubj": b"trees", "model.json": b'{"threshold": 0.4}', "config.yaml": "a: ü".encode(),
        "picture.png": b"\x89PNG", "Makefile": b"all:", "x.tar.gz": b"", "empty.txt": b"", ".hidden": b"h",
        "a b.JSON": b"{}",
    }.items():  # fmt: skip
        (files / name).write_bytes(content)
    written = []
    for made in (OfTheSdk, of_ours):
        folder = tmp_path_factory.mktemp(made.__name__)
        experiment = CometExperiment(made(folder), mode="offline", folder=folder, streams_rounds=False)
        everything(experiment, files)
        (archive,) = experiment.end("completed")
        assert experiment.problems == []
        assert [path for path in folder.iterdir() if path.name.startswith("tmp")] == []
        written.append(archive)
    return written


def comparable(archive):
    """Messages in order, each with the content of its file, but for what is drawn; and the note."""
    with zipfile.ZipFile(archive) as opened:
        note = json.loads(opened.read(experiment_archive.ABOUT))
        lines = [json.loads(line) for line in opened.read(experiment_archive.MESSAGES).splitlines()]
        contents = {name: opened.read(name) for name in opened.namelist()}
    for line in lines:
        payload = line["payload"]
        if "file_path" in payload:
            payload["content"] = contents[payload["file_path"]].decode("latin-1")
            assert re.fullmatch("[0-9a-f]{32}", payload["additional_params"].pop("assetId"))
        for asset in payload.get("remote_assets", []):
            assert re.fullmatch("[0-9a-f]{32}", asset.pop("assetId"))
        assert isinstance(payload.pop("local_timestamp", 0), int)
        payload.pop("file_path", None)
        payload.pop("message_id")
    for when in ("start_time", "stop_time", "offline_id"):
        note.pop(when)
    note["tags"].sort()  # of a set
    return note, lines


def test_it_is_the_archive_that_the_sdk_writes_message_by_message(both):
    theirs, ours = (comparable(archive) for archive in both)
    assert ours[0] == theirs[0]
    # The SDK writes files on threads: what order they come in is chance.
    in_order = [[line for line in lines if line["type"] != "file_upload"] for _, lines in (theirs, ours)]
    assert in_order[1] == in_order[0]
    files = [
        Counter(json.dumps(line, sort_keys=True) for line in lines if line["type"] == "file_upload")
        for _, lines in (theirs, ours)
    ]
    assert files[1] == files[0]
    assert len(files[0]) > 12


def received(server):
    """All that a server was told, but for when, and by which names of a moment."""
    return {
        "metrics": sorted((m["metricName"], repr(m["metricValue"]), str(m["step"])) for m in server.metrics),
        "parameters": sorted((p["parameterName"], repr(p["parameterValue"])) for p in server.parameters),
        "facts": sorted((one["key"], repr(one["value"])) for one in server.others),
        "files": sorted((one.kind, one.group or "", one.name, one.content) for one in server.assets),
        "tags": sorted(server.tags),
        "projects": [run["project"] for run in server.runs.values()],
        "calls": sorted(server.paths),
    }


def sent(archive, monkeypatch, home):
    """What a server has when the SDK's own command has uploaded an archive."""
    load_sdk()
    from comet_ml.offline import main_upload

    with comet_server() as server:
        monkeypatch.setenv("COMET_URL_OVERRIDE", server.url)
        monkeypatch.setenv("COMET_API_KEY", API_KEY)
        main_upload([str(archive)], force_upload=True)
        return received(server)


def test_sent_by_the_sdk_it_arrives_as_the_very_same(both, monkeypatch, tmp_path):
    theirs, ours = (sent(archive, monkeypatch, tmp_path) for archive in both)
    for what in theirs:
        assert ours[what] == theirs[what], what
    assert len(ours["metrics"]) > 80
    assert len(ours["files"]) > 12


def test_the_archive_of_a_job_is_the_one_that_the_sdk_writes(tmp_path, monkeypatch):
    sdk = load_sdk()
    parameters = {"max_depth": 6, "eta": 0.30000000000000004, "eval_metric": '["aucpr"]', "long": "x" * 1200}
    job = JobArchive(key := new_key(), tmp_path / "job")
    job.log_parameters(parameters)
    with temporary_files_in(tmp_path):
        live = sdk.start(
            online=False, experiment_key=key, experiment_config=quiet_config(sdk, folder=tmp_path / "sdk")
        )
    live.log_parameters(parameters)
    for number in range(30):
        for said in (job, live):
            said.log_metrics({"validation_aucpr": number / 7, "validation_auc": 0.5}, step=number)
    live.curr_step = None
    for said in (job, live):
        said.log_metrics({"validation_recall": 0.1 + 0.2, "validation_alerts": 12})
    job.close()
    live._log_metric = lambda *_values, **_more: None
    live.end()
    found = []
    for folder in ("sdk", "job"):
        (archive,) = (tmp_path / folder).glob("*.zip")
        note, lines = comparable(archive)
        of_moments = [line for line in lines if "sys." in json.dumps(line)]
        # the SDK logs a parameter of its own wherever a step is given
        own = [line for line in lines if "curr_step" in json.dumps(line)]
        found.append((note, [line for line in lines if line not in of_moments and line not in own]))
    assert found[1] == found[0]
    assert len(found[0][1]) == 1 + 4 + 60 + 2


@pytest.mark.parametrize("at", ["a line", "a file"])
def test_what_a_full_disk_cuts_is_not_half_there(tmp_path, monkeypatch, at):
    writer = experiment_archive.ArchiveWriter(new_key(), tmp_path)
    writer.add(experiment_archive.metric("before", 1.0))
    if at == "a line":
        whole = writer._lines

        class Full:
            tell, truncate, seek, close = whole.tell, whole.truncate, whole.seek, whole.close
            written = 0

            def write(self, left):
                if self.written:
                    raise OSError(28, "No space left on device")
                self.written = whole.write(left[:7])
                return self.written

        monkeypatch.setattr(writer, "_lines", Full())
        with pytest.raises(OSError, match="No space left"):
            writer.add(experiment_archive.metric("cut", 1.0))
        monkeypatch.setattr(writer, "_lines", whole)
    else:
        with pytest.raises(OSError, match="No such file"):
            writer.add_file(tmp_path / "missing", "missing")
    writer.add(experiment_archive.metric("after", 1.0))
    (note, lines), names = comparable(archive := writer.close()), zipfile.ZipFile(archive).namelist()
    assert note["resume_strategy"] == "get_or_create"
    assert [line["payload"]["metric"]["metricName"] for line in lines] == ["before", "after"]
    assert sorted(names) == ["experiment.json", "messages.json"]
    assert list(tmp_path.iterdir()) == [archive]

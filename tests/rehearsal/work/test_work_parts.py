"""What jobs of a rehearsal are made of, where no container is needed: archives, reasons, metrics, images."""

import io
import tarfile
import threading
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from fraudlab.errors import ImageMissing
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.work import artifacts_upload, checkpoint_sync, reasons
from fraudlab.rehearsal.work.admission import admitted
from fraudlab.rehearsal.work.container_engine import Box
from fraudlab.rehearsal.work.final_metrics import FinalMetrics
from fraudlab.rehearsal.work.serving_box import _model_files
from fraudlab.rehearsal.work.tar_streams import Entry, first_file, members, tar_chunks

BOX = Box("id", "algo-1")


def packed(*entries):
    return b"".join(tar_chunks(entries))


def in_pieces(content, size=700):
    return [content[begin : begin + size] for begin in range(0, len(content), size)]


def test_what_is_packed_is_unpacked_in_whatever_pieces_it_comes():
    long = "folder/" + "n" * 200
    content = packed(
        Entry.folder("model"), Entry.file("model/a", b"x" * 513), Entry.file(f"model/{long}", b"")
    )
    found = {one.name: held.read() for one, held in members(in_pieces(content)) if held is not None}
    assert found == {"a": b"x" * 513, long: b""}


@pytest.mark.parametrize("said", [2, 4])
def test_a_file_that_is_not_as_long_as_was_said_is_refused(said):
    with pytest.raises(ValueError, match=f"3 bytes where {said} were announced"):
        packed(Entry("a", said, [b"123"]))


def test_links_come_through_and_a_hard_one_points_within_the_folder():
    content = packed(
        Entry.file("model/a", b"1"),
        Entry("model/again", link="model/a", hard=True),
        Entry("model/soft", link="a"),
    )
    found = {one.name: one.linkname for one, _ in members([content])}
    assert found == {"a": "", "again": "a", "soft": "a"}


def test_the_beginning_of_a_file_is_read_without_the_rest():
    content = packed(Entry.folder("output"), Entry.file("output/failure", b"12345678"))
    assert (first_file([content], 3), first_file([content])) == (b"123", b"12345678")
    assert first_file([packed(Entry.folder("output"))]) == b""


class Bucket:
    """S3 that holds what is uploaded, and refuses what it is told to."""

    exceptions = SimpleNamespace(ClientError=ClientError)

    def __init__(self):
        self.held, self.refuses, self.asked = {}, 0, threading.Event()

    def upload_fileobj(self, content, bucket, key):
        self.asked.set()
        if self.refuses:
            self.refuses -= 1
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow"}}, "PutObject")
        self.held[f"{bucket}/{key}"] = content.read()

    def delete_object(self, *, Bucket, Key):
        del self.held[f"{Bucket}/{Key}"]

    def get_object(self, *, Bucket, Key):
        return {"Body": io.BytesIO(self.held[f"{Bucket}/{Key}"])}


class Folder:
    """An engine whose containers hold one archive."""

    def __init__(self, *entries):
        self.entries = entries

    def archive(self, _box, path):
        name = path.rpartition("/")[2]
        wanted = [one for one in self.entries if one.path == f"model/{name}"] or self.entries
        return [packed(*wanted)]

    def get(self, box, path):
        return members(self.archive(box, path))


@pytest.fixture
def services(tmp_path):
    return SimpleNamespace(s3=Bucket(), folder=tmp_path)


LINKED = (
    Entry.file("model/a", b"1"),
    Entry("model/b", link="model/a", hard=True),
    Entry("model/c", link="a"),
)


def test_a_file_with_two_names_is_uploaded_under_both(services):
    artifacts_upload.upload_files(Folder(*LINKED), services, [BOX], path="/opt/ml/model", uri="s3://b/out/")
    assert services.s3.held == {"b/out/a": b"1", "b/out/b": b"1"}


def test_an_archive_of_links_can_be_unpacked_and_served(services):
    engine = Folder(*LINKED)
    artifacts_upload.upload_archive(
        engine, services, [BOX], path="/opt/ml/model", uri="s3://b/m.tar.gz", empty=True
    )
    with tarfile.open(fileobj=io.BytesIO(services.s3.held["b/m.tar.gz"])) as archive:
        assert {one.name: archive.extractfile(one).read() for one in archive} == dict.fromkeys("abc", b"1")
    given = b"".join(tar_chunks(_model_files(services, "s3://b/m.tar.gz", True)))
    with tarfile.open(fileobj=io.BytesIO(given)) as archive:
        assert [(one.name, one.linkname) for one in archive] == [("./a", ""), ("./b", "a"), ("./c", "a")]


def test_checkpoints_are_synced_again_after_s3_has_refused(services):
    services.s3.refuses = 1
    engine = Folder(Entry.file("model/a", b"1"))
    sync = checkpoint_sync.FolderSync(
        engine, services, BOX, path="/opt/ml/checkpoints", uri="s3://b/c", deletes=True, known=frozenset()
    )
    try:
        assert services.s3.asked.wait(20)
        assert sync._thread.is_alive()
    finally:
        sync.end(last=True)
    assert services.s3.held == {"b/c/a": b"1"}


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (b"", "AlgorithmError: , exit code: 3"),
        (b" no rows\n", "AlgorithmError: no rows, exit code: 3"),
        (b"\xff", "AlgorithmError: \ufffd, exit code: 3"),
    ],
)
def test_a_reason_has_what_the_container_left(failure, expected):
    assert reasons.algorithm_error(failure, 3) == expected


def test_a_long_reason_is_as_long_as_the_service_allows_and_keeps_the_code():
    found = reasons.algorithm_error(("é" * 5000).encode()[:4096], 137)
    assert (len(found), found.endswith("é, exit code: 137")) == (1024, True)
    assert len(reasons.WorkFailed("x" * 5000).reason) == 1024


def test_the_last_number_of_a_metric_counts():
    metrics = FinalMetrics(
        [
            {"Name": "loss", "Regex": r"loss:(\S+)"},
            {"Name": "none", "Regex": r"none:(\d+)"},
            {"Name": "all", "Regex": "x"},
        ]
    )
    metrics.read(["loss:0.5 loss:0.4", "x", "loss:soon"])
    metrics.read(["loss:1e-3"])
    metrics.read(["loss:often"])
    assert [(one["MetricName"], one["Value"]) for one in metrics.final()] == [("loss", 0.001)]


def test_an_image_is_admitted_or_the_reason_is_the_services():
    services = SimpleNamespace(faults=Faults(), resolve_image=lambda uri: f"id of {uri}")
    assert admitted(services, "image") == "id of image"

    def missing(_uri):
        raise ImageMissing("none", fix="none")

    services.resolve_image = missing
    with pytest.raises(reasons.WorkFailed) as refused:
        admitted(services, "image", no_image="words")
    assert refused.value.reason == "words"
    for fault, reason in (("image_pull_failure", reasons.NO_IMAGE), ("capacity_error", reasons.NO_CAPACITY)):
        services = SimpleNamespace(faults=Faults([fault]), resolve_image=lambda uri: uri)
        found = set()
        for _ in range(2):
            try:
                admitted(services, "image")
            except reasons.WorkFailed as error:
                found.add(error.reason)
        assert found == {reason}

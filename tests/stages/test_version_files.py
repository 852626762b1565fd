"""Where the files of a version of data are, and that they are the ones it names."""

from __future__ import annotations

from hashlib import sha256
from types import SimpleNamespace

import pytest

from fraudlab.cache import Cache
from fraudlab.data.recorded_version import SPLITS, RecordedVersion
from fraudlab.data.sources import resolve
from fraudlab.dataset_reference import DatasetReference
from fraudlab.errors import BackendError, DataError
from fraudlab.lineage.recorded import content_digest
from fraudlab.stages.version_files import check_table, prepared_folder, raw_path

FILES = {f"{name}/part-0.parquet": name.encode() for name in SPLITS}
REFERENCE = DatasetReference("ws", "d", "2.0.0")


def version_of(uris, *, kind="preprocessed", hashes=None, within=None):
    hashes = hashes or {name: sha256(content).hexdigest() for name, content in FILES.items()}
    return RecordedVersion(
        reference=REFERENCE,
        kind=kind,
        digest=content_digest(hashes),
        hashes=hashes,
        uris=uris,
        description={"data": {"within": within}},
        source="table",
        raw_sha256="ab" * 32,
        manifest={"schema": 1},
    )


def prepared_in(folder):
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def without_bucket():
    return SimpleNamespace(placement=SimpleNamespace(cloud=None))


def with_bucket(bring):
    return SimpleNamespace(placement=SimpleNamespace(cloud=object()), files=SimpleNamespace(fetch=bring))


@pytest.fixture
def taken(tmp_path):
    """Take the prepared splits of a version, as a run does."""
    with Cache(tmp_path / "cache") as cache:

        def take(version, *, moved=None, backend=None):
            return prepared_folder(
                version,
                cache=cache,
                workspace=cache.workspace("r"),
                moved=moved,
                backend=backend or without_bucket(),
            )

        yield take


def below(root):
    return {name: f"{root}/{name}" for name in FILES}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


def test_prepared_files_are_taken_from_a_folder_whose_name_is_quoted(taken, tmp_path):
    folder = prepared_in(tmp_path / "a b%20ü")
    version = version_of(below(folder.as_uri()))
    found = taken(version)
    assert contents(found) == FILES
    assert found.name == version.prepared_key
    for name in FILES:  # a link would change with the original; content is what counts the second time too
        (folder / name).unlink()
    assert contents(taken(version)) == FILES


def test_a_backend_brings_what_is_in_its_bucket(taken, tmp_path):
    asked = []

    def bring(uri):
        asked.append(uri)
        return prepared_in(tmp_path / "brought")

    found = taken(version_of(below("s3://b/p/prepared/k")), backend=with_bucket(bring))
    assert contents(found) == FILES
    assert asked == ["s3://b/p/prepared/k"]


def not_mine(uri):
    raise BackendError(f"{uri} is not in s3://mine/.", fix="…")


LOST = {
    "a bucket and no backend of AWS": (below("s3://b/p"), None, "aws s3 cp --recursive s3://b/p FOLDER"),
    "a bucket of somebody else": (below("s3://b/p"), with_bucket(not_mine), "is not in s3://mine/"),
    "a file of another machine": (below("file://host/p"), None, "this backend cannot bring them"),
    "a web server": (below("https://host/p"), None, "https://host/p"),
    "files that are gone": (below("file:///nowhere/p"), None, "/nowhere/p/train/part-0.parquet and 2 more"),
    "one without an address": (
        {name: uri for name, uri in below("file:///p").items() if "test" not in name},
        None,
        "does not say where test/part-0.parquet is",
    ),
    "no address at all": ({}, None, "does not say where"),
    "several places": (
        {**below("file:///p"), "test/part-0.parquet": "file:///q/test/part-0.parquet"},
        None,
        "in several places",
    ),
    "an address of another name": (
        {**below("file:///p"), "test/part-0.parquet": "file:///p/test/other.parquet"},
        None,
        "says that its file 'test/part-0.parquet' is file:///p/test/other.parquet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST)
def test_what_cannot_be_had_is_said_with_the_version_and_its_address(taken, case):
    uris, backend, said = LOST[case]
    with pytest.raises(DataError) as error:
        taken(version_of(uris), backend=backend)
    assert said in str(error.value)
    assert "ws/d:2.0.0" in error.value.message
    assert "data.path=" in error.value.fix


def test_other_content_is_refused_with_both_digests_and_nothing_is_kept(taken, tmp_path):
    folder = prepared_in(tmp_path / "p")
    (folder / "train/part-0.parquet").write_bytes(b"other")
    version = version_of(below(folder.as_uri()))
    for moved in (None, str(folder)):
        with pytest.raises(DataError) as error:
            taken(version, moved=moved)
        for digest in (sha256(b"other").hexdigest(), version.hashes["train/part-0.parquet"]):
            assert digest in error.value.message
        assert str(folder / "train/part-0.parquet") in error.value.message
    assert not (tmp_path / "cache/prepared" / str(version.prepared_key)).exists()


def test_what_the_cache_has_is_checked_again(taken, tmp_path):
    version = version_of(below(prepared_in(tmp_path / "p").as_uri()))
    file = taken(version) / "test/part-0.parquet"
    file.unlink()
    file.write_bytes(b"changed")
    with pytest.raises(DataError, match="is not what ws/d:2.0.0 names"):
        taken(version)
    file.unlink()
    with pytest.raises(DataError, match="is gone"):
        taken(version)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b"])
def test_a_name_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    (tmp_path / "t.csv").write_text("x")
    version = version_of({name: f"file://{tmp_path}/{name}"}, kind="raw", hashes={"t.csv": "ab" * 32})
    with pytest.raises(DataError, match="says that its file"):
        raw_path(version, moved=None, backend=None)


@pytest.mark.parametrize(("named", "within"), [("days", "."), ("days/*.csv", "*.csv"), ("days/a.csv", None)])
def test_a_raw_version_is_the_files_it_was(tmp_path, named, within):
    days = tmp_path / "days"
    days.mkdir()
    for name in ("a.csv", "b.csv", "c.txt"):
        (days / name).write_text("y,x\n1,2\n0,3\n")

    def read(path):
        return resolve(path, label="y", cache=tmp_path / "cache")

    source = read(tmp_path / named)
    uris = {name: file.as_uri() for name, file in zip(source.layout.files, source.files, strict=True)}
    version = version_of(uris, kind="raw", hashes={source.path.name: source.sha256}, within=within)
    found = raw_path(version, moved=None, backend=None)
    check_table(version, found, read(found).sha256)
    (days / "a.csv").write_text("y,x\n1,2\n0,4\n")
    with pytest.raises(DataError) as error:
        check_table(version, found, read(found).sha256)
    assert version.digest in error.value.message
    assert raw_path(version, moved="elsewhere.csv", backend=None).name == "elsewhere.csv"

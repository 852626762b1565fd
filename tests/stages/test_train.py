"""What a training job wrote is unpacked where it belongs, and nowhere else."""

import io
import tarfile

import pytest

from fraudlab.errors import JobFailed
from fraudlab.stages.train import _keep_model, keep_output


def archive(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("parent", ["", "data/", "./data/"], ids=["SageMaker", "local mode", "dotted"])
def test_output_is_unpacked_whoever_packed_it(tmp_path, parent):
    packed = archive(tmp_path / "o.tar.gz", {f"{parent}history.json": b"{}", f"{parent}comet/key.zip": b"PK"})
    keep_output(packed, tmp_path / "run")
    found = {str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert found == {"training/history.json", "comet/key.zip"}


def test_names_that_leave_the_folder_are_left_out(tmp_path):
    packed = archive(tmp_path / "o.tar.gz", {"../../evil.json": b"{}", "data/comet/../../../evil.zip": b"PK"})
    keep_output(packed, tmp_path / "a" / "run")
    assert not list(tmp_path.rglob("evil*"))


def test_a_job_that_ended_before_it_wrote_anything_leaves_nothing(tmp_path):
    keep_output(tmp_path / "absent.tar.gz", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_job_without_a_model_has_failed(tmp_path):
    with pytest.raises(JobFailed, match=r"completed without a model\.tar\.gz"):
        _keep_model(tmp_path / "model.tar.gz", tmp_path / "run")

"""The image as it lies there, and how it starts."""

import json

import pytest

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]


def test_what_the_image_says_of_itself():
    (found,) = json.loads(opt_ml.docker("image", "inspect", opt_ml.image()).stdout)
    config = found["Config"]
    assert config["Cmd"] == ["train"]
    assert not config["Entrypoint"]
    assert config["User"] in ("", "root", "0")
    assert config["ExposedPorts"] == {"8080/tcp": {}}
    assert not config.get("Volumes")
    # SageMaker gives a container a port of its choice, or several models, only where these say that it may.
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert config["Labels"]["com.amazonaws.sagemaker.capabilities.multi-models"] == "true"
    secrets = [line for line in config["Env"] if "KEY" in line or "SECRET" in line or "TOKEN" in line]
    assert secrets == []


def test_the_image_keeps_nothing_below_opt_ml(docker, tree):
    """Told by Python as root, with a writable root and nothing mounted."""
    script = "import os; print(os.path.lexists('/opt/ml'), sorted(os.listdir('/opt')))"
    done = docker.run(tree, "python", how=opt_ml.AS_ROOT, words=["python", "-c", script])
    assert done.output == "False ['fraudlab', 'venv']\n"


@pytest.mark.parametrize(
    ("how", "words"), [(opt_ml.STRICT, ["train"]), (opt_ml.AS_ROOT, [])], ids=["named", "not"]
)
def test_train_is_what_starts_with_and_without_its_name(docker, job, how, words):
    tree = job()
    done = docker.run(tree, "train", how=how, words=words)
    assert done.process.returncode == 0, done.output
    assert (tree.root / "model/model.ubj").is_file()
    assert not (tree.root / "output/failure").exists()


def test_a_word_that_is_no_command(docker, tree):
    done = docker.run(tree, "python", words=["python", "-m", "fraudlab.container", "trian"])
    assert done.process.returncode == 2
    assert done.output == "fraudlab.container knows process, train, serve, not 'trian'\n"


def test_the_same_model_as_any_user_hardened_or_not(docker, shelf, tmp_path):
    """Process and train once more, as SageMaker's root: the bytes do not depend on who made them."""
    prepared = tables.lay_out_processing(opt_ml.Tree(tmp_path / "prepared"))
    assert docker.run(prepared, "process", how=opt_ml.AS_ROOT).process.returncode == 0
    trained = tables.lay_out_training(opt_ml.Tree(tmp_path / "trained"), prepared.root)
    assert docker.run(trained, "train", how=opt_ml.AS_ROOT).process.returncode == 0
    for made, part in ((prepared, "processing/output/train/part-0.parquet"), (trained, "model/model.ubj")):
        strict = shelf.prepared if made is prepared else shelf.trained
        assert made.bytes(part) == (strict / part).read_bytes()

"""What a training job wrote is unpacked where it belongs, and nowhere else."""

import io
import tarfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from fraudlab.compose import compose
from fraudlab.container.contract import Tree, file_sha256
from fraudlab.container.hook_source import hook_folders
from fraudlab.container.training.hooks import load_hooks
from fraudlab.errors import BackendLost, ConfigError, JobFailed
from fraudlab.stages import train as stage
from fraudlab.stages.train import _job_description, _keep_model, _send_hooks, _wait_for_job, keep_output


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


@pytest.fixture
def with_hooks(in_tmp):
    """A run whose model names functions of a file, as far as sending them goes."""
    (in_tmp / "mine.py").write_text("def money(label, score, weight): return 1.0\nmoney.maximize = True\n")
    tree = Tree(in_tmp / "ml")
    channel, folder = tree.channel("config"), in_tmp / "run"
    channel.mkdir(parents=True)
    folder.mkdir()
    config = compose(["model.hooks=mine.py", "model.eval_metric=[aucpr,hook:money]", "model.num_round=3"])
    context = SimpleNamespace(
        config=config,
        config_channel=channel,
        folder=SimpleNamespace(path=folder, record={}),
        run_id="r",
        tree=tree,
    )
    context.tracker = SimpleNamespace(decision=SimpleNamespace(key=None, streams_rounds=True))
    return context


def test_a_models_functions_travel_to_where_the_job_looks_and_into_the_run(with_hooks, in_tmp):
    sent = _send_hooks(with_hooks)
    assert sent == {"hooks": file_sha256(in_tmp / "mine.py")}
    assert (with_hooks.folder.path / "hooks.py").read_bytes() == (in_tmp / "mine.py").read_bytes()
    assert load_hooks(hook_folders(with_hooks.tree)).direction("money") == "maximize"
    assert _job_description(with_hooks, {"data": "d", **sent})["hashes"] == {"data": "d", **sent}


def test_a_file_of_functions_that_went_away_is_the_configurations_fault(with_hooks, in_tmp):
    (in_tmp / "mine.py").unlink()
    with pytest.raises(ConfigError, match=r"mine\.py cannot be read: No such file or directory"):
        _send_hooks(with_hooks)


def test_without_functions_of_ones_own_nothing_is_sent(with_hooks):
    with_hooks.config.model.hooks = None
    assert _send_hooks(with_hooks) == {}
    assert not list(with_hooks.config_channel.iterdir())


def test_every_metric_of_a_round_is_logged(with_hooks):
    logged, reached = [], []
    experiment = SimpleNamespace(log_metrics=lambda metrics, step: logged.append((step, metrics)))
    with_hooks.tracker.tell = lambda what: what(experiment)
    with_hooks.terminal = SimpleNamespace(
        meter=lambda name, total: nullcontext(
            SimpleNamespace(reach=lambda count: reached.append((name, count)))
        )
    )
    with_hooks.job_log = lambda name, on_line: nullcontext(on_line)
    with_hooks.record_request = lambda name, request: request

    def job(handle, log):
        log("stage=load seconds=0.1")
        log("[0]\tvalidation-aucpr:0.50000\tvalidation-money:0.25000")
        log("[1]\tvalidation-aucpr:0.75000\tvalidation-money:nan")
        log("refit on train and validation: rows=20 frauds=4 rounds=2")
        log("refit-round=1/2")
        log("algo-1-x  | refit-round=2/2")

    with_hooks.wait = job
    _wait_for_job(with_hooks, {}, None)
    assert reached == [("rounds", 1), ("rounds", 2), ("refit", 1), ("refit", 2)]
    assert logged == [
        (0, {"validation_aucpr": 0.5, "validation_money": 0.25}),
        (1, {"validation_aucpr": 0.75}),
    ]


class FarAway:
    """A backend whose service says how jobs have ended."""

    def __init__(self, described):
        self.described, self.files = described, SimpleNamespace(fetch=lambda _uri: Path("nowhere"))

    def show_on(self, terminal): ...

    def facts(self):
        return {}

    def ending(self, handle):
        return self.described


FAILED = {"TrainingJobName": "t", "TrainingJobStatus": "Failed"}
STOPPED = {"TrainingJobName": "t", "TrainingJobStatus": "Stopped"}


@pytest.mark.parametrize(
    ("error", "described", "told"),
    [
        (JobFailed("The train job failed.", fix="x"), FAILED, [FAILED]),
        (JobFailed("The train job was stopped.", fix="x"), STOPPED, [STOPPED]),
        (KeyboardInterrupt(), None, []),
        (BackendLost("The service cannot be reached.", fix="x"), None, []),
    ],
    ids=["failed", "stopped", "interrupted", "lost"],
)
def test_what_a_service_says_of_a_job_that_failed_is_logged_too(
    tmp_path, monkeypatch, error, described, told
):
    def fails(*_given):
        raise error

    logged = []
    experiment = SimpleNamespace(log_training_job=logged.append)
    context = SimpleNamespace(
        backend=FarAway(described),
        folder=SimpleNamespace(path=tmp_path),
        job=lambda _name, _request: SimpleNamespace(output="s3://b/out"),
        tracker=SimpleNamespace(tell=lambda what: what(experiment)),
        outlives_launcher=True,
    )
    monkeypatch.setattr(stage, "_wait_for_job", fails)
    with pytest.raises(type(error)):
        stage.train(context, None, data_sha256="d")
    assert logged == told

"""What is left when a rehearsal ends, and what the next one makes of it; containers are made up."""

import contextlib
import queue
import threading
import time
from types import SimpleNamespace

import pytest

from fraudlab.rehearsal import work
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.resource import NEXT, Resource, ResourceKind
from fraudlab.rehearsal.resource_store import ResourceStore
from fraudlab.rehearsal.running import Running
from fraudlab.rehearsal.work import hosting, reasons
from fraudlab.rehearsal.work.container_engine import Box
from fraudlab.rehearsal.work.host_group import RAN, Ending, HostGroup
from fraudlab.rehearsal.work.serving_box import ContainerReply

BOX = Box("id", "algo-1")
TRAINING = {
    "TrainingJobName": "t",
    "AlgorithmSpecification": {"TrainingImage": "image"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 100},
}
PROCESSING = {
    "ProcessingJobName": "p",
    "AppSpecification": {"ImageUri": "image"},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    },
}


class Engine:
    """Containers that exist only here: they print what they are told, and end when they are told."""

    def __init__(self, *, exists=(), printed=(), seconds=0.0):
        self.exists, self.printed, self.ran = list(exists), list(printed), seconds
        self.signals, self.closed, self.hung_up = [], threading.Event(), threading.Event()
        self.running = threading.Event()
        self.code = queue.SimpleQueue()

    def __call__(self, _services, _work):
        return self

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        (self.hung_up if isinstance(error, reasons.WorkLeft) else self.closed).set()

    def find(self):
        return self.exists

    def remove_all(self):
        self.exists.clear()

    def job_network(self, **_options):
        return "none"

    def make(self, host, _settings):
        return Box("new", host)

    def put(self, _box, entries):
        for _ in entries:
            pass

    def run(self, _box):
        self.running.set()

    def lines(self, _box):
        yield from self.printed

    def wait(self, _box):
        return self.code.get()

    def seconds(self, _box):
        return self.ran

    def signal(self, _box, name):
        self.signals.append(name)
        self.code.put(0 if name == "TERM" else 137)

    def get(self, _box, _path):
        return iter(())

    def archive(self, _box, _path):
        return None

    def read(self, _box, _path):
        return b""


class Keeper:
    """Records in a folder and lines in memory."""

    def __init__(self, folder):
        self.store, self.lines = ResourceStore(folder / "sagemaker"), {}
        self.get, self.change = self.store.get, self.store.change

    def log(self, _group, stream, lines):
        self.lines.setdefault(stream, []).extend(text for _, text in lines)

    def logged(self, _group, stream):
        return len(self.lines.get(stream, ()))


@pytest.fixture
def keeper(tmp_path):
    return Keeper(tmp_path)


@pytest.fixture
def services(tmp_path):
    s3 = SimpleNamespace(upload_fileobj=lambda *_: None)
    return SimpleNamespace(faults=Faults(), folder=tmp_path, s3=s3, resolve_image=lambda _: "sha256:0")


def job(keeper, request, **facts):
    kind = ResourceKind.TRAINING if "TrainingJobName" in request else ResourceKind.PROCESSING
    name = next(iter(request.values()))
    keeper.store.add(kind, name, request, status="InProgress", facts=facts)
    return JobProgress(kind, name, keeper)


def carried_out(monkeypatch, engine, progress, services, *, resumed):
    monkeypatch.setattr(work, "ContainerEngine", engine)
    return (work.resume if resumed else work.start)(progress, services)


@pytest.mark.parametrize("request_", [TRAINING, PROCESSING], ids=["training", "processing"])
def test_a_rehearsal_that_ends_leaves_a_job_to_the_next_one(monkeypatch, keeper, services, request_):
    engine, progress = Engine(), job(keeper, request_)
    thread = carried_out(monkeypatch, engine, progress, services, resumed=False)
    assert engine.running.wait(20)
    progress.closing.set()
    thread.join(20)
    assert (engine.signals, engine.hung_up.is_set(), engine.closed.is_set()) == ([], True, False)
    assert (progress.record.status, progress.record.failure) == ("InProgress", None)
    # the next one watches the container, and the job ends as it would have
    again, progress = Engine(exists=[BOX]), JobProgress(progress.kind, progress.name, keeper)
    again.code.put(0)
    carried_out(monkeypatch, again, progress, services, resumed=True).join(20)
    assert (progress.record.status, again.closed.is_set()) == ("Completed", True)


@pytest.mark.parametrize("request_", [TRAINING, PROCESSING], ids=["training", "processing"])
def test_a_job_that_had_no_container_yet_begins_after_a_restart(monkeypatch, keeper, services, request_):
    engine, progress = Engine(), job(keeper, request_)
    engine.code.put(0)
    carried_out(monkeypatch, engine, progress, services, resumed=True).join(20)
    assert (progress.record.status, engine.running.is_set()) == ("Completed", True)


@pytest.mark.parametrize("request_", [TRAINING, PROCESSING], ids=["training", "processing"])
def test_a_job_whose_container_is_gone_fails_after_a_restart(monkeypatch, keeper, services, request_):
    progress = job(keeper, request_, **{RAN: 1})
    carried_out(monkeypatch, Engine(), progress, services, resumed=True).join(20)
    assert (progress.record.status, progress.record.failure) == ("Failed", reasons.GONE)


def test_what_fails_because_the_rehearsal_ends_is_no_failure_of_the_job(monkeypatch, keeper, services):
    progress = job(keeper, TRAINING)

    def ends(_image):
        progress.closing.set()
        raise ConnectionError("the server is gone")

    services.resolve_image = ends
    carried_out(monkeypatch, Engine(), progress, services, resumed=False).join(20)
    assert progress.record.status == "InProgress"


def test_the_time_before_a_restart_counts(monkeypatch, keeper, services):
    engine, progress = Engine(exists=[BOX], seconds=101.0), job(keeper, TRAINING, **{RAN: 1})
    progress.note(TrainingStartTime=time.time() - 101)
    carried_out(monkeypatch, engine, progress, services, resumed=True).join(20)
    record = progress.record
    assert (record.status, record.secondary, engine.signals) == ("Stopped", "MaxRuntimeExceeded", ["TERM"])
    assert record.facts["BillableTimeInSeconds"] == 101


def test_lines_that_are_there_are_not_written_again_and_none_is_lost(monkeypatch, keeper, services):
    engine, progress = Engine(exists=[BOX], printed=[b"a\nb\n", b"c\nd"]), job(keeper, TRAINING, **{RAN: 7})
    keeper.lines["t/algo-1-7"] = ["a", "b", "c"]
    engine.code.put(0)
    carried_out(monkeypatch, engine, progress, services, resumed=True).join(20)
    assert keeper.lines == {"t/algo-1-7": ["a", "b", "c", "d"]}


def test_a_stop_under_way_goes_on_after_a_restart(monkeypatch, keeper, services):
    progress = job(keeper, TRAINING, **{RAN: 1})
    progress.move("Stopping", "Stopping")
    engine = Engine(exists=[BOX])
    monkeypatch.setattr(work, "ContainerEngine", engine)
    monkeypatch.setattr(work, "sweep", lambda _services, keep: None)
    running = Running(keeper.store, keeper, services, work)
    running.resume()
    until(lambda: progress.record.ended)
    assert (engine.signals, progress.record.status) == (["TERM"], "Stopped")


def test_a_stop_before_the_work_begins_is_heard(monkeypatch, keeper, services):
    progress = job(keeper, TRAINING)
    progress.move("Stopping", "Stopping")
    engine = Engine()
    monkeypatch.setattr(work, "ContainerEngine", engine)
    running = Running(keeper.store, keeper, services, work)
    running.stop(ResourceKind.TRAINING, "t")
    running.start(progress.record)
    until(lambda: progress.record.ended)
    assert (engine.running.is_set(), progress.record.status) == (False, "Stopped")


def test_what_is_asked_for_while_a_rehearsal_ends_is_left_for_the_next(monkeypatch, keeper, services):
    monkeypatch.setattr(work, "start", lambda *_: pytest.fail("it began"))
    running = Running(keeper.store, keeper, services, work)
    running.close()
    running.start(job(keeper, TRAINING).record)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Completed", "Stopping", "Completed"),
        ("Failed", "InProgress", "Failed"),
        ("Stopped", "Completed", "Stopped"),
        ("Stopping", "InProgress", "Stopping"),
        ("Stopping", "Completed", "Completed"),
        ("InProgress", "Stopping", "Stopping"),
    ],
)
def test_a_job_goes_from_one_state_to_another_or_stays(before, after, expected):
    record = Resource(ResourceKind.TRAINING, "t", "", {}, 0, 0, before, secondary=before)
    record.move(after, after)
    assert (record.status, record.secondary) == (expected, expected)


def test_an_ending_that_has_begun_is_left_too(keeper):
    progress, engine = job(keeper, PROCESSING), Engine()
    progress.stopping.set()
    engine.signal = lambda _box, name: (engine.signals.append(name), progress.closing.set())
    group = HostGroup(engine, progress, [BOX], stream="p")
    group.run()
    with pytest.raises(reasons.WorkLeft):
        group.until_end(deadlines=[], on_stop=engine.signals.append)
    assert engine.signals == [Ending.STOPPED, "TERM"]


class Serving:
    """A serving container that exists only here; it answers pings where `healthy` is set."""

    healthy = threading.Event()
    made = queue.SimpleQueue()

    def __init__(self, _engine, _services, _progress, *, model, image, **_more):
        self.model, self.ended = model, False
        self.made.put(model)

    def healthy_within(self, _seconds, *give_up):
        while not any(one.wait(0.01) for one in (self.healthy, *give_up)):
            pass
        return self.healthy.is_set()

    def ask(self, *_arguments, **_options):
        return ContainerReply(200, {}, b"")

    def stop(self):
        self.ended = True


@pytest.fixture
def serving(monkeypatch):
    monkeypatch.setattr(Serving, "healthy", threading.Event())
    monkeypatch.setattr(Serving, "made", queue.SimpleQueue())
    monkeypatch.setattr(hosting, "ServingBox", Serving)
    monkeypatch.setattr(hosting, "serving_network", lambda *_, **__: "none")
    monkeypatch.setattr(hosting, "ContainerEngine", lambda *_: SimpleNamespace(close=lambda: None))
    return Serving


def kept(config_name, model_name):
    variant = {"VariantName": "v", "ModelName": model_name, "InstanceType": "ml.m5.large"}
    models = {model_name: {"PrimaryContainer": {"Image": "image", "ModelDataUrl": f"s3://b/{model_name}"}}}
    return {
        "EndpointConfigName": config_name, "_config": {"ProductionVariants": [variant]}, "_models": models,
    }  # fmt: skip


def endpoint(keeper, status, **facts):
    keeper.store.add(ResourceKind.ENDPOINT, "e", {"EndpointName": "e"}, status=status, facts=facts)
    return JobProgress(ResourceKind.ENDPOINT, "e", keeper)


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_an_endpoint_that_is_being_created_hears_the_end_and_is_created_by_the_next(
    keeper, services, serving
):
    progress = endpoint(keeper, "Creating", **kept("one", "m"))
    thread = work.start(progress, services)
    serving.made.get(timeout=20)
    progress.closing.set()
    thread.join(20)
    assert (thread.is_alive(), progress.record.status) == (False, "Creating")
    serving.healthy.set()
    progress = JobProgress(ResourceKind.ENDPOINT, "e", keeper)
    thread = work.resume(progress, services)
    until(lambda: progress.record.status == "InService")
    progress.deleted.set()
    thread.join(20)


def test_an_endpoint_serves_nobody_until_it_has_new_containers(keeper, services, serving):
    progress = endpoint(keeper, "InService", **kept("one", "m"))
    thread = work.resume(progress, services)
    assert serving.made.get(timeout=20)["ModelDataUrl"] == "s3://b/m"
    assert progress.record.status == "SystemUpdating"
    serving.healthy.set()
    until(lambda: progress.record.status == "InService")
    progress.deleted.set()
    thread.join(20)


def test_an_update_that_was_under_way_is_made_after_a_restart(keeper, services, serving):
    progress = endpoint(keeper, "Updating", **kept("one", "m"), **{NEXT: kept("two", "n")})
    serving.healthy.set()
    thread = work.resume(progress, services)
    until(lambda: progress.record.status == "InService")
    facts = progress.record.facts
    assert (facts["EndpointConfigName"], facts["_config"]) == ("two", kept("two", "n")["_config"])
    assert NEXT not in facts
    progress.deleted.set()
    thread.join(20)


def test_an_update_that_fails_leaves_what_the_endpoint_has(keeper, services, serving):
    progress = endpoint(keeper, "Creating", **kept("one", "m"))
    serving.healthy.set()
    thread = work.start(progress, services)
    until(lambda: progress.record.status == "InService")
    services.faults = Faults(["endpoint_unhealthy"])
    keeper.store.change(
        ResourceKind.ENDPOINT,
        "e",
        lambda one: (one.move("Updating"), one.facts.update({NEXT: kept("two", "n")})),
    )
    work.update(progress).join(20)
    record = progress.record
    assert (record.status, record.facts["EndpointConfigName"]) == ("InService", "one")
    assert record.facts["_config"] == kept("one", "m")["_config"]
    progress.deleted.set()
    thread.join(20)


def test_an_answer_that_comes_after_the_draining_is_no_error(keeper, services, serving):
    serving.healthy.set()
    host = hosting.Hosting(endpoint(keeper, "Creating", **kept("one", "m")), services)
    host.create()
    fleet, _ = host.chosen(None)
    host._drained(fleet, 0.0)
    host.answered(fleet)
    with contextlib.suppress(KeyError):
        assert host.chosen("none") is None
    assert fleet.under_way == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([b"short"], "short"),
        ([b"one, ", b"two"], "one, two"),
        ([("é" * 3000).encode()[:4095]], "é" * 1024),
        ([("\U0001f600" * 3000).encode()[:4096][:-1], b"x"], "\U0001f600" * 1023 + "x"),
    ],
)
def test_a_message_is_cut_to_what_the_service_shows(said, expected):
    assert reasons.exit_message(said) == expected


def test_a_message_that_is_no_text_is_none():
    with pytest.raises(UnicodeDecodeError):
        reasons.exit_message([b"\xff\xfe"])

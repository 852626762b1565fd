"""How a run ends: where its backend cannot be closed, and what is recorded of its costs."""

import io
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from fraudlab.config import InstanceConfig, RunConfig
from fraudlab.errors import BackendError, DataError
from fraudlab.lifecycle import _closed, _costed
from fraudlab.plan.price_cache import keep
from fraudlab.plan.prices import Component, Price, PriceRow, packaged_prices
from fraudlab.runs import RunFolder
from fraudlab.stages.context import Context, add_endpoint_use
from fraudlab.taking_up import _count_left
from fraudlab.terminal import Terminal


class Stuck:
    """A backend whose engine does not answer."""

    def close(self) -> None:
        raise BackendError("The engine does not answer.", fix="start it")


def test_what_cannot_be_taken_down_is_said_and_left_and_the_run_has_still_completed():
    shown, left = io.StringIO(), []
    with _closed(Stuck(), Terminal(file=shown), unfinished=lambda: left.append("workspace")):
        pass
    assert shown.getvalue() == "The engine does not answer. start it\n"
    assert left == ["workspace"]


def test_it_does_not_hide_why_a_run_failed():
    left = []
    with (
        pytest.raises(DataError, match="no frauds"),
        _closed(Stuck(), Terminal(quiet=True), unfinished=lambda: left.append("workspace")),
    ):
        raise DataError("no frauds", fix="add some")
    assert left == ["workspace"]


class Rented:
    """A backend in the cloud whose train job has been paid for."""

    name = "sagemaker"

    def show_on(self, _terminal):
        pass

    def ending(self, _handle):
        return None

    def facts(self):
        return {
            "rehearsed": False,
            "cloud": {"region": "us-east-1"},
            "billed_seconds": {"train": 720},
        }


def in_progress(tmp_path, backend, shown):
    """A run whose process job another launcher has waited for."""
    folder = RunFolder.create(tmp_path / "runs", "r")
    machines = {"instance_type": "ml.m5.xlarge", "instance_count": 1}
    folder.record.update(
        jobs={"process": machines, "train": machines},
        billed_seconds={"process": 360},
        endpoint={"since": "2026-11-27T10:00:00Z"},
    )
    config = SimpleNamespace(paths=SimpleNamespace(cache=str(tmp_path / "cache")))
    return Context(config, folder, None, None, backend, None, Terminal(file=shown))


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_records_and_says_in_the_end_what_its_machines_have_cost(tmp_path, fails):
    shown = io.StringIO()
    context = in_progress(tmp_path, Rented(), shown)
    with pytest.raises(DataError) if fails else nullcontext(), _costed(context):
        if fails:
            raise DataError("no frauds", fix="add some")
    costs = context.folder.record["costs"]
    rate = packaged_prices().hourly("us-east-1", Component.training, "ml.m5.xlarge")
    assert costs["jobs"]["train"]["usd"] == pytest.approx(rate.usd / 5)
    assert costs["jobs"]["train"]["price"]["date"] == rate.date
    assert costs["usd"] == pytest.approx(rate.usd * 0.3)  # 720 s and the 360 s before
    assert shown.getvalue().startswith("  cost: about $")


def test_a_run_on_this_machine_has_no_costs(tmp_path):
    shown = io.StringIO()
    context = in_progress(tmp_path, SimpleNamespace(name="process"), shown)
    with _costed(context):
        pass
    assert "costs" not in context.folder.record
    assert shown.getvalue() == ""


def test_the_prices_that_aws_was_asked_for_are_taken(tmp_path):
    live = Price(100.0, "live", "2026-11-27", "AWS Pricing API")
    keep(tmp_path / "cache", "us-east-1", [PriceRow("us-east-1", Component.training, "ml.m5.xlarge", live)])
    context = in_progress(tmp_path, Rented(), io.StringIO())
    with _costed(context):
        pass
    assert context.folder.record["costs"]["jobs"]["train"]["usd"] == 20.0


@pytest.mark.parametrize("before", [None, {"seconds": 30}])
def test_the_time_of_an_endpoint_is_added_up(before):
    record = {"endpoint_use": before}
    add_endpoint_use(record, InstanceConfig(instance_type="ml.m5.large"), seconds=9.6)
    seconds = 10 + (before or {"seconds": 0})["seconds"]
    assert record["endpoint_use"] == {
        "instance_type": "ml.m5.large", "instance_count": 1, "seconds": seconds,
    }  # fmt: skip


@pytest.mark.parametrize(("backend", "counted"), [("sagemaker", True), ("local", False)])
def test_an_endpoint_that_a_killed_launcher_left_is_counted_until_it_was_taken_down(backend, counted):
    ago = datetime.now(UTC) - timedelta(hours=2)
    record = {"backend": backend}
    _count_left(RunConfig(), record, since=ago.isoformat(timespec="seconds").replace("+00:00", "Z"))
    assert ("endpoint_use" in record) is counted
    assert not counted or 7200 <= record["endpoint_use"]["seconds"] < 7300


@pytest.mark.parametrize("odd", [None, "", "yesterday", 5, "2026-11-27T10:00:00"])
def test_a_time_that_is_none_is_not_counted(odd):
    record = {"backend": "sagemaker"}
    _count_left(RunConfig(), record, since=odd)
    assert "endpoint_use" not in record

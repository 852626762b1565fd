"""What cannot fit is refused before it is paid for; what may become tight is said."""

import pytest

from fraudlab.plan.fitting import TableSize, needed_gib, tight, unfitting
from fraudlab.plan.machines import memory_gib
from fraudlab.plan.steps import Step

GIB = 2**30


def size(*, bytes_=GIB, rows=1_000_000, exact=True, columns=31, share=0.8):
    return TableSize(bytes_, rows, exact, columns, share)


def step(name="process", **fields):
    base = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "volume_gb": 30, "max_seconds": 3600}
    return Step(name=name, **{**base, **fields})


@pytest.mark.parametrize(
    ("gib", "volume", "refused"), [(29, 30, False), (30, 30, False), (30.5, 30, True), (99, 30, True)]
)
def test_a_table_larger_than_its_volume_is_refused(gib, volume, refused):
    found = list(unfitting(size(bytes_=round(gib * GIB)), [step(volume_gb=volume)]))
    assert bool(found) is refused
    if refused:
        assert found[0].key == "compute.process.volume_gb"
        assert f"{gib:.1f} GiB" in found[0].message
        room = int(found[0].fix.split("=")[1].split()[0])
        assert room > 2 * gib
        assert not list(unfitting(size(bytes_=round(gib * GIB)), [step(volume_gb=room)]))


@pytest.mark.parametrize("name", ["process", "train"])
def test_rows_that_need_more_memory_than_the_machine_has_are_refused(name):
    """m5.xlarge has 16 GiB; 300 and 380 bytes a row of 31 columns were measured."""
    found = list(unfitting(size(rows=100_000_000), [step(name)]))
    assert [one.key for one in found] == [f"compute.{name}.instance_type"]
    assert "100,000,000 rows × 31 columns need about" in found[0].message
    assert "has 16 GiB" in found[0].message
    assert not list(unfitting(size(rows=100_000_000), [step(name, instance_type="ml.m5.12xlarge")]))


def test_the_memory_is_what_was_measured():
    assert needed_gib(size(rows=GIB // 300), step("process")) == pytest.approx(1, rel=1e-6)
    assert needed_gib(size(rows=GIB // 380, share=1.0), step("train")) == pytest.approx(1, rel=1e-6)
    assert needed_gib(size(rows=GIB // 380, share=0.5), step("train", instance_count=2)) == pytest.approx(
        0.25, rel=1e-6
    )
    assert needed_gib(size(), step("endpoint")) is None


@pytest.mark.parametrize(
    ("table", "where"),
    [
        (size(rows=100_000_000, exact=False), step()),  # an estimate refuses nothing
        (size(rows=None), step()),
        (size(rows=100_000_000, columns=None), step()),
        (size(rows=100_000_000), step(instance_type="ml.p4d.24xlarge")),  # whose memory is not in the table
        (size(rows=100_000_000), step(skipped="it is there")),
        (size(rows=100_000_000, bytes_=99 * GIB), step("endpoint", volume_gb=0)),
        (size(bytes_=None, rows=1000), step(volume_gb=1)),
    ],
)
def test_what_is_not_known_refuses_nothing(table, where):
    assert list(unfitting(table, [where])) == []


def test_all_that_cannot_fit_is_said_at_once():
    found = list(unfitting(size(rows=100_000_000, bytes_=99 * GIB), [step(), step("train")]))
    assert [one.key for one in found] == [
        "compute.process.volume_gb", "compute.process.instance_type", "compute.train.instance_type",
    ]  # fmt: skip


def test_what_may_become_tight_is_said():
    rows = round(0.8 * 16 * GIB / 300)
    (sentence,) = tight(size(rows=rows), [step()])
    assert sentence.startswith("The process job may need 12.8 of the 16 GiB that ml.m5.xlarge has")
    (estimated,) = tight(size(rows=rows, exact=False), [step()])
    assert estimated.endswith("(its rows are an estimate).")
    (volume,) = tight(size(bytes_=14 * GIB), [step()])
    assert "may need 28.0 GiB, and compute.process.volume_gb is 30" in volume
    assert list(tight(size(), [step(), step("train"), step("endpoint")])) == []


@pytest.mark.parametrize(
    ("machine", "gib"),
    [("ml.m5.large", 8), ("ml.m5.24xlarge", 384), ("ml.c5.xlarge", 8), ("ml.r5.4xlarge", 128),
     ("ml.t3.medium", 4), ("ml.g4dn.xlarge", 16), ("ml.p3.2xlarge", None), ("m5.large", None),
     ("ml.m5", None), ("ml.m5.metal", None), ("", None)],
)  # fmt: skip
def test_the_memory_of_a_machine_is_that_of_its_name(machine, gib):
    assert memory_gib(machine) == gib

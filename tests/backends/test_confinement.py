"""What local mode's containers are left with, as the Compose file says it."""

from __future__ import annotations

from typing import Any

import pytest

from fraudlab.backends.confinement import ContainerLimits, confined, limits
from fraudlab.cli import main
from fraudlab.config_rules import memory_bytes
from fraudlab.errors import ConfigError

OWNER = {"org.fraudlab.owner": "v1-12ab"}
GIB = 1 << 30


def content(*volumes: str, hosts: int = 1, **settings: Any) -> dict[str, Any]:
    names = [f"algo-{number}-x" for number in range(1, hosts + 1)]
    services = {
        name: {
            "image": "i",
            "volumes": list(volumes),
            "networks": {"sagemaker-local": {"aliases": [name]}},
            **settings,
        }
        for name in names
    }
    return {
        "version": "2.3",
        "services": services,
        "networks": {"sagemaker-local": {"name": "sagemaker-local"}},
    }


def written(command: str, *volumes: str, hosts: int = 1, **settings: Any) -> dict[str, Any]:
    given = content(*volumes, hosts=hosts, **settings)
    found = confined(given, command, ContainerLimits(memory=3 * GIB, pids=99), owner_label=OWNER)
    assert given == content(*volumes, hosts=hosts, **settings)
    return found


@pytest.mark.parametrize("command", ["process", "train", "serve"])
def test_every_container_has_what_it_needs_and_no_more(command: str) -> None:
    (service,) = written(command)["services"].values()
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp:size=256m,mode=1777,noexec,nosuid,nodev"]
    assert service["mem_limit"] == service["memswap_limit"] == 3 * GIB
    assert service["pids_limit"] == 99


@pytest.mark.parametrize("command", ["process", "train"])
def test_a_job_of_one_host_has_no_network(command: str) -> None:
    found = written(command)
    (service,) = found["services"].values()
    assert service["network_mode"] == "none"
    assert "networks" not in service
    assert "networks" not in found


def test_several_hosts_have_a_network_that_leads_nowhere_else_and_is_found_again() -> None:
    found = written("train", hosts=2)
    assert found["networks"] == {
        "sagemaker-local": {"name": "fraudlab-v1-12ab", "internal": True, "labels": OWNER}
    }
    assert [s["networks"]["sagemaker-local"]["aliases"] for s in found["services"].values()] == [
        ["algo-1-x"],
        ["algo-2-x"],
    ]
    assert all("network_mode" not in service for service in found["services"].values())


def test_an_endpoint_keeps_the_network_its_port_is_published_on() -> None:
    found = written("serve", ports=["127.0.0.1:18000:8080"])
    (service,) = found["services"].values()
    assert service["ports"] == ["127.0.0.1:18000:8080"]
    assert "sagemaker-local" in service["networks"]
    assert found["networks"] == {"sagemaker-local": {"name": "sagemaker-local"}}


@pytest.mark.parametrize(
    ("command", "volume", "mode"),
    [
        ("train", "/h/a:/opt/ml/input/data/train", ":ro"),
        ("train", "/h/a:/opt/ml/input/data/train:z", ",ro"),
        ("train", "/h/a:/opt/ml/input", ""),
        ("train", "/h/a:/opt/ml/model", ""),
        ("train", "/h/a:/opt/ml/output/data", ""),
        ("process", "/h/a:/opt/ml/processing/input/raw", ":ro"),
        ("process", "/h/a:/opt/ml/processing/input/config/", ":ro"),
        ("process", "/h/a:/opt/ml/processing/output", ""),
        ("process", "/h/a:/opt/ml/config", ""),
        ("serve", "/h/a:/opt/ml/model", ":ro"),
    ],
)
def test_what_a_container_is_given_to_read_it_cannot_write(command: str, volume: str, mode: str) -> None:
    (service,) = written(command, volume)["services"].values()
    assert service["volumes"] == [volume + mode]


@pytest.mark.parametrize(
    ("command", "user", "added"),
    [
        ("process", "0:0", ["DAC_OVERRIDE"]),
        ("process", "1000:0", None),
        ("train", "0:0", None),
        ("serve", "0:0", None),
    ],
)
def test_root_reads_the_tables_of_others_and_no_hook_does(
    command: str, user: str, added: list[str] | None
) -> None:
    (service,) = written(command, user=user)["services"].values()
    assert service.get("cap_add") == added


@pytest.mark.parametrize(
    ("cpus", "asked", "expected"),
    [
        (2, {}, ContainerLimits(memory=7 * GIB, pids=512)),
        (64, {}, ContainerLimits(memory=7 * GIB, pids=512)),
        (192, {}, ContainerLimits(memory=7 * GIB, pids=1536)),
        (192, {"memory": GIB, "pids": 100}, ContainerLimits(memory=GIB, pids=100)),
    ],
)
def test_limits(cpus: int, asked: dict[str, int], expected: ContainerLimits) -> None:
    assert limits(engine_memory=8 * GIB, cpus=cpus, **asked) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("4g", 4 * GIB),
        ("4G", 4 * GIB),
        ("4GB", 4 * GIB),
        ("1.5 GiB", 3 * GIB // 2),
        ("512m", GIB // 2),
        ("512MiB", GIB // 2),
        ("256m", GIB // 4),
    ],
)
def test_memory_is_a_number_with_its_unit(text: str | None, expected: int | None) -> None:
    assert memory_bytes(text) == expected


@pytest.mark.parametrize(
    "text", ["4", "4096", "100k", "255m", "0g", "-1g", "g", "1e9g", "4t", "", "inf", "٤g"]
)
def test_memory_that_is_none_or_too_little_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"backend\.memory=.* is out of range\.") as error:
        memory_bytes(text)
    assert error.value.fix == "valid: 256m or more, such as 512m or 4g"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["backend.pids=63"], "backend.pids=63 is out of range."),
        (["backend.memory=4"], "backend.memory=4 is out of range."),
        (["backend=process", "backend.memory=4g"], "backend.memory=4g limits a container, and"),
        (["backend=process", "backend.pids=300"], "backend.pids=300 limits a container, and"),
    ],
)
def test_limits_that_cannot_be_are_refused_before_a_run(
    in_tmp: object, capsys: pytest.CaptureFixture[str], overrides: list[str], said: str
) -> None:
    assert main(["train", *overrides]) == 2
    assert said in capsys.readouterr().err

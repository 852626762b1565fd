"""Taking containers away: what is gone or going is no error, and whatever else is one names what is left."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from docker.errors import APIError
from requests import ReadTimeout

from fraudlab.backends import docker_engine
from fraudlab.errors import DockerUnavailable


def refusal(status: int) -> APIError:
    return APIError("refused", response=SimpleNamespace(status_code=status, url="", reason=""))


class Engine:
    """An engine with three containers; it answers to the removal of the second with a status of its own."""

    def __init__(self, status: int) -> None:
        self.api = self
        self.status = status
        self.asked: dict[str, object] = {}
        self.removed: list[str] = []

    def containers(self, **asked: object) -> list[dict[str, str]]:
        self.asked = asked
        return [{"Id": name} for name in ("one", "two", "three")]

    def remove_container(self, name: str, *, force: bool) -> None:
        if name == "two":
            raise refusal(self.status)
        self.removed.append(name)

    def networks(self, **asked: object) -> list[dict[str, str]]:
        assert asked == {"filters": self.asked["filters"]}
        return [{"Id": name} for name in ("net", "two")]

    def remove_network(self, name: str) -> None:
        self.remove_container(name, force=True)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("status", [404, 409], ids=["gone", "going"])
def test_a_container_that_is_gone_or_going_is_no_error(monkeypatch, status):
    engine = Engine(status)
    monkeypatch.setattr(docker_engine, "_connect", lambda timeout: engine)
    docker_engine.remove_containers("v1-12ab34cd")
    assert engine.removed == ["one", "three", "net"]
    assert engine.asked["filters"] == {"label": "org.fraudlab.owner=v1-12ab34cd"}
    assert engine.asked["all"] is True


def test_an_engine_that_fails_is_an_error_that_says_what_may_be_left(monkeypatch):
    engine = Engine(500)
    monkeypatch.setattr(docker_engine, "_connect", lambda timeout: engine)
    with pytest.raises(DockerUnavailable, match="containers of v1-12ab34cd may be left") as caught:
        docker_engine.remove_containers("v1-12ab34cd")
    assert "`fraudlab clean` takes them away" in (caught.value.fix or "")
    assert engine.removed == ["one", "three"]


def test_a_busy_engine_that_could_not_end_a_container_in_time_is_asked_again(monkeypatch):
    engine = Engine(404)
    answers = [refusal(500), refusal(500)]

    def remove_container(name: str, *, force: bool) -> None:
        if name == "two" and answers:
            raise answers.pop()
        engine.removed.append(name)

    monkeypatch.setattr(engine, "remove_container", remove_container, raising=False)
    monkeypatch.setattr(docker_engine, "_connect", lambda timeout: engine)
    docker_engine.remove_containers("v1-12ab34cd")
    assert engine.removed == ["one", "two", "three", "net", "two"]


def test_an_engine_that_does_not_answer_in_time_is_told_by_that(monkeypatch):
    engine = Engine(404)
    silent = ReadTimeout("Read timed out.")
    monkeypatch.setattr(engine, "remove_container", Mock(side_effect=silent), raising=False)
    monkeypatch.setattr(docker_engine, "_connect", lambda timeout: engine)
    with pytest.raises(DockerUnavailable, match="it did not answer in time"):
        docker_engine.remove_containers("v1-12ab34cd")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([(False, 0), (True, 137)], True),
        ([(False, 137)], False),  # somebody killed it
        ([(True, 0)], False),  # a worker was killed, and another took its place
        ([], False),
    ],
)
def test_a_container_that_ran_out_of_memory_is_told_from_one_that_was_killed(monkeypatch, states, expected):
    engine = Engine(404)
    found = [{"Id": str(number)} for number in range(len(states))]
    monkeypatch.setattr(engine, "containers", lambda **_: found, raising=False)
    inspected = {str(n): {"State": {"OOMKilled": o, "ExitCode": c}} for n, (o, c) in enumerate(states)}
    monkeypatch.setattr(engine, "inspect_container", inspected.__getitem__, raising=False)
    monkeypatch.setattr(docker_engine, "_connect", lambda timeout: engine)
    assert docker_engine.ran_out_of_memory("v1-12ab34cd") is expected

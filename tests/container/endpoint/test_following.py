"""An endpoint that follows a link: the next model takes over between two requests, or the old one stays."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from fraudlab.container.contract import Tree
from fraudlab.container.endpoint import following
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.failure import ConfigError
from fraudlab.container.scorer import load_scorer

from ..served import Server

ROW = b"1.5,0.25,casino,80"
#: one row, some, and more than are read within one turn of the event loop
BODIES = [ROW, b"\n".join([ROW] * 20), b"\n".join([ROW] * 4_000)]
CONNECTIONS, SWITCHES = 200, 6
Ask = Callable[[bytes], Awaitable[tuple[int, str, bytes]]]


@pytest.fixture
def models(trained: Tree, tmp_path: Path) -> dict[str, Path]:
    """Two models of the same columns: all trees, and the first one only."""
    full, short = tmp_path / "full", tmp_path / "short"
    for folder in (full, short):
        shutil.copytree(trained.model, folder)
    write_model(short, xgboost.Booster(model_file=str(full / "model.ubj"))[:1])
    return {"full": full, "short": short}


def write_model(folder: Path, booster: xgboost.Booster) -> None:
    booster.save_model(folder / "model.ubj")
    contract = json.loads((folder / "model.json").read_text())
    contract["hashes"]["model.ubj"] = sha256((folder / "model.ubj").read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(contract))


@pytest.fixture(autouse=True)
def looks_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say when the link is looked at; an endpoint in a process of its own does so by itself."""
    monkeypatch.setattr(following.Follower, "start", lambda _: None)


def lead(link: Path, to: Path) -> None:
    """Let the link lead elsewhere as the registry does: by a rename."""
    temporary = link.with_name(".next")
    temporary.symlink_to(to)
    temporary.replace(link)


@asynccontextmanager
async def followed(link: Path) -> AsyncIterator[tuple[Application, int]]:
    settings = read_settings({"FRAUDLAB_MODEL_DIR": str(link), "FRAUDLAB_FOLLOW": "true"})
    application = Application(settings, load_scorer(settings.model))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        await application.server.start(listening)
        try:
            yield application, listening.getsockname()[1]
        finally:
            await application.server.stop(10.0)
            application.close()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Ask]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(body: bytes) -> tuple[int, str, bytes]:
        head = (
            b"POST /invocations HTTP/1.1\r\nhost: h\r\ncontent-type: text/csv\r\ncontent-length: %d\r\n\r\n"
        )
        writer.write(head % len(body) + body)
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(one.split(": ", 1) for one in lines)
        content = await reader.readexactly(int(headers["content-length"]))
        return int(line.split()[1]), headers["x-fraudlab-model"], content

    try:
        yield ask
    finally:
        writer.close()
        await writer.wait_closed()


def follower_of(application: Application) -> following.Follower:
    assert application._follower is not None
    return application._follower


def expected(folder: Path) -> tuple[str, np.float32]:
    """The id of a model, and the score that it gives to the row."""
    scorer = load_scorer(folder)
    raw = np.array([[1.5, 0.25, scorer.features.code(2, "casino"), 80.0]], np.float32)
    return scorer.model_id, np.float32(scorer.score(scorer.features.scaled(raw))[0])


def test_no_request_of_two_hundred_connections_is_lost_or_answered_by_half_of_each(
    models: dict[str, Path], tmp_path: Path
) -> None:
    link = tmp_path / "fraud:production"
    link.symlink_to(models["full"])
    scores = dict(expected(folder) for folder in models.values())
    assert len(set(scores.values())) == 2
    seen: dict[str, int] = dict.fromkeys(scores, 0)

    async def scenario() -> int:
        done = asyncio.Event()
        async with followed(link) as (application, port):

            async def client(number: int) -> int:
                answered = 0
                async with connected(port) as ask:
                    while not done.is_set() or answered == 0:
                        body = BODIES[2 if number == 0 else answered % 2]
                        status, model, content = await ask(body)
                        assert status == 200
                        found = {np.float32(line) for line in content.split()}
                        assert found == {scores[model]}, "rows of one request have two models"
                        assert len(content.split()) == body.count(b"\n") + 1
                        seen[model] += 1
                        answered += 1
                return answered

            async def switch() -> None:
                for turn in range(SWITCHES):
                    before = sum(seen.values())
                    lead(link, models["short" if turn % 2 == 0 else "full"])
                    assert await follower_of(application).look()
                    while sum(seen.values()) < before + CONNECTIONS:
                        await asyncio.sleep(0)
                done.set()

            clients = [asyncio.create_task(client(number)) for number in range(CONNECTIONS)]
            await switch()
            return sum(await asyncio.gather(*clients))

    assert asyncio.run(scenario()) == sum(seen.values())
    assert min(seen.values()) > 0


def broken(folder: Path) -> None:
    (folder / "model.ubj").write_bytes(b"{}")


def absent(folder: Path) -> None:
    shutil.rmtree(folder)


def renamed(folder: Path) -> None:
    """A sound model, one of whose columns has another name."""
    booster = xgboost.Booster(model_file=str(folder / "model.ubj"))
    names: list[str] = list(booster.feature_names or [])
    booster.feature_names = ["c" if name == "b" else name for name in names]
    write_model(folder, booster)
    text = (folder / "model.json").read_text()
    assert '"name": "b"' in text
    (folder / "model.json").write_text(text.replace('"name": "b"', '"name": "c"'))


WRONG = {
    "a booster that is none": (broken, "model.ubj"),
    "no folder": (absent, "model.json"),
    "another column": (renamed, "its columns differ in c, b: callers send those of the old"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_old_model_stays_where_the_new_one_is_wrong_and_a_mended_one_takes_over(
    models: dict[str, Path], tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil, why = WRONG[what]
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(
        following, "log", lambda level, event, **more: logged.append({"event": event, **more})
    )
    link = tmp_path / "link"
    link.symlink_to(models["full"])
    spoiled = tmp_path / "spoiled"
    shutil.copytree(models["short"], spoiled)
    spoil(spoiled)

    async def scenario() -> list[str]:
        async with followed(link) as (application, port), connected(port) as ask:
            follower, answers = follower_of(application), []
            lead(link, spoiled)
            assert not await follower.look()
            assert not await follower.look()  # said once
            answers.append((await ask(ROW))[1])
            lead(link, models["short"])
            assert await follower.look()
            answers.append((await ask(ROW))[1])
            lead(link, models["full"])  # a rollback
            assert await follower.look()
            answers.append((await ask(ROW))[1])
            return answers

    full, short = expected(models["full"])[0], expected(models["short"])[0]
    assert asyncio.run(scenario()) == [full, short, full]
    assert [line["event"] for line in logged] == ["the old model stays", "switched", "switched"]
    assert why in logged[0]["reason"]


def test_a_promotion_that_is_taken_back_while_it_is_loaded_is_not_followed(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(models["full"])

    async def scenario() -> None:
        async with followed(link) as (application, port), connected(port) as ask:
            load = following.load_scorer

            def slowly(folder: Path, **more: Any) -> Any:
                lead(link, models["full"])
                return load(folder, **more)

            monkeypatch.setattr(following, "load_scorer", slowly)
            lead(link, models["short"])
            assert not await follower_of(application).look()
            assert (await ask(ROW))[1] == expected(models["full"])[0]

    asyncio.run(scenario())


@pytest.mark.parametrize("where", ["in a circle", "nowhere", "to a file"])
def test_a_link_that_leads_to_no_folder_keeps_the_old_model_and_is_looked_at_again(
    models: dict[str, Path], tmp_path: Path, where: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(models["full"])
    (tmp_path / "file").write_text("no model")

    async def scenario() -> None:
        async with followed(link) as (application, port), connected(port) as ask:
            targets = {"in a circle": link, "nowhere": tmp_path / "gone", "to a file": tmp_path / "file"}
            lead(link, targets[where])
            assert not await follower_of(application).look()
            assert (await ask(ROW))[1] == expected(models["full"])[0]
            lead(link, models["short"])
            assert await follower_of(application).look()
            assert (await ask(ROW))[1] == expected(models["short"])[0]

    asyncio.run(scenario())


def test_no_room_for_two_models_keeps_the_one(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(models["full"])
    monkeypatch.setattr(following, "available_memory", lambda: 100)

    async def scenario() -> bool:
        async with followed(link) as (application, _port):
            lead(link, models["short"])
            return await follower_of(application).look()

    assert asyncio.run(scenario()) is False


def test_every_worker_of_a_process_follows(models: dict[str, Path], tmp_path: Path, tree: Tree) -> None:
    """As `fraudlab serve --workers 2 --follow` starts it: by itself, within its own time."""
    link = tmp_path / "link"
    link.symlink_to(models["full"])
    server = Server(tree, FRAUDLAB_MODEL_DIR=str(link), FRAUDLAB_FOLLOW="true", FRAUDLAB_WORKERS="2")
    try:
        server.wait()
        before = server.get("/model")
        lead(link, models["short"])
        log, stdout = "", server.job.stdout
        assert stdout is not None
        while log.count('"switched"') < 2:  # which worker a request reaches, the kernel decides
            log += (line := stdout.readline())
            assert line, log
        assert server.get("/model") != before
    finally:
        server.job.terminate()
        rest = server.job.communicate(timeout=60)[0]
    assert server.job.returncode == 0
    assert (log + rest).count('"switched"') == 2
    assert "Traceback" not in log + rest


def test_models_that_come_and_go_are_not_followed() -> None:
    with pytest.raises(ConfigError, match="FRAUDLAB_FOLLOW"):
        read_settings({"FRAUDLAB_FOLLOW": "true", "SAGEMAKER_MULTI_MODEL": "true"})


def test_without_it_a_link_is_looked_at_once(models: dict[str, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(models["full"])
    settings = read_settings({"FRAUDLAB_MODEL_DIR": str(link)})
    assert (settings.model, settings.follow) == (link, None)

"""What the board shows: runs as the words of an address say, live rounds, one run, models, a comparison."""

import asyncio
import json
import time
from html import escape
from urllib.parse import quote

import pytest
import yaml

from fraudlab.board.board_app import board_app
from fraudlab.board.board_page import runs_page
from fraudlab.board.changes import event, list_changes, run_changes
from fraudlab.board.live_rounds import live_figure, read_rounds
from fraudlab.board.run_catalog import RunCatalog
from fraudlab.board.selection import ROWS, View, shown
from fraudlab.cli import main
from fraudlab.errors import ConfigError
from fraudlab.registry.log_entries import Act
from fraudlab.registry.log_file import LogFile
from fraudlab.runs import RunFolder
from fraudlab.runs.run_values import RunValues

from ..report.example_run import build_run
from ..report.page_text import Page
from .test_door import PORT, ask

HOSTILE = "<script>alert(1)</script>"


def made(
    runs, folder_name, *, depth=4, precision=0.5, status="completed", started="2026-11-20T10:00:00Z", **more
):
    folder = runs / folder_name
    folder.mkdir(parents=True)
    metrics = {"average_precision": precision, "average_precision_low": 0.1, "average_precision_high": 0.9}
    record = {
        "id": folder_name, "name": "baseline", "status": status, "backend": "local",
        "data": {"source": "table"},
        "started": started, "ended": None, "stages": {}, "error": None,
        "metrics": metrics if precision is not None else {}, **more,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"model": {"max_depth": depth, "eta": 0.1}, "seed": 1})
    )
    return folder


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    for day, (name, depth, precision) in enumerate([("a", 4, 0.7), ("b", 6, 0.9), ("c", 4, 0.8)], 1):
        made(folder, name, depth=depth, precision=precision, started=f"2026-11-{day:02d}T10:00:00Z")
    return folder


def view(runs, **words):
    found = RunCatalog(runs).runs()
    return shown(found, View(**words), RunValues(found))


def ids(found):
    return [[run.id for run in group.runs] for group in found.groups]


def test_the_newest_come_first_with_only_the_columns_that_differ(runs):
    found = view(runs)
    assert ids(found) == [["c", "b", "a"]]
    assert [column.name for column in found.columns] == ["model.max_depth"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"where": "average_precision>0.75"}, [["c", "b"]]),
        ({"where": "max_depth=4", "sort": "average_precision"}, [["a", "c"]]),
        ({"sort": "-average_precision"}, [["b", "c", "a"]]),
        ({"group": "model.max_depth"}, [["c", "a"], ["b"]]),
        ({"group": "model.max_depth", "sort": "-average_precision"}, [["b"], ["c", "a"]]),
        ({"where": "recall>0.5"}, [[]]),
    ],
)
def test_an_address_says_what_is_shown(runs, words, expected):
    assert ids(view(runs, **words)) == expected


def test_groups_say_how_many_they_are_and_their_best(runs):
    groups = view(runs, group="max_depth").groups
    assert [(group.title, group.many, group.best) for group in groups] == [
        ("model.max_depth: 4", 2, 0.8), ("model.max_depth: 6", 1, 0.9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", [{"where": "recal>1"}, {"sort": "recal"}, {"group": "recal"}, {"columns": "recal"}]
)
def test_what_means_nothing_is_said_with_what_would(runs, words):
    with pytest.raises(ConfigError) as caught:
        view(runs, **words)
    assert "recall" in caught.value.fix
    app = board_app(runs, runs.parent / "registry", port=PORT)
    ((name, value),) = words.items()
    status, _, text = ask(app, f"/?{name}={quote(value)}")
    assert status == 200
    assert "recal" in text
    assert "Did you mean" in text
    assert f'value="{escape(value)}"' in text


def test_an_address_survives_reading_and_writing():
    first = View(where="recall>0.5 & a=b", sort="-x", group="name", columns="a,b", page=3)
    from urllib.parse import parse_qsl

    assert View.read(dict(parse_qsl(first.address().removeprefix("/?")))) == first
    assert View.read({"page": "-1"}) == View.read({"page": "x" * 50}) == View()
    assert View().address() == "/"


def test_many_runs_have_pages(tmp_path):
    runs = tmp_path / "runs"
    for number in range(ROWS * 2 + 5):
        made(runs, f"run-{number:03d}", started=f"2026-11-20T10:{number // 60:02d}:{number % 60:02d}Z")
    found = view(runs, page=3)
    assert (found.pages, found.many, len(ids(found)[0])) == (3, 205, 5)
    assert ids(found)[0][-1] == "run-000"
    assert ids(view(runs, page=99)) == ids(found)
    text = runs_page(View(page=2), view(runs, page=2), running=[], total=205)
    assert 'href="/"' in text
    assert 'href="/?page=3"' in text


def test_only_records_that_changed_are_read_again(runs, monkeypatch):
    catalog = RunCatalog(runs)
    monkeypatch.setattr("fraudlab.board.run_catalog._FRESH", 0)
    before = {run.id: run for run in catalog.runs()}
    version = catalog.version()
    record = json.loads((runs / "b" / "run.json").read_text())
    (runs / "b" / "run.json").write_text(json.dumps({**record, "name": "renamed"}))
    made(runs, "d", started="2026-11-30T10:00:00Z")
    after = {run.id: run for run in catalog.runs()}
    assert list(after) == ["a", "b", "c", "d"]
    assert after["a"] is before["a"]
    assert after["b"].head.name == "renamed"
    assert catalog.version() > version
    version = catalog.version()
    assert catalog.version() == version
    (runs / "a" / "run.json").write_text("{")
    assert [run.id for run in catalog.runs()] == ["b", "c", "d"]
    assert "is not JSON" in catalog.left_out()[0]
    assert RunCatalog(runs / "nothing").runs() == []


ROUNDS = {
    "one metric": (
        ["[0]\tvalidation-logloss:0.5", "[1]\tvalidation-logloss:0.4"],
        ("logloss", [(0, 0.5), (1, 0.4)]),
    ),
    "the last is watched": (["[0]\tvalidation-auc:0.5\tvalidation-aucpr:0.1"], ("aucpr", [(0, 0.1)])),
    "other lines": (["begins", "[0]\tvalidation-auc:0.5", "half [1]\tvalid"], ("auc", [(0, 0.5)])),
    "repeated by a second launcher": (["[0]\tvalidation-auc:0.5"] * 2, ("auc", [(0, 0.5)])),
    "no number": (["[0]\tvalidation-auc:nan", "[1]\tvalidation-auc:0.5"], ("auc", [(1, 0.5)])),
    "none": (["begins"], None),
}


@pytest.mark.parametrize("kind", ROUNDS)
def test_rounds_are_read_from_the_log_of_the_job(tmp_path, kind):
    lines, expected = ROUNDS[kind]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "train.log").write_text("\n".join(lines))
    assert read_rounds(tmp_path) == expected
    assert Page(str(live_figure("x", tmp_path))).unbalanced == []


def test_many_rounds_are_a_small_drawing(tmp_path):
    (tmp_path / "logs").mkdir()
    lines = (f"[{number}]\tvalidation-auc:{number / 50_000}" for number in range(50_000))
    (tmp_path / "logs" / "train.log").write_text("\n".join(lines))
    text = live_figure("x", tmp_path)
    assert "round 50,000: auc 0.99998" in text
    assert len(text) < 30_000


def test_an_open_list_is_told_of_new_rounds_and_runs(runs, monkeypatch):
    monkeypatch.setattr("fraudlab.board.run_catalog._FRESH", 0)
    monkeypatch.setattr("fraudlab.board.changes._EVERY", 0.01)
    folder = RunFolder.create(runs, "now", backend="local")
    (folder.path / "logs").mkdir()

    async def gone():
        return False

    async def follow():
        heard = []
        changes = list_changes(RunCatalog(runs), gone)
        with (folder.path / "logs" / "train.log").open("w") as log:
            for number in range(3):
                log.write(f"[{number}]\tvalidation-auc:0.{number + 5}\n")
                log.flush()
                while f"round {number + 1}: auc" not in "".join(heard):
                    heard.append(await anext(changes))
        folder.complete()
        seen = len(heard)
        while not any(text.startswith("event: changed") for text in heard[seen:]):
            heard.append(await anext(changes))
        await changes.aclose()
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 60))
    assert heard[0].startswith("event: changed\n")
    assert all(text.endswith("\n\n") for text in heard)


def test_an_open_run_is_told_until_it_ends(runs, monkeypatch):
    monkeypatch.setattr("fraudlab.board.run_catalog._FRESH", 0)
    monkeypatch.setattr("fraudlab.board.changes._EVERY", 0.01)
    folder = RunFolder.create(runs, "now", backend="local")

    async def gone():
        return False

    async def follow():
        heard = []
        async for text in run_changes(RunCatalog(runs), "now", gone):
            heard.append(text)
            if "data: running" in text:
                folder.complete()
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 60))
    assert heard[-1] == "event: changed\ndata: completed\n\n"


def test_no_data_can_end_its_event():
    assert event("live", "a\n\nevent: x\rb") == "event: live\ndata: a\ndata: \ndata: event: x\ndata: b\n\n"


def test_names_from_runs_are_text(tmp_path):
    runs = tmp_path / "runs"
    made(runs, "a&b <i>", name=HOSTILE, error={"message": HOSTILE}, status="failed", precision=None)
    made(runs, "plain", backend=HOSTILE, data={"source": HOSTILE})
    app = board_app(runs, tmp_path / "registry", port=PORT)
    for path in ("/", "/runs/a&b <i>", f"/?group=name&where={quote(HOSTILE)}"):
        status, _, text = ask(app, path)
        assert status == 200
        page = Page(text)
        assert page.unbalanced == []
        assert len(page.all("script")) == 1
        assert page.all("i") == []
    assert 'href="/runs/a%26b%20%3Ci%3E"' in ask(app, "/")[2]


def test_a_secret_of_the_environment_is_on_no_page(tmp_path, monkeypatch):
    monkeypatch.setenv("COMET_API_KEY", "planted0secret0planted0secret0pl")
    made(tmp_path / "runs", "a", error={"message": "planted0secret0planted0secret0pl"}, status="failed")
    app = board_app(tmp_path / "runs", tmp_path / "registry", port=PORT)
    for path in ("/", "/runs/a"):
        assert "planted0secret" not in ask(app, path)[2]


def test_ticked_runs_are_compared(tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    build_run(runs / "base")
    build_run(runs / "better", skill=2.5)
    made(runs, "failed", status="failed")
    app = board_app(runs, tmp_path / "registry", port=PORT)
    status, _, text = ask(app, "/compare?run=base&run=better")
    assert status == 200
    assert "B is better" in text
    assert ask(app, "/compare?run=base")[0] == 400
    assert ask(app, "/compare")[0] == 400
    assert ask(app, "/compare?run=base&run=failed")[0] == 404
    assert not (runs / "comparisons").exists()


def test_the_registry_is_shown_with_its_history(tmp_path):
    registry = tmp_path / "registry"
    app = board_app(tmp_path / "runs", registry, port=PORT)
    assert "No model is registered" in ask(app, "/models")[2]
    registry.mkdir()
    log = LogFile(registry)
    who = {"actor": "ada", "account": "ada", "name": "fraud", "version": 1}
    facts = {"run": "base", "content": "c" * 64, "model": "d" * 64, "metrics": {"average_precision": 0.8125}}

    def act(**more):
        return lambda _lines: Act(**who, **more)

    log.append(act(verb="register", facts=facts), len)
    log.append(act(verb="approve", reason=HOSTILE), len)
    log.append(act(verb="promote", stage="production", forced=True, reason="urgent"), len)
    page = Page(ask(app, "/models")[2])
    assert page.unbalanced == []
    text = " ".join(page.text)
    assert "1 model, 3 lines of history" in text
    assert "production: 1" in text
    assert "approved base" in text
    assert "0.813" in text
    assert "promote (forced) fraud:1 production urgent" in text
    assert HOSTILE in text
    assert len(page.scripts) <= 1
    (registry / "log.jsonl").write_text("{}\n")
    assert "Models" in ask(app, "/models")[2]


def test_a_port_that_is_taken_or_none_is_refused(tmp_path, capsys):
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        assert main(["runs", "board", "--port", port, "--runs", str(tmp_path)]) == 4
    assert main(["runs", "board", "--port", "70000"]) == 2
    assert "valid: 0 to 65535" in capsys.readouterr().err


def test_ten_thousand_runs_cost_a_page_little_more_than_none(tmp_path):
    """Processor time of a page, against that of reading the same records plainly once."""
    runs = tmp_path / "runs"
    for number in range(2_000):
        made(runs, f"run-{number:04d}", depth=number % 7)
    plain = float("inf")
    for _ in range(3):
        began = time.process_time()
        for folder in runs.iterdir():
            json.loads((folder / "run.json").read_text())
        plain = min(plain, time.process_time() - began)
    app = board_app(runs, tmp_path / "registry", port=PORT)
    pages = []
    for _ in range(4):
        began = time.process_time()
        assert "2,000 runs." in ask(app, "/")[2]
        pages.append(time.process_time() - began)
    assert min(pages) < plain

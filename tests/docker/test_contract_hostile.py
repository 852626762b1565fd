"""Model folders and bodies made to break the endpoint: refused, by a server that stays well."""

import hashlib
import json
import os
import random
import shutil
import socket

import numpy as np
import pytest

from .tables import COLUMNS, ROW

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]


def bytes_of(folder):
    return (folder / "model.ubj").read_bytes()


def put(folder, booster):
    """A booster that ``model.json`` vouches for."""
    (folder / "model.ubj").write_bytes(booster)
    change(folder, hashes={"model.ubj": hashlib.sha256(booster).hexdigest()})


def change(folder, **members):
    contract = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**contract, **members}))


def flipped(seed):
    def spoil(folder):
        content = bytearray(bytes_of(folder))
        for place in random.Random(seed).sample(range(len(content)), 40):
            content[place] ^= 0xFF
        put(folder, bytes(content))

    return spoil


def linked(folder):
    (folder / "model.ubj").unlink()
    (folder / "model.ubj").symlink_to("/proc/self/environ")


def fifo(folder):
    (folder / "model.ubj").unlink()
    os.mkfifo(folder / "model.ubj")


def sparse(folder):
    with (folder / "model.ubj").open("r+b") as file:
        file.truncate(3 << 30)


def replaced(what, by):
    def spoil(folder):
        content = bytes_of(folder)
        assert what in content
        put(folder, content.replace(what, by, 1))

    return spoil


SPOILT = {
    "no-contract": lambda folder: (folder / "model.json").unlink(),
    "no-booster": lambda folder: (folder / "model.ubj").unlink(),
    "contract-is-text": lambda folder: (folder / "model.json").write_text("{"),
    "contract-is-a-list": lambda folder: (folder / "model.json").write_text("[]"),
    "contract-is-deep": lambda folder: (folder / "model.json").write_text('{"a":' * 100_000),
    "contract-is-not-utf8": lambda folder: (folder / "model.json").write_bytes(b'{"schema": "\xff\xfe"}'),
    "another-schema": lambda folder: change(folder, schema=99),
    "another-booster": lambda folder: (folder / "model.ubj").write_bytes(bytes_of(folder) + b"\0"),
    "threshold-is-text": lambda folder: change(folder, threshold="0.5"),
    "fewer-columns": lambda folder: change(folder, columns=[{"name": "a", "type": "number"}]),
    "columns-are-no-list": lambda folder: change(folder, columns={"a": 1}),
    "empty": lambda folder: put(folder, b""),
    "noise": lambda folder: put(folder, random.Random(1).randbytes(10_000)),
    "cut": lambda folder: put(folder, bytes_of(folder)[:-500]),
    "cut-in-half": lambda folder: put(folder, bytes_of(folder)[: len(bytes_of(folder)) // 2]),
    "a-length-of-exabytes": lambda folder: put(folder, b"{L\x7f\xff\xff\xff\xff\xff\xff\xff"),
    "deep": lambda folder: put(folder, b"[" * 1_000_000),
    "another-objective": replaced(b"binary:logistic", b"binary:logitraw"),
    "no-trees": replaced(b"gbtree_model_param", b"gbtree_model_sharp"),
    "linked-away": linked,
    "fifo": fifo,
    "three-gigabytes": sparse,
    **{f"flipped-{seed}": flipped(seed) for seed in range(8)},
}


def test_no_model_folder_brings_the_endpoint_down(docker, tree, shelf):
    """All of them put to one multi-model endpoint, beside a model that is well."""
    for name, spoil in {"well": lambda folder: None, **SPOILT}.items():
        folder = tree.root / "models" / name / "model"
        shutil.copytree(shelf.trained / "model", folder)
        spoil(folder)
    server = docker.serve(tree, environment={"SAGEMAKER_MULTI_MODEL": "true"})

    def load(name):
        order = {"model_name": name, "url": f"/opt/ml/models/{name}/model"}
        return server.ask("/models", json.dumps(order), "application/json")

    assert load("well").status == 200
    loaded = []
    for name in SPOILT:
        answer = load(name)
        if name.startswith("flipped") and answer.status == 200:
            loaded.append(name)  # what was flipped may be a number of a leaf
            continue
        assert answer.status == 400, (name, answer.body)
        assert answer.json()["detail"].startswith(f"model '{name}': "), answer.body
        assert len(answer.json()["detail"]) < 400
        assert server.ask("/ping").status == 200, name
    assert len(loaded) < 8
    for name in ["well", *loaded]:
        (score,) = server.ask(f"/models/{name}/invoke", ROW).numbers()
        assert 0 <= score <= 1
    assert "Traceback" not in server.output
    assert server.stop(30) < 10
    assert server.wait() == 0


@pytest.mark.parametrize("name", ["cut", "deep", "fifo", "linked-away", "three-gigabytes"])
def test_a_spoilt_model_folder_is_a_sentence_and_an_exit_code(docker, model, name):
    SPOILT[name](model.root / "model")
    done = docker.run(model, "serve", seconds=30)
    assert done.process.returncode == 2, done.output
    assert done.lines("fraudlab-failure: ")[1].startswith("fraudlab-failure: fix: ")
    assert "Traceback" not in done.output


GOOD = {
    "text/csv": ROW.encode(),
    "application/json": json.dumps([dict(zip(COLUMNS, [1.5, 0.25, "casino", 80], strict=True))]).encode(),
    "application/jsonlines": b'[1.5,0.25,"casino",80]\n',
    "text/libsvm": b"0:1.5 1:0.25 3:80\n",
    "application/x-parquet": b"PAR1" + bytes(40) + b"PAR1",
}
BODIES = [
    b"\0" * 1000,
    b"," * 100_000,
    b"\n" * 1000,
    b"\xff\xfe1,2,3,4",
    b"1e999,1,casino,1",
    b"9" * 100_000,
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b'{"instances": 7}',
    b"[]",
    b"null",
    b'"' * 1001,
    b"0:1 0:2",
    b"99999999999999999999:1",
    b"-1:1",
    b"nan:nan",
    b"PAR1",
    b"PAR1" + b"\xff" * 64 + b"PAR1",
]
RAW = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /ping HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
    b"\r\n" * 1000,
]


def damaged(body, source):
    """A good body with some bytes changed, taken out, or said twice."""
    content = bytearray(body)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(content))
        match source.randrange(3):
            case 0:
                content[place] = source.randrange(256)
            case 1 if len(content) > 1:
                del content[place]
            case _:
                content[place:place] = content[place : place + source.randint(1, 9)]
    return bytes(content)


def test_no_body_brings_the_endpoint_down(docker, model):
    server = docker.serve(model)
    (score,) = server.ask(body=ROW).numbers()
    seed = random.randrange(1 << 32)
    source = random.Random(seed)
    trials = [(kind, body) for kind in GOOD for body in BODIES]
    trials += [(kind, damaged(body, source)) for kind, body in GOOD.items() for _ in range(40)]
    for kind, body in trials:
        answer = server.ask(body=body, kind=kind)
        assert answer.status in (200, 204, 400), (seed, kind, body[:200], answer)
        if answer.status == 400:
            problem = answer.json()
            assert problem["detail"]
            assert len(problem["detail"]) < 1000, problem
    for raw in RAW:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            answer = received(client)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (raw[:60], answer[:200])
    assert server.ask("/ping").status == 200
    assert np.float32(server.ask(body=ROW).numbers()) == np.float32(score)
    assert "Traceback" not in server.output, (seed, server.output[-3000:])
    assert server.stop(30) < 10
    assert server.wait() == 0


def received(client):
    content = b""
    try:
        while piece := client.recv(1 << 16):
            content += piece
    except ConnectionError:
        pass  # it has hung up on what it does not read
    return content

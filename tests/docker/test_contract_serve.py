"""``serve`` as SageMaker runs it: ports, probes, the model folder, its stop, batch transform, many models."""

import http.client
import json
import shutil
import socket
import subprocess
import time

import numpy as np
import pytest

from fraudlab.container.scorer import load_scorer

from . import opt_ml
from .tables import COLUMNS, ROW

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

NETWORKLESS = """
import http.client, json, socket, statistics, sys, time
port = int(sys.argv[1])
def ask(method, path, body=None, **headers):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    client.request(method, path, body, headers)
    answer = client.getresponse()
    return answer.status, answer.read().decode()
for _ in range(600):
    try:
        if ask("GET", "/ping")[0] == 200:
            break
    except OSError:
        time.sleep(0.05)
def accepted():
    began = time.monotonic()
    socket.create_connection(("127.0.0.1", port)).close()
    return time.monotonic() - began
row = "1.5,0.25,casino,80"
scored = ask("POST", "/invocations", row, **{"Content-Type": "text/csv"})
with open("/proc/net/dev") as devices:
    interfaces = [line.partition(":")[0].strip() for line in devices if ":" in line]
parameters = ask("GET", "/execution-parameters")
seconds = statistics.median(accepted() for _ in range(9))
print(json.dumps({"seconds": seconds, "scored": scored, "parameters": parameters, "interfaces": interfaces}))
"""


def expected(folder, *rows):
    """What ``Booster.predict`` says of rows without unseen categories."""
    scorer = load_scorer(folder)
    columns = scorer.features.columns

    def number(text, categories):
        if text == "":
            return np.nan
        return float(text) if categories is None else categories.index(text)

    matrix = [
        [number(text, column.categories) for column, text in zip(columns, row.split(","), strict=True)]
        for row in rows
    ]
    return scorer.score(scorer.features.scaled(np.float32(matrix))).tolist()


def test_an_endpoint_as_sagemaker_uses_it(docker, model):
    server = docker.serve(model)
    first_healthy = time.monotonic() - server.began
    assert first_healthy < 180  # serverless gives 3 minutes, real-time endpoints 8
    for _ in range(5):
        began = time.monotonic()
        assert server.ask("/ping").status == 200
        assert time.monotonic() - began < 2
    rows = [ROW, "-0.5,,grocer,12.5", "0.1,1,,0", ""]
    answer = server.ask(body="\n".join(rows))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv"
    assert np.float32(answer.numbers()).tolist() == expected(model.root / "model", *rows[:3])
    objects = [dict(zip(COLUMNS, [1.5, 0.25, "casino", 80], strict=True))]
    as_json = server.ask(body=json.dumps(objects), kind="application/json")
    assert as_json.status == 200
    assert np.float32(str(as_json.json()["predictions"][0]["score"])) == np.float32(answer.numbers()[0])
    refused = server.ask(body=f"{ROW}\n1.5,x,casino,80", X_Request_Id="case-1")
    assert refused.status == 400
    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["row"], problem["column"], problem["request_id"]) == (2, "b", "case-1")
    assert server.ask("/model").json() == model.json("model/model.json")
    assert server.stop(30) < 10
    assert server.wait() == 0
    events = [json.loads(line) for line in server.output.splitlines()]
    assert [event["event"] for event in events] == ["serving", "refused", "stopping", "stopped"]
    assert "0.25" not in server.output


def test_without_a_network_on_the_port_it_is_given(docker, model):
    server = docker.start(model, "serve", how=opt_ml.STRICT, environment={"SAGEMAKER_BIND_TO_PORT": "9077"})
    server.until(lambda: '"serving"' in server.output)
    found = json.loads(server.python(NETWORKLESS, "9077"))
    assert found["interfaces"] == ["lo"]
    assert found["seconds"] < 0.25
    status, body = found["scored"]
    assert status == 200
    assert np.float32([float(body)]).tolist() == expected(model.root / "model", ROW)
    assert found["parameters"][0] == 200
    assert server.stop(30) < 10
    assert server.wait() == 0


def test_as_root_and_nothing_is_written_into_the_model_folder(docker, model):
    before = {path: path.read_bytes() for path in (model.root / "model").iterdir()}
    server = docker.serve(model, how=opt_ml.AS_ROOT)
    assert server.ask(body=ROW).status == 200
    mounted = server.python("print(next(line for line in open('/proc/mounts') if ' /opt/ml/model ' in line))")
    assert "ro" in mounted.decode().split()[3].split(",")
    assert server.python("import os; print(os.listdir('/opt/ml'))").decode().strip() == "['model']"
    assert server.stop(30) < 10
    assert server.wait() == 0
    assert {path: path.read_bytes() for path in (model.root / "model").iterdir()} == before


def test_a_stopped_endpoint_finishes_what_is_in_flight(docker, model):
    server = docker.serve(model)
    port, body = server.port, f"{ROW}\n".encode() * 50_000
    head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as scoring,
        socket.create_connection(("127.0.0.1", port), timeout=60) as probing,
    ):
        scoring.sendall(head.encode() + body[:-10])
        probing.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.3)
        stopping = subprocess.Popen(["docker", "stop", "-t", "30", server.name], stdout=subprocess.DEVNULL)
        server.until(lambda: '"stopping"' in server.output)
        server.until(lambda: refuses(server, port))
        probing.sendall(b"\r\n")
        assert received(probing).startswith(b"HTTP/1.1 503 ")
        scoring.sendall(body[-10:])
        answer = received(scoring)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(answer.partition(b"\r\n\r\n")[2].splitlines()) == 50_000
    assert stopping.wait(40) == 0
    assert server.wait() == 0


def refuses(server, port):
    """Whether nobody takes a new connection: the log says that it stops a moment before."""
    try:
        server.ask(body=ROW, port=port)
    except (OSError, http.client.HTTPException):
        return True
    return False


def received(client):
    content = b""
    while piece := client.recv(1 << 20):
        content += piece
    return content


def test_batch_transform(docker, model):
    batch = {
        "SAGEMAKER_BATCH": "true",
        "MAX_PAYLOAD_IN_MB": "1",
        "BATCH_STRATEGY": "MULTI_RECORD",
        "MAX_CONCURRENT_TRANSFORMS": "1",
    }
    server = docker.serve(model, environment=batch)
    asked = server.ask("/execution-parameters").json()
    assert asked == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
    full = "\n".join([ROW] * ((1 << 20) // (len(ROW) + 1)))
    answer = server.ask(body=full)
    assert answer.status == 200
    assert len(answer.body.splitlines()) == len(full.splitlines())
    assert answer.body.endswith(b"\n")
    lines = server.ask(body='[1.5,0.25,"casino",80]\n[1,2,null,3]\n', kind="application/jsonlines")
    assert len(lines.body.splitlines()) == 2
    assert server.ask(body=full + ROW * 10).status == 413
    single = {
        **batch,
        "BATCH_STRATEGY": "SINGLE_RECORD",
        "FRAUDLAB_OUTPUT": "score,alert",
        "MAX_PAYLOAD_IN_MB": "0",
    }
    other = docker.serve(model, environment=single)
    assert other.ask(body=ROW).body.count(b",") == 1


def test_several_models_come_and_go(docker, tree, shelf):
    """SageMaker puts a model's files below ``/opt/ml/models/<hash>/model``."""
    for name in ("6f1", "9ab"):
        shutil.copytree(shelf.trained / "model", tree.root / "models" / name / "model")
    server = docker.serve(tree, environment={"SAGEMAKER_MULTI_MODEL": "true", "FRAUDLAB_MAX_MODELS": "1"})
    order = {"model_name": "6f1", "url": "/opt/ml/models/6f1/model"}
    assert server.ask("/models/6f1/invoke", ROW).status == 404
    assert server.ask("/models", json.dumps(order), "application/json").status == 200
    assert server.ask("/models", json.dumps(order), "application/json").status == 409
    assert [loaded["modelName"] for loaded in server.ask("/models").json()["models"]] == ["6f1"]
    scored = server.ask("/models/6f1/invoke", ROW)
    assert np.float32(scored.numbers()).tolist() == expected(shelf.trained / "model", ROW)
    other = {"model_name": "9ab", "url": "/opt/ml/models/9ab/model"}
    assert server.ask("/models", json.dumps(other), "application/json").status == 507
    assert server.ask("/models/6f1", method="DELETE").status == 200
    assert server.ask("/models", json.dumps(other), "application/json").status == 200
    assert (
        server.ask("/models", json.dumps({**other, "model_name": "up", "url": "../../etc"}), "x/y").status
        == 400
    )
    assert server.ask("/ping").status == 200


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SAGEMAKER_BIND_TO_PORT": "http"}, "SAGEMAKER_BIND_TO_PORT is 'http'"),
        ({"FRAUDLAB_WORKERS": "0"}, "FRAUDLAB_WORKERS is '0'"),
        ({"FRAUDLAB_MODEL_DIR": "/opt/ml/absent"}, "there is no model.json in /opt/ml/absent"),
    ],
    ids=["port", "workers", "no-model"],
)
def test_an_endpoint_that_cannot_start_says_why(docker, model, environment, sentence):
    done = docker.run(model, "serve", environment=environment)
    assert done.process.returncode == 2
    assert done.lines("fraudlab-failure: ")[0] == f"fraudlab-failure: {sentence}"
    assert done.lines("fraudlab-failure: ")[1].startswith("fraudlab-failure: fix: ")
    assert "Traceback" not in done.output


CROWD = """
import asyncio, http.client, json, resource, sys, time
port, count = 8080, int(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))

async def main():
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for number, (_, writer) in enumerate(idle):
        if number % 4 == 1:
            writer.write(b"POST /invocations HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: text/csv\\r\\n")
        elif number % 4 == 2:
            writer.write(b"GET /pi")
        elif number % 4 == 3:
            writer.write(b"POST /invocations HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 100\\r\\n\\r\\n1.5,")
    await asyncio.sleep(0.5)
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("GET", "/ping")
        assert client.getresponse().status == 200
        client.close()
        seconds.append(time.monotonic() - began)
    # the slow ones are not lost: one of each kind goes on where it was
    row = b"Content-Length: 18\\r\\n\\r\\n1.5,0.25,casino,80"
    for number, rest in ((1, row), (2, b"ng HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")):
        reader, writer = idle[number]
        writer.write(rest)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 "), number
    print(json.dumps({"connected": len(idle), "slowest": max(seconds)}))

asyncio.run(main())
"""


def test_a_crowd_of_idle_and_slow_clients_does_not_keep_ping_waiting(docker, model):
    server = docker.start(model, "serve", how=opt_ml.STRICT)
    server.until(lambda: '"serving"' in server.output)
    found = json.loads(server.python(CROWD, "1000"))
    assert found["connected"] == 1000
    assert found["slowest"] < 2
    assert server.stop(30) < 28  # SageMaker kills after 30
    assert server.wait() == 0

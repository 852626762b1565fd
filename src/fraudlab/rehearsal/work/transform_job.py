"""A batch transform job: a serving container, and one ``.out`` for each object of the input."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.work.admission import admitted
from fraudlab.rehearsal.work.container_engine import ContainerEngine
from fraudlab.rehearsal.work.payloads import (
    Batching,
    DataProcessing,
    TooLarge,
    answers_of,
    assembled,
    payloads,
    records,
)
from fraudlab.rehearsal.work.reasons import SEE_LOGS, SEE_LOGS_CLIENT, WorkFailed, WorkLeft
from fraudlab.rehearsal.work.s3_objects import S3Object, listed, upload
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.serving_box import ContainerReply, ServingBox, serving_network, the_container

_MEGABYTE = 1 << 20
#: seconds a container has to answer its first ping, and by default each request
_PING_WITHIN, _ANSWER_WITHIN = 600.0, 600
_TICK = 0.1


class TransformWork:
    """Carries out one batch transform job.

    Parameters
    ----------
    engine : ContainerEngine
    progress : JobProgress
    services : Services
    """

    def __init__(self, engine: ContainerEngine, progress: JobProgress, services: Services) -> None:
        self._engine, self._progress, self._services = engine, progress, services
        self._request: dict[str, Any] = progress.record.request
        self._name = self._request["TransformJobName"]
        self._epoch = int(time.time())
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        self._source, self._data_type = source["S3Uri"], source["S3DataType"]
        client = self._request.get("ModelClientConfig") or {}
        self._answer_within = client.get("InvocationsTimeoutInSeconds", _ANSWER_WITHIN)
        self._retries = client.get("InvocationsMaxRetries", 0)
        self._failed = threading.Event()

    def carry_out(self) -> Callable[[], None]:
        """Run it to its end; see :meth:`~fraudlab.rehearsal.work.training_job.TrainingWork.carry_out`."""
        if self._progress.stopping.is_set():
            return lambda: self._progress.move("Stopped")
        objects = listed(self._services.s3, self._source, self._data_type)
        boxes = self._started()
        self._progress.note(TransformStartTime=time.time())
        if not all(self._is_healthy(box) for box in boxes):
            return self._stopped_or(SEE_LOGS)
        batching = Batching.of(self._request, _execution_parameters(boxes[0]))
        try:
            processing = self._processing()
        except ValueError as error:
            self._say_data(boxes[0], f"The filters cannot be read: {error}")
            raise WorkFailed(SEE_LOGS_CLIENT) from error
        reason = self._transformed(objects, boxes, batching, processing)
        self._progress.note(TransformEndTime=time.time())
        for box in boxes:
            box.stop()
        if reason is not None:
            return self._stopped_or(reason)
        return lambda: self._progress.move("Completed")

    def _started(self) -> list[ServingBox]:
        # the job's own copy: the model may be deleted while it runs, or between a restart and its beginning
        model = self._progress.record.facts["_model"]
        container = the_container(model)
        image = admitted(self._services, container.get("Image", ""))
        network = serving_network(self._engine, isolated=bool(model.get("EnableNetworkIsolation")))
        return [
            ServingBox(
                self._engine,
                self._services,
                self._progress,
                model=container,
                image=image,
                host=f"algo-{number}",
                stream=f"{self._name}/algo-{number}-{self._epoch}",
                network=network,
                environment=batch_environment(self._request),
            )
            for number in range(1, self._request["TransformResources"].get("InstanceCount", 1) + 1)
        ]

    def _is_healthy(self, box: ServingBox) -> bool:
        return box.healthy_within(_PING_WITHIN, self._progress.stopping, self._progress.closing)

    def _stopped_or(self, reason: str) -> Callable[[], None]:
        if self._progress.closing.is_set():
            raise WorkLeft
        if self._progress.stopping.is_set():
            self._progress.move("Stopping")
            return lambda: self._progress.move("Stopped")
        raise WorkFailed(reason)

    def _processing(self) -> DataProcessing:
        return DataProcessing(
            self._request.get("DataProcessing") or {},
            content_type=self._request["TransformInput"].get("ContentType", ""),
            accept=self._request["TransformOutput"].get("Accept", ""),
        )

    def _transformed(
        self,
        objects: list[S3Object],
        boxes: list[ServingBox],
        batching: Batching,
        processing: DataProcessing,
    ) -> str | None:
        """Transform every object; None, or why that failed."""
        # one pool for each instance, whose threads are the requests it has at once
        pools = [ThreadPoolExecutor(batching.concurrent) for _ in boxes]
        with ThreadPoolExecutor(len(boxes)) as instances:
            done = [
                instances.submit(
                    self._instance, objects[number :: len(boxes)], box, pool, batching, processing
                )
                for number, (box, pool) in enumerate(zip(boxes, pools, strict=True))
            ]
            watcher = threading.Thread(target=self._watch, args=(done, boxes), daemon=True)
            watcher.start()
            reasons = [reason for one in done if (reason := one.result()) is not None]
        for pool in pools:
            pool.shutdown(cancel_futures=True)
        if self._progress.closing.is_set():
            raise WorkLeft
        if self._progress.stopping.is_set():
            return SEE_LOGS
        return reasons[0] if reasons else None

    def _watch(self, done: list[Future[str | None]], boxes: list[ServingBox]) -> None:
        """Let everybody give up where the job is stopped, and at once where the rehearsal ends."""
        while not all(one.done() for one in done):
            if self._progress.stopping.wait(_TICK) or self._progress.closing.is_set():
                self._failed.set()
                break
        while not all(one.done() for one in done):
            if self._progress.closing.wait(_TICK):
                for box in boxes:
                    box.kill()
                return

    def _instance(
        self,
        objects: list[S3Object],
        box: ServingBox,
        pool: ThreadPoolExecutor,
        batching: Batching,
        processing: DataProcessing,
    ) -> str | None:
        """The share of one instance, object by object."""
        for one in objects:
            if self._failed.is_set():
                return None
            try:
                self._object(one, box, pool, batching, processing)
            except (CancelledError, _GivenUp):
                return None
            except (ValueError, WorkFailed) as error:
                self._failed.set()
                if isinstance(error, WorkFailed):
                    return error.reason
                self._say_data(box, f"{one.bucket}/{one.key}: {error}")
                return SEE_LOGS_CLIENT if isinstance(error, TooLarge) else SEE_LOGS
        return None

    def _object(
        self,
        one: S3Object,
        box: ServingBox,
        pool: ThreadPoolExecutor,
        batching: Batching,
        processing: DataProcessing,
    ) -> None:
        """Ask about one object, and write its ``.out`` only where every answer is there."""
        content = self._services.s3.get_object(Bucket=one.bucket, Key=one.key)["Body"].read()
        if self._request["TransformInput"].get("CompressionType") == "Gzip":
            content = gzip.decompress(content)
        parts = records(content, batching.split)
        sent = parts if processing.idle else [processing.sent(part) for part in parts]
        requests = list(
            payloads(
                sent, split=batching.split, strategy=batching.strategy, max_bytes=batching.max_mb * _MEGABYTE
            )
        )
        replies = [pool.submit(self._asked, box, body) for body, _ in requests]
        answers = [reply.result() for reply in replies]
        if not processing.idle:
            single = [
                answer
                for body, (_, count) in zip(answers, requests, strict=True)
                for answer in answers_of(body, count)
            ]
            answers = [processing.stored(part, answer) for part, answer in zip(parts, single, strict=True)]
        output = self._request["TransformOutput"]["S3OutputPath"].rstrip("/")
        whole = io.BytesIO(assembled(answers, batching.assemble))
        upload(self._services.s3, f"{output}/{one.path}.out", whole)

    def _asked(self, box: ServingBox, body: bytes) -> bytes:
        """The answer to one request, after as many repetitions as the job allows."""
        given = {
            "Content-Type": self._request["TransformInput"].get("ContentType"),
            "Accept": self._request["TransformOutput"].get("Accept"),
        }
        headers = {name: value for name, value in given.items() if value}
        for left in range(self._retries, -1, -1):
            if self._failed.is_set():
                raise _GivenUp
            try:
                reply = box.ask("POST", "/invocations", body, headers, timeout=self._answer_within)
            except (OSError, http.client.HTTPException) as error:
                if left == 0:
                    raise ValueError(f"the container does not answer: {error}") from error
                continue
            if reply.status == 200:
                return reply.body
            if left == 0 or reply.status < 500:
                raise ValueError(bad_status(reply))
        raise AssertionError("the last attempt returns or raises")

    def _say_data(self, box: ServingBox, line: str) -> None:
        self._progress.log(f"{self._name}/{box.host}-{self._epoch}/data-log", line)


class _GivenUp(Exception):
    """Another request has failed, or the job is stopped."""


def bad_status(reply: ContainerReply) -> str:
    """What the data log says of an answer that is none."""
    said = reply.body[:1000].decode(errors="replace")
    return f"Bad HTTP status received from algorithm: {reply.status}, message: {said}"


def batch_environment(request: dict[str, Any]) -> dict[str, str]:
    """What a container is told of the job; the request's own come last."""
    told = {
        "SAGEMAKER_BATCH": "true",
        "MAX_PAYLOAD_IN_MB": request.get("MaxPayloadInMB"),
        "MAX_CONCURRENT_TRANSFORMS": request.get("MaxConcurrentTransforms"),
        "BATCH_STRATEGY": {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}.get(
            request.get("BatchStrategy", "")
        ),
    }
    given = {name: str(value) for name, value in told.items() if value is not None}
    return {**given, **(request.get("Environment") or {})}


def _execution_parameters(box: ServingBox) -> dict[str, Any]:
    """What the container would like best; nothing where it has no opinion."""
    try:
        reply = box.ask("GET", "/execution-parameters", timeout=10)
        said = json.loads(reply.body) if reply.status == 200 else {}
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    return said if isinstance(said, dict) else {}

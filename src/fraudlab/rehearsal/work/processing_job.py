"""A processing job: inputs from S3 to the paths it names, and its outputs back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.work.admission import admitted
from fraudlab.rehearsal.work.artifacts_upload import upload_files
from fraudlab.rehearsal.work.checkpoint_sync import FolderSync
from fraudlab.rehearsal.work.container_engine import Box, BoxSettings, ContainerEngine
from fraudlab.rehearsal.work.contract_files import processing_files
from fraudlab.rehearsal.work.host_group import Ending, HostGroup
from fraudlab.rehearsal.work.reasons import WorkFailed, WorkLeft, algorithm_error, exit_message
from fraudlab.rehearsal.work.s3_objects import entries, of_host
from fraudlab.rehearsal.work.services import Services

_DAY = 86400


class ProcessingWork:
    """Carries out one processing job.

    Parameters
    ----------
    engine : ContainerEngine
    progress : JobProgress
    services : Services
    """

    def __init__(self, engine: ContainerEngine, progress: JobProgress, services: Services) -> None:
        record = progress.record
        self._engine, self._progress, self._services = engine, progress, services
        self._request, self._arn = record.request, record.arn
        count = self._request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1)
        self._hosts = [f"algo-{number}" for number in range(1, count + 1)]
        self.hosts = count

    def carry_out(self) -> Callable[[], None]:
        """Run it to its end; see :meth:`~fraudlab.rehearsal.work.training_job.TrainingWork.carry_out`."""
        image = admitted(self._services, self._request["AppSpecification"]["ImageUri"])
        if self._progress.stopping.is_set():
            return lambda: self._progress.move("Stopped")
        boxes = self._prepared(image)
        self._progress.note(ProcessingStartTime=time.time())
        group = HostGroup(self._engine, self._progress, boxes, stream=self._request["ProcessingJobName"])
        group.run()
        return self._finished(group)

    def resume(self, boxes: list[Box]) -> Callable[[], None]:
        """Watch containers that ran before the rehearsal was started again."""
        group = HostGroup(self._engine, self._progress, boxes, stream=self._request["ProcessingJobName"])
        group.watch()
        return self._finished(group)

    def _prepared(self, image: str) -> list[Box]:
        app = self._request["AppSpecification"]
        isolated = bool(self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))
        network = self._engine.job_network(isolated=isolated, hosts=self.hosts)
        settings = BoxSettings(
            image,
            {
                **(self._request.get("Environment") or {}),
                "PROCESSING_JOB_NAME": self._request["ProcessingJobName"],
                "AWS_REGION": self._arn.split(":")[3],
            },
            network,
            entrypoint=app.get("ContainerEntrypoint"),
            command=app.get("ContainerArguments"),
        )
        boxes = []
        for number, host in enumerate(self._hosts):
            box = self._engine.make(host, settings)
            self._engine.put(box, processing_files(self._request, self._arn, host, self._hosts))
            for folder, objects in self._inputs(number):
                self._engine.put(box, entries(self._services.s3, objects, folder))
            boxes.append(box)
        return boxes

    def _inputs(self, number: int) -> list[tuple[str, Any]]:
        """The objects of each input of one host."""
        found = []
        for one in self._request.get("ProcessingInputs") or ():
            source = one.get("S3Input")
            if source is None or source.get("S3InputMode", "File") != "File" or "LocalPath" not in source:
                raise WorkFailed(
                    f"InternalServerError: input {one['InputName']} is not rehearsed: use an S3Input with"
                    " S3InputMode File and a LocalPath."
                )
            objects = of_host(self._services.s3, source, host=number, hosts=self.hosts)
            found.append((source["LocalPath"], objects))
        return found

    def _outputs(self) -> list[dict[str, Any]]:
        outputs = self._request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        return [one["S3Output"] for one in outputs if "S3Output" in one]

    def _finished(self, group: HostGroup) -> Callable[[], None]:
        syncs = [
            FolderSync(
                self._engine, self._services, box, path=one["LocalPath"], uri=one["S3Uri"], deletes=False
            )
            for box in group.boxes
            for one in self._outputs()
            if one.get("S3UploadMode") == "Continuous"
        ]
        limits = self._request.get("StoppingCondition") or {}
        left = limits.get("MaxRuntimeInSeconds", _DAY) - max(map(self._engine.seconds, group.boxes))
        try:
            ending = group.until_end(
                deadlines=[(time.monotonic() + left, Ending.MAX_RUNTIME)],
                on_stop=lambda _: self._progress.move("Stopping"),
            )
        except WorkLeft:
            for sync in syncs:
                sync.end(last=False)
            raise
        for sync in syncs:
            sync.end(last=True)
        self._say_message(group)
        if ending is not Ending.FAILED:
            self._upload(group)
        self._progress.note(ProcessingEndTime=time.time())
        if group.failed is not None:
            box, code = group.failed
            raise WorkFailed(algorithm_error(self._engine.read(box, "/opt/ml/output/message"), code))
        if ending is Ending.MAX_RUNTIME:
            raise WorkFailed(
                "ClientError: Job runtime exceeded MaxRuntimeInSeconds provided in StoppingCondition."
            )
        last = "Completed" if ending is Ending.COMPLETED else "Stopped"
        return lambda: self._progress.move(last)

    def _upload(self, group: HostGroup) -> None:
        for one in self._outputs():
            if one.get("S3UploadMode") != "Continuous":
                upload_files(
                    self._engine, self._services, group.boxes, path=one["LocalPath"], uri=one["S3Uri"]
                )

    def _say_message(self, group: HostGroup) -> None:
        """What all containers left in ``/opt/ml/output/message``, one after another."""
        said = [self._engine.read(box, "/opt/ml/output/message") for box in group.boxes]
        try:
            message = exit_message(said)
        except UnicodeDecodeError as error:
            raise WorkFailed("ClientError: /opt/ml/output/message is not UTF-8.") from error
        if message:
            self._progress.note(ExitMessage=message)

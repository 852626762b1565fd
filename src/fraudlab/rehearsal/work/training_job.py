"""A training job: channels in, rounds, checkpoints that outlive a spot instance, and archives out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.work.admission import admitted
from fraudlab.rehearsal.work.artifacts_upload import upload_archive, upload_files
from fraudlab.rehearsal.work.checkpoint_sync import FolderSync
from fraudlab.rehearsal.work.container_engine import Box, BoxSettings, ContainerEngine
from fraudlab.rehearsal.work.contract_files import (
    CHECKPOINTS,
    input_mode,
    training_files,
    training_hosts,
)
from fraudlab.rehearsal.work.final_metrics import FinalMetrics
from fraudlab.rehearsal.work.host_group import RAN, Ending, HostGroup
from fraudlab.rehearsal.work.reasons import WorkFailed, WorkLeft, algorithm_error
from fraudlab.rehearsal.work.s3_objects import entries, listed, of_host
from fraudlab.rehearsal.work.services import Services

_DAY = 86400
#: what a transition says, in the words that clients print
_SAYS = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Spot instance was interrupted",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}


class TrainingWork:
    """Carries out one training job.

    Parameters
    ----------
    engine : ContainerEngine
    progress : JobProgress
    services : Services
    """

    def __init__(self, engine: ContainerEngine, progress: JobProgress, services: Services) -> None:
        record = progress.record
        self._engine, self._progress, self._services = engine, progress, services
        self._request: dict[str, Any] = record.request
        self._arn, self._created = record.arn, record.created
        self._hosts = training_hosts(self._request["ResourceConfig"])
        self.hosts = len(self._hosts)
        self._spot = bool(self._request.get("EnableManagedSpotTraining"))
        #: seconds in which there were machines, also those of a rehearsal before this one
        self._ran = float(record.facts.get("_ran", 0.0))
        self._metrics = FinalMetrics(self._request["AlgorithmSpecification"].get("MetricDefinitions") or ())
        self._syncs: list[FolderSync] = []

    def carry_out(self) -> Callable[[], None]:
        """Run it to its end.

        Returns
        -------
        callable
            Says the last state: to be called when the containers are gone.

        Raises
        ------
        WorkFailed
            With the reason.
        """
        self._move("Starting")
        image = admitted(self._services, self._request["AlgorithmSpecification"].get("TrainingImage", ""))
        while True:
            if self._progress.stopping.is_set():
                return self._ended(Ending.STOPPED, [])
            boxes, restored = self._prepared(image)
            group = self._group(boxes)
            group.run()
            self._move("Training")
            self._follow_checkpoints(boxes, restored)
            ending = self._until_end(group)
            if ending is not Ending.INTERRUPTED:
                return self._ended(ending, boxes, group)
            self._move("Interrupted")
            self._progress.note(**{RAN: None})
            for box in boxes:
                self._engine.remove(box)
            self._move("Starting", "Preparing the instances for training")

    def resume(self, boxes: list[Box]) -> Callable[[], None]:
        """Watch containers that ran before the rehearsal was started again."""
        group = self._group(boxes)
        group.watch()
        self._move("Training")
        self._follow_checkpoints(boxes, frozenset())
        return self._ended(self._until_end(group), boxes, group)

    def _move(self, secondary: str, message: str | None = None) -> None:
        ended = secondary in {"Completed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"}
        status = "InProgress"
        if ended:
            status = "Completed" if secondary == "Completed" else "Stopped"
        elif secondary == "Stopping" or (secondary == "Uploading" and self._stopped):
            status = "Stopping"
        self._progress.move(status, secondary, message or _SAYS[secondary])

    @property
    def _stopped(self) -> bool:
        return self._progress.record.status == "Stopping"

    def _prepared(self, image: str) -> tuple[list[Box], frozenset[str]]:
        """Containers with everything that they are to find, and the checkpoints that they were given."""
        self._move("Downloading")
        if "TrainingStartTime" not in self._progress.record.facts:
            self._progress.note(TrainingStartTime=time.time())
        isolated = bool(self._request.get("EnableNetworkIsolation"))
        network = self._engine.job_network(isolated=isolated, hosts=self.hosts)
        checkpoints = self._request.get("CheckpointConfig")
        restored = listed(self._services.s3, checkpoints["S3Uri"]) if checkpoints else []
        boxes = []
        for number, host in enumerate(self._hosts):
            files, volumes = self._channels(image, number)
            settings = BoxSettings(
                image, self._environment(), network, **command_of(self._request), read_only=volumes
            )
            box = self._engine.make(host.name, settings)
            self._engine.put(box, training_files(self._request, host, self._hosts))
            for folder, objects in files.items():
                self._engine.put(box, entries(self._services.s3, objects, folder))
            if checkpoints:
                self._engine.put(box, entries(self._services.s3, restored, self._checkpoints))
            boxes.append(box)
        return boxes, frozenset(one.path for one in restored)

    @property
    def _checkpoints(self) -> str:
        return str(self._request["CheckpointConfig"].get("LocalPath", CHECKPOINTS))

    def _channels(self, image: str, number: int) -> tuple[dict[str, Any], dict[str, str]]:
        """The objects of each folder of one host; those that may not be written are in volumes already."""
        files, volumes = {}, {}
        for channel in self._request.get("InputDataConfig") or ():
            folder = f"/opt/ml/input/data/{channel['ChannelName']}"
            mode = input_mode(self._request, channel)
            source = channel["DataSource"].get("S3DataSource")
            if source is None or mode == "Pipe":
                what = "a channel from a file system" if source is None else "TrainingInputMode Pipe"
                raise WorkFailed(
                    f"InternalServerError: {what} is not rehearsed: use File or FastFile with S3."
                )
            objects = of_host(self._services.s3, source, host=number, hosts=self.hosts)
            if mode == "FastFile":
                volumes[self._engine.make_volume(image, entries(self._services.s3, objects, "."))] = folder
            else:
                files[folder] = objects
        return files, volumes

    def _environment(self) -> dict[str, str]:
        return {
            **(self._request.get("Environment") or {}),
            "TRAINING_JOB_NAME": self._request["TrainingJobName"],
            "TRAINING_JOB_ARN": self._arn,
            "AWS_REGION": self._arn.split(":")[3],
        }

    def _group(self, boxes: list[Box]) -> HostGroup:
        taken_after = self._services.faults.interruption() if self._spot else None
        printed, lock = 0, threading.Lock()

        def on_lines(number: int, lines: list[str]) -> None:
            nonlocal printed
            self._metrics.read(lines)
            for sync in self._syncs:
                sync.nudge()
            with lock:
                printed += len(lines) if number == 0 else 0
                if taken_after is not None and printed >= taken_after:
                    group.interrupt()

        group = HostGroup(
            self._engine, self._progress, boxes, stream=self._request["TrainingJobName"], on_lines=on_lines
        )
        return group

    def _follow_checkpoints(self, boxes: list[Box], restored: frozenset[str]) -> None:
        if checkpoints := self._request.get("CheckpointConfig"):
            where = {"path": self._checkpoints, "uri": checkpoints["S3Uri"]}
            self._syncs = [
                FolderSync(self._engine, self._services, box, **where, deletes=True, known=restored)
                for box in boxes
            ]

    def _until_end(self, group: HostGroup) -> Ending:
        limits = self._request.get("StoppingCondition") or {}
        left = limits.get("MaxRuntimeInSeconds", _DAY) - self._ran - self._seconds(group)
        deadlines = [(time.monotonic() + left, Ending.MAX_RUNTIME)]
        if self._spot and "MaxWaitTimeInSeconds" in limits:
            waited = time.time() - self._created
            left = limits["MaxWaitTimeInSeconds"] - waited
            deadlines.append((time.monotonic() + left, Ending.MAX_WAIT))
        try:
            ending = group.until_end(deadlines=deadlines, on_stop=lambda _: self._move("Stopping"))
        except WorkLeft:
            for sync in self._syncs:
                sync.end(last=False)
            raise
        for sync in self._syncs:
            sync.end(last=ending is not Ending.INTERRUPTED)
        self._syncs = []
        self._ran += self._seconds(group)
        if ending is Ending.INTERRUPTED:
            self._progress.note(_ran=self._ran)
        return ending

    def _seconds(self, group: HostGroup) -> float:
        """How long these machines have run, also before a restart of the rehearsal."""
        return max(self._engine.seconds(box) for box in group.boxes)

    def _ended(self, ending: Ending, boxes: list[Box], group: HostGroup | None = None) -> Callable[[], None]:
        """Bring what is left to S3 and note what was used; the last state is for the caller to say."""
        output = self._request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
        output += f"/{self._request['TrainingJobName']}/output"
        failed = group.failed if group else None
        if boxes:
            if failed is None:
                self._move("Uploading")
                self._upload_model(boxes, output)
            upload_archive(
                self._engine,
                self._services,
                boxes,
                path="/opt/ml/output/data",
                uri=f"{output}/output.tar.gz",
                empty=False,
            )
        now, facts = time.time(), self._progress.record.facts
        if "TrainingStartTime" in facts:
            self._progress.note(
                TrainingEndTime=now,
                TrainingTimeInSeconds=max(1, round(now - facts["TrainingStartTime"])),
                BillableTimeInSeconds=max(1, round(self._ran)),
            )
        if found := self._metrics.final():
            self._progress.note(FinalMetricDataList=found)
        if failed is not None:
            failure = self._engine.read(failed[0], "/opt/ml/output/failure")
            raise WorkFailed(algorithm_error(failure, failed[1]))
        last = {Ending.COMPLETED: "Completed", Ending.STOPPED: "Stopped"}.get(ending, ending.value)
        return lambda: self._move(last)

    def _upload_model(self, boxes: list[Box], output: str) -> None:
        if self._request["OutputDataConfig"].get("CompressionType", "GZIP") == "NONE":
            uri = f"{output}/model/"
            upload_files(self._engine, self._services, boxes, path="/opt/ml/model", uri=uri)
        else:
            uri = f"{output}/model.tar.gz"
            upload_archive(self._engine, self._services, boxes, path="/opt/ml/model", uri=uri, empty=True)
        self._progress.note(ModelArtifacts={"S3ModelArtifacts": uri})


def command_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What a training container is started with: ``train``, unless the request says otherwise."""
    algorithm = request["AlgorithmSpecification"]
    entrypoint, arguments = algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments")
    if entrypoint:
        return {"entrypoint": entrypoint, "command": arguments or []}
    return {"command": arguments or ["train"]}

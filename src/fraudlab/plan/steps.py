"""What a run rents: one step for each job and the endpoint, read from the requests themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fraudlab.plan.prices import Component

StepName = Literal["process", "train", "transform", "endpoint"]
Request = Mapping[str, Any]

#: in the order in which a run takes them
COMPONENTS: dict[StepName, Component] = {
    "process": Component.processing,
    "train": Component.training,
    "transform": Component.transform,
    "endpoint": Component.hosting,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Machines for a while.

    Attributes
    ----------
    name : {"process", "train", "transform", "endpoint"}
    instance_type : str
    instance_count : int
    volume_gb : int
        Of each machine; 0 where none is asked for.
    max_seconds : int
        How long it may run: of processing and training jobs AWS sees to it, of the others fraudlab.
    spot : bool
        Spot machines: while it waits for them nothing is billed.
    warm_pool_seconds : int
        How long its machines are kept afterwards.
    skipped : str or None
        Why it is not expected to run at all; None where it is.
    """

    name: StepName
    instance_type: str
    instance_count: int
    volume_gb: int
    max_seconds: int
    spot: bool = False
    warm_pool_seconds: int = 0
    skipped: str | None = None

    @property
    def component(self) -> Component:
        """What its machines are rented for."""
        return COMPONENTS[self.name]


def processing_step(request: Request, *, skipped: str | None = None) -> Step:
    """The step of a CreateProcessingJob request."""
    cluster = request["ProcessingResources"]["ClusterConfig"]
    return Step(
        name="process",
        instance_type=cluster["InstanceType"],
        instance_count=cluster["InstanceCount"],
        volume_gb=cluster["VolumeSizeInGB"],
        max_seconds=request["StoppingCondition"]["MaxRuntimeInSeconds"],
        skipped=skipped,
    )


def training_step(request: Request) -> Step:
    """The step of a CreateTrainingJob request."""
    resources = request["ResourceConfig"]
    return Step(
        name="train",
        instance_type=resources["InstanceType"],
        instance_count=resources["InstanceCount"],
        volume_gb=resources["VolumeSizeInGB"],
        max_seconds=request["StoppingCondition"]["MaxRuntimeInSeconds"],
        spot=bool(request.get("EnableManagedSpotTraining")),
        warm_pool_seconds=resources.get("KeepAlivePeriodInSeconds", 0),
    )


def transform_step(request: Request, *, max_seconds: int) -> Step:
    """The step of a CreateTransformJob request, which has neither a volume's size nor a limit of its own."""
    resources = request["TransformResources"]
    return Step(
        name="transform",
        instance_type=resources["InstanceType"],
        instance_count=resources["InstanceCount"],
        volume_gb=0,
        max_seconds=max_seconds,
    )


def endpoint_step(request: Request, *, max_seconds: int) -> Step:
    """The step of a CreateEndpointConfig request whose endpoint is taken away after that time."""
    variant = request["ProductionVariants"][0]
    return Step(
        name="endpoint",
        instance_type=variant["InstanceType"],
        instance_count=variant["InitialInstanceCount"],
        volume_gb=variant.get("VolumeSizeInGB", 0),
        max_seconds=max_seconds,
    )

"""The rehearsal's service quotas: how many machines of a type each component may have at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from fraudlab.rehearsal.api_call import arn
from fraudlab.rehearsal.resource import Resource, ResourceKind
from fraudlab.rehearsal.resource_store import ResourceStore
from fraudlab.rehearsal.service_shapes import service_model

#: what stands behind a type in the name of a quota, and the enumeration that has the types
_USES = {
    "training job": "TrainingInstanceType",
    "spot training job": "TrainingInstanceType",
    "training warm pool": "TrainingInstanceType",
    "processing job": "ProcessingInstanceType",
    "transform job": "TransformInstanceType",
    "endpoint": "ProductionVariantInstanceType",
}
#: families that an account has from its first day on; of those with one GPU a few; of others none
_COMMON, _SOME = 20, 2
_COMMON_FAMILIES = frozenset(
    {"t2", "t3", "m4", "m5", "m5d", "m6i", "m7i", "c4", "c5", "c5d", "c6i", "c7i", "r5", "r5d", "r6i"}
)
_SOME_FAMILIES = ("g4dn", "g5")


def limit(instance_type: str, use: str) -> int:
    """How many of a type a component may have; warm pools begin with none, as in a new account."""
    family = instance_type.split(".")[1] if instance_type.count(".") > 1 else ""
    if use == "training warm pool":
        return 0
    return _COMMON if family in _COMMON_FAMILIES else _SOME if family in _SOME_FAMILIES else 0


@cache
def quotas() -> dict[str, dict[str, Any]]:
    """Every quota by its code, as Service Quotas answers it."""
    model = service_model("sagemaker")
    found = {}
    for use, shape in _USES.items():
        for instance_type in model.shape_for(shape).enum:
            name = f"{instance_type} for {use} usage"
            code = "L-" + hashlib.sha256(name.encode()).hexdigest()[:8].upper()
            found[code] = {
                "ServiceCode": "sagemaker",
                "ServiceName": "Amazon SageMaker",
                "QuotaArn": arn("servicequotas", f"sagemaker/{code}"),
                "QuotaCode": code,
                "QuotaName": name,
                "Value": float(limit(instance_type, use)),
                "Unit": "None",
                "Adjustable": True,
                "GlobalQuota": False,
            }
    return found


def in_use(store: ResourceStore, instance_type: str, use: str) -> int:
    """How many of a type a component has now."""
    return sum(
        count
        for resource in _active(store)
        for its_type, its_use, count in machines(resource)
        if (its_type, its_use) == (instance_type, use)
    )


def machines(resource: Resource) -> Iterator[tuple[str, str, int]]:
    """The machines that a resource has: type, use, number."""
    request = resource.request
    if resource.kind is ResourceKind.TRAINING:
        asked = request.get("ResourceConfig") or {}
        use = "spot training job" if request.get("EnableManagedSpotTraining") else "training job"
        for one in asked.get("InstanceGroups") or [asked]:
            yield one.get("InstanceType", ""), use, one.get("InstanceCount", 1)
    elif resource.kind is ResourceKind.PROCESSING:
        asked = request["ProcessingResources"]["ClusterConfig"]
        yield asked["InstanceType"], "processing job", asked["InstanceCount"]
    elif resource.kind is ResourceKind.TRANSFORM:
        asked = request["TransformResources"]
        yield asked["InstanceType"], "transform job", asked["InstanceCount"]
    elif resource.kind is ResourceKind.ENDPOINT:
        for variant in (resource.facts.get("_config") or {}).get("ProductionVariants", []):
            yield variant.get("InstanceType", ""), "endpoint", variant.get("InitialInstanceCount", 1)


def _active(store: ResourceStore) -> Iterator[Resource]:
    for kind in (ResourceKind.TRAINING, ResourceKind.PROCESSING, ResourceKind.TRANSFORM):
        yield from (job for job in store.all(kind) if not job.ended)
    yield from store.all(ResourceKind.ENDPOINT)

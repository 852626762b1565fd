"""What a machine has by its type's name: processors and memory, as AWS's pages of instance types say."""

from __future__ import annotations

#: GiB of memory per vCPU of the families whose sizes all keep to one ratio
_GIB_PER_VCPU = {
    **dict.fromkeys(("m4", "m5", "m5d", "m6i", "m6id", "m6g", "m6gd", "m7i", "m7g", "m7gd"), 4.0),
    **dict.fromkeys(("c5", "c5d", "c6i", "c6id", "c6g", "c6gd", "c7i", "c7g", "c7gd"), 2.0),
    **dict.fromkeys(("r5", "r5d", "r6i", "r6id", "r6g", "r6gd", "r7i", "r7g", "r7gd"), 8.0),
    **dict.fromkeys(("g4dn", "g5", "g6"), 4.0),
}
#: types of the families that do not, in GiB
_GIB = {
    "ml.t3.medium": 4.0,
    "ml.t3.large": 8.0,
    "ml.t3.xlarge": 16.0,
    "ml.t3.2xlarge": 32.0,
    "ml.g4dn.16xlarge": 256.0,
}


def memory_gib(instance_type: str) -> float | None:
    """The memory of a machine in GiB; None where the table does not have its family.

    Examples
    --------
    >>> from fraudlab.plan.machines import memory_gib
    >>> memory_gib("ml.m5.4xlarge"), memory_gib("ml.c5.large"), memory_gib("ml.p4d.24xlarge")
    (64.0, 4.0, None)
    """
    if instance_type in _GIB:
        return _GIB[instance_type]
    prefix, _, rest = instance_type.partition(".")
    family, _, size = rest.partition(".")
    vcpus = _vcpus(size)
    if prefix != "ml" or family not in _GIB_PER_VCPU or vcpus is None:
        return None
    return _GIB_PER_VCPU[family] * vcpus


def _vcpus(size: str) -> int | None:
    """``large`` is 2, ``xlarge`` 4, and ``Nxlarge`` N times that."""
    number = size.removesuffix("xlarge")
    if size in ("large", "xlarge"):
        return 2 if size == "large" else 4
    return 4 * int(number) if size.endswith("xlarge") and number.isdecimal() else None

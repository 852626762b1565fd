"""AWS's rules for the keys of ``sagemaker``, ``rehearsal`` and ``compute.*.instance_type``, asked early.

All that is wrong is said at once. What a request as a whole must satisfy is in
:mod:`fraudlab.api_requests.check`.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from fraudlab.account_rules import account_objections
from fraudlab.backend_registry import describe
from fraudlab.cloud_config import FAULTS
from fraudlab.config import RunConfig
from fraudlab.objections import Objection, refuse
from fraudlab.service_model import names_of

#: what makes machines of each job, by the name of its enumeration in the service model
COMPONENTS = {
    "process": "ProcessingInstanceType",
    "train": "TrainingInstanceType",
    "transform": "TransformInstanceType",
    "serve": "ProductionVariantInstanceType",
}
_WORDS = {
    "process": "processing jobs",
    "train": "training jobs",
    "transform": "transform jobs",
    "serve": "endpoints",
}
#: types that every component has, so that the defaults are known without reading the service model
_EVERYWHERE = frozenset(f"ml.m5.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge"))


def check_cloud(config: RunConfig) -> None:
    """Check the keys that say what AWS is asked for.

    Raises
    ------
    ConfigError
        With everything that is wrong.
    """
    refuse(
        [*_machines(config), *account_objections(config.sagemaker), *_together(config), *_rehearsal(config)]
    )


def _machines(config: RunConfig) -> Iterator[Objection]:
    for job, shape in COMPONENTS.items():
        name = getattr(config.compute, job).instance_type
        if name not in _EVERYWHERE and name not in names_of(shape):
            yield _no_machine(job, name)


def _no_machine(job: str, name: str) -> Objection:
    key, valid = f"compute.{job}.instance_type", names_of(COMPONENTS[job])
    others = [_WORDS[other] for other, shape in COMPONENTS.items() if name in names_of(shape)]
    only = f", only for {' and '.join(others)}" if others else ""
    meant = [found for found in (name.strip().lower(), f"ml.{name.strip().lower()}") if found in valid]
    close = meant or difflib.get_close_matches(name.lower(), valid, n=3, cutoff=0.7)
    hint = "such as" if not close else "did you mean" if len(close) == 1 else "near ones are"
    return Objection(
        key,
        f"{key}={name}: SageMaker has no such machine for {_WORDS[job]}{only}.",
        f"{hint} {', '.join(close or ['ml.m5.xlarge'])}{'?' if len(close) == 1 else ''}",
    )


def _together(config: RunConfig) -> Iterator[Objection]:
    account, longest = config.sagemaker, config.compute.train.max_minutes
    if not account.spot and account.max_wait_minutes is not None:
        yield Objection(
            "sagemaker.max_wait_minutes",
            f"sagemaker.max_wait_minutes={account.max_wait_minutes} is for spot instances, and"
            " sagemaker.spot=false.",
            "leave it out, or add sagemaker.spot=true",
        )
    elif account.max_wait_minutes is not None and account.max_wait_minutes < longest:
        yield Objection(
            "sagemaker.max_wait_minutes",
            f"sagemaker.max_wait_minutes={account.max_wait_minutes} is less than"
            f" compute.train.max_minutes={longest}, and counts waiting and running together.",
            f"sagemaker.max_wait_minutes={longest} or more, or a smaller compute.train.max_minutes",
        )
    if account.spot and account.warm_pool_minutes:
        yield Objection(
            "sagemaker.warm_pool_minutes",
            f"sagemaker.warm_pool_minutes={account.warm_pool_minutes} keeps machines, and those of"
            " sagemaker.spot=true cannot be kept.",
            "choose one of the two",
        )


def _rehearsal(config: RunConfig) -> Iterator[Objection]:
    rehearsal, key = config.rehearsal, "rehearsal.faults"
    for name in rehearsal.faults:
        if name not in FAULTS:
            close = difflib.get_close_matches(name.strip().lower().replace("-", "_"), FAULTS, n=1, cutoff=0.5)
            meant = f"did you mean {close[0]}? " if close else ""
            yield Objection(
                key, f"{key}: {name!r} is no fault.", f"{meant}valid: {', '.join(sorted(FAULTS))}"
            )
    if rehearsal.faults and not describe(config.backend.kind).rehearsed:
        yield Objection(
            key,
            f"{key}=[{','.join(rehearsal.faults)}] is for a rehearsal, and backend={config.backend.kind} is"
            " none.",
            f"leave {key} out, or choose backend=rehearsal",
        )
    if rehearsal.endpoint is not None and not _is_loopback(rehearsal.endpoint):
        yield Objection(
            "rehearsal.endpoint",
            f"rehearsal.endpoint={rehearsal.endpoint} is no URL of this machine.",
            "valid: such as http://127.0.0.1:4566",
        )


def _is_loopback(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
        host = url.hostname or ""
    except ValueError:
        return False
    plain = url.path in ("", "/") and not (url.query or url.fragment or url.username or url.password)
    if url.scheme not in ("http", "https") or not plain or port == 0:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

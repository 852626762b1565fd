"""An endpoint: fleets of serving containers behind one name, replaced without losing a request."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.resource import NEXT
from fraudlab.rehearsal.work.admission import admitted
from fraudlab.rehearsal.work.container_engine import ContainerEngine
from fraudlab.rehearsal.work.reasons import (
    NO_CAPACITY_FOR_ENDPOINT,
    WorkFailed,
    WorkLeft,
    no_endpoint_image,
    unhealthy,
)
from fraudlab.rehearsal.work.services import Services
from fraudlab.rehearsal.work.serving_box import ServingBox, serving_network, the_container

#: seconds a container has to answer its first ping where the configuration says nothing
_PING_WITHIN = 480.0
#: seconds within which requests under way are answered, as long as one may take
_DRAIN = 60.0
#: the same where the rehearsal ends
_DRAIN_AT_END = 10.0
_TICK = 0.1


class Variant:
    """The containers of one production variant, asked in turn.

    Parameters
    ----------
    request : mapping
        Of ``ProductionVariants``.
    boxes : list of ServingBox
    """

    def __init__(self, request: Mapping[str, Any], boxes: list[ServingBox]) -> None:
        self.name: str = request["VariantName"]
        self.weight = float(request.get("InitialVariantWeight", 1.0))
        self.boxes = boxes
        self._turn = itertools.cycle(boxes)
        self.asked = 0

    def next_box(self) -> ServingBox:
        """The container whose turn it is, leaving out those that have ended where one still runs."""
        for _ in self.boxes:
            box = next(self._turn)
            if not box.ended:
                return box
        return next(self._turn)


class Fleet:
    """All containers of one endpoint configuration, in a part of the engine of their own."""

    def __init__(self, engine: ContainerEngine, variants: list[Variant]) -> None:
        self.engine, self.variants = engine, variants
        self.under_way = 0

    def stop(self) -> None:
        """Stop and remove all of them."""
        boxes = [box for variant in self.variants for box in variant.boxes]
        with ThreadPoolExecutor(len(boxes) or 1) as pool:
            list(pool.map(ServingBox.stop, boxes))
        self.engine.close()


class Hosting:
    """One endpoint from its creation until it is deleted.

    Parameters
    ----------
    progress : JobProgress
    services : Services
    """

    def __init__(self, progress: JobProgress, services: Services) -> None:
        self.progress, self.services = progress, services
        self._fleet: Fleet | None = None
        self._changed = threading.Condition()
        self._updating = threading.Lock()

    def create(self) -> None:
        """Start the first containers, and wait until they are healthy; the endpoint is in service then.

        One that was on its way to another configuration when a rehearsal ended goes to that one first.
        """
        facts = self.progress.record.facts
        if NEXT in facts:
            try:
                self._turn_to(facts[NEXT])
            except WorkFailed as error:
                self.progress.note(FailureReason=error.reason, **{NEXT: None})
            else:
                return
        self._turn_to({name: facts[name] for name in ("EndpointConfigName", "_config", "_models")})

    def _turn_to(self, serving: Mapping[str, Any]) -> Fleet | None:
        """Start containers, turn requests to them once they are healthy, and give those before them."""
        fleet = self._made(serving, sick=self.services.faults.endpoint_is_unhealthy())
        with self._changed:
            old, self._fleet = self._fleet, fleet
        self.progress.note(**{"FailureReason": None, NEXT: None, **serving})
        self.progress.move("InService")
        return old

    def until_deleted(self) -> None:
        """Serve until the endpoint is deleted or the rehearsal ends, then remove every container."""
        while not (self.progress.deleted.wait(_TICK) or self.progress.closing.is_set()):
            pass
        with self._updating, self._changed:
            fleet, self._fleet = self._fleet, None
        if fleet is None:
            return
        if self.progress.closing.is_set():
            self._drained(fleet, _DRAIN_AT_END)
            fleet.engine.close()
        else:
            self._drained(fleet)
            fleet.stop()

    def update(self) -> None:
        """Start new containers, turn requests to them, let the old ones finish theirs, and stop those."""
        with self._updating:
            try:
                old = self._turn_to(self.progress.record.facts[NEXT])
            except WorkFailed as error:
                self.progress.note(FailureReason=error.reason, **{NEXT: None})
                self.progress.move("InService")
                return
            if old is not None:
                self._drained(old)
                old.stop()

    def _made(self, serving: Mapping[str, Any], *, sick: bool) -> Fleet:
        work = f"endpoint/{self.progress.name}/{secrets.token_hex(3)}"
        engine = ContainerEngine(self.services, work)
        try:
            asked, models = serving["_config"]["ProductionVariants"], serving["_models"]
            variants = [self._variant(engine, one, models[one["ModelName"]]) for one in asked]
            for one, variant in zip(asked, variants, strict=True):
                self._require_health(one, variant, sick=sick)
        except BaseException:
            engine.close()
            raise
        return Fleet(engine, variants)

    def _variant(
        self, engine: ContainerEngine, request: Mapping[str, Any], model: Mapping[str, Any]
    ) -> Variant:
        container = the_container(model)
        uri = container.get("Image", "")
        image = admitted(
            self.services,
            uri,
            no_image=no_endpoint_image(uri),
            no_capacity=NO_CAPACITY_FOR_ENDPOINT,
        )
        network = serving_network(engine, isolated=bool(model.get("EnableNetworkIsolation")))
        boxes = []
        for number in range(1, request.get("InitialInstanceCount", 1) + 1):
            instance = f"i-{secrets.token_hex(8)}"
            boxes.append(
                ServingBox(
                    engine,
                    self.services,
                    self.progress,
                    model=container,
                    image=image,
                    host=f"{request['VariantName']}-{number}"[:63].rstrip("-"),
                    stream=f"{request['VariantName']}/{instance}",
                    network=network,
                    environment={},
                )
            )
        return Variant(request, boxes)

    def _require_health(self, request: Mapping[str, Any], variant: Variant, *, sick: bool) -> None:
        within = float(request.get("ContainerStartupHealthCheckTimeoutInSeconds", _PING_WITHIN))
        for box in variant.boxes:
            healthy = not sick and box.healthy_within(within, self.progress.deleted, self.progress.closing)
            if self.progress.closing.is_set():
                raise WorkLeft
            if not healthy:
                raise WorkFailed(unhealthy(variant.name))

    def chosen(self, variant_name: str | None) -> tuple[Fleet, Variant] | None:
        """The fleet and the variant that a request goes to; None where nothing is in service.

        Give the fleet back with :meth:`answered`.

        Raises
        ------
        KeyError
            There is no variant of that name.
        """
        with self._changed:
            fleet = self._fleet
            if fleet is None:
                return None
            if variant_name is None:
                # the one that is furthest behind its share
                variant = min(fleet.variants, key=lambda one: (one.asked + 1) / (one.weight or 1e-9))
            else:
                variant = {one.name: one for one in fleet.variants}[variant_name]
            variant.asked += 1
            fleet.under_way += 1
            return fleet, variant

    def answered(self, fleet: Fleet) -> None:
        """Say that a request to a fleet is over."""
        with self._changed:
            fleet.under_way -= 1
            self._changed.notify_all()

    def _drained(self, fleet: Fleet, seconds: float = _DRAIN) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not fleet.under_way, seconds)

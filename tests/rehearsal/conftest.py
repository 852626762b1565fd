"""The API of a rehearsal in this process, whose jobs are carried out by whoever asks: no engine is needed."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from tests.loopback_aws import client

from fraudlab.rehearsal.announcement import Announcement
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.moto_aws import moto_application
from fraudlab.rehearsal.parts import RehearsalParts
from fraudlab.rehearsal.resource import ResourceKind
from fraudlab.rehearsal.wsgi_server import WsgiServer

ROLE = Announcement("", 0).role
BUCKET = Announcement("", 0).bucket


class ByHand:
    """Work whose jobs stand still until a test moves them; endpoints are in service at once."""

    def __init__(self):
        self.started = {}
        self.resumed = []

    def start(self, progress, services):
        self.started[progress.name] = progress
        if progress.kind is ResourceKind.ENDPOINT:
            progress.move("InService")
        thread = threading.Thread(target=self._until_told, args=[progress], daemon=True)
        thread.start()
        return thread

    def resume(self, progress, services):
        self.resumed.append(progress.name)
        return self.start(progress, services)

    def update(self, progress):
        progress.note(**progress.record.facts["_next"], _next=None)
        progress.move("InService")
        return threading.current_thread()

    def sweep(self, services, *, keep):
        self.kept = set(keep)

    def invoke(self, endpoint_name, body, headers):
        return (
            200,
            {"Content-Type": headers["Content-Type"], "x-Amzn-Invoked-Production-Variant": "AllTraffic"},
            body,
        )

    @staticmethod
    def _until_told(progress):
        while not (progress.closing.is_set() or progress.deleted.is_set() or progress.record.ended):
            if progress.stopping.wait(0.01):
                progress.move("Stopped", "Stopped" if progress.kind is ResourceKind.TRAINING else None)


@pytest.fixture(scope="session")
def loopback(tmp_path_factory):
    """One API for all tests: ``facts``, ``client(service)``, ``work``."""
    folder, by_hand, clients = tmp_path_factory.mktemp("api"), ByHand(), []
    parts = RehearsalParts(folder, moto_application(), Faults(), [], carrier=by_hand)
    server = WsgiServer("127.0.0.1", 0, parts.application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        parts.open(url)
        facts = vars(Announcement(url=url, pid=0, registry=parts.repositories.host))

        def made(service, **options):
            clients.append(client(facts, service, **options))
            return clients[-1]

        yield SimpleNamespace(facts=facts, client=made, work=by_hand, parts=parts, folder=folder)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        parts.close()
        for one in clients:
            one.close()

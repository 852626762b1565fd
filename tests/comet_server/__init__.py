"""A strict Comet server on loopback that remembers what it was told, for tests of the real SDK.

It speaks the part of the protocol that comet_ml 3.58 uses here: a call it does not know, a wrong key, an
experiment nobody opened or a body of another kind is refused, and told by the test that caused it. What comes
twice is kept twice, as Comet does. It can be slow, cut connections, refuse, or carry a request out twice.
"""

from __future__ import annotations

from .kept import KEY, Asset, CometServer, Fault
from .partner_app import PartnerApp
from .serving import comet_server

__all__ = ["KEY", "Asset", "CometServer", "Fault", "PartnerApp", "comet_server"]

"""The hub's event log and security log (ECS35c, ECS35d)."""

from __future__ import annotations

from collections.abc import Iterator

from chub.model import HubModel
from device.cosem.fields import code_log, octets
from device.cosem.table import CosemObject, cosem


def log_objects() -> Iterator[CosemObject[HubModel]]:
    """Logs of a hundred entries each."""
    yield cosem(
        "7/0-0:99.98.0.255",
        "EventLog",
        code_log(
            ",os(..8)",
            lambda m: m.event_log,
            lambda other: (other,),
            lambda row: octets(row[0]),
        ),
    )
    yield cosem(
        "7/0-0:99.98.1.255",
        "SecurityLog",
        code_log("", lambda m: m.security_log, lambda _: (), lambda _: b""),
    )

"""What a device's clusters report, and to whom: bindings and configurations, kept over restarts."""

from __future__ import annotations

from typing import Final

from device.host import Host
from device.store import Json, Store, StoreError
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.zcl.general import ConfigureReporting, ReportingRecord
from han.endpoint import Endpoint
from han.radio import NetworkDown, RadioEvent
from han.zcl.reporting import Reported
from han.zcl.tables import Side
from han.zdo.server import Binding

_BINDINGS: Final = "bindings"
_REPORTING: Final = "reporting"

Configured = dict[int, dict[Reported, ReportingRecord]]  # by endpoint


class KeptBindings:
    """Keeps what peers bind and configure at one node, until the device leaves its network."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: list[Binding] = []
        self._endpoints: dict[int, Endpoint] = {}
        with store.transaction() as unit:
            self._kept = _bindings(unit.get_json(_BINDINGS))
            self._rows = _configurations(unit.get_json(_REPORTING))
        self._configured: Configured = {}

    def attach(self, host: Host) -> None:
        """Give the node back what it had; before the host runs.

        A configuration of what is served no more is left out.
        """
        self._held, self._endpoints = host.node.bindings, host.node.endpoints
        self._held[:] = self._kept
        for number, cluster_id, side, payload in self._rows:
            endpoint = self._endpoints.get(number)
            served = endpoint and endpoint.server.clusters.get((cluster_id, side))
            if endpoint and served:
                endpoint.reporting.configure(served, payload)
        self._configured = self._reporting()
        host.on_progress(self._keep)
        host.on_radio_event(self._radio_event)

    def _reporting(self) -> Configured:
        endpoints = self._endpoints.items()
        return {n: dict(e.reporting.records) for n, e in endpoints if e.reporting.records}

    def _keep(self) -> None:
        reporting = self._reporting()
        if self._held == self._kept and reporting == self._configured:
            return
        with self._store.transaction() as unit:
            unit.put_json(_BINDINGS, [_binding_row(binding) for binding in self._held])
            unit.put_json(_REPORTING, _reporting_rows(reporting))
        self._kept, self._configured = list(self._held), reporting

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, NetworkDown):
            self._held.clear()
            for endpoint in self._endpoints.values():
                endpoint.reporting.records.clear()
            self._keep()


def _binding_row(binding: Binding) -> Json:
    peer = format_eui64(binding.peer)
    return [binding.endpoint, binding.cluster_id, peer, binding.peer_endpoint]


def _bindings(rows: Json) -> list[Binding]:
    """The bindings in their rows; StoreError when these are none."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [int(endpoint), int(cluster_id), str(peer), int(peer_endpoint)]:
                found.append(Binding(endpoint, cluster_id, parse_eui64(peer), peer_endpoint))
            case _:
                raise StoreError(f"{_BINDINGS} holds {row!r}, which is no binding")
    return found


def _reporting_rows(configured: Configured) -> Json:
    """A row for each attribute, which ends with its record as it is configured on the wire."""
    return [
        [number, cluster_id, side.value, ConfigureReporting((record,)).to_bytes().hex()]
        for number, records in configured.items()
        for (cluster_id, side, _), record in records.items()
    ]


def _configurations(rows: Json) -> list[tuple[int, int, Side, bytes]]:
    """Endpoint, cluster, side and Configure Reporting payload; StoreError when it is none."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [int(number), int(cluster_id), str(side), str(record)]:
                try:
                    payload = bytes.fromhex(record)
                    ConfigureReporting.parse(payload)
                    found.append((number, cluster_id, Side(side), payload))
                    continue
                except (ValueError, MalformedMessage):
                    pass
        raise StoreError(f"{_REPORTING} holds {row!r}, which is no reporting configuration")
    return found

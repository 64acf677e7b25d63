"""The bindings of a device: whom its clusters report to, kept over restarts."""

from __future__ import annotations

from typing import Final

from device.host import Host
from device.store import Json, Store, StoreError
from gbcs.eui64 import format_eui64, parse_eui64
from han.radio import NetworkDown, RadioEvent
from han.zdo.server import Binding

_KEY: Final = "bindings"


class KeptBindings:
    """Keeps what peers bind at one node, until the device leaves its network."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: list[Binding] = []
        with store.transaction() as unit:
            self._kept = _read(unit.get_json(_KEY))

    def attach(self, host: Host) -> None:
        """Give the node its bindings back; before the host runs."""
        self._held = host.node.bindings
        self._held[:] = self._kept
        host.on_progress(self._keep)
        host.on_radio_event(self._radio_event)

    def _keep(self) -> None:
        if self._held == self._kept:
            return
        with self._store.transaction() as unit:
            unit.put_json(_KEY, [_row(binding) for binding in self._held])
        self._kept = list(self._held)

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, NetworkDown):
            self._held.clear()
            self._keep()


def _row(binding: Binding) -> Json:
    peer = format_eui64(binding.peer)
    return [binding.endpoint, binding.cluster_id, peer, binding.peer_endpoint]


def _read(rows: Json) -> list[Binding]:
    """The bindings in their rows; StoreError when these are none."""
    found = []
    for row in rows if isinstance(rows, list) else []:
        match row:
            case [int(endpoint), int(cluster_id), str(peer), int(peer_endpoint)]:
                found.append(Binding(endpoint, cluster_id, parse_eui64(peer), peer_endpoint))
            case _:
                raise StoreError(f"{_KEY} holds {row!r}, which is no binding")
    return found

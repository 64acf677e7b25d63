"""Who says to have which short address: claims that the hub has reason to doubt.

A Device_annce is secured with the network key alone, so any holder of that key can send one in the
name of another device, and radios send to the address that was announced last. The hub cannot
prevent it; it tells of an announcement that moves a device which did not join anew, and of the
device itself when it then speaks, under its own link key, from where it was.
"""

from __future__ import annotations

from chub.device_log import DeviceLog
from chub.event import AddressClaimed, AddressClaimFalse
from device.chassis import Chassis
from device.host import Host
from han.exchange import Announced, NodeEvent
from han.radio import ApsReceived, DeviceJoined, DeviceLeft, RadioEvent


class AddressWatch:
    """The short addresses under which the devices of the log have proved themselves.

    What an APS link key secures proves an address. A device that resolves an address conflict moves
    without joining anew: that is told as a claim, too.
    """

    def __init__(self, chassis: Chassis, device_log: DeviceLog) -> None:
        self._chassis, self._device_log = chassis, device_log
        self._proved: dict[int, int] = {}
        self._claimed: dict[int, int] = {}

    def attach(self, host: Host) -> None:
        """Watch this node."""
        host.on_received(self._heard)
        host.on_node_event(self._node_event)
        host.on_radio_event(self._radio_event)

    def _heard(self, frame: ApsReceived) -> None:
        peer, nwk = frame.peer, frame.peer_nwk
        if not frame.encrypted or peer not in self._device_log:
            return
        claimed = self._claimed.get(peer)
        if claimed is None:
            self._proved[peer] = nwk
        elif nwk == claimed:  # it was the device itself
            del self._claimed[peer]
            self._proved[peer] = nwk
        elif nwk == self._proved[peer]:
            del self._claimed[peer]
            here = self._chassis.here()
            self._chassis.events.publish(
                AddressClaimFalse(**here, peer=peer, claimed=claimed, nwk=nwk)
            )

    def _node_event(self, event: NodeEvent) -> None:
        if not isinstance(event, Announced):
            return
        peer, proved = event.eui64, self._proved.get(event.eui64)
        if proved is None or event.nwk in (proved, self._claimed.get(peer)):
            return
        self._claimed[peer] = event.nwk
        here = self._chassis.here()
        self._chassis.events.publish(
            AddressClaimed(**here, peer=peer, claimed=event.nwk, nwk=proved)
        )

    def _radio_event(self, event: RadioEvent) -> None:
        """Who joins or leaves may have another address afterwards."""
        if isinstance(event, DeviceJoined | DeviceLeft):
            self._proved.pop(event.eui64, None)
            self._claimed.pop(event.eui64, None)

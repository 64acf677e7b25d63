"""What the hub notes of its devices: the communications store, and events of the event log."""

from __future__ import annotations

from chub.alerts import HubAlerts, HubCode
from chub.communications import CommunicationsStore
from chub.device_log import DeviceLog
from device.chassis import Chassis
from device.events import TunnelChanged
from device.host import Host
from gbcs.party import DeviceType
from han.exchange import Delivered, NodeEvent, Replied, Undelivered
from han.radio import ApsReceived
from han.tunnel import CloseRejected, RequestRejected, TunnelClosed, TunnelEvent, TunnelOpened


class Observer:
    """Watches a node for the devices of the log; other senders are noise."""

    def __init__(
        self,
        device_log: DeviceLog,
        communications: CommunicationsStore,
        alerts: HubAlerts,
        chassis: Chassis,
    ) -> None:
        self._device_log, self._communications = device_log, communications
        self._alerts, self._chassis = alerts, chassis
        self._connected: set[int] = set()

    def attach(self, host: Host) -> None:
        """Watch this node."""
        host.on_received(self._heard)
        host.on_node_event(self._node_event)

    def tunnel_event(self, event: TunnelEvent) -> None:
        """Note a tunnel that was opened or closed, or refused by whichever side."""
        if isinstance(event, TunnelOpened | TunnelClosed):
            opened = isinstance(event, TunnelOpened)
            here = self._chassis.here()
            self._chassis.events.publish(TunnelChanged(**here, peer=event.peer, open=opened))
        elif isinstance(event, RequestRejected):
            self._alerts.event(HubCode.REQUEST_TUNNEL_REJECTED, event.peer)
        elif isinstance(event, CloseRejected):
            self._alerts.event(HubCode.CLOSE_TUNNEL_REJECTED, event.peer)

    def own_tunnel_event(self, event: TunnelEvent) -> None:
        """The same for the hub's own tunnels: that its ESME is within reach, or no longer."""
        self.tunnel_event(event)
        if isinstance(event, TunnelOpened):
            entry = self._device_log.get(event.peer)
            if entry is not None and entry.device_type is DeviceType.ESME:
                self._connected.add(event.peer)
                self._alerts.event(HubCode.CONNECTED_TO_ESME, event.peer)
        elif isinstance(event, TunnelClosed) and event.peer in self._connected:
            self._connected.discard(event.peer)
            self._alerts.event(HubCode.DISCONNECTED_FROM_ESME, event.peer)

    def _heard(self, frame: ApsReceived) -> None:
        if frame.peer in self._device_log:
            at = self._chassis.clock.now()
            self._communications.heard(frame.peer, at, frame.rssi_dbm, frame.lqi)

    def _node_event(self, event: NodeEvent) -> None:
        match event:
            case Delivered(request=request) | Replied(request=request):
                self._communications.ended(int(request.peer), delivered=True)
            case Undelivered(request=request):
                self._communications.ended(int(request.peer), delivered=False)

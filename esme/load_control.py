"""Load control over the HAN: the meter's orders as events of Demand Response and Load Control.

An order is sent as soon as it is made, and again while its switch cannot be reached, until another
order takes its place or its time is over. What the switch reports goes into the meter's log.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from device.asking import find_endpoints
from device.host import Host, HostError
from device.partner_keys import PartnerKeys
from device.timeline import Timeline
from esme.control.han import HanOrders
from esme.control.settings import ControlSettings
from esme.control.state import HanOrder
from esme.device import ElectricityMeterDevice
from gbcs.eui64 import format_eui64
from gbcs.zcl.types import zcl_seconds
from han.clusters import DEMAND_RESPONSE
from han.commands.events import LoadControlEvent
from han.exchange import Request
from han.load_control import (
    EVERY_GROUP,
    NOW,
    ControlRequested,
    EventStatus,
    LoadControlServer,
    StatusReported,
)
from han.zcl.tables import Served, Side

RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(minutes=5)
_FAILED: Final = frozenset(
    {
        EventStatus.OPTED_OUT,
        EventStatus.PARTLY_COMPLETED_OPTED_OUT,
        EventStatus.REJECTED_INVALID_CANCEL,
        EventStatus.REJECTED_CANCEL_TIME,
        EventStatus.REJECTED_EXPIRED,
        EventStatus.REJECTED,
    }
)
_ENDED: Final = frozenset({EventStatus.CANCELLED, EventStatus.REJECTED_UNDEFINED})


class LoadControl:
    """The Demand Response server of one meter; ``changed`` is called when it has news for it."""

    def __init__(
        self,
        device: ElectricityMeterDevice,
        timeline: Timeline,
        endpoint: int,
        changed: Callable[[], object],
    ) -> None:
        self._device, self._timeline, self._changed = device, timeline, changed
        self._server = LoadControlServer(endpoint)
        self._endpoints: dict[int, int] = {}
        self._host: Host | None = None
        self._keys: PartnerKeys | None = None

    def served(self) -> Served:
        """The server cluster, for the endpoint's table."""
        return self._server.served()

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host, self._keys = host, PartnerKeys(host)
        host.on_progress(self._progress)

    def resume(self) -> None:
        """Send what was ordered before the meter came (back) to the network."""
        self._device.take_han_orders()
        for order in self._orders.in_force():
            self._send_soon(order)

    def send_waiting(self) -> None:
        """Send what was ordered since the last time."""
        for order in self._device.take_han_orders():
            self._send_soon(order)

    # -- orders ----------------------------------------------------------------------------------

    @property
    def _orders(self) -> HanOrders:
        return self._device.meter.controllers.han

    @property
    def _choices(self) -> ControlSettings:
        return self._device.meter.controllers.choices

    def _send_soon(self, order: HanOrder) -> None:
        self._server.forget(order.device)
        if not order.taken_back:
            since = _event(order, self._choices, start=zcl_seconds(order.issued))
            self._server.expect(since, order.device)
        if self._host is not None:
            name = f"order {order.id} to {format_eui64(order.device)}"
            self._host.start_task(self._send(self._host, order), name)

    async def _send(self, host: Host, order: HanOrder) -> None:
        """Try until it is delivered or of no use any more."""
        wait = RETRY
        while self._orders.is_current(order):
            try:
                await host.request(await self._request(host, order))
            except HostError:
                self._endpoints.pop(order.device, None)
                if self._keys is not None:
                    self._keys.doubt(order.device)
                await self._timeline.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY)
            else:
                return

    async def _request(self, host: Host, order: HanOrder) -> Request:
        endpoint = await self._endpoint(host, order.device)
        if order.taken_back:
            cancel = self._server.cancel(order.id, order.device, endpoint)
            return cancel or self._server.cancel_all(order.device, endpoint)
        start = NOW if self._choices.drlc_start == "now" else zcl_seconds(order.issued)
        event = _event(order, self._choices, start=start)
        return self._server.request(event, order.device, endpoint)

    async def _endpoint(self, host: Host, device: int) -> int:
        if self._keys is not None:
            await self._keys.ensure(device)
        if device not in self._endpoints:
            nwk = host.radio.nwk_of(device)
            if nwk is None:
                raise HostError(f"{format_eui64(device)} is not on the network")
            found = await find_endpoints(host, device, nwk, DEMAND_RESPONSE.cluster_id, Side.CLIENT)
            self._endpoints[device] = found[0]
        return self._endpoints[device]

    # -- what comes back -------------------------------------------------------------------------

    def _progress(self) -> None:
        for event in self._server.events():
            self._changed()
            match event:
                case StatusReported(peer, report):
                    self._reported(peer, report.issuer_event_id, report.status)
                case ControlRequested(peer, endpoint):
                    self._endpoints[peer] = endpoint
                    self._device.han_control_requested(peer)

    def _reported(self, peer: int, order_id: int, status: int) -> None:
        if status == EventStatus.STARTED:
            self._device.han_reported(peer, order_id, started=True)
        elif status in _ENDED:
            self._device.han_reported(peer, order_id, ended=True)
        elif status in _FAILED:
            self._device.han_reported(peer, order_id)


def _event(order: HanOrder, choices: ControlSettings, *, start: int) -> LoadControlEvent:
    """An order in the fields of the cluster; ``start`` in UTCTime seconds, 0 for now."""
    return LoadControlEvent(
        issuer_event_id=order.id,
        device_class=choices.drlc_device_class,
        enrolment_group=order.controller if choices.drlc_group == "controller" else EVERY_GROUP,
        start_time=start,
        duration_min=order.duration_min,
        criticality=choices.drlc_criticality,
        duty_cycle_percent=choices.drlc_on_percent if order.level else 0,
    )

"""The endpoints of every role, built without a radio: for documentation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chub.hub import CommunicationsHub, HanIdentity
from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.event import EventStream
from device.sample_log import SampleLogs
from device.store import MemoryStore
from esme.face import HanFace, time_client
from esme.meter import ElectricityMeter, Identity
from esme.physics.site import Phase, Site
from esme.station import METERING_DEVICE
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gpf.device import GasProxy
from gsme.model import GasMeterModel
from gsme.views import served_on_han
from han.cbke.service import KeyEstablishment
from han.endpoint import Endpoint
from han.load_control import LoadController, LoadControlServer
from han.poll_control import PollControl
from han.tunnel import TunnelServer
from han.zcl.tables import Served
from peers.hearing import NOBODY, clients
from peers.messages import Messages
from peers.settings import HcalcsSettings
from peers.views import access_endpoint, display_endpoint, load_switch_endpoint

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def endpoints_by_role() -> dict[str, list[Endpoint]]:
    """Role to its endpoints."""
    hub = CommunicationsHub(
        _chassis(1, DeviceType.CHF), lambda octets: None, HanIdentity(2, (), bytes)
    )
    gpf = GasProxy(_chassis(2, DeviceType.GPF))
    keys = KeyEstablishment(3, 1, (), bytes).served()
    load = LoadController(None, HcalcsSettings().device_class)
    display = (*clients(NOBODY), Messages(1).served())
    poll = PollControl(10, list).served()
    samples = SampleLogs(MemoryStore().scope("GSME"), (), timedelta(0))
    meter = Endpoint(10, 0x0501, (*served_on_han(GasMeterModel(), samples), *keys, poll))
    return {
        "CHF": [hub.endpoint],
        "GPF": list(gpf.han.endpoints),
        "GSME": [meter],
        "ESME": [Endpoint(1, METERING_DEVICE, (*_electricity_meter(), *keys))],
        "IHD": [display_endpoint(1, DeviceType.IHD, (*display, *keys))],
        "PPMID": [
            display_endpoint(1, DeviceType.PPMID, (*display, *keys, TunnelServer(1).served()))
        ],
        "CAD": [access_endpoint(1, keys)],
        "HCALCS": [load_switch_endpoint(1, (*keys, TunnelServer(1).served(), load.served()))],
    }


def _electricity_meter() -> tuple[Served, ...]:
    meter = ElectricityMeter(
        Identity(4),
        Site((Phase(),)),
        DeviceClock(lambda: _NOW, status=Reliability.RELIABLE),
        MemoryStore(),
        true_time=lambda: _NOW,
        hub_time=lambda: None,
    )
    loads = LoadControlServer(1)
    return (*HanFace(meter).served(), loads.served(), TunnelServer(1).served(), time_client())


def _chassis(eui64: int, kind: DeviceType) -> Chassis:
    clock = DeviceClock(lambda: _NOW, status=Reliability.RELIABLE)
    return Chassis(
        Credentials(eui64, kind, KeyStore()),
        true_time=lambda: _NOW,
        clock=clock,
        store=MemoryStore(),
        events=EventStream(),
    )

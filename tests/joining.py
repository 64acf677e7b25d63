"""What devices of tests join with: certificates of the authority of the built-in home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random

from bench.cbke import certified_from_seed
from bench.home import Home
from bench.radio_memory import RadioMemory
from bench.rig import Rig
from chub.device_log import Entry
from device.chassis import Chassis
from device.clock import DeviceClock
from device.commissioning import JoinSettings
from device.credentials import Credentials
from device.events import Event, JoinFailed, JoinProgress, KeyEstablished, KeyNotEstablished
from device.host import Host
from device.joining import JoinCredentials, Joining
from device.station import start_station
from device.store import MemoryStore, Store
from device.timeline import Timeline
from gbcs.party import DeviceType
from han.cbke.certificate import Suite
from han.endpoint import Endpoint
from han.radio import ApsFrame, ApsReceived, DeliveryReport, DeliveryStatus, RadioEvent, Role
from han.zcl.tables import Served
from hw.ether_radio import EtherRadio

SEED = Rig().keys.seed
LINK_KEY = bytes(range(16))
ENDPOINT = 0x2A


def credentials(
    eui64: int,
    link_key: bytes,
    *,
    suites: Suite = Suite.SUITE_2,
    seed: str = SEED,
    random: int = 1,
) -> JoinCredentials:
    """Credentials of a device of the built-in home; another ``seed`` is another authority."""
    certified = tuple(certified_from_seed(seed, eui64, suite) for suite in suites)
    return JoinCredentials(link_key, certified, Random(random + eui64).randbytes)


Tamper = Callable[[ApsFrame], ApsFrame | None]
Hear = Callable[[ApsReceived], ApsReceived | None]


class Radio(EtherRadio):
    """A radio whose traffic a test spoils: what ``tamper`` makes of a frame is sent, None nothing.

    Received frames are acknowledged; what ``hear`` makes of them reaches the device, None nothing.
    """

    tamper: Tamper = staticmethod(lambda frame: frame)
    hear: Hear = staticmethod(lambda frame: frame)

    async def send(self, frame: ApsFrame) -> DeliveryReport:
        spoilt = self.tamper(frame)
        if spoilt is None:
            return DeliveryReport(DeliveryStatus.NO_ACKNOWLEDGEMENT, 0)
        return await super().send(spoilt)

    async def events(self) -> AsyncIterator[RadioEvent]:
        async for event in super().events():
            heard = self.hear(event) if isinstance(event, ApsReceived) else event
            if heard is not None:
                yield heard


@dataclass
class Device:
    """A node that joins and does nothing else; ``seen`` are the events of its joining."""

    eui64: int
    chassis: Chassis
    radio: Radio
    joining: Joining
    host: Host
    seen: list[Event]

    @property
    def reasons(self) -> list[str]:
        """Why it was not in, as it told."""
        told = [e for e in self.seen if isinstance(e, JoinFailed | KeyNotEstablished)]
        return [event.reason for event in told]

    @property
    def steps(self) -> list[str]:
        """The steps it told of, by name."""
        return [event.step.name for event in self.seen if isinstance(event, JoinProgress)]

    @property
    def log(self) -> list[int]:
        """The codes in its event log."""
        return [entry.code for entry in self.chassis.event_log.entries()]


@asynccontextmanager
async def device(
    home: Home,
    timeline: Timeline,
    eui64: int,
    *,
    kind: DeviceType = DeviceType.IHD,
    link_key: bytes = LINK_KEY,
    certified: JoinCredentials | None = None,
    role: Role = Role.ROUTER,
    settings: JoinSettings | None = None,
    store: Store | None = None,
    served: Sequence[Served] = (),
    admit: bool = True,
) -> AsyncIterator[Device]:
    """A device on its radio that has not begun to join; the hub lets it in unless told not to."""
    if admit:
        await home.hub.add_device(Entry(eui64, kind, LINK_KEY))
    store = store or MemoryStore()
    chassis = Chassis(
        Credentials(eui64, kind, home.keys),
        true_time=timeline.now,
        clock=DeviceClock(timeline.now),
        store=store,
        events=home.events,
    )
    seen: list[Event] = []

    def note(event: Event) -> None:
        if event.device == eui64:
            seen.append(event)

    kinds = (JoinFailed, JoinProgress, KeyEstablished, KeyNotEstablished)
    end_noting = home.events.subscribe(note, *kinds)
    radio = Radio(home.ether, eui64, role, RadioMemory(store.scope("radio")))
    using = certified or credentials(eui64, link_key)
    joining = Joining(chassis, timeline, radio, using, ENDPOINT, settings)
    endpoint = Endpoint(ENDPOINT, 0x0502, served=[*served, *joining.served()])
    host = await start_station(radio, [endpoint], timeline, home.events)
    joining.attach(host)
    try:
        async with host.running():
            yield Device(eui64, chassis, radio, joining, host, seen)
    finally:
        end_noting()
        await radio.close()


@asynccontextmanager
async def joining(device: Device) -> AsyncIterator[asyncio.Task[None]]:
    """Let a device try to join while the block lasts."""
    task = asyncio.create_task(device.joining.join())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

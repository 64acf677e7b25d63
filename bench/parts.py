"""What every device of a rig is made from: radio, chassis, keys, and how it may join."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

from bench.air import ether_of
from bench.air_keys import AirKeys
from bench.cbke import certified_from_directory, certified_from_seed
from bench.keys import load_keys, network_secret
from bench.radio_memory import RadioMemory
from bench.rig import Rig, RigError
from bench.settings import Settings
from device.chassis import Chassis
from device.clock import ClockSettings, DeviceClock
from device.commissioning import JoinSettings
from device.credentials import Credentials
from device.events import EventStream
from device.joining import JoinCredentials
from device.polling import PollSettings
from device.settings import CommonSettings
from device.station import Station
from device.store import MemoryStore, SqliteStore, Store, StoreError
from device.timeline import REAL, Timeline
from esme.physics.site import Site
from gbcs.eui64 import format_eui64
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from han.cbke.authority import Credentials as CbkeCredentials
from han.cbke.authority import RandomOctets
from han.cbke.certificate import Suite
from han.node import NodeSettings
from han.radio import HanRadio, Role, link_key_of_install_code
from hw.ether import Ether
from hw.radio_string import open_radio
from hw.settings import ParentSettings


class Joiner(Protocol):
    """A section of the rig that names a device which joins."""

    @property
    def eui64(self) -> int:
        """Its EUI-64."""
        ...

    @property
    def install_code(self) -> bytes | None:
        """Its install code; None derives one from the rig's key seed."""
        ...


class Emulated(Joiner, Protocol):
    """A section of the rig that names a device which this bench emulates."""

    @property
    def radio(self) -> str:
        """Its radio string."""
        ...


@dataclass(slots=True)
class Parts:
    """The parts of one home. ``site`` is what the electricity meter is connected to, if not told.

    What is opened here is closed with ``stack``.
    """

    rig: Rig
    timeline: Timeline
    stack: AsyncExitStack
    keys: KeyStore
    events: EventStream
    settings: Settings
    ether: Ether
    store: Store
    random: random.Random
    air_keys: AirKeys = field(default_factory=AirKeys)
    site: Site | None = None

    @classmethod
    def of(
        cls,
        rig: Rig,
        timeline: Timeline,
        stack: AsyncExitStack,
        keys: KeyStore | None,
        events: EventStream,
        site: Site | None,
    ) -> Parts:
        """The parts as the rig says."""
        store = open_store(rig)
        stack.callback(store.close)
        return cls(
            rig,
            timeline,
            stack,
            keys or load_keys(rig),
            events,
            Settings(rig.settings),
            ether_of(rig),
            store,
            random.Random(rig.seed),
            site=site,
        )

    def chassis(
        self, eui64: int, kind: DeviceType, status: Reliability = Reliability.RELIABLE
    ) -> Chassis:
        """A device's chassis on the rig's store, with a clock of this reliability."""
        clock = DeviceClock(
            self.timeline.now, settings=self.settings.of(ClockSettings), status=status
        )
        return Chassis(
            Credentials(eui64, kind, self.keys, parties=self.rig.parties.by_role()),
            true_time=self.timeline.now,
            clock=clock,
            store=self.store,
            events=self.events,
            common=self.settings.of(CommonSettings),
            random_octets=self.octets(eui64),
        )

    def radio(self, text: str, role: Role, eui64: int) -> HanRadio:
        """The radio of a radio string, closed with the home."""
        memory = RadioMemory(self.store.scope(f"radio {format_eui64(eui64)}"))
        parent = self.settings.of(ParentSettings)
        radio = open_radio(text, role, ether=self.ether, eui64=eui64, store=memory, parent=parent)
        self.stack.push_async_callback(radio.close)
        return radio

    def station(
        self,
        section: Emulated,
        kind: DeviceType,
        *,
        role: Role = Role.ROUTER,
        status: Reliability = Reliability.INVALID,
        endpoint: int = 1,
    ) -> Station:
        """An emulated device's chassis on its radio, ready to join as the rig says."""
        return Station(
            self.chassis(section.eui64, kind, status),
            self.timeline,
            self.radio(section.radio, role, section.eui64),
            self.join_credentials(section),
            join_settings=self.settings.of(JoinSettings),
            node_settings=self.settings.of(NodeSettings),
            poll_settings=self.settings.of(PollSettings),
            endpoint=endpoint,
        )

    # -- joining -------------------------------------------------------------------------------

    def link_key(self, section: Joiner) -> bytes:
        """The preconfigured link key, from the install code of a device."""
        return link_key_of_install_code(install_code_of(self.rig.keys.seed, section))

    def join_credentials(self, section: Joiner) -> JoinCredentials:
        """What an emulated device joins with."""
        eui64 = section.eui64
        certified = self.certified(eui64, self.settings.of(JoinSettings).suites)
        return JoinCredentials(self.link_key(section), certified, self.octets(eui64))

    def certified(self, eui64: int, suites: int) -> tuple[CbkeCredentials, ...]:
        """A device's certificates for key establishment: from files, or of the rig's own CA."""
        keys = self.rig.keys
        if keys.cbke_directory is not None:
            return certified_from_directory(keys.cbke_directory, eui64)
        return tuple(
            certified_from_seed(keys.seed, eui64, suite) for suite in Suite if suite & suites
        )

    def octets(self, eui64: int) -> RandomOctets:
        """Octets for a device's ephemeral keys: real ones on a real bench, else repeatable."""
        if self.timeline.rate == REAL:
            return random.SystemRandom().randbytes
        began = self.timeline.now().replace(microsecond=0)  # below lies what the machine took
        here = f"{self.rig.seed}|{eui64:016X}|{began}"
        return random.Random(here).randbytes


def open_store(rig: Rig) -> MemoryStore | SqliteStore:
    """The store of a rig; RigError when its file cannot be used."""
    if rig.store is None:
        return MemoryStore()
    try:
        return SqliteStore(rig.store, alone=True)
    except StoreError as error:
        raise RigError(f"store {rig.store}: {error}") from error


def install_code_of(seed: str, section: Joiner) -> bytes:
    """The install code of a device: as the rig says, or derived from its key seed (a secret)."""
    return section.install_code or network_secret(
        seed, f"install code {format_eui64(section.eui64)}"
    )

"""A device on a bench with a test PKI: for the commands that all devices share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from device.chassis import Chassis
from device.clock import DeviceClock
from device.command import Answered, Refused
from device.common import AUTHORITY, CommonCommands
from device.credentials import Credentials
from device.events import Event, EventStream
from device.firmware import Firmware
from device.pipeline import Pipeline
from device.settings import CommonSettings
from device.store import MemoryStore, Store
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import Protection, by_name
from gbcs.envelope import Cra, Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from gbcs.pki import Holder, Maker, TestPki, make_test_pki
from gbcs.protection import protect
from gbcs.stamp import Reliability
from tests.device.rig import TrueTime

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EUI64 = 0x00DB1234567890A0
PEER = 0x00DB123456789097
OLD_VERSION, NEW_VERSION = bytes.fromhex("0123ABCD"), bytes.fromhex("0123ABCE")
PARTIES = {
    Role.SUPPLIER: 0x90B3D51F30010000,
    Role.NETWORK_OPERATOR: 0x90B3D51F30020000,
    Role.ACCESS_CONTROL_BROKER: 0x90B3D51F30000002,
    Role.RECOVERY: 0x90B3D51F30000001,
    Role.TRANSITIONAL_COS: 0x90B3D51F30000004,
    Role.WAN_PROVIDER: 0x90B3D51F30000007,
    Role.LOAD_CONTROLLER: 0x90B3D51F30010008,
}
NEXT_SUPPLIER = 0x90B3D51F30030000
KINDS = {0xA0: DeviceType.ESME, 0xA1: DeviceType.GSME, 0xA2: DeviceType.CHF, 0xA3: DeviceType.GPF,
         0xA4: DeviceType.PPMID, 0xA5: DeviceType.HCALCS}  # fmt: skip
DEVICES = tuple(EUI64 & ~0xFF | octet for octet in KINDS)


@cache
def pki() -> TestPki:
    return make_test_pki(PARTIES, (*DEVICES, PEER), NOW - timedelta(days=1), Random(7).randbytes)


@cache
def maker() -> Maker:
    return Maker(NOW - timedelta(days=1), Random(8).randbytes)


@cache
def certified(entity: int, usage: Usage, role: Role = Role.SUPPLIER, number: int = 0) -> Holder:
    """A new certificate of a party; ``number`` tells several apart."""
    del number
    return maker().organisation(entity, usage, role, pki().issuing)


class SharedBench:
    """One device with the shared commands and nothing else."""

    def __init__(
        self,
        kind: DeviceType = DeviceType.ESME,
        store: Store | None = None,
        common: CommonSettings | None = None,
        keys: KeyStore | None = None,
    ) -> None:
        self.eui64 = EUI64 & ~0xFF | next(octet for octet, each in KINDS.items() if each is kind)
        self.keys = keys or pki().key_store()
        self.store = store or MemoryStore()
        self.true_time = TrueTime(NOW)
        self.sent: list[Message] = []
        self.seen: list[Event] = []
        self.told: list[int] = []
        events = EventStream()
        events.subscribe(self.seen.append)
        self.chassis = Chassis(
            Credentials(self.eui64, kind, self.keys),
            true_time=self.true_time,
            clock=DeviceClock(self.true_time, status=Reliability.RELIABLE),
            store=self.store,
            events=events,
            common=common,
            random_octets=Random(9).randbytes,
        )
        self.chassis.outbox.hand_to(lambda octets: self.sent.append(Message.parse(octets)))
        self.firmware = Firmware(self.chassis.store, lambda: OLD_VERSION, self.chassis.broken)
        self.common = CommonCommands(self.chassis, self.told.append, self.firmware)
        self.pipeline = Pipeline(self.chassis, handlers=self.common.handlers, authority=AUTHORITY)
        self.counter = 1000

    def pass_(self, **duration: int) -> None:
        self.true_time.pass_(timedelta(**duration).total_seconds())
        self.common.advance(self.chassis.clock.now())

    def message(
        self,
        name: str,
        value: object,
        role: Role | int = Role.SUPPLIER,
        counter: int | None = None,
        keys: KeyStore | None = None,
        protection: Protection | None = None,
    ) -> bytes:
        """A protected command; ``keys`` are the sender's, when not the bench's."""
        use_case = by_name(name)
        self.counter = self.counter + 1 if counter is None else counter
        message = Message(
            cra=Cra.COMMAND,
            originator_counter=self.counter,
            originator=PARTIES[role] if isinstance(role, Role) else role,
            recipient=self.eui64,
            message_code=use_case.message_code,
            payload=encode(use_case.message_code, Cra.COMMAND, value),
        )
        wanted = protection or use_case.protections(Cra.COMMAND)[0]
        return protect(message, keys or self.keys, wanted).to_bytes()

    def send(self, octets: bytes) -> object:
        """What the device answers, or why it refuses."""
        outcome = self.pipeline.receive(octets)
        if isinstance(outcome, Refused):
            return outcome.refusal
        assert isinstance(outcome, Answered)
        response = Message.parse(outcome.octets)
        return decode(response.message_code, Cra.RESPONSE, response.payload)

    def ask(self, name: str, value: object, role: Role | int = Role.SUPPLIER) -> object:
        return self.send(self.message(name, value, role))


def next_keys(base: KeyStore, *holders: Holder, role: Role = Role.SUPPLIER) -> KeyStore:
    """A sender's keys once its certificates are new ones."""
    keys = KeyStore(base=base)
    for holder in holders:
        certificate = holder.certificate_der()
        suffix = holder.name.removeprefix(holder.name[:17])
        usage = {"ds": Usage.DIGITAL_SIGNATURE, "ka": Usage.KEY_AGREEMENT}.get(
            suffix, Usage.PREPAYMENT_KEY_AGREEMENT
        )
        keys.add_private(int(holder.name[:16], 16), usage, holder.key, role, certificate)
    return keys

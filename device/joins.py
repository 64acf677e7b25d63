"""With whom a device works on the HAN: joins (CS03), unjoins (CS04) and its device log (CS07).

Keys between the partners by methods A and B are a matter of the HAN; with method C the command
brings the partner's certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from device.credentials import Credentials
from device.faults import Part
from device.settings import CommonSettings
from device.store import Json, Store, StoreError
from gbcs.asn1.devices import DeviceLogEntry, Join, JoinDetails
from gbcs.asn1.names import JoinCode, JoinRole, KeyUse, Kind, ReadCode, UnjoinCode
from gbcs.certificate_path import Issued, read_issued
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.keys import Usage
from gbcs.party import DeviceType

CAPACITY: Final = 16
"""Places in a device log."""

A_INITIATOR: Final = JoinRole.METHOD_A_INITIATOR
A_RESPONDER: Final = JoinRole.METHOD_A_RESPONDER
B: Final = JoinRole.METHOD_B
C: Final = JoinRole.METHOD_C

_METHOD_OF_CODE: Final[Mapping[int, JoinRole]] = {
    0x000D: A_INITIATOR,
    0x00AB: A_RESPONDER,
    0x000E: B,
    0x00AF: C,
}

Partners = Mapping[int, frozenset[int]]
"""Join method and role to the kinds of device that may be joined so."""


def _kinds(*kinds: Kind) -> frozenset[int]:
    return frozenset(int(kind) for kind in kinds)


_CONTROLLED: Final = _kinds(Kind.PPMID, Kind.HCALCS)
_METER: Final[Partners] = {
    A_INITIATOR: _CONTROLLED,
    A_RESPONDER: _CONTROLLED,
    B: _kinds(Kind.TYPE2),
}
PARTNERS: Final[Mapping[DeviceType, Partners]] = {
    DeviceType.ESME: _METER,
    DeviceType.SAPC: _METER,
    DeviceType.GSME: {B: _kinds(Kind.GPF), C: _kinds(Kind.PPMID)},
    DeviceType.GPF: {B: _kinds(Kind.GSME, Kind.PPMID, Kind.TYPE2)},
    DeviceType.PPMID: {
        A_INITIATOR: _kinds(Kind.ESME),
        A_RESPONDER: _kinds(Kind.ESME),
        B: _kinds(Kind.GPF),
        C: _kinds(Kind.GSME),
    },
    DeviceType.HCALCS: {A_INITIATOR: _kinds(Kind.ESME), A_RESPONDER: _kinds(Kind.ESME)},
}
"""Partners of each type of device; the exact matrix is unverified."""

_TYPES: Final[Mapping[int, DeviceType]] = {
    Kind.GSME: DeviceType.GSME,
    Kind.ESME: DeviceType.ESME,
    Kind.CHF: DeviceType.CHF,
    Kind.GPF: DeviceType.GPF,
    Kind.HCALCS: DeviceType.HCALCS,
    Kind.PPMID: DeviceType.PPMID,
    Kind.TYPE2: DeviceType.TYPE2,
}
_PREFIX: Final = "join:"


@dataclass(frozen=True, slots=True)
class Partner:
    """A device that was joined: its kind, and with method C its key agreement certificate."""

    kind: int
    certificate: bytes | None = None


class Joins:
    """The device log of one device. ``partners`` says whom it may join, by which method.

    ``credentials`` learn of the partners: a GSME obeys the PPMID that it is joined to. ``agree``
    says what key agreement with a partner comes to, where the method has one. ``issuers`` are the
    authorities (by key identifier) whose devices may be joined by certificate, beside the device's
    own.
    """

    def __init__(
        self,
        credentials: Credentials,
        store: Store,
        settings: CommonSettings,
        broken: set[Part],
        partners: Partners | None = None,
    ) -> None:
        known = PARTNERS.get(credentials.device_type, {})
        self.partners: Partners = known if partners is None else partners
        self.agree: Callable[[int], JoinCode] = lambda peer: JoinCode.SUCCESS
        self.issuers: set[bytes] = set()
        self._credentials = credentials
        self._store = store
        self._settings = settings
        self._broken = broken
        self._log: dict[int, Partner] = {}
        with store.transaction() as unit:
            for key in unit.keys(_PREFIX):
                self._put(parse_eui64(key.removeprefix(_PREFIX)), _partner(unit.get_json(key)))

    def __contains__(self, peer: object) -> bool:
        """Whether a device is in the log."""
        return peer in self._log

    def __len__(self) -> int:
        """How many devices are in the log."""
        return len(self._log)

    def join(self, message_code: int, asked: Join) -> JoinCode:
        """Take a partner into the log, or say why not."""
        code = self._refusal(message_code, asked)
        if code is JoinCode.SUCCESS:
            self.add(asked.peer, Partner(int(asked.peer_kind), asked.peer_certificate))
        return code

    def add(self, peer: int, partner: Partner) -> None:
        """Take a partner into the log as it is, as part of the open unit if there is one."""
        before = self._log.get(peer)
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put(peer, before))
            unit.put_json(_PREFIX + format_eui64(peer), _json(partner))
        self._put(peer, partner)

    def unjoin(self, peer: int) -> UnjoinCode:
        """Drop a partner."""
        before = self._log.get(peer)
        if before is None:
            return UnjoinCode.NOT_IN_DEVICE_LOG
        if Part.DEVICE_LOG_STORAGE in self._broken:
            return UnjoinCode.OTHER_FAILURE
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put(peer, before))
            unit.delete(_PREFIX + format_eui64(peer))
        self._put(peer, None)
        return UnjoinCode.SUCCESS

    def details(self) -> JoinDetails:
        """The log as CS07 returns it."""
        if Part.DEVICE_LOG_MEMORY in self._broken:
            return JoinDetails(ReadCode.READ_FAILURE)
        entries = (DeviceLogEntry(peer, Kind(one.kind)) for peer, one in self._log.items())
        return JoinDetails(ReadCode.SUCCESS, tuple(entries))

    # -- parts -----------------------------------------------------------------------------------

    def _refusal(self, message_code: int, asked: Join) -> JoinCode:
        method = _METHOD_OF_CODE.get(message_code)
        if method is None or asked.method_and_role != method:
            return JoinCode.INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE
        if asked.peer_kind not in self.partners.get(method, frozenset()):
            return JoinCode.INVALID_METHOD_AND_ROLE
        if method is C and (code := self._certificate_refusal(asked)) is not JoinCode.SUCCESS:
            return code
        known = self._log.get(asked.peer)
        if known is not None and known.kind != asked.peer_kind:
            return JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY
        if known is None and len(self._log) >= CAPACITY:
            return JoinCode.DEVICE_LOG_FULL
        if Part.DEVICE_LOG_STORAGE in self._broken:
            return JoinCode.WRITE_FAILURE
        return JoinCode.SUCCESS if method is B else self.agree(asked.peer)

    def _certificate_refusal(self, asked: Join) -> JoinCode:
        """What is wrong with the certificate of a method C join."""
        try:
            issued = read_issued(asked.peer_certificate or b"")
        except MalformedMessage:
            return JoinCode.INVALID_OR_MISSING_CERTIFICATE
        certified, is_peer = issued.certificate.entity, issued.certificate.entity == asked.peer
        wants_peer = self._settings.certificate_names_peer
        if certified is None or (wants_peer and not is_peer):
            return JoinCode.INVALID_OR_MISSING_CERTIFICATE
        if KeyUse.KEY_AGREEMENT not in issued.key_use:
            return JoinCode.INVALID_OR_MISSING_CERTIFICATE
        if not self._knows_issuer(issued):
            return JoinCode.KEY_AGREEMENT_UNKNOWN_ISSUER
        return JoinCode.SUCCESS

    def _knows_issuer(self, issued: Issued) -> bool:
        """Whether the device knows the authority; one without a certificate knows none at all."""
        own = [self._credentials.own.certificate(usage) for usage in _CERTIFIED]
        known = {read_issued(one).authority_key_id for one in own if one is not None}
        return issued.authority_key_id in known | self.issuers

    def _put(self, peer: int, partner: Partner | None) -> None:
        credentials = self._credentials
        if partner is None:
            self._log.pop(peer, None)
            credentials.devices.pop(peer, None)
            return
        self._log[peer] = partner
        if partner.kind in _TYPES:
            credentials.devices[peer] = _TYPES[partner.kind]
        if partner.certificate is not None:
            credentials.meet(peer, partner.certificate)


_CERTIFIED: Final = (Usage.DIGITAL_SIGNATURE, Usage.KEY_AGREEMENT)


def _json(partner: Partner) -> Json:
    certificate = None if partner.certificate is None else partner.certificate.hex()
    return {"kind": partner.kind, "certificate": certificate}


def _partner(held: Json) -> Partner:
    match held:
        case {"kind": int(kind), "certificate": None}:
            return Partner(kind)
        case {"kind": int(kind), "certificate": str(certificate)}:
            return Partner(kind, bytes.fromhex(certificate))
    raise StoreError("a device log holds something that is no partner")

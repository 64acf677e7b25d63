"""What every replay has in common: a recorded pair, and the comparison of two Responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gbcs.asn1.payload import decode, has_asn1
from gbcs.envelope import Message
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.pki import read_request
from gbcs.protection import attribute_cipher

ESME, GSME, CHF, GPF = 0xA0, 0xA1, 0xA2, 0xA3
PPMID, HCALCS, SAPC = 0xA4, 0xA5, 0xA6
"""Last octets of the reference devices' identifiers."""


QUICK_JOINING: Final = {"chf": {"suites": 1}, "join": {"suites": 1}}
"""Settings of a home for one message: it joins by the suite that costs less arithmetic."""


TYPES: Final[Mapping[int, DeviceType]] = {
    ESME: DeviceType.ESME,
    GSME: DeviceType.GSME,
    CHF: DeviceType.CHF,
    GPF: DeviceType.GPF,
    PPMID: DeviceType.PPMID,
    HCALCS: DeviceType.HCALCS,
    SAPC: DeviceType.SAPC,
}
_ISSUE: Final = 0x000A
"""Message code of CS02c."""


def type_of(device: int) -> DeviceType | None:
    """The type of a reference device; None when its identifier is of no known one."""
    return TYPES.get(device & 0xFF)


class Unsupported(Exception):
    """No device or behaviour of the bench answers this pair; the message says which."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded command and its Response; ``expected`` is a GBZ Response's payload in clear."""

    name: str
    command: Message
    response: Message
    expected: Gbz | None
    sent: bytes

    @property
    def device(self) -> int:
        """The emulated device that answers."""
        return self.response.originator

    @property
    def family(self) -> int:
        """What the identifiers of the pair's home have in common."""
        return self.device & ~0xFF


_HEADER: Final[tuple[tuple[str, Callable[[Message], object]], ...]] = (
    ("CRA flag", lambda m: m.cra),
    ("originator counter", lambda m: m.originator_counter),
    ("originator", lambda m: m.originator),
    ("recipient", lambda m: m.recipient),
    ("date-time", lambda m: m.date_time),
    ("message code", lambda m: m.message_code),
    ("supplementary remote party ID", lambda m: m.supplementary_id),
    ("supplementary remote party counter", lambda m: m.supplementary_counter),
    ("supplementary originator counter", lambda m: m.supplementary_originator_counter),
)


def difference_in(pair: Pair, arrived: Iterable[bytes], keys: KeyStore) -> str | None:
    """What differs between the recorded Response and the one among what arrived."""
    answers = [Message.parse(octets) for octets in arrived]
    ours = next((one for one in answers if one.cra is pair.response.cra), None)
    return "no Response" if ours is None else difference_of(pair, ours, keys)


def difference_of(pair: Pair, answer: Message, keys: KeyStore) -> str | None:
    """What differs between the recorded Response and ours; None when nothing does."""
    for name, of in _HEADER:
        if of(answer) != of(pair.response):
            return f"{name}: {of(answer)} instead of {of(pair.response)}"
    if pair.expected is None:
        return _difference_of_payloads(pair, answer)
    ours = Gbz.parse(answer.payload)
    if ours.has_sealed:
        ours = ours.opened(attribute_cipher(answer, keys))
    if len(ours.components) != len(pair.expected.components):
        return f"{len(ours.components)} components instead of {len(pair.expected.components)}"
    both = zip(ours.components, pair.expected.components, strict=True)
    for number, (mine, theirs) in enumerate(both):
        if mine != theirs:
            return f"component {number}: {mine} instead of {theirs}"
    return None


def only_in_part(pair: Pair) -> str | None:
    """What of a recorded Response no other device can send; None when all of it is compared."""
    if _is_request(pair.response):
        return "the key pair and its signature in a certification request are the device's own"
    return None


def _difference_of_payloads(pair: Pair, answer: Message) -> str | None:
    """ASN.1 is compared by its values: reference messages do not write all lengths as DER."""
    if answer.payload == pair.response.payload:
        return None
    if not has_asn1(answer.message_code, answer.cra):
        return _payloads(pair, answer)
    ours, theirs = _value(answer), _value(pair.response)
    if isinstance(ours, bytes) and isinstance(theirs, bytes) and _is_request(pair.response):
        ours, theirs = _without_key(ours), _without_key(theirs)
    return None if ours == theirs else f"{ours} instead of {theirs}"


def _is_request(message: Message) -> bool:
    return message.message_code == _ISSUE and isinstance(_value(message), bytes)


def _value(message: Message) -> object:
    return decode(message.message_code, message.cra, message.payload)


def _without_key(request: bytes) -> tuple[object, ...]:
    """What of a certification request does not come from the key pair."""
    read, entity, usage = read_request(request)
    extensions = [(each.oid, each.critical) for each in read.extensions]
    return read.subject, entity, usage, extensions, read.signature_algorithm_oid


def _payloads(pair: Pair, answer: Message) -> str:
    ours, theirs = answer.payload, pair.response.payload
    both = zip(ours, theirs, strict=False)
    first = next((n for n, (a, b) in enumerate(both) if a != b), min(len(ours), len(theirs)))
    mine, other = ours[first : first + 16].hex(), theirs[first : first + 16].hex()
    return f"payload from octet {first}: {mine} instead of {other}"

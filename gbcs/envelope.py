"""The envelope of every GBCS message: MAC header, grouping header, payload, signature, MAC.

Called when octets arrive (``Message.parse``) and when an answer or a command leaves
(``Message.to_bytes``). MAC and signature always run over the octets received: a parsed message
keeps them, and ``signed_octets`` and ``mac_octets`` are slices of what came in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import Final, Self

from gbcs.errors import LocalError, MalformedMessage
from gbcs.length import encode_length, read_length
from gbcs.stamp import SIZE as STAMP_SIZE
from gbcs.stamp import Stamp

MESSAGE_LIMIT_OCTETS: Final = 1 << 18
"""Longest message accepted: well above a 13-month half-hourly log (about 152,000 octets)."""
MAC_OCTETS: Final = 12
SIGNATURE_OCTETS: Final = 64

_MAC_HEADER: Final = bytes.fromhex("DD000000000000")
_SECURITY_HEADER: Final = bytes.fromhex("1100000000")
_GROUPING: Final = Struct(">BBBQBQBQB")
_CODE: Final = Struct(">H")
_ID_AND_COUNTER: Final = Struct(">QQ")
_U64: Final = Struct(">Q")
_CERTIFICATE_TAG: Final = 0x30


class Cra(IntEnum):
    """CRA flag: what kind of message this is."""

    COMMAND = 1
    RESPONSE = 2
    ALERT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One GBCS message; identifiers are integers, counters are unsigned 64-bit.

    ``signature`` is None when the field is absent (a pre-command), empty when the message carries
    an empty field, else 64 octets. ``mac`` is None when there is no MAC header, else 12 octets.
    """

    cra: Cra
    originator_counter: int
    originator: int
    recipient: int
    message_code: int
    payload: bytes
    date_time: Stamp | None = None
    supplementary_id: int | None = None
    supplementary_counter: int | None = None
    supplementary_originator_counter: int | None = None
    certificate: bytes | None = None
    signature: bytes | None = b""
    mac: bytes | None = None
    _received: bytes = field(default=b"", init=False, repr=False, compare=False)
    _grouping_at: int = field(default=0, init=False, repr=False, compare=False)
    _payload_end: int = field(default=0, init=False, repr=False, compare=False)

    def answers(self, command: Message) -> bool:
        """Whether this is the Response to a command."""
        return (
            (command.cra, self.cra) == (Cra.COMMAND, Cra.RESPONSE)
            and self.message_code == command.message_code
            and self.originator_counter == command.originator_counter
            and (self.originator, self.recipient) == (command.recipient, command.originator)
        )

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Decode one complete message, every octet; MalformedMessage otherwise."""
        octets = bytes(octets)
        if len(octets) > MESSAGE_LIMIT_OCTETS:
            raise MalformedMessage(f"message is longer than {MESSAGE_LIMIT_OCTETS} octets")
        grouping_at, end = _read_mac_header(octets)
        grouping, at = _read_grouping(octets, grouping_at, end)
        cra, counter, originator, recipient, stamp_length = grouping
        date_time, at = _read_stamp(octets, at, end, stamp_length)
        code, supplementary, at = _read_other_information(octets, at, end)
        length, at = read_length(octets, at)
        payload_end = at + length
        if payload_end > end:
            raise MalformedMessage("payload runs past the end", at)
        protected = grouping_at > 0
        message = cls(
            cra=cra,
            originator_counter=counter,
            originator=originator,
            recipient=recipient,
            message_code=code,
            payload=octets[at:payload_end],
            date_time=date_time,
            supplementary_id=supplementary[0],
            supplementary_counter=supplementary[1],
            supplementary_originator_counter=supplementary[2],
            certificate=supplementary[3],
            signature=_read_signature(octets, payload_end, end, required=protected),
            mac=octets[end:] if protected else None,
        )
        object.__setattr__(message, "_received", octets)
        object.__setattr__(message, "_grouping_at", grouping_at)
        object.__setattr__(message, "_payload_end", payload_end)
        return message

    def to_bytes(self) -> bytes:
        """Encode with minimal lengths; LocalError when a field does not fit its place."""
        body = self._grouping() + self._signature_field()
        if self.mac is None:
            return body
        if self.signature is None or len(self.mac) != MAC_OCTETS:
            raise LocalError("a message with a MAC carries a signature field and 12 octets of MAC")
        rest = _SECURITY_HEADER + body + self.mac
        return _MAC_HEADER + encode_length(len(rest)) + rest

    @property
    def signed_octets(self) -> bytes:
        """What the signature covers: grouping header without its tag, and payload."""
        if self._received:
            return self._received[self._grouping_at + 1 : self._payload_end]
        return self._grouping()[1:]

    @property
    def mac_octets(self) -> bytes:
        """What the MAC covers after its fixed start: grouping header, payload, signature field."""
        if self._received and self.mac is not None:
            return self._received[self._grouping_at : -MAC_OCTETS]
        return self._grouping() + self._signature_field()

    @property
    def is_pre_command(self) -> bool:
        """True for a command that waits for its signature and MAC (with or without a final 00)."""
        return self.cra is Cra.COMMAND and self.mac is None and not self.signature

    def answer(self, payload: bytes, date_time: Stamp | None = None) -> Message:
        """Build the unprotected response: parties swapped, code and counters copied.

        The certificate of an unknown remote party is not echoed.
        """
        return Message(
            cra=Cra.RESPONSE,
            originator_counter=self.originator_counter,
            originator=self.recipient,
            recipient=self.originator,
            message_code=self.message_code,
            payload=payload,
            date_time=date_time,
            supplementary_id=self.supplementary_id,
            supplementary_counter=self.supplementary_counter,
        )

    def _grouping(self) -> bytes:
        if self._received:
            return self._received[self._grouping_at : self._payload_end]
        try:
            head = _GROUPING.pack(
                0xDF, 9, self.cra, self.originator_counter,
                8, self.originator, 8, self.recipient, STAMP_SIZE if self.date_time else 0,
            )  # fmt: skip
            other = self._other_information()
        except StructError as exc:
            raise LocalError(f"identifier or counter out of range: {exc}") from exc
        stamp = self.date_time.to_bytes() if self.date_time else b""
        payload = encode_length(len(self.payload)) + self.payload
        return head + stamp + encode_length(len(other)) + other + payload

    def _other_information(self) -> bytes:
        octets = _CODE.pack(self.message_code)
        fields = (
            self.supplementary_id,
            self.supplementary_counter,
            self.supplementary_originator_counter,
        )
        present = [value for value in fields if value is not None]
        if None in fields[: len(present)]:
            raise LocalError("supplementary fields follow each other: id, counter, own counter")
        octets += b"".join(map(_U64.pack, present))
        if self.certificate is None:
            return octets
        if len(present) != 2:
            raise LocalError("a certificate follows the supplementary id and counter")
        return octets + self.certificate

    def _signature_field(self) -> bytes:
        if self.signature is None:
            return b""
        if len(self.signature) not in (0, SIGNATURE_OCTETS):
            raise LocalError("a signature is 64 octets or empty")
        return bytes((len(self.signature),)) + self.signature


def _read_mac_header(octets: bytes) -> tuple[int, int]:
    """Return where the grouping header starts and where the protected part ends."""
    if octets[:1] == b"\xdf":
        return 0, len(octets)
    if octets[:2] == b"\xdd\x09":
        raise MalformedMessage("a block of a general block transfer, not a whole message", 0)
    if octets[:7] != _MAC_HEADER:
        raise MalformedMessage("neither a MAC header nor a grouping header", 0)
    length, at = read_length(octets, 7)
    if at + length != len(octets):
        raise MalformedMessage(
            f"MAC header announces {length} octets, {len(octets) - at} follow", 7
        )
    if octets[at : at + 5] != _SECURITY_HEADER:
        raise MalformedMessage("security header is not 11 00000000", at)
    if length < len(_SECURITY_HEADER) + MAC_OCTETS:
        raise MalformedMessage("no room for a MAC", at)
    return at + 5, len(octets) - MAC_OCTETS


def _read_grouping(octets: bytes, at: int, end: int) -> tuple[tuple[Cra, int, int, int, int], int]:
    if end - at < _GROUPING.size:
        raise MalformedMessage("grouping header is cut short", at)
    fields = _GROUPING.unpack_from(octets, at)
    tag, id_length, cra, counter, size1, originator, size2, recipient, stamp_length = fields
    if tag != 0xDF or id_length != 9 or size1 != 8 or size2 != 8:
        raise MalformedMessage("not a grouping header", at)
    if cra not in _CRA:
        raise MalformedMessage(f"unknown CRA flag {cra}", at + 2)
    return (_CRA[cra], counter, originator, recipient, stamp_length), at + _GROUPING.size


def _read_stamp(octets: bytes, at: int, end: int, length: int) -> tuple[Stamp | None, int]:
    if length == 0:
        return None, at
    if length != STAMP_SIZE or at + length > end:
        raise MalformedMessage(f"date-time of {length} octets", at - 1)
    return Stamp.from_bytes(octets[at : at + length]), at + length


_Supplementary = tuple[int | None, int | None, int | None, bytes | None]


def _read_other_information(octets: bytes, at: int, end: int) -> tuple[int, _Supplementary, int]:
    length, at = read_length(octets, at)
    stop = at + length
    if length < _CODE.size or stop > end:
        raise MalformedMessage("other information has no message code or runs past the end", at)
    (code,) = _CODE.unpack_from(octets, at)
    rest = at + _CODE.size
    if length == 2:
        return code, _NO_SUPPLEMENTARY, stop
    if length == 10:
        return code, (_U64.unpack_from(octets, rest)[0], None, None, None), stop
    if length == 18:
        return code, (*_ID_AND_COUNTER.unpack_from(octets, rest), None, None), stop
    if length == 26:
        own = _U64.unpack_from(octets, rest + 16)[0]
        return code, (*_ID_AND_COUNTER.unpack_from(octets, rest), own, None), stop
    if length > 26:
        certificate = _read_certificate(octets[rest + 16 : stop], rest + 16)
        return code, (*_ID_AND_COUNTER.unpack_from(octets, rest), None, certificate), stop
    raise MalformedMessage(f"other information of {length} octets", at)


def _read_certificate(octets: bytes, offset: int) -> bytes:
    if octets[0] != _CERTIFICATE_TAG:
        raise MalformedMessage("supplementary certificate is not a DER sequence", offset)
    length, at = read_length(octets, 1)
    if at + length != len(octets):
        raise MalformedMessage("supplementary certificate does not fill its field", offset)
    return octets


def _read_signature(octets: bytes, at: int, end: int, *, required: bool) -> bytes | None:
    if at == end:
        if required:
            raise MalformedMessage("no signature field in front of the MAC", at)
        return None
    length = octets[at]
    if length not in (0, SIGNATURE_OCTETS) or at + 1 + length != end:
        raise MalformedMessage("signature is neither empty nor 64 octets, or octets follow it", at)
    return octets[at + 1 : end]


_CRA: Final = {int(cra): cra for cra in Cra}
_NO_SUPPLEMENTARY: Final = (None, None, None, None)

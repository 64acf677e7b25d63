"""Which ASN.1 structure a message code carries."""

from __future__ import annotations

from typing import Final

from gbcs.asn1 import credentials as c
from gbcs.asn1 import devices as d
from gbcs.asn1.der import AnyCodec, read_all
from gbcs.asn1.tlv import Lengths, Tlv, children, read_tlv
from gbcs.envelope import Cra
from gbcs.errors import LocalError, MalformedMessage

_UPDATES: Final = (*range(0x0100, 0x010A), 0x0125, 0x0126)
_QUERIES: Final = (0x0008, 0x011B)
_JOINS: Final = (0x000D, 0x00AB, 0x000E, 0x00AF)
_UNJOINS: Final = (0x000F, 0x0010)


_CONSTRUCTED: Final = 0x20
_LONG_LENGTH: Final = b"\x82\x00"
_DEEPEST: Final = 8
"""Deeper than any structure here; certificates inside may nest further and do not matter."""


def _codecs() -> dict[tuple[int, Cra], AnyCodec]:
    pairs: list[tuple[tuple[int, ...], AnyCodec, AnyCodec]] = [
        (_QUERIES, c.CREDENTIALS_QUERY, c.CREDENTIALS_REPORT),
        (_UPDATES, c.CREDENTIALS_UPDATE, c.CREDENTIALS_UPDATE_RESPONSE),
        ((0x000A,), c.KEY_USE_QUERY, c.CERTIFICATION_REQUEST),
        ((0x000B,), c.DEVICE_CERTIFICATE, c.STORE_OUTCOME),
        ((0x000C,), c.KEY_USE_QUERY, c.CERTIFICATE_RETRIEVAL),
        (_JOINS, d.JOIN, d.JOIN_OUTCOME),
        (_UNJOINS, d.UNJOIN, d.UNJOIN_OUTCOME),
        ((0x0012,), d.FIRMWARE_ACTIVATION, d.ACTIVATION_OUTCOME),
        ((0x0013,), d.NOTHING, d.JOIN_DETAILS),
        ((0x0129,), d.NOTHING, d.RUNNING_FIRMWARE),
        ((0x007F,), d.CLOCK_WINDOW, d.CLOCK_REPORT),
        ((0x008C,), d.LOG_RESTORE, d.LOG_RESTORE_RESPONSE),
    ]
    table: dict[tuple[int, Cra], AnyCodec] = {
        (0x00CA, Cra.ALERT): d.ACTIVATION_ALERT,
        (0x00CB, Cra.ALERT): c.CREDENTIALS_UPDATE_ALERT,
        (0x0124, Cra.ALERT): c.CREDENTIALS_UPDATE_ALERT,
        (0x012B, Cra.ALERT): d.RUNNING_FIRMWARE_ALERT,
        (0x0128, Cra.ALERT): d.TRANSFER_ALERT,
        (0x00B2, Cra.ALERT): d.LOG_BACKUP_ALERT,
    }
    for codes, command, response in pairs:
        for code in codes:
            table[code, Cra.COMMAND] = command
            table[code, Cra.RESPONSE] = response
    return table


_CODECS: Final = _codecs()


def has_asn1(message_code: int, cra: Cra) -> bool:
    """Whether messages of this code and kind carry an ASN.1 payload."""
    return (message_code, cra) in _CODECS


def codec_of(message_code: int, cra: Cra) -> AnyCodec | None:
    """The codec of messages of this code and kind; None when they are not ASN.1."""
    return _CODECS.get((message_code, cra))


def decode(message_code: int, cra: Cra, payload: bytes) -> object:
    """Decode the payload into its structure, every octet; MalformedMessage otherwise."""
    codec = _CODECS.get((message_code, cra))
    if codec is None:
        raise MalformedMessage(f"no ASN.1 structure for {message_code:04X} {cra.name.lower()}")
    return read_all(codec, payload)


def encode(
    message_code: int, cra: Cra, value: object, lengths: Lengths = Lengths.SHORTEST
) -> bytes:
    """Encode a structure; LocalError when it is not the one this message code carries."""
    codec = _CODECS.get((message_code, cra))
    if codec is None:
        raise LocalError(f"no ASN.1 structure for {message_code:04X} {cra.name.lower()}")
    try:
        return codec.write(value, lengths)
    except (AttributeError, TypeError) as exc:
        raise LocalError(f"{type(value).__name__} does not fit {message_code:04X}: {exc}") from exc


def lengths_of(payload: bytes) -> Lengths:
    """How the lengths of a payload are written, so that it can be re-encoded octet for octet."""
    if _LONG_LENGTH not in payload:
        return Lengths.SHORTEST
    tlv, _ = read_tlv(payload)
    return Lengths.TWO_OCTETS if _has_long_length(tlv, _DEEPEST) else Lengths.SHORTEST


def _has_long_length(tlv: Tlv, depth: int) -> bool:
    if tlv.octets[1:3] == _LONG_LENGTH:
        return True
    if not tlv.tag & _CONSTRUCTED or depth == 0:
        return False
    return any(_has_long_length(child, depth - 1) for child in children(tlv))

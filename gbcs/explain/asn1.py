"""ASN.1 payloads explained: members by name."""

from __future__ import annotations

from gbcs.asn1.der import (
    AnyCodec,
    Choice,
    ListOf,
    Sequence,
    Signed,
    Time,
)
from gbcs.asn1.plain import to_plain
from gbcs.asn1.tlv import Tlv, children, read_tlv
from gbcs.certificate import read_certificate
from gbcs.errors import GbcsError
from gbcs.eui64 import format_eui64
from gbcs.explain.node import Node


def explain_asn1(codec: AnyCodec, payload: bytes, offset: int) -> tuple[Node, ...]:
    """A payload that its codec has accepted."""
    tlv, _ = read_tlv(payload)
    node = _node("content", codec, tlv, offset)
    return node.children or (node,)


def _node(name: str, codec: AnyCodec, tlv: Tlv, base: int) -> Node:
    at, length = base + tlv.offset, len(tlv.octets)
    if isinstance(codec, Choice):
        codec = next(c for c in codec.codecs if tlv.tag in c.tags)
    if isinstance(codec, Sequence):
        return Node(name, "", at, length, "", _members(codec, tlv, base))
    if isinstance(codec, ListOf):
        inside = tuple(
            _node(str(number), codec.element, child, base)
            for number, child in enumerate(children(tlv), start=1)
        )
        return Node(name, f"list of {len(inside)}", at, length, "", inside)
    if isinstance(codec, Signed):
        return Node(name, f"{length} octets DER", at, length, _certificate(tlv.octets))
    unit = "UTC" if isinstance(codec, Time) else ""
    return Node(name, str(to_plain(codec, codec.read(tlv))), at, length, unit=unit)


def _members(codec: Sequence[object], tlv: Tlv, base: int) -> tuple[Node, ...]:
    found = []
    remaining = list(codec.members)
    for child in children(tlv):
        while remaining and child.tag not in remaining[0].tags():
            remaining.pop(0)
        if remaining:
            member = remaining.pop(0)
            found.append(_node(member.name, member.codec, child, base))
    return tuple(found)


def _certificate(octets: bytes) -> str:
    try:
        certificate = read_certificate(octets)
    except GbcsError:
        return "certification request, or a certificate that cannot be read"
    entity = "no entity" if certificate.entity is None else format_eui64(certificate.entity)
    role = "device" if certificate.role is None else certificate.role.name.lower()
    key_id = certificate.key_id.hex().upper() if certificate.key_id else "none"
    return f"certificate of {entity} ({role}), key id {key_id}"

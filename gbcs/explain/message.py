"""Any message explained, from MAC header to MAC."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from gbcs.alerts import DlmsAlert, OctetDetails
from gbcs.asn1 import payload as asn1
from gbcs.body import Asn1Body, Body, GbzAlertBody, decode_body, sealed_parts
from gbcs.catalogue.alerts import alert_name
from gbcs.catalogue.dlms import dlms_items
from gbcs.catalogue.use_case import UseCase, by_code
from gbcs.certificate import read_certificate
from gbcs.dlms.apdu import AccessRequest
from gbcs.envelope import MAC_OCTETS, SIGNATURE_OCTETS, Message
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.explain.asn1 import explain_asn1
from gbcs.explain.dlms import (
    explain_data,
    explain_request,
    explain_response,
    opened_members,
)
from gbcs.explain.gbz import explain_components
from gbcs.explain.node import Cursor, Node
from gbcs.explain.zcl_units import TIME as ZCL_TIME
from gbcs.gbt import Block
from gbcs.gbz import Cipher, Gbz
from gbcs.keys import KeyStore
from gbcs.length import encode_length
from gbcs.party import Role
from gbcs.plain import seconds_to_plain
from gbcs.protection import Verification, attribute_cipher, verify
from gbcs.stamp import Stamp

_MAC_HEADER_OCTETS: Final = 7
_SECURITY_OCTETS: Final = 5


@dataclass(frozen=True, slots=True)
class _Context:
    message: Message
    use_case: UseCase | None
    keys: KeyStore | None
    checks: Verification | None


def explain(octets: bytes, keys: KeyStore | None = None) -> Node:
    """Explain one message; with keys, verdicts are given and encrypted parts are opened.

    MalformedMessage when the envelope cannot be read. A payload that cannot be read is shown as
    octets with the reason.
    """
    message = Message.parse(octets)
    checks = verify(message, keys) if keys is not None else None
    context = _Context(message, by_code(message.message_code), keys, checks)
    cursor = Cursor(0)
    if message.mac is not None:
        _mac_header(cursor, octets)
    _grouping_header(cursor, context)
    payload_at = cursor.at or 0
    cursor.add(
        "payload", len(message.payload), _technology(context), "", *_payload(context, payload_at)
    )
    _signature_and_mac(cursor, context)
    name = _kind(context)
    note = context.use_case.title if context.use_case else "unknown message code"
    return Node(
        name,
        format_eui64(message.recipient),
        0,
        len(octets),
        note,
        cursor.result(),
        reference=_message_code(message.message_code),
    )


def explain_block(block: Block) -> Node:
    """One block of a message that came in parts."""
    octets = block.to_bytes()
    use_case = by_code(block.message_code)
    last = ", the last one" if block.last else ""
    fields = (
        Node("message code", f"{block.message_code:04X}", note=use_case.title if use_case else ""),
        Node("CRA flag", f"{block.cra:02X}", note=block.cra.name.lower()),
        Node("originator counter", str(block.originator_counter)),
        Node("business originator", format_eui64(block.originator)),
        Node("business target", format_eui64(block.recipient)),
        Node("block number", str(block.number), note=f"window {block.window}{last}"),
        Node("block number acknowledged", str(block.acknowledged)),
        Node("block data", f"{len(block.data)} octets"),
    )
    name = use_case.name if use_case else f"{block.message_code:04X}"
    return Node(
        f"{name} block {block.number}",
        "",
        0,
        len(octets),
        "general block transfer",
        fields,
        reference=_message_code(block.message_code),
    )


def _message_code(code: int) -> str:
    return f"message code {code:04X}"


def _mac_header(cursor: Cursor, octets: bytes) -> None:
    size = _MAC_HEADER_OCTETS + (1 if octets[7] < 0x80 else 1 + (octets[7] & 0x7F))
    cursor.add(
        "MAC header", size + _SECURITY_OCTETS, octets[: size + _SECURITY_OCTETS].hex().upper()
    )


def _grouping_header(cursor: Cursor, context: _Context) -> None:
    message = context.message
    cursor.skip(2)
    cursor.add("CRA flag", 1, f"{message.cra:02X}", message.cra.name.lower())
    counter = message.originator_counter
    cursor.add("originator counter", 8, str(counter), f"0x{counter:016X}")
    cursor.skip(1)
    cursor.add(
        "business originator",
        8,
        format_eui64(message.originator),
        _role(context, message.originator),
    )
    cursor.skip(1)
    cursor.add(
        "business target", 8, format_eui64(message.recipient), _role(context, message.recipient)
    )
    cursor.skip(1)
    if message.date_time is not None:
        stamp = message.date_time
        cursor.add("date-time", 12, stamp.octets.hex().upper(), str(stamp), unit=_stamp_unit(stamp))
    extra = 8 * sum(field is not None for field in _supplementary(message))
    extra += len(message.certificate or b"")
    cursor.skip(len(encode_length(2 + extra)))
    use_case = context.use_case
    name = f"{use_case.name}: {use_case.title}" if use_case else "unknown"
    services = ", ".join(use_case.service_requests) if use_case else ""
    reference = f"service request {services}" if services else ""
    cursor.add("message code", 2, f"{message.message_code:04X}", name, reference=reference)
    _explain_supplementary(cursor, context)
    cursor.skip(len(encode_length(len(message.payload))))


def _stamp_unit(stamp: Stamp) -> str:
    return "" if stamp.at is None else "UTC"


def _supplementary(message: Message) -> tuple[int | None, int | None, int | None]:
    return (
        message.supplementary_id,
        message.supplementary_counter,
        message.supplementary_originator_counter,
    )


def _explain_supplementary(cursor: Cursor, context: _Context) -> None:
    message = context.message
    if message.supplementary_id is not None:
        text = format_eui64(message.supplementary_id)
        cursor.add(
            "supplementary remote party id", 8, text, _role(context, message.supplementary_id)
        )
    if message.supplementary_counter is not None:
        cursor.add("supplementary remote party counter", 8, str(message.supplementary_counter))
    if message.supplementary_originator_counter is not None:
        own = str(message.supplementary_originator_counter)
        cursor.add("supplementary originator counter", 8, own)
    if message.certificate is not None:
        cursor.add(
            "supplementary certificate", len(message.certificate), _subject(message.certificate)
        )


def _subject(certificate: bytes) -> str:
    try:
        entity = read_certificate(certificate).entity
    except GbcsError as exc:
        return str(exc)
    return "no entity" if entity is None else format_eui64(entity)


def _role(context: _Context, entity: int) -> str:
    if context.keys is None:
        return ""
    try:
        role = context.keys.role(entity)
    except GbcsError:
        return ""
    return role.name.lower().replace("_", " ") if isinstance(role, Role) else ""


def _kind(context: _Context) -> str:
    message = context.message
    name = context.use_case.name if context.use_case else f"{message.message_code:04X}"
    kind = "pre-command" if message.is_pre_command else message.cra.name.lower()
    return f"{name} {kind}"


def _technology(context: _Context) -> str:
    return context.use_case.technology.value if context.use_case else ""


def _signature_and_mac(cursor: Cursor, context: _Context) -> None:
    message, checks = context.message, context.checks
    if message.signature is not None:
        cursor.skip(1)
    if message.signature:
        verdict = checks.signature.value if checks else "not checked"
        cursor.add("signature", SIGNATURE_OCTETS, message.signature.hex().upper(), verdict)
    if message.mac is not None:
        verdict = checks.mac.value if checks else "not checked"
        cursor.add("MAC", MAC_OCTETS, message.mac.hex().upper(), verdict)
    for missing in checks.missing if checks else ():
        cursor.add("missing key", 0, str(missing))


def _payload(context: _Context, offset: int) -> tuple[Node, ...]:
    message = context.message
    try:
        body = decode_body(message)
        return _body(body, context, offset)
    except MalformedMessage as exc:
        octets = message.payload
        return (Node("not understood", octets.hex().upper(), offset, len(octets), str(exc)),)


def _body(body: Body, context: _Context, offset: int) -> tuple[Node, ...]:
    message = context.message
    cipher = _cipher(context, body)
    if isinstance(body, Asn1Body):
        codec = asn1.codec_of(message.message_code, message.cra)
        return explain_asn1(codec, message.payload, offset) if codec else ()
    exact = body.to_bytes() == message.payload
    start = offset if exact else None  # offsets come from re-encoding
    if isinstance(body, Gbz):
        return explain_components(body.components, None if start is None else start + 3, cipher)
    if isinstance(body, GbzAlertBody):
        return _gbz_alert(body, start, cipher)
    if isinstance(body, DlmsAlert):
        return _dlms_alert(message.message_code, body, start, cipher)
    if isinstance(body, AccessRequest):
        return explain_request(body, start)
    specs = dlms_items(context.use_case.name) if context.use_case else ()
    specs = specs if len(specs) == len(body.results) else ()
    return explain_response(body, start, specs, cipher)


def _cipher(context: _Context, body: Body) -> Cipher | None:
    if context.keys is None or not sealed_parts(body):
        return None
    try:
        return attribute_cipher(context.message, context.keys)
    except GbcsError:
        return None


def _gbz_alert(body: GbzAlertBody, offset: int | None, cipher: Cipher | None) -> tuple[Node, ...]:
    cursor = Cursor(offset)
    cursor.skip(3)
    code = body.alert.alert_code
    cursor.add("alert code", 2, f"{code:04X}", alert_name(code) or "")
    cursor.add("time", 4, str(seconds_to_plain(body.alert.time_s)), unit=ZCL_TIME)
    for node in explain_components(body.components, cursor.at, cipher):
        cursor.place(node)
    if body.details is not None:
        cursor.add("details", len(body.alert.body), _details(body.details))
    return cursor.result()


_MEMBERS: Final[dict[int, tuple[str, ...]]] = {
    0x0018: ("device log backup",),
    0x0061: ("protection parameters", "protected billing log"),
    0x0067: ("supply interrupted", "supply restored"),
    0x0110: ("device",),
    0x0111: ("channel and cause",),
    0x0112: ("scan outcome",),
    0x0113: ("sub-GHz configuration",),
    0x0115: ("device",),
    0x0121: ("direction and controller", "start", "end", "level"),
    0x0122: ("direction and controller", "level"),
    0x0123: ("operational update",),
}
"""What DLMS alerts add, by message code."""


def _dlms_alert(
    message_code: int, body: DlmsAlert, offset: int | None, cipher: Cipher | None
) -> tuple[Node, ...]:
    cursor = Cursor(offset)
    cursor.skip(1)
    cursor.add("long invoke id", 4, f"{body.invoke & 0xFFFFFF}", f"flags {body.invoke >> 24:02X}")
    cursor.skip(3)
    cursor.add("alert code", 3, f"{body.alert_code:04X}", alert_name(body.alert_code) or "")
    stamp = body.stamp
    cursor.add("time", 14, stamp.octets.hex().upper(), str(stamp), unit=_stamp_unit(stamp))
    if body.details is not None:
        cursor.add("details", 2 + len(body.details.to_bytes()), _details(body.details))
    names = _MEMBERS.get(message_code, ())
    for number, member in enumerate(body.members):
        name = names[number] if number < len(names) else f"member {number + 1}"
        cursor.place(explain_data(name, member, cursor.at))
    if opened := opened_members(body.members, cipher):
        cursor.place(opened)
    return cursor.result()


_IDENTIFIERS: Final = ("originator", "target")


def _details(details: OctetDetails) -> str:
    """The fields by name, identifiers as 16 digits."""
    told = ((each.name, getattr(details, each.name)) for each in fields(details))
    words = (
        f"{name}={format_eui64(value) if name in _IDENTIFIERS else repr(value)}"
        for name, value in told
    )
    return f"{type(details).__name__}({', '.join(words)})"

"""GBZ payloads explained: components by command, attributes and parameters by name."""

from __future__ import annotations

from typing import Final

from gbcs.build.gbz import to_plain
from gbcs.catalogue.clusters import attribute, cluster_name, command
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.explain.node import Cursor, Node
from gbcs.gbz import Cipher, Component
from gbcs.plain import date_to_text, octets_to_text, seconds_to_plain, text_to_plain
from gbcs.utrn import parse as parse_token
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
    decode_general,
)
from gbcs.zcl.parameters import decode_parameters
from gbcs.zcl.status import Status, status_name
from gbcs.zcl.types import DataType, Value

_TOKEN: Final = "TopUp Code"
_HIDDEN_HEAD: Final = 2


def explain_components(
    components: tuple[Component, ...], offset: int | None, cipher: Cipher | None
) -> tuple[Node, ...]:
    """Components one after the other."""
    cursor = Cursor(offset)
    for number, component in enumerate(components, start=1):
        cursor.place(_component(number, component, cursor.at, cipher))
    return cursor.result()


def _component(
    number: int, component: Component, offset: int | None, cipher: Cipher | None
) -> Node:
    frame = component.frame
    cursor = Cursor(offset)
    cursor.skip(1)
    cluster = cluster_name(component.cluster_id) or "unknown cluster"
    cursor.add("cluster", 2, f"{component.cluster_id:04X}", cluster)
    cursor.skip(2)
    if component.sealed is not None:
        cursor.skip(_HIDDEN_HEAD)
    if component.from_date_time is not None:
        cursor.add("from date time", 4, str(seconds_to_plain(component.from_date_time)))
    cursor.add("frame control", 1, f"{frame.frame_control:02X}", _control(frame))
    cursor.skip(2 if frame.manufacturer is not None else 0)
    cursor.add("sequence number", 1, str(frame.sequence))
    cursor.add("command", 1, f"{frame.command_id:02X}", command_name(component))
    if component.sealed is not None:
        _explain_sealed(component, component.sealed, cursor, cipher)
    else:
        for node in explain_payload(component, cursor.at):
            cursor.place(node)
    length = (cursor.at or 0) - (offset or 0)
    return Node(f"component {number}", command_name(component), offset, length, "", cursor.result())


def _explain_sealed(
    component: Component, sealed: bytes, cursor: Cursor, cipher: Cipher | None
) -> None:
    children: tuple[Node, ...] = ()
    note = "no key given"
    if cipher is not None:
        try:
            children, note = explain_payload(component.opened(cipher), None), "decrypted"
        except GbcsError as exc:
            note = str(exc)
    cursor.skip(2)
    cursor.add("encrypted", len(sealed), f"{len(sealed)} octets", note, *children)


def command_name(component: Component) -> str:
    """Name of a component's command."""
    frame = component.frame
    if not frame.is_cluster_command:
        try:
            return GeneralCommand(frame.command_id).name.replace("_", " ").title()
        except ValueError:
            return "unknown general command"
    spec = command(component.cluster_id, frame.command_id, from_server=frame.from_server)
    return spec.name if spec else "unknown command"


def explain_payload(component: Component, offset: int | None) -> tuple[Node, ...]:
    """Payload of the ZCL frame; octets as they are when the command is not known."""
    try:
        if component.frame.is_cluster_command:
            return _parameters(component, offset)
        return _general(component, offset)
    except GbcsError as exc:
        octets = component.frame.payload
        return (Node("payload", octets.hex().upper(), offset, len(octets), str(exc)),)


def _control(frame: Frame) -> str:
    direction = "from server" if frame.from_server else "from client"
    kind = "cluster command" if frame.is_cluster_command else "general command"
    quiet = ", no default response" if frame.disable_default_response else ""
    return f"{kind}, {direction}{quiet}"


def _parameters(component: Component, offset: int | None) -> tuple[Node, ...]:
    frame = component.frame
    spec = command(component.cluster_id, frame.command_id, from_server=frame.from_server)
    types = {p.name: p.type_name for p in spec.parameters} if spec else {}
    nodes = []
    for name, value in decode_parameters(component.cluster_id, frame).items():
        plain = to_plain(value, types[name])
        if isinstance(plain, list):
            rows = tuple(Node(str(n), _row(row)) for n, row in enumerate(plain, start=1))
            nodes.append(Node(name, f"{len(rows)} rows", children=rows))
        else:
            note = token_note(value) if name == _TOKEN else types[name]
            nodes.append(Node(name, _show(plain), note=note))
    return (Node("parameters", "", offset, len(frame.payload), "", tuple(nodes)),)


def token_note(value: object) -> str:
    """What a prepayment token carries; why not, when it is none."""
    if not isinstance(value, bytes):
        return "no token"
    try:
        token = parse_token(value.decode("ascii", "replace"))
    except MalformedMessage as exc:
        return str(exc)
    pounds, pence = divmod(token.value_pence, 100)
    return f"{pounds}.{pence:02}, counter ends in {token.truncated_counter} (of 1024)"


def _row(row: object) -> str:
    if isinstance(row, dict):
        return ", ".join(f"{name} {_member(name, value)}" for name, value in row.items())
    return str(row)


def _member(name: str, value: object) -> object:
    if not isinstance(value, int):
        return value
    if name.endswith("date"):
        return date_to_text(value)
    return seconds_to_plain(value) if name.endswith("time") else value


def _show(plain: object) -> str:
    if isinstance(plain, int) and not isinstance(plain, bool):
        return f"{plain} (0x{plain:X})" if plain > 9 else str(plain)
    return str(plain)


def _general(component: Component, offset: int | None) -> tuple[Node, ...]:
    decoded = decode_general(component.frame.command_id, component.frame.payload)
    cursor = Cursor(offset)
    if isinstance(decoded, ReadAttributes):
        for attribute_id in decoded.attribute_ids:
            cursor.add("attribute", 2, f"{attribute_id:04X}", _name(component, attribute_id))
    elif isinstance(decoded, ReadAttributesResponse):
        for record in decoded.records:
            name = _name(component, record.attribute_id)
            cursor.add(name, len(record.to_bytes()), _record(record), f"{record.attribute_id:04X}")
    elif isinstance(decoded, DefaultResponse):
        cursor.add("answers command", 1, f"{decoded.command_id:02X}")
        cursor.add("status", 1, f"{decoded.status:02X}", status_name(decoded.status))
    else:
        cursor.add("payload", len(component.frame.payload), str(decoded))
    return cursor.result()


def _name(component: Component, attribute_id: int) -> str:
    spec = attribute(component.cluster_id, attribute_id)
    return spec.name if spec else f"attribute {attribute_id:04X}"


def _record(record: AttributeStatus) -> str:
    if record.status != Status.SUCCESS:
        return status_name(record.status)
    return f"{DataType(record.type_id).name} {_value(record.type_id, record.value)}"


def _value(type_id: int, value: Value) -> str:
    if isinstance(value, bytes):
        return octets_to_text(value)
    if type_id == DataType.UTC_TIME and isinstance(value, int):
        return str(seconds_to_plain(value))
    if isinstance(value, str):
        return text_to_plain(value)
    return _show(value)

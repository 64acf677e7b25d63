"""GBZ payloads explained: components by command, attributes and parameters by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gbcs.build.gbz import to_plain
from gbcs.catalogue.clusters import attribute, cluster_name, command
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.explain.node import Cursor, Node
from gbcs.explain.zcl_units import TIME, Key, Said, unit_of
from gbcs.gbz import Cipher, Component
from gbcs.plain import date_to_text, octets_to_text, seconds_to_plain, text_to_plain
from gbcs.utrn import parse as parse_token
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    General,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
    decode_general,
)
from gbcs.zcl.parameters import Parameters, decode_parameters
from gbcs.zcl.status import Status, status_name
from gbcs.zcl.types import DataType, Value

_TOKEN: Final = "TopUp Code"
_HIDDEN_HEAD: Final = 2


@dataclass(frozen=True, slots=True)
class _Part:
    """A component as far as it can be read: opened when it was sealed and there is a key."""

    component: Component
    content: General | Parameters | None
    reason: str = ""
    """Why there is no content."""


def explain_components(
    components: tuple[Component, ...], offset: int | None, cipher: Cipher | None
) -> tuple[Node, ...]:
    """Components one after the other."""
    parts = [_read(component, cipher) for component in components]
    said = _said(parts)
    cursor = Cursor(offset)
    for number, (component, part) in enumerate(zip(components, parts, strict=True), start=1):
        cursor.place(_component(number, component, cursor.at, part, said))
    return cursor.result()


def _read(component: Component, cipher: Cipher | None) -> _Part:
    if component.sealed is not None and cipher is None:
        return _Part(component, None, "no key given")
    try:
        opened = component if cipher is None else component.opened(cipher)
    except GbcsError as exc:
        return _Part(component, None, str(exc))
    frame = opened.frame
    try:
        if frame.is_cluster_command:
            return _Part(opened, decode_parameters(opened.cluster_id, frame))
        return _Part(opened, decode_general(frame.command_id, frame.payload))
    except GbcsError as exc:
        return _Part(opened, None, str(exc))


def _said(parts: list[_Part]) -> dict[Key, int]:
    """The numbers of a payload: units depend on some of them."""
    said: dict[Key, int] = {}
    for part in parts:
        cluster = part.component.cluster_id
        if isinstance(part.content, ReadAttributesResponse):
            for record in part.content.records:
                if isinstance(record.value, int):
                    said.setdefault((cluster, record.attribute_id), record.value)
        elif isinstance(part.content, dict):
            for name, value in part.content.items():
                if isinstance(value, int):
                    said.setdefault((cluster, name), value)
    return said


def _component(
    number: int, component: Component, offset: int | None, part: _Part, said: Said
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
        time = str(seconds_to_plain(component.from_date_time))
        cursor.add("from date time", 4, time, unit=TIME)
    cursor.add("frame control", 1, f"{frame.frame_control:02X}", _control(frame))
    cursor.skip(2 if frame.manufacturer is not None else 0)
    cursor.add("sequence number", 1, str(frame.sequence))
    cursor.add("command", 1, f"{frame.command_id:02X}", command_name(component))
    if component.sealed is None:
        for node in _payload(part, cursor.at, said):
            cursor.place(node)
    else:
        cursor.skip(2)
        opened = part.component.sealed is None
        inside = _payload(part, None, said) if opened else ()
        note = "decrypted" if opened else part.reason
        size = len(component.sealed)
        cursor.add("encrypted", size, f"{size} octets", note, *inside)
    length = (cursor.at or 0) - (offset or 0)
    return Node(
        f"component {number}",
        command_name(component),
        offset,
        length,
        "",
        cursor.result(),
        reference=_reference(component),
    )


def _reference(component: Component) -> str:
    frame = component.frame
    kind = "command" if frame.is_cluster_command else "general command"
    way = " from server" if frame.from_server else ""
    return f"cluster {component.cluster_id:04X}, {kind} {frame.command_id:02X}{way}"


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


def _payload(part: _Part, offset: int | None, said: Said) -> tuple[Node, ...]:
    """Payload of the ZCL frame; octets as they are when they cannot be read."""
    if isinstance(part.content, dict):
        return (_parameters(part.component, part.content, offset, said),)
    if part.content is not None:
        return _general(part.component, part.content, offset, said)
    octets = part.component.frame.payload
    return (Node("payload", octets.hex().upper(), offset, len(octets), part.reason),)


def _control(frame: Frame) -> str:
    direction = "from server" if frame.from_server else "from client"
    kind = "cluster command" if frame.is_cluster_command else "general command"
    quiet = ", no default response" if frame.disable_default_response else ""
    return f"{kind}, {direction}{quiet}"


def _parameters(component: Component, values: Parameters, offset: int | None, said: Said) -> Node:
    cluster, frame = component.cluster_id, component.frame
    spec = command(cluster, frame.command_id, from_server=frame.from_server)
    types = {p.name: p.type_name for p in spec.parameters} if spec else {}
    nodes = []
    for name, value in values.items():
        plain = to_plain(value, types[name])
        unit = unit_of(cluster, name, types[name], said)
        if isinstance(plain, list):
            rows = tuple(Node(str(n), _row(row)) for n, row in enumerate(plain, start=1))
            nodes.append(Node(name, f"{len(rows)} rows", children=rows, unit=unit))
        else:
            note = token_note(value) if name == _TOKEN else types[name]
            nodes.append(Node(name, _show(plain), note=note, unit=unit))
    size = len(frame.payload)
    return Node("parameters", "", offset, size, "", tuple(nodes), reference=_reference(component))


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


def _general(
    component: Component, decoded: General, offset: int | None, said: Said
) -> tuple[Node, ...]:
    cursor = Cursor(offset)
    if isinstance(decoded, ReadAttributes):
        for attribute_id in decoded.attribute_ids:
            name, where = _name(component, attribute_id), _where(component, attribute_id)
            cursor.add("attribute", 2, f"{attribute_id:04X}", name, reference=where)
    elif isinstance(decoded, ReadAttributesResponse):
        for record in decoded.records:
            name = _name(component, record.attribute_id)
            where = _where(component, record.attribute_id)
            unit = _unit(component, record, said)
            cursor.add(name, len(record.to_bytes()), _record(record), unit=unit, reference=where)
    elif isinstance(decoded, DefaultResponse):
        cursor.add("answers command", 1, f"{decoded.command_id:02X}")
        cursor.add("status", 1, f"{decoded.status:02X}", status_name(decoded.status))
    else:
        cursor.add("payload", len(component.frame.payload), str(decoded))
    return cursor.result()


def _unit(component: Component, record: AttributeStatus, said: Said) -> str:
    if record.status != Status.SUCCESS:
        return ""
    type_name = DataType(record.type_id).name
    return unit_of(component.cluster_id, record.attribute_id, type_name, said)


def _where(component: Component, attribute_id: int) -> str:
    return f"cluster {component.cluster_id:04X}, attribute {attribute_id:04X}"


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

"""Parameters of cluster commands, by the names the catalogue gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from gbcs.catalogue.clusters import CommandSpec, command
from gbcs.errors import LocalError, MalformedMessage
from gbcs.zcl.composite import LAYOUTS, Composite, scalar
from gbcs.zcl.frame import Frame
from gbcs.zcl.types import DataType, Scalar, encode

ParameterValue: TypeAlias = "Scalar | Composite"
Parameters: TypeAlias = "dict[str, ParameterValue]"
COMPOSITE: Final = "COMPOSITE"

TYPE_NAMES: Final = {
    **{data_type.name: data_type for data_type in DataType},
    "OCTETSTRING": DataType.OCTET_STRING,
    "CHARSTRING": DataType.CHAR_STRING,
    "UTCTime": DataType.UTC_TIME,
}
"""ZCL types by the names the catalogue uses."""


def command_spec(cluster_id: int, frame: Frame) -> CommandSpec:
    """The command of a frame; MalformedMessage when it is no known cluster command."""
    spec = command(cluster_id, frame.command_id, from_server=frame.from_server)
    if spec is None or not frame.is_cluster_command:
        raise MalformedMessage(f"no command {frame.command_id:02X} of cluster {cluster_id:04X}")
    return spec


def decode_parameters(cluster_id: int, frame: Frame) -> Parameters:
    """Decode a cluster command's payload, every octet; MalformedMessage otherwise."""
    spec = command_spec(cluster_id, frame)
    octets, at = frame.payload, 0
    values: Parameters = {}
    for parameter in spec.parameters:
        if parameter.type_name == COMPOSITE:
            layout = LAYOUTS[cluster_id, frame.from_server, frame.command_id]
            values[parameter.name] = layout.read(octets, at, values)
            at = len(octets)
        else:
            values[parameter.name], at = scalar(octets, at, TYPE_NAMES[parameter.type_name])
    if at != len(octets):
        raise MalformedMessage(f"octets follow the parameters of {spec.name}", at)
    return values


def encode_parameters(
    cluster_id: int,
    command_id: int,
    values: Mapping[str, ParameterValue],
    *,
    from_server: bool,
) -> bytes:
    """Encode a cluster command's payload; LocalError names what is missing or does not fit."""
    spec = command(cluster_id, command_id, from_server=from_server)
    if spec is None:
        raise LocalError(f"no command {command_id:02X} of cluster {cluster_id:04X}")
    unknown = values.keys() - {parameter.name for parameter in spec.parameters}
    if unknown:
        raise LocalError(f"{spec.name} has no parameter {sorted(unknown)[0]!r}")
    out = bytearray()
    for parameter in spec.parameters:
        if parameter.name not in values:
            raise LocalError(f"{spec.name} needs {parameter.name!r}")
        value = values[parameter.name]
        if parameter.type_name == COMPOSITE:
            layout = LAYOUTS[cluster_id, from_server, command_id]
            if isinstance(value, list):
                out += layout.write(value, values)
            elif isinstance(value, bytes):
                out += value
            else:
                raise LocalError(f"{parameter.name!r} is a list of rows, or octets")
        elif isinstance(value, list):
            raise LocalError(f"{parameter.name!r} is one value, not a list")
        else:
            out += encode(TYPE_NAMES[parameter.type_name], value)
    return bytes(out)

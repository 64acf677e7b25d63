"""GBZ commands: components in order, parameters named ``Command.Parameter``.

A command that can occur more than once is numbered: ``PublishDayProfile[2].DayID``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from gbcs.build.parameter import Arguments, ParameterInfo
from gbcs.catalogue.clusters import ParameterSpec, cluster_name, command
from gbcs.catalogue.gbz import UNBOUNDED, ComponentSpec
from gbcs.errors import LocalError
from gbcs.gbz import Component, Gbz
from gbcs.plain import (
    Plain,
    octets_to_text,
    plain_to_seconds,
    plain_to_text,
    seconds_to_plain,
    text_to_octets,
    text_to_plain,
    to_bool,
    to_int,
)
from gbcs.zcl.composite import LAYOUTS, Composite, Row
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand, ReadAttributes
from gbcs.zcl.parameters import (
    COMPOSITE,
    Parameters,
    ParameterValue,
    decode_parameters,
    encode_parameters,
)
from gbcs.zcl.types import Scalar

FROM_DATE_TIME: Final = "FromDateTime"
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9]")

Specs = tuple[ComponentSpec, ...]


def gbz_parameters(specs: Specs) -> Iterator[ParameterInfo]:
    """What can be given for a use case with these components."""
    for spec in specs:
        prefix = _prefix(spec, specs)
        if spec.from_date_time:
            yield ParameterInfo(f"{prefix}.{FROM_DATE_TIME}", "UTCTime", spec.least > 0)
        for parameter in _parameter_specs(spec):
            values = spec.fixed.get(parameter.name, ())
            yield ParameterInfo(
                f"{prefix}.{_camel(parameter.name)}",
                _type_name(spec, parameter),
                spec.least > 0 and not values and not _counts_up(spec, parameter.name),
                values[0] if values else None,
                values[1:] and values,
                spec.limits.get(parameter.name),
            )


def build_gbz(specs: Specs, arguments: Arguments) -> bytes:
    """Build the payload of a command."""
    components: list[Component] = []
    counts: Counter[str] = Counter()
    for spec in specs:
        label = _label(spec)
        for _ in range(_instances(spec, arguments, counts[label], label)):
            counts[label] += 1
            names = _Names(spec, specs, counts[label])
            components.append(_component(spec, names, arguments, len(components)))
    return Gbz(tuple(components)).to_bytes()


def gbz_arguments(specs: Specs, gbz: Gbz) -> dict[str, Plain]:
    """The parameters of a command; LocalError when its components are not the ones listed."""
    remaining = list(gbz.components)
    counts: Counter[str] = Counter()
    found: dict[str, Plain] = {}
    for spec in specs:
        taken = 0
        while remaining and taken < spec.most and _is_of(remaining[0], spec):
            counts[_label(spec)] += 1
            names = _Names(spec, specs, counts[_label(spec)])
            found |= _component_arguments(remaining.pop(0), spec, names)
            taken += 1
        if taken < spec.least:
            raise LocalError(f"{_label(spec)} is missing")
    if remaining:
        raise LocalError("components follow that the catalogue does not list")
    return found


class _Names:
    """How the parameters of one component are called.

    ``Command[n].Parameter`` first; without the number it stands for every one of them, and the
    parameter's name alone is enough when no other command has it.
    """

    def __init__(self, spec: ComponentSpec, specs: Specs, number: int) -> None:
        self.number = number
        label = _label(spec)
        numbered = f"{label}[{number}]"
        self._prefixes = [numbered, label] if _is_numbered(spec, specs) else [label, numbered]
        others = [other for other in specs if _label(other) != label]
        self._elsewhere = {_camel(p.name) for other in others for p in _parameter_specs(other)}

    def of(self, parameter: str) -> list[str]:
        """The name to show first, then what is accepted too."""
        own = _camel(parameter)
        names = [f"{prefix}.{own}" for prefix in self._prefixes]
        return names if own in self._elsewhere else [*names, own]


def _label(spec: ComponentSpec) -> str:
    if spec.is_cluster_command:
        known = command(spec.cluster_id, spec.command_id, from_server=spec.from_server)
        return known.name if known else f"Command{spec.command_id:02X}"
    return f"ReadAttributes{cluster_name(spec.cluster_id)}"


def _type_name(spec: ComponentSpec, parameter: ParameterSpec) -> str:
    if parameter.type_name != COMPOSITE:
        return parameter.type_name
    return LAYOUTS[spec.cluster_id, spec.from_server, spec.command_id].form


def _camel(name: str) -> str:
    return _NOT_A_NAME.sub("", name)


def _is_numbered(spec: ComponentSpec, specs: Specs) -> bool:
    label = _label(spec)
    return spec.most > 1 or sum(_label(other) == label for other in specs) > 1


def _prefix(spec: ComponentSpec, specs: Specs) -> str:
    if not _is_numbered(spec, specs):
        return _label(spec)
    same = [other for other in specs if _label(other) == _label(spec)]
    first = 1 + sum(other.most for other in same[: same.index(spec)])
    last = first + spec.most - 1
    if spec.most == UNBOUNDED:
        return f"{_label(spec)}[{first}..]"
    return f"{_label(spec)}[{first}]" if first == last else f"{_label(spec)}[{first}..{last}]"


def _parameter_specs(spec: ComponentSpec) -> tuple[ParameterSpec, ...]:
    if not spec.is_cluster_command:
        return ()
    known = command(spec.cluster_id, spec.command_id, from_server=spec.from_server)
    return known.parameters if known else ()


def _instances(spec: ComponentSpec, arguments: Arguments, before: int, label: str) -> int:
    if spec.least == spec.most:
        return spec.least
    given = arguments.highest_index(label) - before
    if given <= 0 and any(
        arguments.has(f"{label}.{_camel(p.name)}") for p in _parameter_specs(spec)
    ):
        given = 1
    if given > spec.most:
        raise LocalError(f"at most {spec.most} of {label}")
    return max(spec.least, given)


def _counts_up(spec: ComponentSpec, name: str) -> bool:
    return name in spec.limits and spec.least > 1


def _component(
    spec: ComponentSpec, names: _Names, arguments: Arguments, position: int
) -> Component:
    time: int | None = None
    if spec.from_date_time:
        time = plain_to_seconds(arguments.take(*names.of(FROM_DATE_TIME)))
    if spec.is_cluster_command:
        values: Parameters = {
            parameter.name: _value(spec, parameter, names, arguments)
            for parameter in _parameter_specs(spec)
        }
        payload = encode_parameters(
            spec.cluster_id, spec.command_id, values, from_server=spec.from_server
        )
    elif spec.command_id == GeneralCommand.READ_ATTRIBUTES:
        payload = ReadAttributes(spec.attributes).to_bytes()
    else:
        raise LocalError(f"cannot build general command {spec.command_id:02X}")
    frame = Frame(spec.frame_control, position, spec.command_id, payload)
    return Component(spec.cluster_id, frame, time)


def _value(
    spec: ComponentSpec, parameter: ParameterSpec, names: _Names, arguments: Arguments
) -> ParameterValue:
    accepted = names.of(parameter.name)
    if arguments.has(*accepted):
        try:
            return _from_plain(arguments.take(*accepted), parameter.type_name)
        except LocalError as exc:
            raise LocalError(f"{accepted[0]}: {exc}") from exc
    if parameter.name in spec.fixed:
        return _from_plain(spec.fixed[parameter.name][0], parameter.type_name)
    if _counts_up(spec, parameter.name):
        return spec.limits[parameter.name][0] + names.number - 1
    raise LocalError(f"parameter {accepted[0]} is missing")


def _from_plain(plain: Plain, type_name: str) -> ParameterValue:
    if type_name == COMPOSITE:
        return _composite(plain)
    if type_name == "OCTETSTRING":
        return text_to_octets(plain)
    if type_name == "CHARSTRING":
        return plain_to_text(plain)
    if type_name == "BOOL":
        return to_bool(plain)
    return plain_to_seconds(plain) if type_name == "UTCTime" else to_int(plain)


def _composite(plain: Plain) -> Composite:
    if not isinstance(plain, list):
        return text_to_octets(plain)
    return [_row(entry) for entry in plain]


def _row(entry: Plain) -> Row:
    if not isinstance(entry, dict):
        raise LocalError(f"a row with names, not {entry!r}")
    row: Row = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            raise LocalError(f"{name} is one value or a list of integers")
        row[name] = [to_int(v) for v in value] if isinstance(value, list) else value
    return row


def _is_of(component: Component, spec: ComponentSpec) -> bool:
    frame = component.frame
    return (component.cluster_id, frame.command_id, frame.frame_control) == (
        spec.cluster_id,
        spec.command_id,
        spec.frame_control,
    )


def _component_arguments(
    component: Component, spec: ComponentSpec, names: _Names
) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    if component.from_date_time is not None:
        found[names.of(FROM_DATE_TIME)[0]] = seconds_to_plain(component.from_date_time)
    if not spec.is_cluster_command:
        asked = ReadAttributes.parse(component.frame.payload).attribute_ids
        if asked != spec.attributes:
            raise LocalError(f"{_label(spec)} asks for other attributes than the catalogue lists")
        return found
    values = decode_parameters(component.cluster_id, component.frame)
    for parameter in _parameter_specs(spec):
        found[names.of(parameter.name)[0]] = to_plain(values[parameter.name], parameter.type_name)
    return found


def to_plain(value: ParameterValue, type_name: str) -> Plain:
    """A decoded parameter as a plain value."""
    if isinstance(value, list):
        return [
            {
                name: list(v) if isinstance(v, list) else _scalar_to_plain(v)
                for name, v in row.items()
            }
            for row in value
        ]
    if type_name == "UTCTime" and isinstance(value, int):
        return seconds_to_plain(value)
    return _scalar_to_plain(value)


def _scalar_to_plain(value: Scalar) -> Plain:
    if isinstance(value, str):
        return text_to_plain(value)
    return octets_to_text(value) if isinstance(value, bytes) else value

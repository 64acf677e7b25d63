"""EZSP frames by bellows' own command tables, with transmit and receive swapped.

Field names differ between versions; ``hw.ezsp_names`` gives each one name, so that the commands
are written once. Values cross this module as plain integers, octets, :class:`Status`, lists, and
mappings for structures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import bellows.types as t
import zigpy.types as zigpy_t
from bellows.ezsp import EZSP

from hw.ezsp_names import NAMES
from hw.vncp.status import Status

SUPPORTED_VERSIONS: Final = (8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19)
_RESPONSE: Final = 0x80
_ASYNCHRONOUS_CALLBACK: Final = 0x90
_EXTENDED_FORMAT: Final = 0x01
_VERSION_ID: Final = 0x00

Value = int | bytes | str | Status | list["Value"] | dict[str, "Value"]
Fields = Mapping[str, Value]


class InvalidCommand(Exception):
    """The host sent what this firmware does not know, or cannot read."""

    def __init__(self, status: Status, sequence: int) -> None:
        super().__init__(status.name)
        self.status = status
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the host, its fields by common name."""

    name: str
    sequence: int
    fields: dict[str, Value]

    def number(self, name: str) -> int:
        """A field that is a number (or flag)."""
        value = self.fields[name]
        if isinstance(value, int):
            return value
        raise TypeError(f"{self.name}.{name} is no number")

    def octets(self, name: str) -> bytes:
        """A field that is octets."""
        value = self.fields[name]
        if isinstance(value, bytes):
            return value
        raise TypeError(f"{self.name}.{name} is no octet string")

    def structure(self, name: str) -> dict[str, Value]:
        """A field that is a structure."""
        value = self.fields[name]
        if isinstance(value, dict):
            return value
        raise TypeError(f"{self.name}.{name} is no structure")

    def numbers(self, name: str) -> list[int]:
        """A field that is a list of numbers."""
        value = self.fields[name]
        if isinstance(value, list):
            return [item for item in value if isinstance(item, int)]
        raise TypeError(f"{self.name}.{name} is no list")


class EzspCodec:
    """The frames of one EZSP version."""

    def __init__(self, version: int) -> None:
        if version not in SUPPORTED_VERSIONS:
            raise ValueError(f"EZSP {version} is not one of {SUPPORTED_VERSIONS}")
        self.version = version
        self._by_name = EZSP._BY_VERSION[version].COMMANDS  # noqa: SLF001 - the published layouts
        self._by_id = {entry[0]: name for name, entry in self._by_name.items()}

    def knows(self, name: str) -> bool:
        """Whether this version has a command or callback of this name."""
        return name in self._by_name

    def decode(self, frame: bytes) -> Command:
        """Read a command; InvalidCommand when there is no such command or it is cut short."""
        if len(frame) == 4 and frame[2] == _VERSION_ID:  # legacy format, the first command only
            return Command("version", frame[0], {"desiredProtocolVersion": frame[3]})
        if len(frame) < 5:
            raise InvalidCommand(Status.TRUNCATED, frame[0] if frame else 0)
        sequence, frame_id = frame[0], int.from_bytes(frame[3:5], "little")
        name = self._by_id.get(frame_id)
        if name is None:
            raise InvalidCommand(Status.INVALID_FRAME_ID, sequence)
        schema = self._by_name[name][1]
        try:
            if isinstance(schema, dict):
                fields, _ = t.deserialize_dict(frame[5:], schema)
            else:
                fields = schema.deserialize(frame[5:])[0].as_dict()
        except (ValueError, IndexError):
            raise InvalidCommand(Status.TRUNCATED, sequence) from None
        plain = {NAMES.get(key, key): _plain(value) for key, value in fields.items()}
        return Command(name, sequence, plain)

    def version_response(
        self, sequence: int, stack_type: int, stack_version: int, *, legacy: bool
    ) -> bytes:
        """Answer ``version`` in the format the host used."""
        body = bytes((self.version, stack_type)) + stack_version.to_bytes(2, "little")
        if legacy:
            return bytes((sequence, _RESPONSE, _VERSION_ID)) + body
        return self._head(sequence, _RESPONSE, _VERSION_ID) + body

    def response(self, command: Command, fields: Fields) -> bytes:
        """Encode the response to a command; KeyError when a field of its layout is missing."""
        return self._encode(command.sequence, _RESPONSE, command.name, fields)

    def callback(self, sequence: int, name: str, fields: Fields) -> bytes:
        """Encode a callback, tagged with the sequence number last answered."""
        return self._encode(sequence, _ASYNCHRONOUS_CALLBACK, name, fields)

    def invalid_command(self, sequence: int, status: Status) -> bytes:
        """The answer to what is not known."""
        return self._encode(sequence, _RESPONSE, "invalidCommand", {"status": status})

    def _encode(self, sequence: int, control: int, name: str, fields: Fields) -> bytes:
        frame_id, _, schema = self._by_name[name]
        octets = self._head(sequence, control, frame_id)
        if isinstance(schema, dict):
            return octets + b"".join(
                _octets(kind, fields[NAMES.get(key, key)]) for key, kind in schema.items()
            )
        return octets + _octets(schema, dict(fields))

    @staticmethod
    def _head(sequence: int, control: int, frame_id: int) -> bytes:
        return bytes((sequence, control, _EXTENDED_FORMAT)) + frame_id.to_bytes(2, "little")


def _plain(value: object) -> Value:
    """A bellows value as ours."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, zigpy_t.EUI64):
        return int.from_bytes(value.serialize(), "little")
    if isinstance(value, zigpy_t.KeyData):
        return value.serialize()  # type: ignore[no-any-return] # untyped library
    if isinstance(value, zigpy_t.Struct):
        return {field.name: _plain(getattr(value, field.name)) for field in value.fields}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"no plain form of {type(value).__name__}")


def _octets(kind: type, value: Value) -> bytes:
    """Our value as octets of a bellows type."""
    if isinstance(value, Status):
        number = {t.sl_Status: value.sl, t.EzspStatus: value.ezsp}.get(kind, value.ember)
        return kind(number).serialize()  # type: ignore[no-any-return] # untyped library
    if isinstance(value, dict):
        return b"".join(
            _octets(field.type, value[field.name])
            for field in kind.fields  # type: ignore[attr-defined]
            if field.name in value or (field.requires is None and not field.optional)
        )
    if isinstance(value, int) and issubclass(kind, zigpy_t.EUI64):
        return value.to_bytes(8, "little")
    if isinstance(value, bytes) and issubclass(kind, zigpy_t.KeyData):
        return value
    return kind(value).serialize()  # type: ignore[no-any-return] # untyped library

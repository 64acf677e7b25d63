"""EZSP frames by bellows' own command tables, with transmit and receive swapped.

Field names differ between versions; ``hw.ezsp_names`` gives each one name, so that the commands
are written once. Values cross this module as plain integers, octets, :class:`Status`, lists, and
mappings for structures.
"""

# ruff: noqa: SLF001 - names of bellows and zigpy that tests/hw/test_bellows_names.py watches

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from bellows.ezsp import EZSP

from hw.ezsp_layout import Fields, Layout, Report, Truncated, layout_of
from hw.ezsp_status import Status

SUPPORTED_VERSIONS: Final = (8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19)
_RESPONSE: Final = 0x80
_ASYNCHRONOUS_CALLBACK: Final = 0x90
_EXTENDED_FORMAT: Final = 0x01
_VERSION_ID: Final = 0x00


class InvalidCommand(Exception):
    """The host sent what this firmware does not know, or cannot read."""

    def __init__(self, status: Status, sequence: int) -> None:
        super().__init__(status.name)
        self.status = status
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class Command(Report):
    """A command of the host, its fields by common name."""

    sequence: int = 0


class EzspCodec:
    """The frames of one EZSP version; only commands in ``served`` are read at all."""

    def __init__(self, version: int, served: Collection[str] = ()) -> None:
        if version not in SUPPORTED_VERSIONS:
            raise ValueError(f"EZSP {version} is not one of {SUPPORTED_VERSIONS}")
        self.version = version
        self._served = frozenset(served)
        self._by_name = EZSP._BY_VERSION[version].COMMANDS
        self._by_id = {entry[0]: name for name, entry in self._by_name.items()}
        self._commands: dict[str, Layout] = {}
        self._answers: dict[str, Layout] = {}

    def decode(self, frame: bytes) -> Command:
        """Read a command; InvalidCommand when there is no such command or it is cut short."""
        if len(frame) == 4 and frame[2] == _VERSION_ID:  # legacy format, the first command only
            return Command("version", {"desiredProtocolVersion": frame[3]}, frame[0])
        if len(frame) < 5:
            raise InvalidCommand(Status.TRUNCATED, frame[0] if frame else 0)
        sequence, frame_id = frame[0], int.from_bytes(frame[3:5], "little")
        name = self._by_id.get(frame_id)
        if name is None or (name != "version" and name not in self._served):
            raise InvalidCommand(Status.INVALID_FRAME_ID, sequence)
        try:
            return Command(name, self._command(name).decode(frame, 5), sequence)
        except Truncated:
            raise InvalidCommand(Status.TRUNCATED, sequence) from None

    def _command(self, name: str) -> Layout:
        layout = self._commands.get(name)
        if layout is None:
            layout = self._commands[name] = layout_of(self._by_name[name][1])
        return layout

    def _answer(self, name: str) -> Layout:
        layout = self._answers.get(name)
        if layout is None:
            layout = self._answers[name] = layout_of(self._by_name[name][2])
        return layout

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
        head = self._head(sequence, control, self._by_name[name][0])
        return head + self._answer(name).encode(fields)

    @staticmethod
    def _head(sequence: int, control: int, frame_id: int) -> bytes:
        return bytes((sequence, control, _EXTENDED_FORMAT)) + frame_id.to_bytes(2, "little")

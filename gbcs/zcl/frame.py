"""ZCL frame: frame control, sequence number, command identifier, payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gbcs.errors import LocalError, MalformedMessage

CLUSTER_COMMAND: Final = 0x01
MANUFACTURER_SPECIFIC: Final = 0x04
FROM_SERVER: Final = 0x08
DISABLE_DEFAULT_RESPONSE: Final = 0x10
_FRAME_TYPE: Final = 0x03
_NO_TYPE: Final = 0x02


def frame_control(
    *,
    cluster_command: bool,
    from_server: bool = False,
    disable_default_response: bool = False,
    manufacturer_specific: bool = False,
) -> int:
    """Compose a frame control octet."""
    return (
        CLUSTER_COMMAND * cluster_command
        | MANUFACTURER_SPECIFIC * manufacturer_specific
        | FROM_SERVER * from_server
        | DISABLE_DEFAULT_RESPONSE * disable_default_response
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """One ZCL frame; ``frame_control`` as sent, so that reserved bits survive."""

    frame_control: int
    sequence: int
    command_id: int
    payload: bytes = b""
    manufacturer: int | None = None

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Decode; MalformedMessage when the header is cut short or its type is reserved."""
        long = bool(octets) and bool(octets[0] & MANUFACTURER_SPECIFIC)
        size = 5 if long else 3
        if len(octets) < size:
            raise MalformedMessage("ZCL header is cut short", 0)
        if octets[0] & _NO_TYPE:
            raise MalformedMessage(f"reserved ZCL frame type {octets[0] & _FRAME_TYPE}", 0)
        manufacturer = int.from_bytes(octets[1:3], "little") if long else None
        return cls(
            octets[0], octets[size - 2], octets[size - 1], bytes(octets[size:]), manufacturer
        )

    def to_bytes(self) -> bytes:
        """Encode."""
        if (self.manufacturer is not None) != bool(self.frame_control & MANUFACTURER_SPECIFIC):
            raise LocalError("manufacturer code and manufacturer-specific bit go together")
        code = b"" if self.manufacturer is None else self.manufacturer.to_bytes(2, "little")
        head = bytes((self.frame_control,)) + code
        return head + bytes((self.sequence, self.command_id)) + self.payload

    @property
    def is_cluster_command(self) -> bool:
        """A command of the cluster, as opposed to a general (profile-wide) one."""
        return bool(self.frame_control & CLUSTER_COMMAND)

    @property
    def from_server(self) -> bool:
        """Sent by the cluster's server to its client."""
        return bool(self.frame_control & FROM_SERVER)

    @property
    def disable_default_response(self) -> bool:
        """The sender wants no default response when all is well."""
        return bool(self.frame_control & DISABLE_DEFAULT_RESPONSE)

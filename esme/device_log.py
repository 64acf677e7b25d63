"""The meter's device log: with whom it works on the HAN (CS03A1, CS03A2, CS03B, CS04, CS07).

An electricity meter joins a PPMID or an HCALCS by method A, and anything that only reads it by
method B. Keys between the partners are a matter of the HAN, not of this log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gbcs.asn1.devices import DeviceLogEntry, Join, JoinDetails
from gbcs.asn1.names import JoinCode, JoinRole, Kind, ReadCode, UnjoinCode

CAPACITY: Final = 16
_METHOD_OF_CODE: Final[Mapping[int, JoinRole]] = {
    0x000D: JoinRole.METHOD_A_INITIATOR,
    0x00AB: JoinRole.METHOD_A_RESPONDER,
    0x000E: JoinRole.METHOD_B,
}
_PARTNERS: Final[Mapping[JoinRole, frozenset[int]]] = {
    JoinRole.METHOD_A_INITIATOR: frozenset({Kind.PPMID, Kind.HCALCS}),
    JoinRole.METHOD_A_RESPONDER: frozenset({Kind.PPMID, Kind.HCALCS}),
    JoinRole.METHOD_B: frozenset({Kind.TYPE2}),
}
"""Partners of an electricity meter; the exact matrix is unverified."""


@dataclass(slots=True)
class DeviceLog:
    """Devices by EUI-64, and their type."""

    kinds: dict[int, int] = field(default_factory=dict)

    def join(self, message_code: int, asked: Join) -> JoinCode:
        """Take a partner into the log, or say why not."""
        method = _METHOD_OF_CODE.get(message_code)
        if method is None or asked.method_and_role != method:
            return JoinCode.INVALID_MESSAGE_CODE_FOR_METHOD_AND_ROLE
        if asked.peer_kind not in _PARTNERS[method]:
            return JoinCode.INVALID_METHOD_AND_ROLE
        known = self.kinds.get(asked.peer)
        if known is not None and known != asked.peer_kind:
            return JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY
        if known is None and len(self.kinds) >= CAPACITY:
            return JoinCode.DEVICE_LOG_FULL
        self.kinds[asked.peer] = int(asked.peer_kind)
        return JoinCode.SUCCESS

    def unjoin(self, peer: int) -> UnjoinCode:
        """Drop a partner."""
        if peer not in self.kinds:
            return UnjoinCode.NOT_IN_DEVICE_LOG
        del self.kinds[peer]
        return UnjoinCode.SUCCESS

    def details(self) -> JoinDetails:
        """The log as CS07 returns it."""
        entries = (DeviceLogEntry(device, Kind(kind)) for device, kind in self.kinds.items())
        return JoinDetails(ReadCode.SUCCESS, tuple(entries))

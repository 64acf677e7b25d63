"""The callbacks of a dongle as plain values, told to a listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import bellows.types as t
import zigpy.types as zigpy_t
from bellows.ezsp import EZSP

from hw.bellows_ezsp import layouts, number
from hw.ezsp_layout import Report, Value
from hw.ezsp_names import NAMES

FIRST_WITH_SL_STATUS: Final = 14
_BROADCAST_TYPES: Final = (2, 4)
_NO_EUI64: Final = (0, (1 << 64) - 1)


@dataclass(frozen=True, slots=True)
class ApsHeader:
    """EmberApsFrame as we use it."""

    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    options: int
    group: int = 0
    sequence: int = 0


@lru_cache(maxsize=256)
def ember_frame(header: ApsHeader) -> t.EmberApsFrame:
    """For bellows, which only reads it."""
    return t.EmberApsFrame(
        profileId=t.uint16_t(header.profile_id),
        clusterId=t.uint16_t(header.cluster_id),
        sourceEndpoint=t.uint8_t(header.source_endpoint),
        destinationEndpoint=t.uint8_t(header.destination_endpoint),
        options=t.EmberApsOption(header.options),
        groupId=t.uint16_t(header.group),
        sequence=t.uint8_t(header.sequence),
    )


@dataclass(frozen=True, slots=True)
class Incoming:
    """One incomingMessageHandler; ``eui64`` where the firmware tells it (EZSP 14 on)."""

    header: ApsHeader
    node: int
    payload: bytes
    broadcast: bool
    lqi: int
    rssi_dbm: int
    eui64: int | None


class PortListener(Protocol):
    """Hears the dongle; called from the reader, so it must not wait."""

    def incoming(self, message: Incoming) -> None:
        """A message, or a part of one."""
        ...

    def sent(self, node: int, message_tag: int, sequence: int, outcome: t.sl_Status) -> None:
        """What became of a message."""
        ...

    def stack_status(self, status: t.sl_Status) -> None:
        """The network went up, down, or could not be joined."""
        ...

    def device_update(self, eui64: int, node: int, update: int, decision: int) -> None:
        """The trust centre met a device (EmberDeviceUpdate, EmberJoinDecision)."""
        ...

    def child_polled(self, node: int) -> None:
        """A sleepy child asked for its frames."""
        ...

    def key_established(self, partner: int, status: int) -> None:
        """A link key came, or did not; or this trust centre was asked for one (EmberKeyStatus)."""
        ...

    def network_key_switched(self, sequence: int) -> None:
        """The network key of this sequence number is in use now."""
        ...

    def lost(self, reason: str) -> None:
        """The dongle does not answer any more."""
        ...


class Callbacks:
    """Turns the callbacks of one EZSP object into calls of a listener."""

    def __init__(self, ezsp: EZSP, listener: PortListener) -> None:
        self._ezsp = ezsp
        self._listener = listener
        self._actions: dict[str, Callable[[Report], None]] = {
            "incomingMessageHandler": self._incoming,
            "messageSentHandler": self._sent,
            "stackStatusHandler": self._stack_status,
            "trustCenterJoinHandler": self._device_update,
            "pollHandler": self._child_polled,
            "zigbeeKeyEstablishmentHandler": self._key_established,
            "switchNetworkKeyHandler": self._network_key_switched,
        }

    def __call__(self, name: str, values: dict[str, Value] | list[t.uint8_t]) -> None:
        """One callback, in plain values or in those of bellows."""
        act = self._actions.get(name)
        if act is None:
            return
        if isinstance(values, dict):
            act(Report(name, values))
        else:
            keys = (NAMES.get(key, key) for key in layouts(self._ezsp)[name][2])
            act(Report(name, dict(zip(keys, map(_plain, values), strict=True))))

    def _incoming(self, report: Report) -> None:
        self._listener.incoming(
            Incoming(
                _header(report),
                report.number("node"),
                report.octets("message"),
                report.number("message_type") in _BROADCAST_TYPES,
                report.number("lqi"),
                report.number("rssi"),
                _known_eui64(report.fields.get("eui64")),
            )
        )

    def _sent(self, report: Report) -> None:
        self._listener.sent(
            report.number("node"),
            report.number("message_tag"),
            _header(report).sequence,
            self._status(report.number("status")),
        )

    def _stack_status(self, report: Report) -> None:
        self._listener.stack_status(self._status(report.number("status")))

    def _status(self, given: int) -> t.sl_Status:
        old = self._ezsp.ezsp_version < FIRST_WITH_SL_STATUS
        return t.sl_Status.from_ember_status((t.EmberStatus if old else t.sl_Status)(given))

    def _device_update(self, report: Report) -> None:
        self._listener.device_update(
            report.number("newNodeEui64"),
            report.number("newNodeId"),
            report.number("status"),
            report.number("policyDecision"),
        )

    def _key_established(self, report: Report) -> None:
        self._listener.key_established(report.number("eui64"), report.number("status"))

    def _network_key_switched(self, report: Report) -> None:
        self._listener.network_key_switched(report.number("sequenceNumber"))

    def _child_polled(self, report: Report) -> None:
        self._listener.child_polled(report.number("childId"))


def _known_eui64(eui64: Value | None) -> int | None:
    return eui64 if isinstance(eui64, int) and eui64 not in _NO_EUI64 else None


def _plain(value: t.uint8_t | t.EUI64) -> int:
    return number(value) if isinstance(value, zigpy_t.EUI64) else int(value)


def _header(report: Report) -> ApsHeader:
    aps = {k: v for k, v in report.structure("aps_frame").items() if isinstance(v, int)}
    return ApsHeader(
        aps["profileId"],
        aps["clusterId"],
        aps["sourceEndpoint"],
        aps["destinationEndpoint"],
        aps["options"],
        aps["groupId"],
        aps["sequence"],
    )

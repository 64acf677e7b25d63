"""What the household does at a display: top up, take emergency credit, switch the supply on.

One table over any meter: a PPMID sends these commands over the HAN to an electricity meter (PECS01
to PECS03), and inside GBCS messages to a gas meter (PCS01, PCS02, CS01b, GCS06).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Protocol

from gbcs.zcl.status import Status
from han.clusters import METERING, PREPAYMENT
from han.commands.metering import LocalChangeSupply, SupplyStatus
from han.commands.prepayment import (
    ConsumerTopUp,
    ConsumerTopUpResponse,
    OriginatingDevice,
    SelectAvailableEmergencyCredit,
)
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served, Side


class LocalSupply(IntEnum):
    """What LocalChangeSupply may ask for."""

    OFF_ARMED = SupplyStatus.ARMED
    ON = SupplyStatus.ON


class Till(Protocol):
    """A meter that takes payments."""

    def top_up(
        self, digits: bytes, origin: OriginatingDevice, access: Access
    ) -> ConsumerTopUpResponse:
        """Credit a token of twenty digits, or say why not."""
        ...

    def select_emergency_credit(self, origin: OriginatingDevice, access: Access) -> Status:
        """Give the consumer the emergency credit; FAILURE when there is none to give."""
        ...


class Switch(Protocol):
    """A meter whose supply the household may switch."""

    def change_supply(self, wanted: LocalSupply, access: Access) -> Status:
        """Switch it; FAILURE when that is not the household's to do now."""
        ...


def till(meter: Till) -> Served:
    """ConsumerTopUp and SelectAvailableEmergencyCredit of Prepayment 0x0705."""
    return _TILL.on(meter)


def supply_switch(meter: Switch) -> Served:
    """LocalChangeSupply of Metering 0x0702."""
    return _SWITCH.on(meter)


def _top_up(meter: Till, payload: bytes, access: Access) -> Answer:
    asked = decode(ConsumerTopUp, payload)
    origin = _origin(asked.originating_device)
    if origin is None:
        return Status.INVALID_FIELD
    return Reply(_ANSWER.id, encode(meter.top_up(asked.code, origin, access)))


def _select(meter: Till, payload: bytes, access: Access) -> Answer:
    origin = _origin(decode(SelectAvailableEmergencyCredit, payload).originating_device)
    return Status.INVALID_FIELD if origin is None else meter.select_emergency_credit(origin, access)


def _change(meter: Switch, payload: bytes, access: Access) -> Answer:
    proposed = decode(LocalChangeSupply, payload).proposed_status
    if proposed not in tuple(LocalSupply):
        return Status.INVALID_FIELD
    return meter.change_supply(LocalSupply(proposed), access)


def _origin(number: int) -> OriginatingDevice | None:
    return OriginatingDevice(number) if number in tuple(OriginatingDevice) else None


_ANSWER: Final = command_of(PREPAYMENT, "ConsumerTopUpResponse", Side.CLIENT)
_TILL: Final[Cluster[Till]] = Cluster(
    PREPAYMENT,
    commands=(
        Command(command_of(PREPAYMENT, "SelectAvailableEmergencyCredit"), _select),
        Command(command_of(PREPAYMENT, "ConsumerTopUp"), _top_up),
    ),
)
_SWITCH: Final[Cluster[Switch]] = Cluster(
    METERING, commands=(Command(command_of(METERING, "LocalChangeSupply"), _change),)
)

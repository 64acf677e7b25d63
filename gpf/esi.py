"""The GPF's ESI: what suppliers published to the gas meter, shown to displays and remote parties.

Remote parties reach the clusters through GBCS, displays over the HAN; what is tapped off is taken
by the clients of the same clusters, which no device of the home can reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from gpf.state import ProxyState
from han.clusters import DEVICE_MANAGEMENT, MESSAGING
from han.commands.device_management import PublishChangeOfSupplier
from han.commands.events import DisplayMessage
from han.messaging import MessageBoard
from han.published import published
from han.requests import command_of
from han.tariff.views import tariff_clients
from han.zcl.payload import decode
from han.zcl.tables import (
    Access,
    Answer,
    Attribute,
    Cluster,
    Command,
    Served,
    Side,
)

_SUPPLIER: Final[dict[int, Callable[[PublishChangeOfSupplier], Value]]] = {
    0x0100: lambda said: said.proposed_provider_id,
    0x0101: lambda said: said.provider_name,
    0x0102: lambda said: said.contact_details,
}
_UNKNOWN: Final[dict[int, Value]] = {0x0100: 0, 0x0101: b"", 0x0102: b""}


_CHANGE_OF_SUPPLIER: Final = command_of(DEVICE_MANAGEMENT, "PublishChangeOfSupplier", Side.CLIENT)


def supplier_server(state: ProxyState) -> Served:
    """Device Management 0x0708: who supplies, and how to reach him."""

    def read(attribute_id: int) -> Callable[[ProxyState], Value]:
        def value(held: ProxyState) -> Value:
            said = held.supplier
            return _UNKNOWN[attribute_id] if said is None else _SUPPLIER[attribute_id](said)

        return value

    table: Cluster[ProxyState] = Cluster(
        DEVICE_MANAGEMENT,
        attributes=tuple(
            Attribute(definition, read(definition.id), reportable=True)
            for definition in DEVICE_MANAGEMENT.server_attributes
            if definition.id in _SUPPLIER
        ),
    )
    said = published(
        DEVICE_MANAGEMENT,
        {PublishChangeOfSupplier: lambda _: () if state.supplier is None else (state.supplier,)},
    )
    return table.on(state).joined(said)


def tapped_clients(state: ProxyState, board: MessageBoard) -> tuple[Served, ...]:
    """The clients that take what was published to the meter: never on the HAN."""

    def supplier(held: ProxyState, payload: bytes, _access: Access) -> Answer:
        held.supplier = decode(PublishChangeOfSupplier, payload)
        return Status.SUCCESS

    def message(held: ProxyState, payload: bytes, _access: Access) -> Answer:
        held.message = board.message = decode(DisplayMessage, payload)
        return Status.SUCCESS

    management: Cluster[ProxyState] = Cluster(
        DEVICE_MANAGEMENT,
        Side.CLIENT,
        commands=(
            Command(
                command_of(DEVICE_MANAGEMENT, "PublishChangeOfSupplier", Side.CLIENT), supplier
            ),
        ),
    )
    messaging: Cluster[ProxyState] = Cluster(
        MESSAGING,
        Side.CLIENT,
        commands=(Command(command_of(MESSAGING, "DisplayMessage", Side.CLIENT), message),),
    )
    return (*tariff_clients(state.tariff), management.on(state), messaging.on(state))

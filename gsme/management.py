"""What a supplier sets at a gas meter besides tariff and money: supply, identity, events, texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from struct import Struct
from struct import error as StructError
from typing import Final, TypeVar

from device.sample_log import NETWORK
from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gsme import codes
from gsme.works import Works
from han.clusters import DEVICE_MANAGEMENT, MESSAGING, METERING
from han.commands.device_management import (
    EventSetting,
    GetEventConfiguration,
    PublishChangeOfSupplier,
    ReportEventConfiguration,
    RequestNewPasswordResponse,
    SetEventConfiguration,
    UpdateCIN,
    UpdateSiteID,
)
from han.commands.events import DisplayMessage
from han.commands.metering import (
    ChangeSupply,
    SetSupplyStatus,
    SetUncontrolledFlowThreshold,
    SnapshotCause,
    StartSampling,
    StartSamplingResponse,
    SupplyStatus,
    SupplyStatusResponse,
)
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Cluster,
    ClusterDefinition,
    Command,
    Reply,
    Served,
    Side,
)

NO_SAMPLE_ID: Final = 0xFFFF
CONSUMER_MENU: Final = 2
_BY_LIST: Final = 0
_EVENT: Final = Struct("<H")

C = TypeVar("C")
_Handle = Callable[[Works, C, Access], Answer]


def change_supply(works: Works, asked: ChangeSupply, access: Access) -> Answer:
    """Close the valve (GCS32) or arm it (GCS39); nobody opens it from afar."""
    if asked.proposed_status == SupplyStatus.OFF:
        works.valve.close()
    elif asked.proposed_status == SupplyStatus.ARMED:
        works.valve.arm()
    else:
        return Status.INVALID_FIELD
    status = works.model.configuration.supply_status
    answer = SupplyStatusResponse(
        asked.provider_id, asked.issuer_event_id, asked.implementation_time, status
    )
    return Reply(_SUPPLY_RESPONSE.id, encode(answer))


def set_supply_status(works: Works, asked: SetSupplyStatus, access: Access) -> Answer:
    """What happens to the supply on tamper, depletion and uncontrolled flow."""
    configuration = works.model.configuration
    configuration.tamper_state, configuration.depletion_state = asked.tamper, asked.depletion
    configuration.uncontrolled_flow_state = asked.uncontrolled_flow
    return Status.SUCCESS


def set_flow_threshold(works: Works, asked: SetUncontrolledFlowThreshold, access: Access) -> Answer:
    """When flow counts as uncontrolled (GCS24, GCS24a)."""
    configuration = works.model.configuration
    configuration.flow_threshold, configuration.flow_unit = asked.threshold, asked.unit
    configuration.flow_multiplier = asked.multiplier
    configuration.flow_divisor = asked.divisor
    configuration.flow_stabilisation_ds = asked.stabilisation_ds
    configuration.flow_measurement_s = asked.measurement_s
    return Status.SUCCESS


def start_sampling(works: Works, asked: StartSampling, access: Access) -> Answer:
    """Record a network data log (GCS31); 0xFFFF while one is being recorded, or for another kind.

    The ZCL has no other way to say no.
    """
    until = works.model.sampling_until
    busy = until is not None and access.now < until
    fits = asked.interval_s == NETWORK.interval_s and asked.max_samples <= NETWORK.capacity
    if busy or not fits:
        return _sampling(NO_SAMPLE_ID)
    works.start_sampling(access.now, asked.max_samples * timedelta(seconds=asked.interval_s))
    return _sampling(NETWORK.sample_id)


def forget_pin(works: Works, asked: RequestNewPasswordResponse, access: Access) -> Answer:
    """Take the consumer's PIN away (GCS11)."""
    if asked.password_type != CONSUMER_MENU:
        return Status.INVALID_FIELD
    works.model.configuration.privacy_pin = False
    return Status.SUCCESS


def set_site(works: Works, asked: UpdateSiteID, access: Access) -> Answer:
    """Write the MPRN (GCS41)."""
    works.model.configuration.site_id = asked.site_id
    return Status.SUCCESS


def set_customer(works: Works, asked: UpdateCIN, access: Access) -> Answer:
    """Write the customer identification number that the meter shows (GCS36)."""
    works.model.configuration.customer_id = asked.customer_id_number
    return Status.SUCCESS


def set_events(works: Works, asked: SetEventConfiguration, access: Access) -> Answer:
    """Say what to do about some events (GCS20): a list of them, as its octets are."""
    if asked.configuration_control != _BY_LIST:
        return Status.INVALID_FIELD
    for event in _listed(asked.body):
        works.model.configuration.event_settings[event] = asked.configuration
    return Status.SUCCESS


def _listed(body: bytes) -> list[int]:
    count, octets = (body[0], body[1:]) if body else (0, b"")
    try:
        found = [each for (each,) in _EVENT.iter_unpack(octets)]
    except StructError as exc:
        raise MalformedMessage("a list of events is cut short") from exc
    if len(found) != count:
        raise MalformedMessage(f"a list of {count} events holds {len(found)}")
    return found


def get_events(works: Works, asked: GetEventConfiguration, access: Access) -> Answer:
    """Tell what is done about an event, or about all that the supplier configures (GCS20r)."""
    held = works.model.configuration.event_settings
    if asked.event_id == codes.EVERY_SUPPLIER_EVENT:
        found = tuple(EventSetting(*each) for each in held.items())
    else:
        found = tuple(EventSetting(*each) for each in held.items() if each[0] == asked.event_id)
    if not found:
        return Status.NOT_FOUND
    return Reply(_CONFIGURATION.id, encode(ReportEventConfiguration(0, 1, found)))


def change_supplier(works: Works, asked: PublishChangeOfSupplier, access: Access) -> Answer:
    """Write the supplier's name and telephone number (GCS44)."""
    before = works.model.supplier
    if before is not None and before.proposed_provider_id != asked.proposed_provider_id:
        works.snapshot_for(SnapshotCause.CHANGE_OF_SUPPLIER)
    works.model.supplier = asked
    return Status.SUCCESS


def show(works: Works, asked: DisplayMessage, access: Access) -> Answer:
    """Show a text to the consumer (GCS07)."""
    works.model.message = asked
    return Status.SUCCESS


def metering_commands(works: Works) -> Served:
    """The supplier's commands on Metering."""
    return _serve(
        works,
        METERING,
        Side.SERVER,
        (
            _command(METERING, Side.SERVER, ChangeSupply, change_supply),
            _command(METERING, Side.SERVER, SetSupplyStatus, set_supply_status),
            _command(METERING, Side.SERVER, SetUncontrolledFlowThreshold, set_flow_threshold),
            _command(METERING, Side.SERVER, StartSampling, start_sampling),
        ),
    )


def clients(works: Works) -> tuple[Served, ...]:
    """The clients of Device Management and Messaging, which take what they are told."""
    management, side = DEVICE_MANAGEMENT, Side.CLIENT
    return (
        _serve(
            works,
            management,
            side,
            (
                _command(management, side, PublishChangeOfSupplier, change_supplier),
                _command(management, side, RequestNewPasswordResponse, forget_pin),
                _command(management, side, UpdateSiteID, set_site),
                _command(management, side, SetEventConfiguration, set_events),
                _command(management, side, GetEventConfiguration, get_events),
                _command(management, side, UpdateCIN, set_customer),
            ),
        ),
        _serve(works, MESSAGING, side, (_command(MESSAGING, side, DisplayMessage, show),)),
    )


def _serve(
    works: Works, definition: ClusterDefinition, side: Side, table: tuple[Command[Works], ...]
) -> Served:
    cluster: Cluster[Works] = Cluster(definition, side, commands=table)
    return cluster.on(works)


def _command(
    definition: ClusterDefinition, side: Side, kind: type[C], handle: _Handle[C]
) -> Command[Works]:
    command = command_of(definition, kind.__name__, side)
    return Command(command, lambda works, payload, a: handle(works, decode(kind, payload), a))


def _sampling(sample_id: int) -> Reply:
    return Reply(_SAMPLING_RESPONSE.id, encode(StartSamplingResponse(sample_id)))


_SUPPLY_RESPONSE: Final = command_of(METERING, "SupplyStatusResponse", Side.CLIENT)
_SAMPLING_RESPONSE: Final = command_of(METERING, "StartSamplingResponse", Side.CLIENT)
_CONFIGURATION: Final = command_of(DEVICE_MANAGEMENT, "ReportEventConfiguration")

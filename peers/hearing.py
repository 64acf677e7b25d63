"""What meters tell a display unasked: reports, publications, messages; the client clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gbcs.zcl.general import AttributeValue
from gbcs.zcl.status import Status
from han.clusters import CALENDAR, DEVICE_MANAGEMENT, EVENTS, METERING, PREPAYMENT, PRICE, TIME
from han.commands.events import PublishEvent
from han.commands.price import PublishPrice
from han.requests import command_of
from han.zcl.payload import decode
from han.zcl.tables import Access, Answer, Cluster, ClusterDefinition, Command, Served, Side


@dataclass(frozen=True, slots=True)
class Hearing:
    """Where what is told goes; each is called with the peer that tells it.

    ``changed`` hears of a publication that the display reads itself, ``tenancy`` of a new tenant.
    """

    price: Callable[[int, PublishPrice], object]
    event: Callable[[int, PublishEvent], object]
    report: Callable[[int, int, dict[int, object]], object]
    changed: Callable[[int], object]
    tenancy: Callable[[int], object]


def _ignore(*_told: object) -> None:
    """Hear nothing."""


NOBODY: Final = Hearing(_ignore, _ignore, _ignore, _ignore, _ignore)
"""Hears of nothing: for who only wants to know what a display uses."""


def clients(hearing: Hearing) -> tuple[Served, ...]:
    """The client clusters of a display, but for Messaging."""
    return tuple(table.on(hearing) for table in _TABLES)


def _price(hearing: Hearing, payload: bytes, access: Access) -> Answer:
    hearing.price(access.peer, decode(PublishPrice, payload))
    return Status.SUCCESS


def _event(hearing: Hearing, payload: bytes, access: Access) -> Answer:
    hearing.event(access.peer, decode(PublishEvent, payload))
    return Status.SUCCESS


def _changed(hearing: Hearing, payload: bytes, access: Access) -> Answer:
    del payload  # it is read when it is asked for
    hearing.changed(access.peer)
    return Status.SUCCESS


def _tenancy(hearing: Hearing, payload: bytes, access: Access) -> Answer:
    del payload  # the display asks, as it would without being told
    hearing.tenancy(access.peer)
    return Status.SUCCESS


def _report(hearing: Hearing, records: tuple[AttributeValue, ...], access: Access) -> Answer:
    hearing.report(
        access.peer, METERING.cluster_id, {each.attribute_id: each.value for each in records}
    )
    return Status.SUCCESS


def _changes(definition: ClusterDefinition, *names: str) -> tuple[Command[Hearing], ...]:
    return tuple(Command(command_of(definition, name, Side.CLIENT), _changed) for name in names)


def _asks(definition: ClusterDefinition, *names: str) -> tuple[int, ...]:
    return tuple(command_of(definition, name).id for name in names)


_TABLES: Final[tuple[Cluster[Hearing], ...]] = (
    Cluster(TIME, Side.CLIENT),
    Cluster(
        METERING, Side.CLIENT, reported=_report, generated=_asks(METERING, "LocalChangeSupply")
    ),
    Cluster(
        PRICE,
        Side.CLIENT,
        commands=(
            Command(command_of(PRICE, "PublishPrice", Side.CLIENT), _price),
            *_changes(
                PRICE, "PublishTariffInformation", "PublishPriceMatrix", "PublishBlockThresholds"
            ),
            *_changes(PRICE, "PublishBlockPeriod", "PublishBillingPeriod"),
        ),
        generated=_asks(PRICE, "GetCurrentPrice"),
    ),
    Cluster(
        PREPAYMENT,
        Side.CLIENT,
        generated=_asks(PREPAYMENT, "ConsumerTopUp", "SelectAvailableEmergencyCredit"),
    ),
    Cluster(
        CALENDAR,
        Side.CLIENT,
        commands=_changes(
            CALENDAR,
            "PublishCalendar",
            "PublishDayProfile",
            "PublishWeekProfile",
            "PublishSeasons",
            "PublishSpecialDays",
        ),
    ),
    Cluster(
        DEVICE_MANAGEMENT,
        Side.CLIENT,
        commands=(
            Command(command_of(DEVICE_MANAGEMENT, "PublishChangeOfTenancy", Side.CLIENT), _tenancy),
            *_changes(DEVICE_MANAGEMENT, "PublishChangeOfSupplier", "UpdateSiteID", "UpdateCIN"),
        ),
        generated=_asks(DEVICE_MANAGEMENT, "GetChangeOfTenancy"),
    ),
    Cluster(
        EVENTS,
        Side.CLIENT,
        commands=(Command(command_of(EVENTS, "PublishEvent", Side.CLIENT), _event),),
        generated=_asks(EVENTS, "GetEventLog"),
    ),
)

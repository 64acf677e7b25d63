"""Cluster definitions against two independent lists: the GBZ use cases, and zigpy's clusters."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest
import zigpy.zcl.clusters.general as zigpy_general
import zigpy.zcl.clusters.smartenergy as zigpy_smart_energy

from gbcs.zcl.status import Status
from gbcs.zcl.types import Value
from han.clusters import (
    BASIC,
    METERING,
    OTA_UPGRADE,
    POLL_CONTROL,
    TIME,
    by_id,
    every_cluster,
)
from han.clusters.mirrored import mirrored, mirrored_for
from han.endpoint import Endpoint
from han.zcl.tables import Access, ClusterDefinition, Failure, Party, Side
from tests.han.home import START

USE_CASE_CLUSTERS: dict[str, dict[str, dict[str, list[str]]]] = json.loads(
    resources.files("gbcs.catalogue").joinpath("clusters.json").read_text()
)


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@pytest.mark.parametrize("number", USE_CASE_CLUSTERS)
def test_every_attribute_and_command_of_a_use_case_is_defined(number: str) -> None:
    definition = by_id(int(number, 16))
    for attribute_id, (_, kind) in USE_CASE_CLUSTERS[number]["attributes"].items():
        attribute = definition.attribute(int(attribute_id, 16))
        assert attribute is not None, attribute_id
        assert attribute.type.name.replace("_", "") == kind.replace("_", "")
    for key, (name, _) in USE_CASE_CLUSTERS[number]["commands"].items():
        way, command_id = key.split()
        side = Side.SERVER if way == "to_server" else Side.CLIENT
        command = definition.command(int(command_id, 16), side)
        assert command is not None, key
        assert plain(command.name) == plain(name)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (zigpy_smart_energy.Metering, METERING),
        (zigpy_general.Basic, BASIC),
        (zigpy_general.Time, TIME),
        (zigpy_general.PollControl, POLL_CONTROL),
        (zigpy_general.Ota, OTA_UPGRADE),
    ],
)
def test_types_agree_with_zigpy(theirs: object, ours: ClusterDefinition) -> None:
    known = getattr(theirs, "attributes")  # noqa: B009 - zigpy's classes are untyped here
    shared = 0
    for side in Side:
        for attribute in ours.attributes(side):
            other = known.get(attribute.id)
            if other is not None and side is (Side.CLIENT if ours is OTA_UPGRADE else Side.SERVER):
                assert int(other.zcl_type) == attribute.type, attribute.name
                shared += 1
    assert shared > 6


def test_the_ladders_of_tiers_blocks_and_periods_end_where_they_should() -> None:
    names = {a.id: a.name for a in METERING.server_attributes}
    assert names[0x0100] == "CurrentTier1SummationDelivered"
    assert names[0x015F] == "CurrentTier48SummationReceived"
    assert names[0x0703] == "CurrentNoTierBlock4SummationDelivered"
    assert names[0x0710] == "CurrentTier1Block1SummationDelivered"
    assert names[0x0401] == "CurrentDayConsumptionDelivered"
    assert names[0x0C01] == "CurrentDayAlternativeConsumptionDelivered"
    assert names[0x0C2C] == "PreviousDay8AlternativeConsumptionDelivered"
    assert names[0x0C3A] == "PreviousWeek5AlternativeConsumptionDelivered"
    assert names[0x0C5A] == "PreviousMonth13AlternativeConsumptionDelivered"
    costs = {a.id: a.name for a in by_id(0x0705).server_attributes}
    assert costs[0x051C] == "CurrentDayCostConsumptionDelivered"
    assert costs[0x052C] == "PreviousDay8CostConsumptionDelivered"
    assert costs[0x053A] == "PreviousWeek5CostConsumptionDelivered"
    assert costs[0x055A] == "PreviousMonth13CostConsumptionDelivered"
    assert {a.id: a.name for a in by_id(0x0700).server_attributes}[0x0410] == "Tier1Block1Price"


@pytest.mark.parametrize("definition", every_cluster(), ids=lambda d: d.name)
def test_identifiers_are_unique_and_answers_exist(definition: ClusterDefinition) -> None:
    for side in Side:
        ids = [a.id for a in definition.attributes(side)]
        assert len(ids) == len(set(ids))
        for command in definition.received(side):
            for answer in command.answered_by:
                assert definition.command(answer, side.other) is not None


def test_an_unknown_cluster_is_empty() -> None:
    assert by_id(0xFC00) == ClusterDefinition(0xFC00, "0xFC00")


def value_of(attribute_id: int) -> Value | Failure:
    return 7 if attribute_id == 0x0000 else Failure(Status.UNSUPPORTED_ATTRIBUTE)


def test_a_mirrored_cluster_reads_by_identifier_and_lists_what_it_holds() -> None:
    endpoint = Endpoint(
        2, 0x0501, [mirrored(METERING, Side.SERVER, value_of, only={0x0000, 0x0001})]
    )
    served = endpoint.server.clusters[METERING.cluster_id, Side.SERVER]
    assert list(served.attributes) == [0x0000, 0x0001]
    access = Access(peer=1, now=START)
    assert served.attributes[0].read(access) == 7
    assert served.attributes[1].read(access) == Failure(Status.UNSUPPORTED_ATTRIBUTE)
    assert endpoint.descriptor.input_clusters == (0x0702,)


def test_a_mirrored_cluster_may_show_the_household_less() -> None:
    hidden = Failure(Status.NOT_AUTHORIZED)
    served = mirrored_for(
        METERING, Side.SERVER, lambda a: (lambda _: hidden) if a.party is Party.HAN else value_of
    )
    assert served.attributes[0].read(Access(1, START)) == hidden
    assert served.attributes[0].read(Access(1, START, Party.REMOTE)) == 7

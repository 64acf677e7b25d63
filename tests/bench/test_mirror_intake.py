"""What a meter reports reaches the mirror as the type it is served as, or is refused by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from bench.home import Home, living_home
from bench.rig import Rig
from device.events import ReportRefused
from device.timeline import Timeline
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    AttributeValue,
    AttributeValues,
    DefaultResponse,
    GeneralCommand,
    ReadAttributes,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.clusters import METERING
from han.zcl.tables import Access

RIG: Final = Rig.model_validate({"hub": {"radio": "ether:"}})
UNTIL_MIRRORED: Final = timedelta(minutes=31)
CURRENT_SUMMATION, STATUS, EXTENDED_STATUS = 0x0000, 0x0200, 0x0204
PUSH_ENDED = AttributeValue(0xFFFE, DataType.ENUM8, 1)
REPORT, READ = 0x18, 0x00


def general(command: GeneralCommand, payload: bytes, control: int) -> Frame:
    return Frame(control, 1, command, payload)


def report(home: Home, *records: AttributeValue) -> tuple[Frame, ...]:
    """What the mirror says to a report of its meter."""
    mirror = home.gpf.han.mirror_endpoint
    assert home.meter is not None
    access = Access(peer=home.meter.chassis.eui64, now=home.timeline.now(), endpoint=mirror.number)
    payload = AttributeValues(records).to_bytes()
    frame = general(GeneralCommand.REPORT_ATTRIBUTES, payload, REPORT)
    answers = mirror.server.execute(METERING.cluster_id, frame, access)
    home.host.kick()
    return answers


def read(home: Home, *attribute_ids: int) -> list[AttributeStatus]:
    """What the mirror answers a display."""
    payload = ReadAttributes(attribute_ids).to_bytes()
    frame = general(GeneralCommand.READ_ATTRIBUTES, payload, READ)
    access = Access(peer=0x1D, now=home.timeline.now())
    answers = home.gpf.han.mirror_endpoint.server.execute(METERING.cluster_id, frame, access)
    return list(ReadAttributesResponse.parse(answers[0].payload).records)


@pytest.mark.parametrize(
    "misfit",
    [
        pytest.param(AttributeValue(STATUS, DataType.UINT32, 820_924_200), id="too large a number"),
        pytest.param(AttributeValue(STATUS, DataType.INT16, -1), id="a negative number"),
        pytest.param(AttributeValue(STATUS, DataType.OCTET_STRING, b"on"), id="no number at all"),
        pytest.param(AttributeValue(EXTENDED_STATUS, DataType.CHAR_STRING, "on"), id="a text"),
    ],
)
async def test_a_value_that_does_not_fit_its_attribute_is_refused_and_the_others_are_shown(
    timeline: Timeline, misfit: AttributeValue
) -> None:
    refused: list[ReportRefused] = []
    async with living_home(RIG, timeline) as home:
        await timeline.sleep(UNTIL_MIRRORED)
        home.events.subscribe(refused.append, ReportRefused)
        register = AttributeValue(CURRENT_SUMMATION, DataType.UINT48, 123_456)
        (answer,) = report(home, misfit, register)
        assert DefaultResponse.parse(answer.payload).status == Status.INVALID_DATA_TYPE
        assert [each.attribute_id for each in refused] == [misfit.attribute_id]
        report(home, PUSH_ENDED)
        shown = read(home, CURRENT_SUMMATION, misfit.attribute_id)
    assert shown[0].value == 123_456
    assert shown[1].value != misfit.value


async def test_a_value_of_a_narrower_type_is_shown_as_the_type_of_the_attribute(
    timeline: Timeline,
) -> None:
    async with living_home(RIG, timeline) as home:
        await timeline.sleep(UNTIL_MIRRORED)
        report(home, AttributeValue(CURRENT_SUMMATION, DataType.UINT24, 4_711), PUSH_ENDED)
        (shown,) = read(home, CURRENT_SUMMATION)
    assert (shown.type_id, shown.value) == (DataType.UINT48, 4_711)

"""The catalogue agrees with the reference messages."""

import subprocess
import sys

import pytest

from gbcs.catalogue import (
    Operation,
    Protection,
    Technology,
    alert_name,
    all_use_cases,
    attribute,
    by_code,
    by_name,
    command,
    dlms_items,
    gbz_components,
)
from gbcs.catalogue.clusters import cluster_name
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError
from gbcs.gbz import Gbz
from gbcs.party import DeviceType, Role
from gbcs.rtds import RtdsFile
from gbcs.stamp import Reliability


def test_gcs13a_by_name_and_by_code() -> None:
    gcs13a = by_name("gcs13a")
    assert by_code(0x0074) is gcs13a
    assert gcs13a.title == "Read GSME Consumption Register"
    assert gcs13a.targets == (DeviceType.GPF, DeviceType.GSME)
    assert gcs13a.roles == (Role.SUPPLIER, Role.NETWORK_OPERATOR)
    assert (gcs13a.stamped, gcs13a.encrypted, gcs13a.critical) == (True, True, False)
    assert gcs13a.protections(Cra.RESPONSE) == (Protection.MAC,)
    [asked] = gbz_components("GCS13a", Cra.COMMAND)
    assert asked.attributes == (0x0302, 0x0301, 0x0300, 0x0000)
    [answered] = gbz_components("GCS13a", Cra.RESPONSE)
    assert (answered.frame_control, answered.encrypted) == (0x18, True)


def test_what_is_unknown_says_so() -> None:
    assert by_code(0x7FFF) is None
    assert alert_name(0x0001) is None
    assert attribute(0x0702, 0xFFFF) is None
    assert command(0x9999, 0, from_server=True) is None
    with pytest.raises(LocalError, match=r"no use case is called 'XYZ01'$"):
        by_name("XYZ01")
    with pytest.raises(LocalError, match="there are GCS13a, GCS13c, GCS13b"):
        by_name("GCS13")


def test_clusters_and_alerts_have_names() -> None:
    assert cluster_name(0x0702) == "Metering"
    spec = attribute(0x0702, 0x0000)
    assert spec is not None
    assert (spec.name, spec.type_name) == ("CurrentSummationDelivered", "UINT48")
    sampled = command(0x0702, 0x07, from_server=True)
    assert sampled is not None
    assert sampled.name == "GetSampledDataResponse"
    assert alert_name(0x8F72)


def test_names_and_codes_are_unique() -> None:
    cases = all_use_cases()
    assert len({case.name.lower() for case in cases}) == len(cases) >= 240
    assert len({case.message_code for case in cases}) == len(cases)


def test_every_reference_message_has_a_use_case(rtds_files: list[RtdsFile]) -> None:
    for file in rtds_files:
        message = Message.parse(file.octets)
        use_case = by_code(message.message_code)
        assert use_case is not None, file.name
        is_gbz = message.payload[:2] == b"\x01\x09"
        if use_case.technology is not Technology.ANY:
            assert is_gbz == (use_case.technology is Technology.GBZ), file.name
        if message.cra is Cra.RESPONSE:
            assert use_case.stamped == (message.date_time is not None), file.name


def test_a_stamp_with_a_clock_status_only_where_the_gas_proxy_answers(
    rtds_files: list[RtdsFile],
) -> None:
    told = set()
    for file in rtds_files:
        stamp = Message.parse(file.octets).date_time
        if stamp is not None and stamp.reliability is not Reliability.NOT_SPECIFIED:
            told.add(file.name.split("_")[0])
    assert told <= {"GCS13a", "GCS13b", "GCS13c", "GCS14", "GCS60a"}


def test_every_reference_gbz_command_is_what_the_catalogue_lists(
    rtds_files: list[RtdsFile],
) -> None:
    for file in rtds_files:
        message = Message.parse(file.octets)
        use_case = by_code(message.message_code)
        assert use_case is not None
        if message.cra is not Cra.COMMAND or use_case.technology is not Technology.GBZ:
            continue
        remaining = list(Gbz.parse(message.payload).components)
        for spec in gbz_components(use_case.name, Cra.COMMAND):
            count = 0
            while remaining and count < spec.most:
                component = remaining[0]
                if (component.cluster_id, component.frame.command_id) != (
                    spec.cluster_id,
                    spec.command_id,
                ):
                    break
                assert component.frame.frame_control == spec.frame_control, file.name
                assert (component.from_date_time is not None) == spec.from_date_time, file.name
                remaining.pop(0)
                count += 1
            assert count >= spec.least, file.name
        assert not remaining, file.name


def test_dlms_items_of_a_protected_read() -> None:
    [item] = dlms_items("ECS17b")
    assert item.operation is Operation.ACTION
    assert (item.at.class_id, item.at.logical_name, item.at.index) == (30, "0-0:43.2.8.255", 1)
    assert [protected.logical_name for protected in item.protects] == ["0-0:94.44.34.10"]


def test_importing_the_language_brings_no_radio_and_no_event_loop() -> None:
    script = (
        "import sys, gbcs, gbcs.envelope, gbcs.protection, gbcs.rtds, gbcs.gbz, gbcs.catalogue\n"
        "print([m for m in ('zigpy', 'bellows', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

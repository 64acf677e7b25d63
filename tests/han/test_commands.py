"""Command payloads against the use-case catalogue, zigpy, and every reference message."""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources
from typing import get_args, get_type_hints

import pytest
import zigpy.zcl.clusters.smartenergy as zigpy_smart_energy
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.envelope import Message
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile
from gbcs.zcl.types import DataType
from han.clusters import DEMAND_RESPONSE, EVENTS, PREPAYMENT, every_cluster
from han.commands import metering, payload_class, prepayment
from han.commands.device_management import EventSetting, ReportEventConfiguration
from han.commands.events import EventEntry, GetEventLog, PublishEventLog
from han.zcl.payload import decode, encode
from han.zcl.tables import ClusterDefinition, Side

CATALOGUE: dict[str, dict[str, dict[str, tuple[str, list[list[str]]]]]] = json.loads(
    resources.files("gbcs.catalogue").joinpath("clusters.json").read_text()
)
COMMANDS = [
    pytest.param(int(number, 16), key, parameters, id=f"{number} {name}")
    for number, row in CATALOGUE.items()
    for key, (name, parameters) in row["commands"].items()
]


def wire_names(kind: type) -> list[str]:
    names = []
    for hint in get_type_hints(kind, include_extras=True).values():
        for candidate in (hint, *get_args(hint)):
            mark = next(iter(getattr(candidate, "__metadata__", ())), None)
            if mark is not None:
                names.append(mark.name if isinstance(mark, DataType) else "COMPOSITE")
                break
    return names


@pytest.mark.parametrize(("cluster_id", "key", "parameters"), COMMANDS)
def test_every_parameter_of_a_use_case_has_its_type(
    cluster_id: int, key: str, parameters: list[list[str]]
) -> None:
    way, command_id = key.split()
    side = Side.SERVER if way == "to_server" else Side.CLIENT
    kind = payload_class(cluster_id, side, int(command_id, 16))
    assert kind is not None
    for ours, (name, theirs) in zip(wire_names(kind), parameters, strict=False):
        if theirs == "COMPOSITE":
            break
        assert ours.replace("_", "") == theirs.upper().replace("_", ""), name


def components(files: list[RtdsFile], keys: KeyStore) -> list[tuple[str, Component]]:
    """Every cluster command in the reference messages, opened where the keys allow."""
    found = []
    for file in files:
        try:
            message = Message.parse(file.octets)
            gbz = Gbz.parse(message.payload)
            if gbz.has_sealed:
                gbz = gbz.opened(attribute_cipher(message, keys))
        except GbcsError:
            continue
        found += [(file.name, c) for c in gbz.components if c.frame.is_cluster_command]
    return found


def test_every_command_in_the_reference_messages_is_read_and_written_again(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    kinds: Counter[type] = Counter()
    for name, component in components(rtds_files, rtds_keys):
        frame = component.frame
        side = Side.CLIENT if frame.from_server else Side.SERVER
        kind = payload_class(component.cluster_id, side, frame.command_id)
        assert kind is not None, name
        assert encode(decode(kind, frame.payload)) == frame.payload, name
        kinds[kind] += 1
    assert sum(kinds.values()) > 400
    assert len(kinds) > 50


def test_an_event_log_as_a_reference_message_has_it() -> None:
    octets = bytes.fromhex("2000000100031f8f00fb351c00035481d10b361c02009b")
    log = decode(PublishEventLog, octets)
    assert log.total_events == 32
    assert log.entries[0] == EventEntry(3, 0x8F1F, 0x1C35FB00)
    assert log.entries[1].data == bytes.fromhex("009b")
    assert encode(log) == octets
    assert GetEventLog(0x16, 0, 0, 0xFFFFFFFF, 0, 0).log_id == 6


def test_top_ups_and_event_settings_are_lists_of_records() -> None:
    octets = bytes.fromhex("00010d81180e8108")
    report = decode(ReportEventConfiguration, octets)
    assert report.settings == (EventSetting(0x810D, 0x18), EventSetting(0x810E, 0x08))
    with pytest.raises(MalformedMessage):
        decode(ReportEventConfiguration, octets[:-1])
    empty = decode(prepayment.PublishTopUpLog, b"\x00\x01")
    assert empty.top_ups == ()


def test_zigpy_agrees_on_metering() -> None:
    sampled = metering.GetSampledDataResponse(1, 2, 0, 0xFFFF, 2, (5, 0xFFFFFF))
    octets = encode(sampled)
    theirs, left = zigpy_smart_energy.Metering.client_commands[0x07].schema.deserialize(octets)
    assert left == b""
    assert (theirs.sample_id, theirs.sample_request_interval) == (1, 0xFFFF)
    snapshot = metering.GetSnapshot(1, 2, 3, metering.SnapshotCause.CHANGE_OF_SUPPLIER)
    octets = encode(snapshot)
    theirs, left = zigpy_smart_energy.Metering.server_commands[0x06].schema.deserialize(octets)
    assert left == b""
    assert int(theirs.snapshot_cause) == 1 << 13
    flow = metering.SetUncontrolledFlowThreshold(1, 2, 3, 1, 1, 10000, 60, 300)
    theirs, _ = zigpy_smart_energy.Metering.server_commands[0x0E].schema.deserialize(encode(flow))
    assert (theirs.divisor, theirs.stabilisation_period, theirs.measurement_period) == (
        10000,
        60,
        300,
    )


@pytest.mark.parametrize("definition", [PREPAYMENT, EVENTS, DEMAND_RESPONSE], ids=lambda d: d.name)
def test_no_command_of_these_clusters_is_without_a_payload(definition: ClusterDefinition) -> None:
    for side in Side:
        for command in definition.received(side):
            assert payload_class(definition.cluster_id, side, command.id), command.name


KINDS = sorted(
    {
        kind
        for cluster in every_cluster()
        for side in Side
        for command in cluster.received(side)
        if (kind := payload_class(cluster.cluster_id, side, command.id)) is not None
    },
    key=lambda kind: kind.__qualname__,
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@given(octets=st.binary(max_size=60))
@settings(max_examples=15)
def test_any_octets_are_a_payload_or_malformed(kind: type, octets: bytes) -> None:
    try:
        value: object = decode(kind, octets)
    except MalformedMessage:
        return
    again = encode(value)
    assert decode(kind, again) == value

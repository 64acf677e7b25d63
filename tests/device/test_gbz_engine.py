"""Components executed one after the other, against reference messages and by the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device.command import Command, Outcome
from device.gbz_engine import EngineSettings, GbzEngine
from device.store import MemoryStore
from gbcs.catalogue import Technology, by_code, by_name
from gbcs.envelope import Message
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile, pairs
from gbcs.zcl.frame import Frame, frame_control
from gbcs.zcl.general import DefaultResponse, ReadAttributesResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType
from han.zcl.server import ZclServer
from han.zcl.tables import (
    Access,
    Cluster,
    ClusterDefinition,
    CommandDefinition,
    Failure,
    Party,
    Reply,
)
from han.zcl.tables import (
    Command as ClusterCommand,
)
from tests.device.rig import GPF, HARDWARE_FAILURE, MIDNIGHT, SUPPLIER, gas_values, server_of


def executed(engine: GbzEngine, components: tuple[Component, ...], code: int = 0x0074) -> Outcome:
    message = Message(
        cra=1,  # type: ignore[arg-type]  # only the engine looks at it
        originator_counter=1,
        originator=SUPPLIER,
        recipient=GPF,
        message_code=code,
        payload=b"",
    )
    use_case = by_code(code)
    assert use_case is not None
    with MemoryStore().transaction() as unit:
        return engine(Command(message, use_case, None, MIDNIGHT, unit, Gbz(components)))


class Recorded:
    """Answers with the frames that a reference Response holds, found by sequence number.

    Frame control and encryption are taken away: the engine has to know them.
    """

    def __init__(self, response: Gbz) -> None:
        self.response = response
        self.asked: list[int] = []

    def execute(self, cluster_id: int, frame: Frame, access: Access) -> tuple[Frame, ...]:
        assert access.party is Party.REMOTE
        self.asked.append(frame.sequence)
        return tuple(
            replace(
                part.frame,
                frame_control=frame_control(
                    cluster_command=part.frame.is_cluster_command,
                    from_server=not frame.from_server,
                ),
            )
            for part in self.response.components
            if part.frame.sequence == frame.sequence and part.cluster_id == cluster_id
        )


def test_every_reference_response_follows_from_what_its_components_did(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    checked = stopped = 0
    for command_file, response_file in pairs(rtds_files):
        asked, answer = Message.parse(command_file.octets), Message.parse(response_file.octets)
        use_case = by_code(asked.message_code)
        if use_case is None or use_case.technology is not Technology.GBZ:
            continue
        expected = Gbz.parse(answer.payload)
        if expected.has_sealed:
            try:
                cipher = attribute_cipher(answer, rtds_keys, asked.certificate)
            except Exception:  # noqa: BLE001 - keys of an unpublished party
                continue
            expected = expected.opened(cipher)
        recorded = Recorded(expected)
        components = Gbz.parse(asked.payload).components
        outcome = executed(GbzEngine(recorded), components, asked.message_code)
        assert outcome.payload == expected, response_file.name
        checked += 1
        stopped += len(recorded.asked) < len(components)
    assert checked > 40
    assert stopped > 3


def read(*attribute_ids: int, cluster_id: int = 0x0702, sequence: int = 0) -> Component:
    payload = b"".join(i.to_bytes(2, "little") for i in attribute_ids)
    return Component(cluster_id, Frame(0, sequence, 0, payload))


def records(component: Component) -> list[tuple[int, int]]:
    found = ReadAttributesResponse.parse(component.frame.payload).records
    return [(record.attribute_id, record.status) for record in found]


def test_unknown_attribute_leaves_the_others_alone() -> None:
    outcome = executed(GbzEngine(server_of(gas_values())), (read(0x0000, 0xBEEF, 0x0300),))
    assert isinstance(outcome.payload, Gbz)
    (answer,) = outcome.payload.components
    # 0x3039 = 12.345 m3, then UNSUPPORTED_ATTRIBUTE alone, then cubic metres
    assert answer.frame.payload.hex() == "0000002539300000000" + "0" + "efbe86" + "0003003001"
    assert answer.encrypted
    assert [r.ok for r in outcome.returned] == [True, False, True]
    assert outcome.failed == 0


def test_a_hard_fault_answers_its_own_error_and_stops_the_rest() -> None:
    values = gas_values() | {(0x0702, 0x0301): (DataType.UINT24, HARDWARE_FAILURE)}
    outcome = executed(
        GbzEngine(server_of(values)),
        (read(0x0302, 0x0301, 0x0300), read(0x0001, cluster_id=0x0705, sequence=1)),
    )
    assert isinstance(outcome.payload, Gbz)
    first, second = outcome.payload.components
    assert records(first) == [(0x0302, 0), (0x0301, Status.HARDWARE_FAILURE), (0x0300, 0)]
    assert (second.cluster_id, second.frame.sequence) == (0x0705, 1)
    assert (second.frame.frame_control, second.frame.command_id) == (0x08, 0x0B)
    assert second.frame.payload == b"\xff\x01"
    assert not second.encrypted
    assert outcome.failed == 2


def test_not_found_does_not_stop_the_rest() -> None:
    answers = iter([Status.NOT_FOUND, Status.SUCCESS, Status.INVALID_VALUE, Status.SUCCESS])
    library = ClusterDefinition(0x0705, "Prepayment")
    handle: ClusterCommand[None] = ClusterCommand(
        CommandDefinition(7, "Get"), lambda *_: next(answers)
    )
    cluster: Cluster[None] = Cluster(library, commands=(handle,))
    server = ZclServer([cluster.on(None)])
    parts = tuple(Component(0x0705, Frame(1, number, 7)) for number in range(4))
    outcome = executed(GbzEngine(server), parts)
    assert isinstance(outcome.payload, Gbz)
    statuses = [DefaultResponse.parse(part.frame.payload) for part in outcome.payload.components]
    assert statuses == [
        DefaultResponse(7, Status.NOT_FOUND),
        DefaultResponse(7, Status.SUCCESS),
        DefaultResponse(7, Status.INVALID_VALUE),
        DefaultResponse(0xFF, Status.FAILURE),
    ]


def test_what_stops_is_a_setting() -> None:
    engine = GbzEngine(
        server_of(gas_values()),
        EngineSettings(harmless_in_read=frozenset({Status.SUCCESS, Status.NOT_FOUND})),
    )
    outcome = executed(engine, (read(0xBEEF), read(0x0000, sequence=1)))
    assert outcome.failed == 2


def test_one_component_may_have_several_answers() -> None:
    library = ClusterDefinition(0x0707, "Calendar")
    handle: ClusterCommand[None] = ClusterCommand(
        CommandDefinition(1, "GetDayProfiles"), lambda *_: (Reply(1, b"a"), Reply(1, b"b"))
    )
    cluster: Cluster[None] = Cluster(library, commands=(handle,))
    server = ZclServer([cluster.on(None)])
    outcome = executed(GbzEngine(server), (Component(0x0707, Frame(1, 9, 1)),))
    assert isinstance(outcome.payload, Gbz)
    assert [(p.frame.sequence, p.frame.payload) for p in outcome.payload.components] == [
        (9, b"a"),
        (9, b"b"),
    ]


def test_a_cluster_the_device_lacks_is_an_error_not_success() -> None:
    outcome = executed(GbzEngine(server_of({})), (read(0x0000),))
    assert isinstance(outcome.payload, Gbz)
    (answer,) = outcome.payload.components
    assert DefaultResponse.parse(answer.frame.payload).status == Status.UNSUPPORTED_CLUSTER


def test_an_attribute_without_a_value_yet_does_not_stop_the_rest() -> None:
    missing = Failure(Status.UNSUPPORTED_ATTRIBUTE)
    values = {key: (kind, missing) for key, (kind, _) in gas_values().items()}
    outcome = executed(
        GbzEngine(server_of(values)),
        (read(0x0A00), read(0x0001, cluster_id=0x0705, sequence=1)),
        by_name("GCS60a").message_code,
    )
    assert isinstance(outcome.payload, Gbz)
    assert [records(part) for part in outcome.payload.components] == [
        [(0x0A00, 0x86)],
        [(0x0001, 0x86)],
    ]


@pytest.mark.parametrize(("name", "control"), [("GCS05", 0x00), ("GCS13a", 0x08)])
def test_a_refused_component_has_the_frame_control_of_its_use_case(name: str, control: int) -> None:
    values = {(0x0705, 0): (DataType.UINT48, HARDWARE_FAILURE)}
    parts = (read(0x0000, cluster_id=0x0705), Component(0x0707, Frame(0x09, 1, 0)))
    code = by_name(name).message_code
    outcome = executed(GbzEngine(server_of(values)), parts, code)
    assert isinstance(outcome.payload, Gbz)
    assert outcome.payload.components[1].frame == Frame(control, 1, 0x0B, b"\xff\x01")

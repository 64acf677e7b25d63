"""The other clusters that a meter serves to displays: messages, events, tenancy, snapshots."""

from __future__ import annotations

import pytest

from esme.physics.site import Site
from gbcs.dlms import values as v
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters import (
    DEVICE_MANAGEMENT,
    EVENTS,
    MESSAGING,
    METERING,
    PREPAYMENT,
)
from han.commands.device_management import PublishChangeOfSupplier, UpdateCIN
from han.commands.events import (
    CancelMessage,
    DisplayMessage,
    GetEventLog,
    MessageConfirmation,
    PublishEvent,
    PublishEventLog,
)
from han.commands.metering import GetSnapshot, PublishSnapshot
from han.commands.prepayment import (
    DebtPayCreditStatus,
    GetPrepaySnapshot,
    GetTopUpLog,
    PublishPrepaySnapshot,
)
from han.zcl.payload import decode
from han.zcl.tables import ClusterDefinition
from tests.esme.bench import at, mains, volts
from tests.esme.house import FOR_EVER, House, executed, top_up, two_rates
from tests.esme.prepaid import (
    POUND,
    events,
    prepaid,
    token,
)
from tests.esme.rig import MeterRig


def message(rig: MeterRig, text: bytes) -> None:
    assert rig.set("1/0-2:96.13.1.255/2", v.octets(text)) == 0


def test_a_message_is_told_confirmed_once_and_taken_back() -> None:
    rig = MeterRig(start=at("12:00"))
    house = House(rig)
    message(rig, b"Your supply is safe")
    (told,) = house.listen()
    assert isinstance(told, DisplayMessage)
    assert told.text == "Your supply is safe"
    (last,) = house.command(MESSAGING, 0x00, b"")  # type: ignore[misc]  # a display asks
    assert last == told
    yes = MessageConfirmation(told.message_id, zcl_seconds(at("12:00")))
    for _ in range(2):
        assert house.ask(MESSAGING, yes) is Status.SUCCESS
        house.listen()
    assert events(rig) == rig.alerts() == ["81A6"]
    rig.until(at("12:05"))
    message(rig, b"")
    assert house.listen() == [CancelMessage(told.message_id, 0)]
    assert house.command(MESSAGING, 0x00, b"") is Status.NOT_FOUND


def test_the_supplier_has_a_name_and_a_telephone(rtds_files: list[RtdsFile]) -> None:
    rig = MeterRig(start=at("12:00"))
    house = House(rig)
    assert house.command(DEVICE_MANAGEMENT, 0x01, b"") is Status.NOT_FOUND
    executed(rig, rtds_files, "ECS16_3.4_ERROR_COMMAND")
    executed(rig, rtds_files, "ECS50_9.1_ERROR_COMMAND")
    supplier, customer = house.listen()
    assert isinstance(supplier, PublishChangeOfSupplier)
    assert isinstance(customer, UpdateCIN)
    assert (supplier.provider_name, supplier.contact_details) == (b"E-ON", b"0333 202 4650")
    assert house.read(DEVICE_MANAGEMENT, 0x0101, 0x0102) == [
        supplier.provider_name,
        supplier.contact_details,
    ]
    assert house.command(DEVICE_MANAGEMENT, 0x05, b"") == [customer]


def test_displays_read_events_but_no_security_log_and_clear_nothing() -> None:
    rig = prepaid(100)
    rig.until(at("10:30"))
    house = House(rig)
    log = house.one(EVENTS, GetEventLog(0x13, 0, 0, FOR_EVER, 0, 0), PublishEventLog)
    assert [each.event_id for each in log.entries] == [0x8119]
    for security in (0x14, 0x17):
        refused = house.ask(EVENTS, GetEventLog(security, 0, 0, FOR_EVER, 0, 0))
        assert refused is Status.NOT_AUTHORIZED
    answer = house.command(EVENTS, 0x01, b"\x03")
    assert not isinstance(answer, Status)
    assert getattr(answer[0], "cleared") == 0  # noqa: B009
    assert events(rig) == ["8119"]


@pytest.mark.parametrize("shares", [True, False])
def test_events_are_told_to_displays_as_the_supplier_wants(shares: bool) -> None:
    rig = prepaid(100)
    if not shares:
        bit = (1 << 0x19).to_bytes(32, "big")
        mask = v.bits("".join(f"{octet:08b}" for octet in bit + bytes(32)))
        assert rig.set("1/0-30:97.98.12.255/2", mask) == 0
    house = House(rig)
    house.listen()
    rig.until(at("10:30"))
    told = [each for each in house.listen() if isinstance(each, PublishEvent)]
    assert [each.event_id for each in told] == ([0x8119] if shares else [])


def test_scenario_48_a_new_tenant_sees_nothing_older_on_the_han() -> None:
    rig = prepaid(0, start="06:00")
    monthly = v.structure(v.octets(bytes((11, 0, 0, 0))), v.octets(b"\xff" * 5))
    rig.set("22/0-0:15.0.0.255/4", v.array(monthly))
    house = House(rig)
    rig.until(at("06:30", day=1))
    top_up(house, token(500, 7))
    message(rig, b"For you alone")
    rig.until(at("15:00", day=1))

    def shown() -> list[bool]:
        asked: list[tuple[ClusterDefinition, object]] = [
            (METERING, GetSnapshot(0, FOR_EVER, 0, 1)),
            (METERING, GetSnapshot(0, FOR_EVER, 0, 2)),
            (PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 1)),
            (PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 2)),
            (PREPAYMENT, GetTopUpLog(FOR_EVER, 0)),
            (EVENTS, GetEventLog(0x13, 0, 0, FOR_EVER, 0, 0)),
        ]
        answers = [house.ask(*each) for each in asked]
        house.listen()
        answers.append(house.command(MESSAGING, 0x00, b""))
        return [not isinstance(answer, Status) for answer in answers]

    assert shown() == [True] * 7
    assert rig.set("1/0-0:94.44.3.2/2", v.date_time(Stamp.of(at("15:00", day=1)))) == 0
    assert shown() == [False] * 7
    assert house.read(PREPAYMENT, 0x0101, 0x0103) == [-(1 << 47), None]
    for log in ("98.1.9", "98.1.8", "98.1.0", "98.1.1", "98.1.5", "99.98.0"):
        assert rig.read(f"7/0-0:{log}.255/2") != ()  # the supplier sees them all
    rig.until(at("12:00", day=2))
    top_up(house, token(500, 8))
    assert shown() == [True] * 6 + [False]


def test_snapshots_show_what_the_supplier_reads() -> None:
    rig = prepaid(1000, start="06:00", balance=90 * POUND)
    rig.until(at("06:00", day=1))
    house = House(rig)
    prepay = house.one(PREPAYMENT, GetPrepaySnapshot(0, FOR_EVER, 0, 1), PublishPrepaySnapshot)
    status = decode(DebtPayCreditStatus, prepay.body)
    assert status.credit_remaining == rig.numbers("7/0-0:98.1.8.255/2")[0][2]
    registers = house.one(METERING, GetSnapshot(0, FOR_EVER, 0, 1), PublishSnapshot)
    assert int.from_bytes(registers.body[:6], "little") == 18_000
    assert registers.body[6:] == b"\1" + (18_000).to_bytes(6, "little")
    assert registers.snapshot_time == zcl_seconds(at("00:00", day=1))


def test_every_attribute_of_every_table_reads_without_failing() -> None:
    rig = prepaid(100)
    two_rates(rig)
    house = House(rig)
    for served in house.face.served():
        for number in served.attributes:
            (record,) = house.records(served.definition, number)
            assert record.status == Status.SUCCESS, (served.definition.name, f"{number:04X}")


def test_a_three_phase_meter_has_the_same_face() -> None:
    rig = MeterRig(Site(mains(volts(230)).phases * 3))
    assert House(rig).read(METERING, 0x0000) == [0]

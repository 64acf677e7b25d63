"""What the broker reads of a hub: device log with communications, logs, identity, sub-GHz."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bench.home import living_home, open_home
from bench.replay import replay_directory
from bench.rig import Rig
from device.cosem.shape import Plain
from device.timeline import Timeline
from gbcs.alerts import DlmsAlert
from gbcs.catalogue import by_name
from gbcs.dlms.data import Bits
from gbcs.plain import Plain as Python
from gbcs.stamp import Stamp
from gbcs.zcl.types import zcl_seconds
from tests.chub.bench import ESME, Broker, rig
from tests.chub.test_admission import PEER

RECORDED = (
    "CCS01",
    "CCS02",
    "CCS03",
    "CCS05CCS04",
    "CCS06",
    "CCS07",
    "DBCH01",
    "DBCH02",
    "DBCH03",
    "DBCH04",
    "DBCH05",
    "ECS26i",
    "ECS26n",
    "ECS35c",
    "ECS35d",
)


def rows(value: Plain) -> tuple[tuple[Plain, ...], ...]:
    assert isinstance(value, tuple)
    return tuple(row for row in value if isinstance(row, tuple))


async def test_the_device_log_says_when_and_how_well_a_meter_was_heard(
    timeline: Timeline,
) -> None:
    wanted = Rig.model_validate(
        {
            "hub": {"radio": "ether:"},
            "gas_meter": False,
            "electricity_meter": {},
            "admitted": [{"kind": "IHD", "eui64": f"{PEER:016X}", "install_code": "00" * 16}],
        }
    )
    async with living_home(wanted, timeline) as home:
        await timeline.sleep(timedelta(minutes=10))
        broker = Broker(home)
        [results, [devices]] = await broker.ask("CCS06")
        now = home.hub.chassis.clock.now()
    assert results == [0]
    meter, display = rows(devices)
    assert meter[0] == ESME.to_bytes(8)
    assert meter[2:8] == (-40, -40, -40, 255, 255, 255)
    last = meter[8]
    assert isinstance(last, bytes)
    assert last[4] == now.isoweekday()
    heard_at = Stamp.from_bytes(last).at
    assert heard_at is not None
    assert timedelta() <= now - heard_at < timedelta(minutes=10)
    assert meter[10:12] == (0, 100)
    assert display[0] == PEER.to_bytes(8)
    assert isinstance(display[8], bytes)
    assert Stamp.from_bytes(display[8]).at is None


async def test_the_event_log_holds_the_commands_that_were_executed(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        await broker.remove(PEER)
        await broker.ask("ECS26n")
        until = zcl_seconds(timeline.now() + timedelta(hours=1))
        limits: dict[str, Python] = {
            "EventLogCHF.buffer.from": 1,
            "EventLogCHF.buffer.to": until,
        }
        [results, [entries]] = await broker.ask("ECS35c", limits)
    assert results == [0]
    assert [row[1:] for row in rows(entries)] == [(0x8155, b"\0\x02"), (0x8154, b"\0\xfa")]


async def test_a_refused_command_is_in_the_security_log(timeline: Timeline) -> None:
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        removal = {"DeviceLogCHF.removeEntry": f"0x{PEER:016X}"}
        hub = home.hub.chassis.eui64
        again = broker.party.command(by_name("CCS02"), hub, 1, removal).to_bytes()
        await broker.ask("CCS02", removal)
        home.hub.deliver(again)
        limits: dict[str, Python] = {
            "SecurityLogCHF.buffer.from": 1,
            "SecurityLogCHF.buffer.to": 0xFFFFFFFE,
        }
        [_, [entries]] = await broker.ask("ECS35d", limits)
    assert [row[1] for row in rows(entries)] == [0x8F53]


async def test_a_sub_ghz_configuration_is_kept_told_and_read_back(timeline: Timeline) -> None:
    limits = [130, 220, 5, 7, 7, 12, 6000, 130, 100, 4000, 3000]
    masks = [f"{page:03b}{6:029b}" for page in (0b111, 0b101, 0b110, 0b100)]
    async with open_home(rig(), timeline) as home:
        broker = Broker(home)
        wanted: Python = [*masks, *limits]
        assert (await broker.ask("DBCH04", {"SubGHzConfigurationSettings.value": wanted}))[0] == [0]
        [configuration] = (await broker.ask("DBCH03"))[1]
        assert isinstance(configuration, tuple)
        assert [bits.octets[-1] for bits in configuration[:4] if isinstance(bits, Bits)] == [6] * 4
        assert list(configuration[4:]) == limits
        assert (await broker.ask("DBCH05"))[0] == [0]
    told = [DlmsAlert.parse(one.message_code, one.payload) for one in broker.alerts]
    assert [one.message_code for one in broker.alerts] == [0x0113, 0x0112]
    assert [one.alert_code for one in told] == [0x8F2A, 0x8F28]


async def test_a_hub_of_one_band_has_no_sub_ghz_use_cases(timeline: Timeline) -> None:
    async with open_home(rig(settings={"chf": {"dual_band": False}}), timeline) as home:
        broker = Broker(home)
        with pytest.raises(TimeoutError):
            await broker.ask("DBCH03")
        assert (await broker.ask("ECS26n"))[0] == [0, 0]


@pytest.mark.parametrize("use_case", RECORDED)
def test_every_recorded_command_of_a_hub_is_answered_as_recorded(
    use_case: str, rtds_dir: Path
) -> None:
    outcome = replay_directory(rtds_dir, only=use_case)
    assert outcome.mismatched == []
    assert outcome.matched == outcome.pairs

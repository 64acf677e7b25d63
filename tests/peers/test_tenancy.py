"""Displays honour a change of tenancy: what they hold, when they wipe, what the radio carried."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from bench.capture_keys import wireshark_options
from chub.device_log import Entry
from device.store import Store
from device.store.memory import _Memory
from device.timeline import Timeline
from gbcs.party import DeviceType
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.clusters.device_management import ChangeControl, PublishChangeOfTenancy
from hw.ether import Link
from peers.finder import Finder, Meter
from peers.settings import DisplaySettings
from tests.peers.bench import DISPLAY, ELECTRICITY, GAS, LINK_KEY, RIG, TELLING, at, bench


@pytest.mark.parametrize(
    ("change", "wiped_at", "afterwards"),
    [
        pytest.param("00:10", "02:30", ["02:30", "03:00"], id="in the past"),
        pytest.param("02:00", "02:30", ["02:30", "03:00"], id="in the past at a half hour"),
        pytest.param("03:30", "03:30", ["03:30"], id="ahead at a half hour"),
        pytest.param("03:40", "03:40", [], id="ahead between half hours"),
    ],
)
async def test_a_change_on_gas_wipes_once(
    timeline: Timeline, change: str, wiped_at: str, afterwards: list[str]
) -> None:
    async with bench(timeline) as b:
        await b.until("02:10")
        assert b.history() == ["00:30", "01:00", "01:30", "02:00"]
        await b.change_gas(at(change))
        await b.until("03:55")
        assert b.wipes() == [wiped_at]
        assert b.history()[: len(afterwards)] == afterwards
        await b.until("06:15")
        assert b.wipes() == [wiped_at]
        assert b.history()[-1] == "06:00"
        assert b.wipes(ELECTRICITY) == []


async def test_a_display_that_listens_is_told_of_a_change_on_gas_and_wipes_at_once(
    timeline: Timeline,
) -> None:
    async with bench(timeline, rig=TELLING) as b:
        await b.until("02:10")
        assert len(b.history()) == 4
        await b.change_gas(at("02:00"))
        await b.until("02:11")
        assert b.wipes() == ["02:10"]
        await b.change_gas(at("05:05"))
        await b.until("02:12")
        assert b.memory().pending is not None
        newest = b.home.gpf.tenancy.newest
        assert newest is not None
        cancel = PublishChangeOfTenancy(0, newest.issuer_event_id, 0, 0xFFFFFFFF, 0x200)
        b.home.gpf.tenancy.accept(cancel, timeline.now())
        await b.until("02:13")
        assert b.memory().pending is None
        await b.until("06:10")
        assert b.wipes() == ["02:10"]


async def test_a_display_that_is_told_while_it_asks_asks_once_more(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(timeline) as b:
        await b.until("02:10")
        display, told = b.display, list[int]()
        assert display is not None
        ask = display.tenant.ask

        async def ask_and_be_told(finder: Finder, meter: Meter) -> bool:
            answered = await ask(finder, meter)
            if meter.fuel is GAS and not told:
                told.append(meter.peer)
                display._hear_tenancy(meter.peer)
            return answered

        monkeypatch.setattr(display.tenant, "ask", ask_and_be_told)
        b.asked.clear()
        await b.until("02:40")
        assert len([one for one in b.asked if one.fuel is GAS]) == 2


async def test_a_change_on_electricity_wipes_electricity_only(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        await b.until("02:10")
        held, gas = b.history(ELECTRICITY), b.history()
        assert len(held) == 5
        await b.change_electricity(at("01:40"))
        await b.until("04:15")
        assert len(b.wipes(ELECTRICITY)) == 1
        assert b.wipes() == []
        assert not set(held) & set(b.history(ELECTRICITY))
        assert b.history()[: len(gas)] == gas


async def test_two_changes_wipe_twice(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        await b.until("01:10")
        await b.change_gas(at("01:00"))
        await b.until("03:10")
        await b.change_gas(at("05:05"))
        await b.until("06:10")
        assert b.wipes() == ["01:30", "05:05"]
        assert b.history() == ["05:30", "06:00"]


async def test_scenario_49_a_change_days_ahead_wipes_on_its_date_over_a_power_cut(
    timeline: Timeline,
) -> None:
    ahead = at("00:20") + timedelta(days=3)
    async with bench(timeline) as b:
        await b.until("01:10")
        await b.change_gas(ahead)
        await b.until("02:30")
        assert (b.wipes(), b.memory().pending is not None) == ([], True)
        await b.switch_off()
        await b.until("12:00")
        b.switch_on()
        await b.until("01:00", days=3)
        assert [event.moment.replace(microsecond=0) for event in b.wiped] == [ahead]


async def test_a_cancelled_change_wipes_nothing(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        await b.until("01:10")
        await b.change_gas(at("05:05"))
        await b.until("02:30")
        newest = b.home.gpf.tenancy.newest
        assert newest is not None
        cancel = PublishChangeOfTenancy(0, newest.issuer_event_id, 0, 0xFFFFFFFF, 0x200)
        b.home.gpf.tenancy.accept(cancel, timeline.now())
        await b.until("06:10")
        assert b.wipes() == []


async def test_a_display_that_was_off_asks_at_power_up_and_wipes(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        await b.until("01:10")
        await b.switch_off()
        await b.change_gas(at("01:20"))
        await b.until("04:11")
        assert b.history() == ["00:30", "01:00"]
        b.switch_on()
        await b.until("04:13")
        assert b.wipes() == ["04:11"]
        assert b.history() == []
        await b.until("04:35")
        assert b.history() == ["04:00", "04:30"]


class CutOff(_Memory):
    """A memory whose power fails in the middle of the next wipe."""

    armed = False

    def clear(self, log: str) -> None:
        super().clear(log)
        if self.armed:
            raise RuntimeError("power cut")


async def test_a_power_cut_while_wiping_leaves_all_and_the_wipe_still_to_do(
    timeline: Timeline,
) -> None:
    backend = CutOff()
    async with bench(timeline, store=Store(backend)) as b:
        await b.until("01:10")
        backend.armed = True
        await b.change_gas(at("01:05"))
        await b.until("02:10")
        assert b.history() == ["00:30", "01:00", "01:30"]
        assert await b.switch_off() is not None
        backend.armed = False
        b.switch_on()
        await b.until("02:15")
        assert (b.wipes(), b.history()) == (["02:10"], ["02:00"])


async def test_without_bit_9_nothing_is_wiped(timeline: Timeline) -> None:
    control = ChangeControl.RESET_BILLING_PERIOD | ChangeControl.CLEAR_IHD_DATA_SUPPLIER
    async with bench(timeline) as b:
        await b.until("01:10")
        change = PublishChangeOfTenancy(0, 1, 0, zcl_seconds(at("01:05")), int(control))
        b.home.gpf.tenancy.accept(change, timeline.now())
        await b.until("03:10")
        assert [event.at for event in b.asked if event.fuel is GAS][-1] == at("01:05")
        assert b.wipes() == []
        assert b.history()[0] == "00:30"


async def test_only_what_was_before_the_date_is_wiped_when_so_set(timeline: Timeline) -> None:
    settings = DisplaySettings(electricity_poll_s=600, cot_wipe="before_date")
    async with bench(timeline, settings=settings) as b:
        await b.until("02:10")
        await b.change_gas(at("01:30"))
        await b.until("03:20")
        assert b.history()[:3] == ["01:30", "02:00", "02:30"]
        assert (b.wiped[0].entries_before, b.wiped[0].entries_after) == (5, 3)


async def test_a_display_asks_at_joining_and_then_at_its_interval(timeline: Timeline) -> None:
    settings = DisplaySettings(electricity_poll_s=600, cot_poll_s=900)
    async with bench(timeline, settings=settings) as b:
        await b.until("01:05")
        times = [f"{event.moment:%H:%M}" for event in b.asked if event.fuel is ELECTRICITY]
        assert times == ["00:00", "00:15", "00:30", "00:45", "01:00"]


async def test_a_display_that_comes_back_to_the_network_asks_at_once(timeline: Timeline) -> None:
    async with bench(timeline, rig=RIG.model_copy(update={"gas_meter": None})) as b:
        await b.until("00:20")
        before = len(b.asked)
        await b.switch_off()
        b.switch_on()
        await b.until("00:21")
        assert len(b.asked) == before + 1


async def test_a_display_that_was_removed_joins_again_once_it_may(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        await b.until("01:10")
        await b.home.hub.remove_device(DISPLAY)
        await b.change_gas(at("01:00"))
        await b.until("02:12")
        assert b.wipes() == []
        await b.home.hub.add_device(Entry(DISPLAY, DeviceType.IHD, LINK_KEY))
        await b.until("04:15")  # for an hour the hub waits for the key of the display's first life
        assert len(b.wipes()) == 1
        assert b.history()[-1] == "04:00"


async def test_displays_read_the_log_of_their_tenancy_and_the_supplier_all(
    timeline: Timeline,
) -> None:
    async with bench(timeline) as b:
        await b.until("03:10")
        assert await b.half_hours_at_home() == 5
        await b.change_gas(at("02:00"))
        assert await b.half_hours_at_home() == 2
        await b.change_gas(at("02:10"))
        assert await b.half_hours_at_home() == 1
        assert await b.half_hours_of_supplier() == 5


async def test_meters_are_found_at_whatever_endpoints_they_have(timeline: Timeline) -> None:
    numbers = {"esi_endpoint": 0x7B, "mirror_endpoint": 240, "chf_endpoint": 0x2C}
    rig = RIG.model_copy(update={"hub": RIG.hub.model_copy(update=numbers)})
    async with bench(timeline, rig=rig) as b:
        await b.until("00:50")
        assert b.display is not None
        gas = b.display.meters[GAS]
        assert (gas.endpoint, gas.tenancy_endpoint) == (240, 0x7B)
        await b.change_gas(at("00:40"))
        await b.until("01:40")
        assert len(b.wipes()) == 1


async def test_a_meter_that_tells_by_command_only_is_understood(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        for attribute in (0x0200, 0x0201):
            faults = b.home.gpf.han.esi_endpoint.server.faults
            faults[0x0708, attribute] = Status.UNSUPPORTED_ATTRIBUTE
        await b.until("01:10")
        assert [event.at for event in b.asked if event.fuel is GAS] == [None]
        await b.change_gas(at("01:05"))
        await b.until("02:10")
        assert len(b.wipes()) == 1
        assert b.wiped[0].control == 0x200


async def test_a_bad_link_delays_a_wipe_and_doubles_none(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        hub = b.home.gpf.entity
        await b.until("00:50")
        b.home.ether.set_link(DISPLAY, hub, Link(loss=0.4))
        await b.change_gas(at("00:40"))
        await b.change_electricity(at("00:40"))
        await b.until("03:55")
        assert (len(b.wipes()), len(b.wipes(ELECTRICITY))) == (1, 1)


async def test_an_hour_out_of_range_delays_a_wipe(timeline: Timeline) -> None:
    async with bench(timeline) as b:
        hub = b.home.gpf.entity
        await b.until("00:50")
        b.home.ether.set_link(DISPLAY, hub, Link(loss=1.0))
        await b.change_gas(at("00:40"))
        await b.until("01:50")
        assert b.wipes() == []
        b.home.ether.set_link(DISPLAY, hub, Link())
        await b.until("02:55")
        assert len(b.wipes()) == 1


async def test_tshark_sees_the_questions_and_answers_on_the_air(
    timeline: Timeline, tmp_path: Path, tshark: str
) -> None:
    capture = tmp_path / "cot.pcap"
    async with bench(timeline, capture=capture) as b:
        await b.until("01:10")
        await b.change_gas(at("01:00"))
        await b.change_electricity(at("01:00"))
        await b.until("02:10")
        asked = len(b.asked)
        keys = [key.hex() for key in b.home.capture_keys]

    def shown(display_filter: str) -> str:
        return subprocess.run(
            [tshark, "-r", str(capture), *wireshark_options(keys), "-Y", display_filter,
             "-t", "ud", "-O", "zbee_zcl"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout  # fmt: skip

    assert shown("_ws.malformed || zbee_sec.encrypted_payload") == ""
    questions = shown("zbee_aps.cluster == 0x0708 && zbee_zcl.cmd.id == 0x00")
    answers = shown("zbee_aps.cluster == 0x0708 && zbee_zcl.cmd.id == 0x01")
    for text in (questions, answers):
        assert text.count("Change of Tenancy Update Date/Time (0x0200)") >= asked
        assert text.count("Proposed Tenancy Change control (0x0201)") >= asked
    # One answer of the hub, one of the electricity meter, which the hub passes on.
    assert answers.count("UTC: Jan  1, 2026 01:00:00") == 3
    assert answers.count("Bitmap32: 0x00000200") == 3

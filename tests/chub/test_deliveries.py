"""What the hub owes the meters: deliveries, and word of those that fail."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bench.home import Home, living_home, open_home
from bench.remote_party import RemoteParty
from bench.rig import Rig
from device.events import EventStream, LogEntry
from device.timeline import Timeline
from gbcs.alerts import DlmsAlert, UndeliveredMessage
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.eui64 import format_eui64
from hw.ether import Link

ESME, GSME = 0x02434855420000A0, 0x02434855420000A1
ABSENT = 0x000D6F00ABCDEF01
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def rig(**sections: object) -> Rig:
    return Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": False} | sections)


def absent(kind: str) -> dict[str, str]:
    return {"kind": kind, "eui64": format_eui64(ABSENT), "install_code": "00" * 16}


def alerts_to_supplier(home: Home) -> list[Message]:
    """Alerts that reach the supplier from now on, each of them checked."""
    supplier, found = RemoteParty(home.rig.parties.supplier, home.keys), list[Message]()

    def take(octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is Cra.ALERT and message.recipient == supplier.entity:
            assert supplier.open(octets).verification.is_authentic
            found.append(message)

    home.upward.append(take)
    return found


async def test_the_sender_hears_that_the_electricity_meter_was_not_reached(
    timeline: Timeline,
) -> None:
    wanted = rig(admitted=[absent("ESME")], settings={"chf": {"esme_delivery_timeout_s": 600}})
    async with open_home(wanted, timeline) as home:
        told = alerts_to_supplier(home)
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        command = supplier.command(by_name("ECS52"), ABSENT, 4711)
        home.hub.deliver(command.to_bytes())
        await timeline.sleep(timedelta(seconds=590))
        assert told == []
        await timeline.sleep(timedelta(seconds=20))
        [message] = told
        alert = DlmsAlert.parse(message.message_code, message.payload)
        assert alert.alert_code == 0x8F84
        lost = UndeliveredMessage(supplier.entity, ABSENT, Cra.COMMAND, 4711)
        assert alert.details == lost
        assert home.hub.deliveries.waiting(ABSENT) == 0


async def test_messages_for_a_meter_out_of_range_arrive_in_order_once_it_is_back(
    timeline: Timeline,
) -> None:
    async with living_home(rig(electricity_meter={}), timeline) as home:
        await timeline.sleep(timedelta(minutes=2))
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        answers: list[int] = []

        def take(octets: bytes) -> None:
            message = Message.parse(octets)
            if message.cra is Cra.RESPONSE:
                answers.append(message.originator_counter)

        home.upward.append(take)
        home.ether.set_link(home.gpf.entity, ESME, Link(loss=1.0))
        for counter in (1, 2, 3):
            home.hub.deliver(supplier.command(by_name("ECS52"), ESME, counter).to_bytes())
        await timeline.sleep(timedelta(minutes=5))
        assert answers == []
        assert home.hub.deliveries.waiting(ESME) == 3
        home.ether.set_link(home.gpf.entity, ESME, Link())
        await timeline.sleep(timedelta(minutes=10))
        assert answers == [1, 2, 3]
        assert home.hub.deliveries.waiting(ESME) == 0


async def test_a_message_that_only_the_meters_radio_took_is_sent_again(timeline: Timeline) -> None:
    async with living_home(rig(electricity_meter={}), timeline) as home:
        await timeline.sleep(timedelta(minutes=2))
        answers = list[int]()
        home.upward.append(lambda octets: answers.append(Message.parse(octets).originator_counter))
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        meter = home.electricity_meter
        assert meter is not None
        host = meter.joining._host
        assert host is not None
        endpoints = host.node.endpoints.values()
        home.hub.deliver(supplier.command(by_name("ECS52"), ESME, 4710).to_bytes())
        await timeline.sleep(MINUTE)
        for endpoint in endpoints:
            endpoint.enabled = False  # as when the process behind a dongle is gone
        await timeline.sleep(SECOND)
        home.hub.deliver(supplier.command(by_name("ECS52"), ESME, 4711).to_bytes())
        await timeline.sleep(MINUTE)
        assert (answers, home.hub.deliveries.waiting(ESME)) == ([4710], 1)
        for endpoint in endpoints:
            endpoint.enabled = True
        await timeline.sleep(MINUTE)
        assert (answers, home.hub.deliveries.waiting(ESME)) == ([4710, 4711], 0)


async def test_what_was_put_off_is_sent_at_once_to_a_device_that_listens(
    timeline: Timeline,
) -> None:
    async with living_home(rig(electricity_meter={}), timeline) as home:
        await timeline.sleep(timedelta(minutes=2))
        supplier, deliveries = (
            RemoteParty(home.rig.parties.supplier, home.keys),
            home.hub.deliveries,
        )
        home.ether.set_link(home.gpf.entity, ESME, Link(loss=1.0))
        home.hub.deliver(supplier.command(by_name("ECS52"), ESME, 1).to_bytes())
        await timeline.sleep(timedelta(minutes=5))
        while (due := deliveries.deadline) is None or due - timeline.now() < 20 * SECOND:
            await timeline.sleep(SECOND)
        home.ether.set_link(home.gpf.entity, ESME, Link())
        deliveries.hurry(ABSENT, timeline.now())  # for whom nothing waits
        deliveries.hurry(ESME, timeline.now())
        home.host.kick()
        await timeline.sleep(10 * SECOND)
        assert deliveries.waiting(ESME) == 0


async def test_a_restarted_hub_still_delivers_what_it_accepted(
    timeline: Timeline, tmp_path: Path
) -> None:
    kept = rig(admitted=[absent("ESME")], store=tmp_path / "rig.sqlite")
    async with open_home(kept, timeline) as home:
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        home.hub.deliver(supplier.command(by_name("ECS52"), ABSENT, 1).to_bytes())
    async with open_home(kept, timeline) as home:
        assert home.hub.deliveries.waiting(ABSENT) == 1
        told = alerts_to_supplier(home)
        await timeline.sleep(timedelta(hours=1, seconds=1))
        assert [DlmsAlert.parse(0x00D5, one.payload).alert_code for one in told] == [0x8F84]


async def test_the_sender_hears_that_the_gas_meter_did_not_fetch_its_command(
    timeline: Timeline,
) -> None:
    async with open_home(rig(admitted=[absent("GSME")]), timeline) as home:
        told = alerts_to_supplier(home)
        supplier = RemoteParty(home.rig.parties.supplier, home.keys)
        home.hub.deliver(supplier.command(by_name("GCS13a"), ABSENT, 1).to_bytes())
        await timeline.sleep(timedelta(hours=24, seconds=1))
        [message] = told
        assert message.message_code == 0x1001
        assert DlmsAlert.parse(message.message_code, message.payload).alert_code == 0x819D
        codes = [(one.code, one.other) for one in home.hub.chassis.event_log.entries()]
        assert codes == [(0x819D, ABSENT.to_bytes(8))]


async def test_the_event_log_says_when_the_electricity_meter_comes_and_goes(
    timeline: Timeline,
) -> None:
    events, logged = EventStream(), list[LogEntry]()
    events.subscribe(logged.append, LogEntry)
    async with living_home(rig(electricity_meter={}), timeline, events=events) as home:
        await timeline.sleep(timedelta(minutes=2))
        assert await home.hub.remove_device(ESME) is True
        await timeline.sleep(timedelta(minutes=1))
        hub = home.hub.chassis.eui64
    mine = [(one.code, one.other) for one in logged if one.device == hub and one.log == "event"]
    assert [code for code, _ in mine] == [0x8183, 0x81A2, 0x81A3]
    assert {other for _, other in mine} == {ESME.to_bytes(8)}


async def test_a_tunnel_that_the_hub_cannot_give_is_in_its_event_log(timeline: Timeline) -> None:
    async with living_home(rig(gas_meter={}), timeline) as home:
        home.hub.tunnels.busy = True
        await timeline.sleep(timedelta(minutes=5))
        entries = home.hub.chassis.event_log.entries()
    rejected = [entry.other for entry in entries if entry.code == 0x81BA]
    assert set(rejected) == {GSME.to_bytes(8)}

"""A gas meter's command is lost in no kill: of the meter, of the hub, or of both at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bench import devices
from bench.hub import start_hub
from bench.parts import Parts
from bench.rig import Rig
from chub.device_log import Entry
from chub.hub import CommunicationsHub
from device.events import CommandRefused, EventStream, MessageExpired
from device.responding import respond
from device.timeline import Timeline
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.gbt import BLOCK_OCTETS
from gbcs.gbz import Gbz
from gbcs.party import DeviceType
from gbcs.protection import protect
from gsme.device import GasMeter
from han.clusters import PREPAYMENT
from han.commands.prepayment import CreditAdjustment
from tests.gsme.rig import component

MINUTE, HALF_HOUR, HOUR = (timedelta(minutes=each) for each in (1, 30, 60))
AMOUNT = 1_000


async def fetch_in_vain(meter: GasMeter, timeline: Timeline) -> None:
    """Let the meter fetch a message and never get to execute it."""
    link = meter._link
    assert link is not None
    await meter.polling.set_awake(awake=True)
    with suppress(TimeoutError):
        async with timeline.timeout_at(timeline.now() + timedelta(milliseconds=1)):
            await link.collect(meter.execute)
    await timeline.sleep(timedelta(seconds=5))
    await meter.polling.set_awake(awake=False)


@dataclass
class Street:
    """A hub and a gas meter that can be killed each by itself; ``told`` are Responses at the WAN.

    ``expired`` are messages that the hub gave up.
    """

    parts: Parts
    told: list[int] = field(default_factory=list)
    expired: list[MessageExpired] = field(default_factory=list)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[CommunicationsHub]:
        """The hub, until the block ends."""
        async with AsyncExitStack() as life:
            hub, *_ = await start_hub(replace(self.parts, stack=life), self._take)
            meter = self.parts.rig.gas_meter
            assert meter is not None
            if meter.eui64 not in hub.device_log:
                entry = Entry(meter.eui64, DeviceType.GSME, self.parts.link_key(meter))
                await hub.add_device(entry)
            yield hub

    @asynccontextmanager
    async def meter(self) -> AsyncIterator[GasMeter]:
        """The meter, until the block ends."""
        section = self.parts.rig.gas_meter
        assert section is not None
        meter = devices.gas_meter(self.parts, section)
        living = asyncio.create_task(meter.live())
        yield meter
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living

    def credit(self, counter: int, times: int = 1) -> bytes:
        """GCS40a: more credit. Executed twice, it would show."""
        more = component(PREPAYMENT, CreditAdjustment(1, 0, 0, AMOUNT))
        wanted = self.parts.rig
        assert wanted.gas_meter is not None
        message = Message(
            cra=Cra.COMMAND,
            originator_counter=counter,
            originator=wanted.parties.supplier,
            recipient=wanted.gas_meter.eui64,
            message_code=by_name("GCS40a").message_code,
            payload=Gbz((more,) * times).to_bytes(),
        )
        return protect(message, self.parts.keys).to_bytes()

    def _take(self, octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is Cra.RESPONSE:
            self.told.append(message.originator_counter)


@asynccontextmanager
async def street(timeline: Timeline) -> AsyncIterator[Street]:
    wanted = Rig.model_validate({"hub": {"radio": "ether:"}, "gas_meter": {}})
    async with AsyncExitStack() as stack:
        found = Street(Parts.of(wanted, timeline, stack, None, EventStream(), None))
        found.parts.events.subscribe(found.expired.append, MessageExpired)
        yield found


async def in_its_hands(home: Street, hub: CommunicationsHub, meter: GasMeter) -> int:
    """Let the meter have a command that it never gets to execute; its credit before."""
    await home.parts.timeline.sleep(31 * MINUTE)
    before = credit_of(meter)
    hub.deliver(home.credit(7))
    await fetch_in_vain(meter, home.parts.timeline)
    assert hub.mailroom.waiting(meter.chassis.eui64) == 0
    assert (credit_of(meter), home.told) == (before, [])
    return before


async def takes_effect_once(
    home: Street, hub: CommunicationsHub, meter: GasMeter, before: int
) -> None:
    """The command was executed, its Response has arrived, and the hub is done with it."""
    await home.parts.timeline.sleep(2 * HOUR)
    assert credit_of(meter) == before + AMOUNT
    assert home.told == [7]
    assert kept(hub) == 0


def credit_of(meter: GasMeter) -> int:
    return meter.model.account.credit_remaining


def kept(hub: CommunicationsHub) -> int:
    """How many messages the hub's store holds for meters."""
    with hub.chassis.store.transaction() as unit:
        return len(unit.keys("mailbox/"))


async def test_a_command_in_the_hands_of_a_meter_that_is_killed_takes_effect_once_it_is_back(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home, home.hub() as hub:
        async with home.meter() as meter:
            before = await in_its_hands(home, hub, meter)
        await timeline.sleep(MINUTE)
        async with home.meter() as meter:
            await takes_effect_once(home, hub, meter, before)
            await timeline.sleep(25 * HOUR)
            assert (home.told, home.expired) == ([7], [])


async def test_a_command_in_the_hands_of_a_meter_takes_effect_once_though_its_hub_is_killed(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home, AsyncExitStack() as life:
        async with home.hub() as hub:
            meter = await life.enter_async_context(home.meter())
            before = await in_its_hands(home, hub, meter)
        async with home.hub() as hub:
            await takes_effect_once(home, hub, meter, before)


async def test_a_command_takes_effect_once_when_meter_and_hub_are_killed_at_once(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home:
        async with home.hub() as hub, home.meter() as meter:
            before = await in_its_hands(home, hub, meter)
        async with home.hub() as hub, home.meter() as meter:
            await takes_effect_once(home, hub, meter, before)


async def test_a_command_whose_response_did_not_arrive_is_not_executed_again(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home, home.hub() as hub:
        async with home.meter() as meter:
            before = await in_its_hands(home, hub, meter)
            respond(meter.chassis, meter.execute, home.credit(7))  # and is killed before the PUT
            assert credit_of(meter) == before + AMOUNT
        async with home.meter() as meter:
            await takes_effect_once(home, hub, meter, before)


async def test_a_command_that_a_meter_refuses_is_fetched_once_and_never_called_not_retrieved(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home, home.hub() as hub, home.meter() as meter:
        refused = list[CommandRefused]()
        home.parts.events.subscribe(refused.append, CommandRefused)
        await timeline.sleep(31 * MINUTE)
        hub.deliver(home.credit(7)[:-1] + b"?")
        await timeline.sleep(25 * HOUR)
        assert [one.device for one in refused] == [meter.chassis.eui64]
        assert (home.told, home.expired, kept(hub)) == ([], [], 0)


async def test_a_long_command_that_a_meter_had_in_part_is_fetched_whole_after_a_kill(
    timeline: Timeline,
) -> None:
    async with street(timeline) as home, home.hub() as hub:
        refused = list[CommandRefused]()
        home.parts.events.subscribe(refused.append, CommandRefused)
        command = home.credit(7, times=60)  # more components than the use case has
        blocks = -(-len(command) // BLOCK_OCTETS)
        async with home.meter() as meter:
            await timeline.sleep(31 * MINUTE)
            hub.deliver(command)
            peer = meter.chassis.eui64
            assert hub.mailroom.waiting(peer) == blocks == 2
            await fetch_in_vain(meter, timeline)
            assert (hub.mailroom.waiting(peer), refused) == (1, [])
        async with home.meter():
            await timeline.sleep(HOUR)
            assert [one.originator_counter for one in refused] == [7]
            assert hub.mailroom.waiting(peer) == 0

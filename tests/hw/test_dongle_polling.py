"""What a dongle that is a sleepy end device is told of polling."""

from __future__ import annotations

import pytest

from device.timeline import Timeline
from han.radio import Role
from hw.stack import Stack
from tests.hw.air import CHANNEL, HUB, METER, METER_KEY, Air, message


async def test_a_dongle_polls_fast_for_an_acknowledgement_and_then_as_before(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float | None] = []
    poll_every = Stack.poll_every

    def note(stack: Stack, interval_s: float | None) -> None:
        told.append(interval_s)
        poll_every(stack, interval_s)

    monkeypatch.setattr(Stack, "poll_every", note)
    air = Air(timeline, "ether")
    hub = await air.hub()
    radio = air.make("ezsp13", METER, Role.SLEEPY_END_DEVICE).radio
    await hub.radio.allow_join(METER, METER_KEY)
    await hub.radio.permit_joining(60)
    await radio.start()
    (beacon,) = await radio.scan([CHANNEL])
    await radio.join(beacon, METER_KEY)
    assert told == []
    assert (await radio.send(message(HUB))).delivered
    assert told == [0.1, None]
    await radio.set_awake(awake=True, every_s=90)
    assert (await radio.send(message(HUB))).delivered
    assert told == [0.1, None, 90, 0.1, 90]
    await radio.set_awake(awake=True)
    assert (await radio.send(message(HUB))).delivered
    await radio.set_awake(awake=True)
    assert told == [0.1, None, 90, 0.1, 90, 0.1]  # nothing more to say
    await air.close()

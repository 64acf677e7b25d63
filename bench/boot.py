"""One command to a home that is booted for it, in virtual time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bench.home import Home, living_home
from bench.rig import VIRTUAL_START, Rig
from device.events import CommandRefused, Event, EventStream
from device.timeline import Timeline, run
from gbcs.envelope import Message

FIRST_PUSH: Final = timedelta(minutes=31)
"""By then a gas meter has joined and pushed once."""
_LIMIT: Final = timedelta(hours=2)


def boot_and_ask(rig: Rig, command: Message) -> tuple[bytes | None, str | None]:
    """The Response, or None and the reason of the refusal if there was one."""
    timeline = Timeline(rig.start or VIRTUAL_START)
    return run(_ask(rig, command, timeline), timeline)


async def _ask(rig: Rig, command: Message, timeline: Timeline) -> tuple[bytes | None, str | None]:
    events, refused = EventStream(), list[Event]()
    events.subscribe(refused.append, CommandRefused)
    async with living_home(rig, timeline, events=events) as home:
        await timeline.sleep(FIRST_PUSH)
        octets = await _answer(home, command)
    reasons = [event for event in refused if isinstance(event, CommandRefused)]
    reason = f"{reasons[-1].refusal.name}: {reasons[-1].detail}" if reasons else None
    return octets, reason


async def _answer(home: Home, command: Message) -> bytes | None:
    try:
        return await home.ask(command, _LIMIT)
    except TimeoutError:
        return None

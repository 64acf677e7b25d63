"""What verbs share that run until they are stopped: their beginning, their end, their words."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench.rig import Rig
    from device.events import Event


def start_of(rig: Rig) -> datetime:
    """Where the time of a bench begins: now, unless time is virtual or the rig says when.

    A time of its own goes on where a bench on the same store stopped, or some minutes later.
    """
    from bench.elapsed import resumed_start
    from bench.rig import VIRTUAL_START

    if not rig.has_own_time:
        return datetime.now(UTC)
    return resumed_start(rig, rig.start or VIRTUAL_START)


def stop_event() -> asyncio.Event:
    """Is set when the program is interrupted or told to end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # not on Windows
            loop.add_signal_handler(number, stopped.set)
    return stopped


def event_printer(rig: Rig, *, as_json: bool) -> Callable[[Event], object]:
    """Prints events as sentences, or as lines of JSON."""
    from bench.narrator import sentence
    from bench.wan_side import names_of
    from device.events import to_json_line

    names = names_of(rig)

    def show(event: Event) -> None:
        line = to_json_line(event) if as_json else sentence(event, names)
        if line is not None:
            click.echo(line)

    return show

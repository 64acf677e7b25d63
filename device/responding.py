"""Executing a command so that its Response is not lost: both are kept as one unit."""

from __future__ import annotations

from collections.abc import Callable

from device.chassis import Chassis
from device.events import CommandRefused
from device.refusal import Refusal
from device.store import StoreError

Execute = Callable[[bytes], bytes | None]
"""Executes one command; its Response, or None when it is refused."""


def respond(chassis: Chassis, execute: Execute, command: bytes) -> None:
    """Execute a command and put its Response into the device's outbox.

    A device that is killed has either not seen the command, or tells what came of it when it is
    back. A command that cannot be kept had no effect, and is refused by name (STORAGE).
    """
    try:
        with chassis.store.transaction():
            response = execute(command)
            if response is not None:
                chassis.outbox.put(response)
    except StoreError as exc:
        here = chassis.here()
        chassis.events.publish(CommandRefused(**here, refusal=Refusal.STORAGE, detail=str(exc)))

"""The hands of people at a running bench: look at displays and press their buttons, over TCP.

``{"do": "show"}`` tells what the displays show (with ``"as": "text"`` as tables); the other things
to do are the names of :data:`ACTIONS`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Final

from bench.address import WanError
from bench.control_line import (
    LONGEST_LINE,
    Asked,
    ControlRefused,
    NotAsked,
    NotUnderstood,
    Refusal,
    Said,
    next_asked,
)
from bench.display_shown import shown_by
from bench.display_table import tables
from bench.home import Home
from bench.rig_section import RigError
from device.host import HostError
from gbcs.errors import GbcsError
from gbcs.eui64 import format_eui64, parse_eui64
from han.commands.prepayment import TopUpResult
from han.radio import RadioError
from peers.display import Display
from peers.ppmid import Ppmid
from peers.ppmid import Refusal as ButtonRefusal
from peers.reading import Fuel


@asynccontextmanager
async def control_side(home: Home, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port (useful when asked for port 0).

    Whoever reaches the port may press the buttons, so it is on this machine alone.
    """
    if not _is_here(host):
        raise RigError(
            f"control port {host}:{port}: buttons are pressed on this machine only (127.0.0.1)"
        )
    conversations: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(writer)
        try:
            with suppress(ConnectionError):
                await _converse(home, reader, writer)
        finally:
            conversations.discard(writer)
            writer.close()

    try:
        server = await asyncio.start_server(converse, host, port, limit=LONGEST_LINE)
    except OSError as error:
        raise WanError(f"control port {host}:{port}: {error.strerror or error}") from error
    async with server:
        yield server.sockets[0].getsockname()[1]
        for writer in tuple(conversations):
            writer.close()


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _converse(home: Home, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer line by line, until the other end has no more or one is refused."""
    refusal: Refusal | None = None
    while refusal is None:
        try:
            asked = await next_asked(reader)
            if asked is None:
                return
            said = await answer(home, asked)
        except NotAsked as error:
            refusal, said = error.refusal, {"error": str(error)}
            home.events.publish(ControlRefused(**home.hub.chassis.here(), refusal=refusal))
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()


async def answer(home: Home, asked: Asked) -> Said:
    """Do what is asked; what could not be done is said as ``error``."""
    try:
        return await _do(home, asked)
    except (NotUnderstood, ButtonRefusal, HostError, RadioError, GbcsError) as error:
        return {"error": str(error)}


async def _do(home: Home, asked: Asked) -> Said:
    name = asked.get("do")
    if name == "show":
        shown = [shown_by(display) for display in home.displays]
        if asked.get("as") == "text":
            return {"text": tables(home.rig.name, shown)}
        return {"displays": [one.as_json() for one in shown]}
    action = ACTIONS.get(str(name))
    if action is None:
        raise NotUnderstood(f"do {name!r}: there are show, {', '.join(ACTIONS)}")
    return await action(home, asked)


async def _top_up(home: Home, asked: Asked) -> Said:
    token = asked.get("token")
    if not isinstance(token, str):
        raise NotUnderstood("token: the twenty digits are missing")
    answered = await _ppmid(home, asked).top_up(_fuel(asked), token)
    known = answered.result in tuple(TopUpResult)
    name = TopUpResult(answered.result).name if known else f"result {answered.result}"
    return {
        "result": name,
        "value": answered.value,
        "credit_remaining": answered.credit_remaining,
    }


async def _emergency_credit(home: Home, asked: Asked) -> Said:
    done = await _ppmid(home, asked).activate_emergency_credit(_fuel(asked))
    return {"result": "ACTIVATED" if done else "REFUSED"}


async def _enable_supply(home: Home, asked: Asked) -> Said:
    done = await _ppmid(home, asked).enable_supply()
    return {"result": "ENABLED" if done else "REFUSED"}


async def _confirm(home: Home, asked: Asked) -> Said:
    done = _display(home, asked, Display).confirm_message()
    return {"result": "CONFIRMED" if done else "NOTHING TO CONFIRM"}


ACTIONS: Final[Mapping[str, Callable[[Home, Asked], Awaitable[Said]]]] = {
    "topup": _top_up,
    "emergency-credit": _emergency_credit,
    "enable-supply": _enable_supply,
    "confirm": _confirm,
}
"""Buttons by name."""


def _ppmid(home: Home, asked: Asked) -> Ppmid:
    found = _display(home, asked, Ppmid)
    assert isinstance(found, Ppmid)  # asked for by kind
    return found


def _display(home: Home, asked: Asked, kind: type[Display]) -> Display:
    """The display that is meant; without one named, the first of its kind."""
    wanted = asked.get("display")
    for display in home.displays:
        named = wanted is None or parse_eui64(str(wanted)) == display.chassis.eui64
        if named and isinstance(display, kind):
            return display
    whom = f"{format_eui64(parse_eui64(str(wanted)))}" if wanted else "any"
    raise NotUnderstood(f"display {whom}: the rig has no such {kind.__name__}")


def _fuel(asked: Asked) -> Fuel:
    name = asked.get("fuel", Fuel.ELECTRICITY.value)
    for fuel in Fuel:
        if fuel.value == name:
            return fuel
    raise NotUnderstood(f"fuel {name!r}: there are {', '.join(each.value for each in Fuel)}")

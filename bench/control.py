"""The hands of people at a running bench: look at displays and press their buttons, over TCP.

One line of JSON asks, one line answers. ``{"do": "show"}`` tells what the displays show (with
``"as": "text"`` as tables); the other things to do are the names of :data:`ACTIONS`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Final

from bench.cli.display_table import tables
from bench.display_shown import shown_by
from bench.home import Home
from bench.wan import WanError
from device.host import HostError
from gbcs.errors import GbcsError
from gbcs.eui64 import format_eui64, parse_eui64
from han.commands.prepayment import TopUpResult
from han.radio import RadioError
from peers.display import Display
from peers.ppmid import Ppmid, Refusal
from peers.reading import Fuel

Asked = Mapping[str, object]
Said = dict[str, object]
_LONGEST_LINE: Final = 4096
_LONGEST_ANSWER: Final = 1 << 24
"""Displays remember thousands of half hours."""


class NotUnderstood(ValueError):
    """A line asks for nothing that there is; the message says what is wrong with it."""


@asynccontextmanager
async def control_side(home: Home, host: str, port: int) -> AsyncIterator[int]:
    """Listen while the block runs; yields the port (useful when asked for port 0).

    Whoever reaches the port may press the buttons, so it is on this machine alone.
    """
    if not _is_here(host):
        raise WanError(
            f"control port {host}:{port}: buttons are pressed on this machine only (127.0.0.1)"
        )
    conversations: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.add(writer)
        try:
            with suppress(ConnectionError):
                while (line := await _next_line(reader)) is not None:
                    writer.write(json.dumps(await answer(home, line)).encode() + b"\n")
                    await writer.drain()
        finally:
            conversations.discard(writer)
            writer.close()

    try:
        server = await asyncio.start_server(converse, host, port, limit=_LONGEST_LINE)
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


async def _next_line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line; of one that is too long what came of it, None at the end."""
    try:
        return await reader.readline() or None
    except ValueError:
        return b""  # the reader has dropped it: no JSON


async def answer(home: Home, line: bytes) -> Said:
    """Do what one line asks; what could not be done is said as ``error``."""
    try:
        asked = _read(line)
        return await _do(home, asked)
    except (NotUnderstood, Refusal, HostError, RadioError, GbcsError) as error:
        return {"error": str(error)}


def _read(line: bytes) -> Asked:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(f"not a line of JSON: {error}") from error
    if not isinstance(asked, dict):
        raise NotUnderstood("not an object of JSON")
    return asked


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


async def ask_over_tcp(host: str, port: int, asked: Asked, timeout_s: float) -> Said:
    """Ask a running bench; WanError when it cannot be reached or does not answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port, limit=_LONGEST_ANSWER)
            try:
                writer.write(json.dumps(asked).encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
    except TimeoutError as error:
        raise WanError(f"control port {host}:{port}: no answer within {timeout_s} s") from error
    except OSError as error:
        raise WanError(f"control port {host}:{port}: {error.strerror or error}") from error
    try:
        said = json.loads(line)
    except ValueError as error:
        raise WanError(f"control port {host}:{port}: the bench ended") from error
    return said if isinstance(said, dict) else {}

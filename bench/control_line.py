"""What is said on the control port: one line of JSON asks, one line answers.

A web page in a browser of this machine can send to the port, too: the request that it posts may
hold a line that asks. So a line that is no object of JSON ends its conversation, and what follows
is not read: no HTTP request comes further than its first line.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bench.address import WanError
from device.event import Event

Asked = Mapping[str, object]
Said = dict[str, object]
LONGEST_LINE: Final = 4096
_HTTP: Final = re.compile(rb" HTTP/\d\S*\s*$")
"""How the first line of a request ends."""
_LONGEST_ANSWER: Final = 1 << 24
"""Displays remember thousands of half hours."""


class NotUnderstood(ValueError):
    """A line asks for nothing that there is; the message says what is wrong with it."""


class Refusal(Enum):
    """Why a conversation is ended."""

    HTTP = "an HTTP request, as a web page or another program sends it"
    TOO_LONG = f"not a line of at most {LONGEST_LINE} octets"
    NO_JSON = "not a line of JSON"
    NO_OBJECT = "not an object of JSON"


class NotAsked(NotUnderstood):
    """A line that no hand of a display would send: it ends the conversation."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRefused(Event):
    """A conversation on the control port was ended. ``device`` is the hub of the bench."""

    refusal: Refusal


async def next_asked(reader: asyncio.StreamReader) -> Asked | None:
    """What the next line asks, None at the end; NotAsked of a line that asks nothing."""
    try:
        line = await reader.readline()
    except ValueError as error:
        raise NotAsked(Refusal.TOO_LONG) from error
    return read(line) if line else None


def read(line: bytes) -> Asked:
    """What a line asks; NotAsked when it is no object of JSON."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        refusal = Refusal.HTTP if _HTTP.search(line) else Refusal.NO_JSON
        raise NotAsked(refusal) from error
    if not isinstance(asked, dict):
        raise NotAsked(Refusal.NO_OBJECT)
    return asked


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
    if not line:
        raise WanError(f"control port {host}:{port}: the bench ended")
    try:
        return dict(read(line))
    except NotAsked as error:
        raise WanError(f"control port {host}:{port}: what answers is no bench") from error

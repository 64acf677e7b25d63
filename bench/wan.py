"""The WAN side over TCP: GBCS messages in the GFI text form, one a line, in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from bench.address import WanError, parse_address
from bench.remote_party import is_response_to
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage
from gbcs.gfi import GfiReader, to_gfi

_READ_OCTETS: Final = 65_536
_BAD_LINES_SHOWN: Final = 3
_LISTENS_AFTER_S: Final = 1.0
"""A connection that is still there by then hears alerts; others only want their own Response."""
_UNREAD_OCTETS: Final = 1_048_576
"""What waits for a connection that does not read, before it is taken for dead and cut."""
_UNANSWERED_LIMIT: Final = 4_096
"""Commands of one connection whose Responses are still to be led back to it."""

Transaction = tuple[int, int, int]
"""Remote party, device and originator counter: what names a command and its Response."""


@dataclass(eq=False, slots=True)
class _Connection:
    writer: asyncio.StreamWriter
    asked: dict[Transaction, None] = field(default_factory=dict)
    listens: bool = False
    bad_lines: int = 0

    def still_reads(self) -> bool:
        """Whether to write to it; one that has not read for too long is cut."""
        transport = self.writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() > _UNREAD_OCTETS:
            transport.abort()
        return not transport.is_closing()

    def remember(self, transaction: Transaction) -> None:
        self.asked[transaction] = None
        while len(self.asked) > _UNANSWERED_LIMIT:
            del self.asked[next(iter(self.asked))]


@dataclass(slots=True)
class GfiGateway:
    """Takes commands from TCP connections and leads each Response back to the one that asked.

    ``command`` takes the octets of one message; ``refuse`` is told of lines that hold none. Alerts,
    and Responses whose asker is gone, go to every connection that stays for a second; ``listening``
    is called when there is one.
    """

    command: Callable[[bytes], None]
    refuse: Callable[[MalformedMessage], None]
    listening: Callable[[], object] = lambda: None
    listens_after_s: float = _LISTENS_AFTER_S
    _connections: set[_Connection] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Listen while the block runs; yields the port (useful when asked for port 0)."""
        try:
            server = await asyncio.start_server(self._converse, host, port)
        except OSError as error:
            raise WanError(f"WAN port {host}:{port}: {error.strerror or error}") from error
        async with server:
            yield server.sockets[0].getsockname()[1]
            for connection in tuple(self._connections):
                connection.writer.close()

    def upward(self, octets: bytes) -> bool:
        """Send a Response or alert to whoever shall have it; False when nobody is there."""
        message = Message.parse(octets)
        key = (message.recipient, message.originator, message.originator_counter)
        alive = [c for c in self._connections if c.still_reads()]
        askers = [c for c in alive if key in c.asked]
        if message.cra is not Cra.RESPONSE or not askers:
            askers = [c for c in alive if c.listens]
        for connection in askers:
            connection.asked.pop(key, None)
            connection.writer.write(to_gfi(octets))
        return bool(askers)

    def _begin_to_listen(self, connection: _Connection) -> None:
        connection.listens = True
        self.listening()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, lines = _Connection(writer), GfiReader()
        self._connections.add(connection)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.listens_after_s, self._begin_to_listen, connection)
        try:
            while received := await reader.read(_READ_OCTETS):
                for found in lines.feed(received):
                    self._take(connection, found)
                await writer.drain()
        except ConnectionError:
            pass  # the asker went away; its Responses go to whoever is left
        finally:
            timer.cancel()
            self._connections.discard(connection)
            self._sum_up(connection)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _sum_up(self, connection: _Connection) -> None:
        """Noise may be a megabyte: its first lines are refused one by one, the rest by number."""
        more = connection.bad_lines - _BAD_LINES_SHOWN
        connection.bad_lines = 0
        if more > 0:
            self.refuse(MalformedMessage(f"{more} more lines that hold no message"))

    def _take(self, connection: _Connection, found: bytes | MalformedMessage) -> None:
        if isinstance(found, MalformedMessage):
            connection.bad_lines += 1
            if connection.bad_lines <= _BAD_LINES_SHOWN:
                self.refuse(found)
            return
        self._sum_up(connection)
        with suppress(MalformedMessage):  # the command path names what is wrong with it
            message = Message.parse(found)
            connection.remember((message.originator, message.recipient, message.originator_counter))
        self.command(found)


async def ask_over_tcp(host: str, port: int, command: Message, timeout_s: float) -> bytes | None:
    """Send a command to a WAN port and wait for its Response; None when none comes in time."""
    reader, writer = await asyncio.open_connection(host, port)
    lines = GfiReader()
    try:
        writer.write(to_gfi(command.to_bytes()))
        async with asyncio.timeout(timeout_s):
            while received := await reader.read(_READ_OCTETS):
                for found in lines.feed(received):
                    if isinstance(found, bytes) and is_response_to(found, command):
                        return found
    except TimeoutError:
        return None
    finally:
        writer.close()
    return None


async def ask_bench(address: str, command: Message, timeout_s: float) -> bytes | None:
    """The same for a bench whose WAN port is ``HOST:PORT``; WanError when none answers there."""
    host, port = parse_address(address)
    try:
        return await ask_over_tcp(host, port, command, timeout_s)
    except OSError as error:
        raise WanError(
            f"no bench answers on {address} ({error.strerror or error}); "
            "start one with `chub run` (`chub send --boot` boots one for itself)"
        ) from error

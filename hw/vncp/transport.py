"""Ways to the virtual dongle: ``vncp://NAME`` inside the process, a TCP port, a pseudo-terminal.

``vncp://`` is a scheme of serialx, so everything on top of it (bellows, zigpy) opens it like any
port. A name is valid from :func:`publish` until :func:`withdraw`. One host at a time: a second
one takes the line over, and the first sees its port close.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from serialx import BaseSerial, BaseSerialTransport, register_uri_handler

SCHEME: Final = "vncp://"


class Device(Protocol):
    """What a line leads to: a virtual NCP, alone or with its bootloader."""

    def connect(
        self,
        write: Callable[[bytes], None],
        closed: Callable[[], None],
        baudrate: int | None = None,
    ) -> None:
        """A host opened the line."""
        ...

    def disconnect(self) -> None:
        """The host closed it."""
        ...

    def disconnect_from(self, write: Callable[[bytes], None]) -> None:
        """A host closed it; nothing happens when another has taken it over."""
        ...

    def receive(self, octets: bytes) -> None:
        """Octets from the host."""
        ...


_published: Final[dict[str, Device]] = {}


def publish(name: str, ncp: Device) -> str:
    """Make ``vncp://name`` open this dongle; the URL."""
    if name in _published:
        raise ValueError(f"vncp://{name} is taken")
    _published[name] = ncp
    return SCHEME + name


def withdraw(name: str) -> None:
    """Unplug it: the next open of the name fails."""
    _published.pop(name, None)


class VncpSerial(BaseSerial):  # type: ignore[misc] # untyped library
    """Only there because the registry asks for a synchronous class; it cannot be opened."""


class VncpTransport(BaseSerialTransport):  # type: ignore[misc] # untyped library
    """The host's end of an in-process line; octets cross in the next turn of the loop."""

    transport_name = "vncp"
    _ncp: Device | None = None

    async def _connect(self, *, path: str, **settings: object) -> None:
        name = path.removeprefix(SCHEME).rstrip("/")
        ncp = _published.get(name)
        if ncp is None:
            raise FileNotFoundError(f"no virtual dongle is published as {path}")
        self._ncp = ncp
        baudrate = settings.get("baudrate")
        given = baudrate if isinstance(baudrate, int) else None
        ncp.connect(self._from_ncp, self._unplugged, given)
        self._call_protocol_connection_made()

    def _from_ncp(self, octets: bytes) -> None:
        self._loop.call_soon(self._give, octets)

    def _give(self, octets: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(octets)

    def _unplugged(self) -> None:
        self._closing = True
        self._ncp = None
        self._loop.call_soon(self._call_protocol_connection_lost, OSError("the dongle is gone"))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Octets towards the dongle."""
        if self._ncp is not None and not self._closing:
            self._loop.call_soon(self._ncp.receive, bytes(data))

    def is_closing(self) -> bool:
        """Whether the line is closed or closing."""
        return bool(self._closing)

    def close(self) -> None:
        """Close the port; the dongle goes on."""
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        if self._closing:
            return
        self._closing = True
        self._mark_user_closed()
        if self._ncp is not None:
            self._ncp.disconnect_from(self._from_ncp)
            self._ncp = None
        self._loop.call_soon(self._call_protocol_connection_lost, None)

    def get_write_buffer_size(self) -> int:
        """Nothing is ever buffered."""
        return 0


register_uri_handler(
    scheme=SCHEME,
    unique_scheme=SCHEME,
    sync_cls=VncpSerial,
    async_transport_cls=VncpTransport,
)


class _Line(asyncio.Protocol):
    """One TCP connection to the dongle."""

    def __init__(self, ncp: Device) -> None:
        self._ncp = ncp

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        self._ncp.connect(transport.write, transport.close)

    def data_received(self, data: bytes) -> None:
        self._ncp.receive(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ncp.disconnect_from(self._transport.write)


async def listen(ncp: Device, host: str, port: int) -> asyncio.Server:
    """Serve the dongle on a TCP port (0 picks one); open it as ``tcp://host:port``."""
    return await asyncio.get_running_loop().create_server(lambda: _Line(ncp), host, port)


class PtyLine:
    """The dongle behind a pseudo-terminal; ``path`` is what a host opens."""

    def __init__(self, ncp: Device) -> None:
        import pty  # not on every system, and only needed here
        import tty

        self._ncp = ncp
        self._master, self._slave = pty.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        os.set_blocking(self._master, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._readable)
        ncp.connect(self._write, self.close)

    def _readable(self) -> None:
        with suppress(BlockingIOError, OSError):
            self._ncp.receive(os.read(self._master, 4096))

    def _write(self, octets: bytes) -> None:
        with suppress(OSError):  # nobody reads: a terminal drops what overflows
            os.write(self._master, octets)

    def close(self) -> None:
        """Remove the terminal; safe to call twice."""
        if self._master < 0:
            return
        self._loop.remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

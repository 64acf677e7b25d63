"""Serve a virtual dongle to other programs.

A TCP port or a pseudo-terminal, with a memory that outlives the process.

This is what ``chub vncp`` runs. Several dongles may share one air: each gets a line of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from han.radio import RadioError
from hw.ether import Ether
from hw.stack import Store
from hw.vncp.bootloader import DongleWithBootloader
from hw.vncp.ncp import VirtualNcp
from hw.vncp.transport import PtyLine, listen

DEFAULT_EUI64: Final = 0x0002A7FFFE000001
DEFAULT_EZSP: Final = 13
USED_CHANNEL: Final = 15
STOCK_LINK_KEYS: Final = 12


@dataclass(frozen=True, slots=True)
class Dongle:
    """One virtual dongle to serve.

    At ``host:port`` (port 0 picks one), or on a pseudo-terminal when there is no host.

    ``memory`` keeps network, keys and counters over restarts; None forgets them.
    A dongle that remembers nothing gets a network of its own, as one that was in use before (the
    stock tools want one to look at); ``blank`` serves it as it comes from the shop.
    ``link_keys`` is how many its firmware was compiled for.
    """

    host: str | None = "127.0.0.1"
    port: int = 0
    ezsp_version: int = DEFAULT_EZSP
    eui64: int = DEFAULT_EUI64
    memory: Store | None = None
    blank: bool = False
    bootloader: bool = False
    link_keys: int = STOCK_LINK_KEYS


@asynccontextmanager
async def serving(dongle: Dongle, ether: Ether) -> AsyncIterator[str]:
    """Serve one dongle while the block runs.

    Gives what a host opens (``tcp://host:port`` or a device path).
    """
    ncp = VirtualNcp(
        ether,
        dongle.eui64,
        ezsp_version=dongle.ezsp_version,
        store=dongle.memory,
        key_table_limit=dongle.link_keys,
    )
    if not dongle.blank:
        ncp.form_once(USED_CHANNEL)
    device = DongleWithBootloader(ncp) if dongle.bootloader else ncp
    if dongle.host is None:
        line = PtyLine(device)
        try:
            yield line.path
        finally:
            line.close()
            ncp.drop_line()
        return
    try:
        server = await listen(device, dongle.host, dongle.port)
    except OSError as exc:
        raise RadioError(f"cannot listen on {dongle.host}:{dongle.port}: {exc.strerror}") from exc
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"tcp://{host}:{port}"
    finally:
        server.close()
        ncp.drop_line()
        await server.wait_closed()

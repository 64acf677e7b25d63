"""``chub vncp``: a virtual EZSP dongle that any EZSP host can be pointed at."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from bench.cli.options import EUI64, examples, rig_of
from gbcs.eui64 import format_eui64

if TYPE_CHECKING:
    from bench.rig import Rig
    from hw.capture import LinkType
    from hw.ether import Link
    from hw.vncp.serve import Dongle


@click.command(
    epilog=examples(
        "chub vncp --listen 127.0.0.1:6638 --listen 127.0.0.1:6639@02434855420000A1",
        "chub vncp --blank --nv dongle.nv --listen 127.0.0.1:6638",
    )
)
@click.option(
    "--listen",
    "addresses",
    multiple=True,
    metavar="HOST:PORT[@EUI64]",
    help="Serve over TCP, for example 127.0.0.1:6638; repeat for more dongles on the same air.",
)
@click.option("--pty", is_flag=True, help="Serve on a pseudo terminal and print its name.")
@click.option("--ezsp", type=click.Choice(["8", "13", "14", "19"]), default="13", show_default=True)
@click.option("--eui64", type=EUI64, default="02434855420000FF", show_default=True)
@click.option(
    "--nv",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the memory of every dongle here: network, keys, counters.",
)
@click.option(
    "--capture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Record the air here; a capture that is there is continued.",
)
@click.option(
    "--rig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Take seed and [air] of this rig: links, faults, how captures are written.",
)
@click.option(
    "--keys",
    type=click.IntRange(min=1, max=127),
    default=12,
    show_default=True,
    help="How many link keys the firmware can hold: stock builds 12, a full home needs 16.",
)
@click.option("--blank", is_flag=True, help="Come without a network, as from the shop.")
@click.option("--bootloader", is_flag=True, help="Have a bootloader beside it: can be flashed.")
def vncp(
    addresses: tuple[str, ...],
    *,
    pty: bool,
    ezsp: str,
    eui64: int,
    nv: Path | None,
    capture: Path | None,
    rig: Path | None,
    keys: int,
    blank: bool,
    bootloader: bool,
) -> None:
    """Serve virtual EZSP dongles until interrupted.

    Anything that speaks EZSP can be pointed at one: `bellows -d tcp://127.0.0.1:6638 info`.
    Unless told otherwise it comes with a network of its own, as a dongle that was in use. Several
    share one air, so that a hub and a meter in two processes hear each other.
    """
    from bench.address import parse_address
    from hw.stack import FileStore
    from hw.vncp.serve import Dongle

    if bool(addresses) == pty:
        raise click.UsageError("say --listen HOST:PORT or --pty")
    memory = None if nv is None else FileStore(nv)

    def made(host: str | None, port: int, address: int) -> Dongle:
        return Dongle(
            host,
            port,
            int(ezsp),
            address,
            memory=None if memory is None else memory.scope(f"{address:016X}"),
            blank=blank,
            bootloader=bootloader,
            link_keys=keys,
        )

    dongles: list[Dongle] = []
    for number, text in enumerate(addresses):
        place, _, own = text.partition("@")
        address = EUI64.convert(own, None, None) if own else eui64 + number
        if any(dongle.eui64 == address for dongle in dongles):
            raise click.UsageError(f"two dongles with the EUI-64 {format_eui64(address)}")
        dongles.append(made(*parse_address(place), address))
    dongles = dongles or [made(None, 0, eui64)]
    asyncio.run(_serve(dongles, capture, rig_of(rig)))


async def _serve(dongles: list[Dongle], capture: Path | None, rig: Rig) -> None:
    from bench.air import capture_type, describe, ether_of, plan_faults
    from bench.capture_keys import further_key
    from hw.vncp.serve import serving

    ether = ether_of(rig)
    async with AsyncExitStack() as stack:
        if capture is not None:
            file = stack.enter_context(_opened(capture, capture_type(rig)))
            ether.tap(_Recorder(file, capture_type(rig)))
            ether.keys.watch(lambda key: click.echo(further_key(key)))
        for dongle in dongles:
            address = await stack.enter_async_context(serving(dongle, ether))
            name = format_eui64(dongle.eui64)
            click.echo(f"virtual dongle {name}, EZSP {dongle.ezsp_version}, on {address}")
        plan_faults(
            rig, ether,
            lambda fault, begins: click.echo(
                f"{'FAULT begins' if begins else 'fault ends'}: {describe(fault)}"
            ),
        )  # fmt: skip
        await asyncio.get_running_loop().create_future()


def _opened(capture: Path, link_type: LinkType) -> BinaryIO:
    from hw.capture import link_type_of

    try:
        file = capture.open("a+b")
    except OSError as error:
        raise click.UsageError(f"--capture {capture}: {error.strerror}") from error
    file.seek(0)
    head = file.read(24)
    file.seek(0, os.SEEK_END)
    if head and link_type_of(head) is not link_type:
        file.close()
        raise click.UsageError(
            f"--capture {capture}: it is no capture of link type {link_type.value} to continue"
        )
    return file


class _Recorder:
    """Hands every frame to the operating system at once, so that a kill costs none."""

    def __init__(self, file: BinaryIO, link_type: LinkType) -> None:
        from hw.capture import PcapWriter

        self._writer = PcapWriter(file, lambda: datetime.now(UTC), link_type)
        self._writer.flush()

    def frame(self, psdu: bytes, channel: int, link: Link) -> None:
        """Record one frame of the air."""
        self._writer.frame(psdu, channel, link)
        self._writer.flush()

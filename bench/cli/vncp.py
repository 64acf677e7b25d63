"""``chub vncp``: a virtual EZSP dongle that any EZSP host can be pointed at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import EUI64

if TYPE_CHECKING:
    from hw.vncp.serve import Dongle


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Serve over TCP, for example 127.0.0.1:6638.")
@click.option("--pty", is_flag=True, help="Serve on a pseudo terminal and print its name.")
@click.option("--ezsp", type=click.Choice(["8", "13", "14"]), default="13", show_default=True)
@click.option("--eui64", type=EUI64, default="02434855420000FF", show_default=True)
@click.option(
    "--nv", type=click.Path(path_type=Path, dir_okay=False), help="Keep the node's memory here."
)
@click.option("--blank", is_flag=True, help="Come without a network, as from the shop.")
def vncp(
    listen: str | None, *, pty: bool, ezsp: str, eui64: int, nv: Path | None, blank: bool
) -> None:
    """Serve a virtual EZSP dongle until interrupted.

    Anything that speaks EZSP can be pointed at it: ``bellows -d tcp://127.0.0.1:6638 info``.
    Unless told otherwise it comes with a network of its own, as a dongle that was in use.
    """
    from bench.wan import parse_address
    from hw.vncp.serve import Dongle

    if (listen is None) != pty:
        raise click.UsageError("say --listen HOST:PORT or --pty")
    host, port = (None, 0) if listen is None else parse_address(listen)
    asyncio.run(_serve(Dongle(host, port, int(ezsp), eui64, nv, blank)))


async def _serve(dongle: Dongle) -> None:
    from hw.ether import Ether
    from hw.vncp.serve import serving

    async with serving(dongle, Ether()) as address:
        click.echo(f"virtual dongle, EZSP {dongle.ezsp_version}, on {address} (Ctrl-C ends it)")
        await asyncio.get_running_loop().create_future()

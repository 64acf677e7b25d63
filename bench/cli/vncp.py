"""``chub vncp``: a virtual EZSP dongle that any EZSP host can be pointed at."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from bench.cli.options import EUI64


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="Serve over TCP, for example 127.0.0.1:6638.")
@click.option("--pty", is_flag=True, help="Serve on a pseudo terminal and print its name.")
@click.option("--ezsp", type=click.Choice(["8", "13", "14"]), default="13", show_default=True)
@click.option("--eui64", type=EUI64, default="02434855420000FF", show_default=True)
@click.option(
    "--nv", type=click.Path(path_type=Path, dir_okay=False), help="Keep the node's memory here."
)
def vncp(listen: str | None, *, pty: bool, ezsp: str, eui64: int, nv: Path | None) -> None:
    """Serve a virtual EZSP dongle until interrupted.

    Anything that speaks EZSP can be pointed at it: ``bellows -d tcp://127.0.0.1:6638 info``.
    """
    from hw.vncp.serve import serve

    if (listen is None) != pty:
        raise click.UsageError("say --listen HOST:PORT or --pty")
    asyncio.run(serve(listen=listen, ezsp=int(ezsp), eui64=eui64, nv=nv, announce=click.echo))

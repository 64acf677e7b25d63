"""``chub sniff``: a capture of whatever is on a channel, through a spare dongle."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from bench.cli.options import FOR
from bench.cli.running import stop_event

if TYPE_CHECKING:
    from hw.capture import LinkType
    from hw.ether import Link


@click.command()
@click.argument("port")
@click.option("--channel", type=click.IntRange(11, 26), required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), required=True,
    help="The capture; - writes it to standard output, for a pipe to Wireshark.",
)  # fmt: skip
@click.option(
    "--format", "kind", type=click.Choice(["tap", "fcs"]), default="tap", show_default=True,
    help="tap: with RSSI, LQI and channel (link type 283); fcs: bare frames (195).",
)  # fmt: skip
@FOR
def sniff(port: str, channel: int, out: Path, kind: str, for_s: float | None) -> None:
    """Record every frame on a channel through the dongle at PORT, until interrupted.

    The dongle must be a spare one: it leaves its network for the time. Wireshark opens the capture;
    `chub run` prints the keys of a network of ours.
    """
    from hw.capture import LinkType

    link_type = LinkType.TAP if kind == "tap" else LinkType.WITH_FCS
    with _opened(out) as file:
        count = asyncio.run(_record(port, channel, file, link_type, for_s))
    click.echo(f"{count} frames in {out}", err=True)


def _opened(out: Path) -> BinaryIO:
    try:
        return click.open_file(str(out), "wb")  # type: ignore[return-value] # a file, or stdout
    except OSError as error:
        raise click.UsageError(f"--out {out}: {error.strerror}") from error


async def _record(
    port: str, channel: int, file: BinaryIO, link_type: LinkType, for_s: float | None
) -> int:
    from hw.radio_string import line_of
    from hw.sniffer import sniff as listen

    line, recorder, stopped = line_of(port), _Recorder(file, link_type), stop_event()

    def listening() -> None:
        click.echo(f"listening on channel {channel} through {line.path}", err=True)

    listener = asyncio.create_task(
        listen(
            line.path, channel, recorder,
            baudrate=line.baudrate, flow_control=line.flow_control, listening=listening,
        ),
        name="sniff",
    )  # fmt: skip
    stopping = asyncio.create_task(stopped.wait(), name="stop")
    try:
        await asyncio.wait((listener, stopping), timeout=for_s, return_when=asyncio.FIRST_COMPLETED)
        if listener.done():
            listener.result()
    finally:
        for task in (listener, stopping):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await listener
    return recorder.count


class _Recorder:
    """Writes each frame at once, so that a pipe shows it live, and counts."""

    def __init__(self, file: BinaryIO, link_type: LinkType) -> None:
        from hw.capture import PcapWriter

        self._writer = PcapWriter(file, lambda: datetime.now(UTC), link_type)
        self._writer.flush()
        self.count = 0

    def frame(self, psdu: bytes, channel: int, link: Link) -> None:
        """Record one frame."""
        self._writer.frame(psdu, channel, link)
        self._writer.flush()
        self.count += 1

"""``chub join``: emulated meters and displays on dongles, in somebody else's home."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import FOR, examples
from bench.cli.running import event_printer, start_of, stop_event

if TYPE_CHECKING:
    from bench.rig import Rig


@click.command(
    epilog=examples(
        "chub join rig.toml --show-install-codes",
        "chub join rig.toml --leave",
    )
)
@click.argument("rig", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@FOR
@click.option(
    "--show-install-codes", is_flag=True, help="Print the secrets with which a hub admits them."
)
@click.option(
    "--leave",
    is_flag=True,
    help="Have dongles first leave the network they are on, unless the rig's store knows it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
def join(
    rig: Path, for_s: float | None, *, show_install_codes: bool, leave: bool, as_json: bool
) -> None:
    """Join the devices of RIG.toml to a hub that is not ours, until interrupted.

    Each device has a dongle of its own (`radio`), whose EUI-64 is its `eui64`. No hub is
    formed. The hub must be told of each device and its install code; `network.channel` limits
    the search to one channel. A dongle that is on a network goes on there; one that is something
    else there than its device ends this, unless it is to `--leave`. A virtual dongle for it comes
    from `chub vncp --blank`.
    """
    from bench.joiners import joining_rig
    from bench.rig import load_rig
    from device.timeline import Timeline
    from device.timeline import run as run_on

    wanted = joining_rig(load_rig(rig), leave=leave)
    if not as_json:
        _introduce(wanted, show_install_codes=show_install_codes)
    timeline = Timeline(start_of(wanted), wanted.rate)
    run_on(_live(wanted, timeline, for_s, as_json=as_json), timeline)


async def _live(rig: Rig, timeline: object, for_s: float | None, *, as_json: bool) -> None:
    from bench.joiners import living_joiners
    from device.events import EventStream
    from device.timeline import Timeline

    assert isinstance(timeline, Timeline)  # the type is imported lazily
    events = EventStream()
    events.subscribe(event_printer(rig, as_json=as_json))
    stopped = stop_event()
    async with living_joiners(rig, timeline, events):
        with suppress(TimeoutError):
            until = None if for_s is None else timeline.now() + timedelta(seconds=for_s)
            async with timeline.timeout_at(until):
                await stopped.wait()


def _introduce(rig: Rig, *, show_install_codes: bool) -> None:
    from bench.parts import install_code_of
    from gbcs.eui64 import format_eui64
    from han.radio import install_code_crc, without_crc

    channel = rig.network.channel
    where = f"channel {channel}" if "channel" in rig.network.model_fields_set else "all channels"
    click.echo(f"{rig.name}: looking for a hub on {where}")
    for _, section in rig.emulated():
        kind = rig.device_types[section.eui64]
        click.echo(f"  {kind.value} {format_eui64(section.eui64)} on {section.radio}")
        if show_install_codes:
            code = install_code_of(rig.keys.seed, section)
            bare, crc = without_crc(code), install_code_crc(without_crc(code))
            click.echo(f"    install code {bare.hex().upper()}, CRC {crc.hex().upper()}")

"""``chub run``: a bench that stays up, with its WAN port open."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import ABOVE_ZERO, RIG, examples, rig_of
from bench.cli.running import event_printer, start_of, stop_event

if TYPE_CHECKING:
    from bench.home import Home
    from bench.rig import Rig


@click.command(
    epilog=examples(
        "chub run",
        "chub run rig.toml --time x60 --control 127.0.0.1:23457",
        "chub run rig.toml --capture run.pcap --for 3600 --json",
    )
)
@RIG
@click.option("--wan", metavar="HOST:PORT", help="WAN port, instead of the rig's.")
@click.option("--control", metavar="HOST:PORT", help="Let `chub press` reach the displays here.")
@click.option(
    "--capture", type=click.Path(path_type=Path, dir_okay=False), help="Record the air here."
)
@click.option("--time", "pace", help="real, jump, or x60: a minute a second, if the machine can.")
@click.option(
    "--for", "for_s", type=ABOVE_ZERO, help="End after so many seconds of the bench's time."
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON.")
def run(
    rig: Path | None,
    wan: str | None,
    control: str | None,
    capture: Path | None,
    pace: str | None,
    for_s: float | None,
    *,
    as_json: bool,
) -> None:
    """Run the bench of RIG.toml (without one: the built-in home) until interrupted.

    Commands come in on the WAN port as GFI text lines; `chub send` speaks to it. Events go to
    standard output.
    """
    from bench.rig import checked_pace
    from device.timeline import Timeline
    from device.timeline import run as run_on

    loaded = rig_of(rig)
    changes: dict[str, object] = {"capture": capture} if capture else {}
    if wan:
        changes["wan"] = loaded.wan.model_copy(update={"listen": wan})
    if pace:
        changes["time"] = checked_pace(pace)
    loaded = loaded.model_copy(update=changes)
    timeline = Timeline(start_of(loaded), loaded.rate)
    limit = None if for_s is None else timedelta(seconds=for_s)
    run_on(_serve(loaded, timeline, limit, control, as_json=as_json), timeline)


async def _serve(
    rig: Rig, timeline: object, limit: timedelta | None, control: str | None, *, as_json: bool
) -> None:
    from bench.address import parse_address
    from bench.control import control_side
    from bench.home import living_home
    from bench.wan_side import wan_side
    from device.events import EventStream
    from device.timeline import Timeline

    assert isinstance(timeline, Timeline)  # the type is imported lazily
    events = EventStream()
    events.subscribe(event_printer(rig, as_json=as_json))
    stopped = stop_event()
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(living_home(rig, timeline, events=events))
        port = await stack.enter_async_context(wan_side(home))
        if control is not None:
            host, number = parse_address(control)
            opened = await stack.enter_async_context(control_side(home, host, number))
            click.echo(f"control on {host}:{opened}", err=as_json)
        if not as_json:
            _introduce(home, port)
        with suppress(TimeoutError):
            until = None if limit is None else timeline.now() + limit
            async with timeline.timeout_at(until):
                await stopped.wait()


def _introduce(home: Home, port: int) -> None:
    from bench.capture_keys import further_key, wireshark_hint
    from gbcs.eui64 import format_eui64

    rig = home.rig
    click.echo(f"{rig.name}: WAN on {rig.wan.listen.rpartition(':')[0]}:{port} (GFI text)")
    click.echo(f"  hub on {rig.hub.radio}, GPF {format_eui64(rig.hub.gpf)}, "
               f"CHF {format_eui64(rig.hub.chf)}")  # fmt: skip
    if rig.gas_meter is not None:
        click.echo(f"  gas meter {format_eui64(rig.gas_meter.eui64)} on {rig.gas_meter.radio}")
    if rig.electricity_meter is not None:
        meter = rig.electricity_meter
        click.echo(f"  electricity meter {format_eui64(meter.eui64)} on {meter.radio}")
    for display in rig.displays:
        click.echo(f"  {display.kind} {format_eui64(display.eui64)} on {display.radio}")
    for access in rig.access_devices:
        click.echo(f"  {access.kind} {format_eui64(access.eui64)} on {access.radio}")
    for switch in rig.controllers:
        click.echo(f"  {switch.kind} {format_eui64(switch.eui64)} on {switch.radio}")
    for name, value in home.settings.not_default().items():
        click.echo(f"  setting {name} = {value}")
    if rig.capture is not None and not rig.hub.radio.startswith(("vncp:", "ether:")):
        click.echo("  capture: the hub's radio is not on this bench's own air; record there "
                   "(`chub vncp --capture`) or with a spare dongle (`chub sniff`)")  # fmt: skip
    elif rig.capture is not None:
        known = home.capture_keys
        for line in wireshark_hint(rig.capture, [key.hex() for key in known]):
            click.echo(f"  {line}")
        home.ether.keys.watch(lambda key: None if key in known else click.echo(further_key(key)))

"""``chub radios``, ``chub doctor``, ``chub scan``: what one does before the first join."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.options import print_json
from gbcs.eui64 import format_eui64

if TYPE_CHECKING:
    from hw.doctor import Check
    from hw.survey import Survey

JSON = click.option("--json", "as_json", is_flag=True, help="Print it for machines.")
_MARKS: Final = {"good": "[green]good[/]", "bad": "[red]BAD [/]", "warning": "[yellow]note[/]"}
_FLOOR_DBM: Final = -100
_BAR_WIDTH: Final = 40


@click.command()
@JSON
def radios(*, as_json: bool) -> None:
    """List serial ports, what each probably is, and who holds it."""
    from hw.discovery import list_ports

    reports = list_ports()
    if as_json:
        print_json([asdict(report) for report in reports])
        return
    for report in reports:
        name = report.kind.name if report.kind is not None else report.product or "unknown"
        held = "".join(f", held by {one.command} ({one.pid})" for one in report.holders)
        closed = "" if report.accessible else ", no permission"
        click.echo(f"{report.stable_path}: {name} ({report.confidence.value}){held}{closed}")
    if not reports:
        click.echo("no serial ports here; vncp: needs none", err=True)


@click.command()
@click.argument("port", required=False)
@click.option(
    "--bench",
    "pair",
    nargs=2,
    metavar="PORT_A PORT_B",
    help="Ask two dongles what only real silicon can answer; send us the report.",
)
@JSON
def doctor(port: str | None, pair: tuple[str, str] | None, *, as_json: bool) -> None:
    """Test one by one what stops a bench from starting, with the remedy beside it."""
    checks = asyncio.run(_checks(port, pair))
    if as_json:
        print_json([asdict(check) | {"outcome": check.outcome.value} for check in checks])
    else:
        _print_checks(checks)
    bad = any(check.outcome.value == "bad" for check in checks)
    sys.exit(ExitCode.CHECK_FAILED if bad else ExitCode.OK)


async def _checks(port: str | None, pair: tuple[str, str] | None) -> list[Check]:
    from hw.doctor import Outcome, check_access, check_air, check_dongle, check_machine
    from hw.silicon import ask_sticks

    checks = check_machine()
    if port is not None:
        access = check_access(port)
        checks += access
        if all(check.outcome is not Outcome.BAD for check in access):
            checks += await check_dongle(port)
        if all(check.outcome is not Outcome.BAD for check in checks):
            checks += await check_air(port)
    if pair is not None:
        checks += await ask_sticks(*pair)
    return checks


def _print_checks(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for check in checks:
        mark = _MARKS.get(check.outcome.value, check.outcome.value)
        console.print(f"{mark}  {check.name}: {escape(check.found)}")
        if check.remedy:
            console.print(f"      do: {check.remedy}", markup=False)


@click.command()
@click.argument("port")
@JSON
def scan(port: str, *, as_json: bool) -> None:
    """Show how loud each channel is at the dongle at PORT, and which networks are there.

    The dongle leaves its network for the time of the scan.
    """
    from hw.survey import survey

    found = asyncio.run(survey(port))
    if as_json:
        print_json(
            {
                "rssi_dbm": found.rssi_dbm,
                "networks": [
                    asdict(one) | {"extended_pan_id": format_eui64(one.extended_pan_id)}
                    for one in found.networks
                ],
                "quietest": found.quietest(),
            }
        )
    else:
        _print_survey(found)


def _print_survey(found: Survey) -> None:
    for channel, rssi_dbm in sorted(found.rssi_dbm.items()):
        length = max(0, rssi_dbm - _FLOOR_DBM) * _BAR_WIDTH // -_FLOOR_DBM
        click.echo(f"channel {channel}  {rssi_dbm:4} dBm  {'#' * length}")
    for one in found.networks:
        joining = "joining open" if one.permits_joining else "joining closed"
        name = format_eui64(one.extended_pan_id)
        click.echo(f"channel {one.channel}: PAN {one.pan_id:04X}, {name}, {joining}")
    click.echo(f"quietest: channel {found.quietest()}")

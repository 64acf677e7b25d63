"""``chub admit``, ``expel``, ``devices``: a hub's device log, by commands of the broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.given import ELSEWHERE, SECRET
from bench.cli.options import EUI64, examples, milliseconds_since_2000, print_json, rig_of

if TYPE_CHECKING:
    from bench.device_list import Row
    from gbcs.dlms.apdu import AccessResponse
    from gbcs.plain import Plain

KINDS: Final = ("ESME", "GSME", "HCALCS", "IHD", "CAD", "PPMID")
_WITHIN_S: Final = 10.0
_F = TypeVar("_F", bound=Callable[..., object])


def _where(command: _F) -> _F:
    """Which bench to speak to."""
    rig = click.option(
        "--rig",
        "rig_path",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="The bench's rig file; without it the built-in home.",
    )
    wan = click.option("--wan", metavar="HOST:PORT", help="The bench's WAN port.")
    return rig(wan(command))


@click.command(
    epilog=examples(
        "chub admit 02434855420000A0 --kind ESME --install-code @code.txt --timeout 600",
    )
)
@click.argument("device", type=EUI64)
@click.option("--kind", type=click.Choice(KINDS, case_sensitive=False), required=True)
@click.option("--install-code", "code", type=SECRET, required=True,
              help=f"32 hex digits, or 36 with the CRC. {ELSEWHERE}")  # fmt: skip
@click.option("--timeout", "timeout_s", type=click.IntRange(1, 0xFFFF), default=3600,
              show_default=True, help="How long it may join, in seconds.")  # fmt: skip
@_where
def admit(
    device: int, kind: str, code: str, timeout_s: int, rig_path: Path | None, wan: str | None
) -> None:
    """Let DEVICE join the hub of a running bench (CCS01, as the access control broker)."""
    from chub.model import INSTALL_CODE
    from chub.model import KINDS as HUB_KINDS
    from gbcs.eui64 import format_eui64

    register: list[Plain] = [
        f"0x{device:016X}",
        INSTALL_CODE,
        f"0x{_install_code(code).hex()}",
        next(number for number, one in HUB_KINDS.items() if one == kind.upper()),
    ]
    given: dict[str, Plain] = {
        "DeviceLogCHF.register_device": register,
        "DeviceLogCHF.joiningTimePeriod": timeout_s,
    }
    if any(row["device"] == format_eui64(device) for row in _listed(rig_path, wan)):
        known = "is in the device log already and keeps the install code or key it has"
        click.echo(f"chub: it {known}; `chub expel` it first to give another", err=True)
    _conclude(
        _ask("CCS01", given, rig_path, wan),
        f"may join for {timeout_s} s",
        "the device log may be full, see chub devices",
    )


@click.command()
@click.argument("device", type=EUI64)
@_where
def expel(device: int, rig_path: Path | None, wan: str | None) -> None:
    """Take DEVICE from the device log and off the HAN of a running bench (CCS02)."""
    given: dict[str, Plain] = {"DeviceLogCHF.removeEntry": f"0x{device:016X}"}
    _conclude(
        _ask("CCS02", given, rig_path, wan),
        "is off the HAN",
        "the device may not be in the device log, see chub devices",
    )


@click.command()
@_where
@click.option("--json", "as_json", is_flag=True, help="Print the list for machines.")
def devices(rig_path: Path | None, wan: str | None, *, as_json: bool) -> None:
    """List the devices of a running bench's hub, and how they are heard (CCS06, CCS07)."""
    from bench.device_list import line_of

    rows = _listed(rig_path, wan)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("the device log is empty", err=True)
    for row in rows:
        click.echo(line_of(row))


def _listed(rig_path: Path | None, wan: str | None) -> list[Row]:
    from bench.device_list import listed

    heard, keys = _ask("CCS06", {}, rig_path, wan), _ask("CCS07", {}, rig_path, wan)
    return listed(heard, keys)


def _install_code(text: str) -> bytes:
    """The sixteen octets that CCS01 carries; the CRC behind them is checked and left out."""
    from bench.rig_section import octets_of
    from han.radio import link_key_of_install_code

    try:
        code = octets_of(text)
        link_key_of_install_code(code)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--install-code") from None
    if len(code) not in (16, 18):
        raise click.BadParameter("CCS01 carries 16 octets", param_hint="--install-code")
    return code[:16]


def _ask(
    name: str, given: Mapping[str, Plain], rig_path: Path | None, wan: str | None
) -> AccessResponse:
    from bench.keys import load_keys
    from bench.remote_party import RemoteParty
    from bench.wan import ask_bench
    from gbcs.catalogue import by_name
    from gbcs.dlms.apdu import AccessResponse

    rig = rig_of(rig_path)
    broker = RemoteParty(rig.parties.access_control_broker, load_keys(rig))
    number = milliseconds_since_2000()
    command = broker.command(by_name(name), rig.hub.chf, number, given)
    octets = asyncio.run(ask_bench(wan or rig.wan.listen, command, _WITHIN_S))
    if octets is None:
        why = "the bench's events say why (MAC_INVALID when --rig names another rig)"
        click.echo(f"chub: no Response to {name}: {why}", err=True)
        sys.exit(ExitCode.CHECK_FAILED)
    opened = broker.open(octets)
    if not opened.verification.is_authentic:
        click.echo(f"chub: the Response to {name} is not authentic", err=True)
        sys.exit(ExitCode.CHECK_FAILED)
    return AccessResponse.parse(opened.message.payload)


def _conclude(answer: AccessResponse, done: str, hint: str) -> None:
    from gbcs.dlms.apdu import Result

    failed = next((one.result for one in answer.results if one.result != Result.SUCCESS), None)
    if failed is not None:
        click.echo(f"chub: the hub answered {Result(failed).name}: {hint}", err=True)
        sys.exit(ExitCode.CHECK_FAILED)
    click.echo(done)

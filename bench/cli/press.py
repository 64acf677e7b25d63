"""``chub press``: buttons of a running bench's displays."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.given import SECRET
from bench.cli.options import EUI64, examples, print_json, rig_of

BUTTONS: Final = ("topup", "emergency-credit", "enable-supply", "confirm")
CONTROL: Final = "127.0.0.1:23457"
_GOOD: Final = ("ACCEPTED", "ACTIVATED", "ENABLED", "CONFIRMED")


@click.command(
    epilog=examples(
        "chub press topup 12345678901234567890",
        "chub press topup @token.txt --fuel gas --timeout 2000",
        "chub press topup --pence 500 --rig rig.toml",
        "chub press confirm --display 02434855420000D1",
    )
)
@click.argument("button", type=click.Choice(BUTTONS))
@click.argument("token", type=SECRET, required=False)
@click.option("--fuel", type=click.Choice(["electricity", "gas"]), default="electricity")
@click.option("--display", type=EUI64, help="Which display; without it the first that has it.")
@click.option(
    "--control",
    metavar="HOST:PORT",
    default=CONTROL,
    show_default=True,
    help="The control port of `chub run --control`.",
)
@click.option(
    "--rig",
    "rig_path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The bench's rig file, for --pence; without it the built-in home.",
)
@click.option("--pence", type=int, help="Make a token of so many, as the supplier would.")
@click.option("--counter", type=int, default=1, show_default=True, help="UTRN counter of --pence.")
@click.option(
    "--timeout", "timeout_s", type=float, default=30.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer for machines.")
def press(
    button: str,
    token: str | None,
    fuel: str,
    display: int | None,
    control: str,
    rig_path: Path | None,
    pence: int | None,
    counter: int,
    timeout_s: float,
    *,
    as_json: bool,
) -> None:
    """Press BUTTON of a display of a running bench (`chub run --control HOST:PORT`).

    `topup` wants the twenty digits of a TOKEN, or --pence to make one. @FILE or - (standard
    input) in place of the digits keeps them out of the list of processes. A gas meter answers at
    its next wake: give --timeout accordingly. Amounts in the answer count hundred-thousandths of
    the currency unit.
    """
    from bench.address import parse_address
    from bench.control_line import ask_over_tcp
    from gbcs.eui64 import format_eui64

    asked: dict[str, object] = {"do": button, "fuel": fuel}
    if display is not None:
        asked["display"] = format_eui64(display)
    if button == "topup":
        asked["token"] = _digits(token) if token else _made(rig_path, fuel, pence, counter)
    host, port = parse_address(control)
    said = asyncio.run(ask_over_tcp(host, port, asked, timeout_s))
    if as_json:
        print_json(said)
    else:
        click.echo(", ".join(f"{name} {value}" for name, value in said.items()))
    if not str(said.get("result", "")).startswith(_GOOD):
        sys.exit(ExitCode.CHECK_FAILED)


def _digits(token: str) -> str:
    """A token as it is printed: in groups, with blanks or hyphens between."""
    return re.sub(r"[\s-]", "", token)


def _made(rig_path: Path | None, fuel: str, pence: int | None, counter: int) -> str:
    from bench.keys import load_keys
    from gbcs.utrn import ValueClass, make

    if pence is None:
        raise click.UsageError("topup wants the twenty digits of a token, or --pence")
    rig = rig_of(rig_path)
    meter = rig.gas_meter if fuel == "gas" else rig.electricity_meter
    if meter is None:
        raise click.UsageError(f"{rig.name} has no {fuel} meter")
    keys = load_keys(rig)
    return make(rig.parties.supplier, meter.eui64, counter, pence, ValueClass.PENCE, keys)

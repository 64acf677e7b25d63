"""``chub send``: one use case to one device, and what it answered."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.language_options import PARAMETERS, SETTINGS, arguments_of_settings
from bench.cli.options import examples, milliseconds_since_2000, print_json, rig_of

if TYPE_CHECKING:
    from bench.remote_party import Opened
    from bench.rig import Rig
    from gbcs.catalogue import UseCase
    from gbcs.envelope import Message
    from gbcs.keys import KeyStore

PARTIES: Final = (
    *("supplier", "network-operator", "access-control-broker", "load-controller"),
    *("transitional-cos", "wan-provider", "recovery"),
)
"""Who may send: the rig's parties, as command lines spell them."""


@click.command(
    epilog=examples(
        "chub send GCS13a --to gpf",
        "chub send GCS14 --to gsme --boot",
        "chub send ECS70 --to esme --boot --rig rig.toml --json",
    )
)
@click.argument("use_case")
@click.option("--to", "target", required=True, help="gpf, gsme, esme, chf, or an EUI-64.")
@click.option("--as", "party", type=click.Choice(PARTIES), default="supplier", show_default=True)
@click.option(
    "--rig",
    "rig_path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The bench's rig file; without it the built-in home.",
)
@click.option("--wan", metavar="HOST:PORT", help="The bench's WAN port, instead of the rig's.")
@click.option("--boot", is_flag=True, help="Boot the rig in virtual time for this one command.")
@click.option("--counter", type=int, help="Originator counter (default: milliseconds since 2000).")
@SETTINGS
@PARAMETERS
@click.option(
    "--timeout", "timeout_s", type=float, default=10.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer for machines.")
def send(
    use_case: str,
    target: str,
    party: str,
    rig_path: Path | None,
    wan: str | None,
    counter: int | None,
    settings: tuple[str, ...],
    parameters: Path | None,
    timeout_s: float,
    *,
    boot: bool,
    as_json: bool,
) -> None:
    """Send USE_CASE to a device and show its answer, checked as the sender would check it.

    Speaks to a running `chub run` of the same rig, or boots one with --boot. A sleepy gas meter
    answers at its next wake: give --timeout accordingly, or use --boot.
    """
    from bench.keys import load_keys
    from bench.remote_party import RemoteParty
    from bench.wan import ask_bench
    from gbcs.catalogue import by_name

    rig = rig_of(rig_path)
    found = by_name(use_case)
    entity = getattr(rig.parties, party.replace("-", "_"))
    remote = RemoteParty(entity, load_keys(rig))
    number = milliseconds_since_2000() if counter is None else counter
    arguments = arguments_of_settings(settings, parameters)
    command = remote.command(found, _target(target, rig), number, arguments)
    if boot:
        octets, refusal = _boot(rig, command)
    else:
        octets, refusal = asyncio.run(ask_bench(wan or rig.wan.listen, command, timeout_s)), None
    if octets is None:
        _say_nothing_came(refusal, timeout_s)
        sys.exit(ExitCode.CHECK_FAILED)
    _show(found, remote.open(octets), octets, remote.keys, as_json=as_json)


def _target(text: str, rig: Rig) -> int:
    from gbcs.errors import LocalError
    from gbcs.eui64 import parse_eui64

    named = {kind.lower(): eui64 for eui64, kind in rig.device_types.items()}
    named |= {"gpf": rig.hub.gpf, "chf": rig.hub.chf}
    if text.lower() in named:
        return named[text.lower()]
    try:
        return parse_eui64(text)
    except LocalError:
        known = ", ".join(sorted(named))
        reason = f"{text!r} is none of {known} of {rig.name}, and no EUI-64 (16 hexadecimal digits)"
        raise click.BadParameter(reason, param_hint="--to") from None


def _boot(rig: Rig, command: Message) -> tuple[bytes | None, str | None]:
    """Boot the rig in virtual time, let the gas meter push once, ask."""
    from bench.boot import boot_and_ask

    return boot_and_ask(rig, command)


def _say_nothing_came(refusal: str | None, timeout_s: float) -> None:
    if refusal is not None:
        click.echo(f"chub: refused: {refusal}", err=True)
        return
    click.echo(
        f"chub: no Response within {timeout_s:g} s: refused (the bench's events say why; "
        "MAC_INVALID when --rig names another rig), or the device sleeps "
        "(a gas meter answers at its next wake)",
        err=True,
    )


def _show(
    use_case: UseCase, answer: Opened, octets: bytes, keys: KeyStore, *, as_json: bool
) -> None:
    from bench.cli.trees import print_trees
    from gbcs.eui64 import format_eui64
    from gbcs.explain import explain
    from gbcs.protection import Verdict

    stamp = answer.message.date_time
    good = answer.verification.is_authentic
    if as_json:
        print_json(_as_json(use_case, answer, octets, keys))
    else:
        click.echo(f"{use_case.name} answered by {format_eui64(answer.message.originator)}")
        if stamp is not None:
            click.echo(f"  stamp      {stamp}")
        for part in (
            ("MAC", answer.verification.mac),
            ("signature", answer.verification.signature),
        ):
            if part[1] is not Verdict.ABSENT:
                click.echo(f"  {part[0]:10} {part[1].value}")
        for name, value in _named_values(answer):
            click.echo(f"  {name:44} {value}")
        if not answer.payload.components:
            print_trees([explain(octets, keys)])
    sys.exit(ExitCode.OK if good else ExitCode.CHECK_FAILED)


def _as_json(use_case: UseCase, answer: Opened, octets: bytes, keys: KeyStore) -> dict[str, object]:
    """``values`` are attributes of GBZ; any other payload is there as ``chub decode`` has it."""
    from gbcs.eui64 import format_eui64
    from gbcs.explain import explain

    explained = {} if answer.payload.components else {"explained": explain(octets, keys).to_plain()}
    stamp = answer.message.date_time
    return {
        "use_case": use_case.name,
        "responder": format_eui64(answer.message.originator),
        "originator_counter": answer.message.originator_counter,
        "time": None if stamp is None or stamp.at is None else stamp.at.isoformat(),
        "clock_status": None if stamp is None else f"0x{stamp.status:02X}",
        "source": None if stamp is None else stamp.source.value,
        "reliability": None if stamp is None else stamp.reliability.value,
        "mac": answer.verification.mac.value,
        "signature": answer.verification.signature.value,
        "values": dict(_named_values(answer)),
        **explained,
        "octets": octets.hex().upper(),
    }


def _named_values(answer: Opened) -> list[tuple[str, str | int]]:
    from gbcs.zcl.status import Status, status_name
    from han.clusters import by_id

    rows: list[tuple[str, str | int]] = []
    for cluster_id, record in answer.attributes:
        definition = by_id(cluster_id)
        attribute = definition.attribute(record.attribute_id)
        name = attribute.name if attribute else f"attribute {record.attribute_id:04X}"
        nothing = f"no value: {status_name(record.status)}"
        value = record.value if record.status == Status.SUCCESS else nothing
        shown = value if isinstance(value, int | str) else repr(value)
        rows.append((f"{definition.name}.{name}", shown))
    return rows

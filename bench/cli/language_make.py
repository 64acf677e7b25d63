"""``chub build``, ``sign`` and ``usecases``: messages as remote parties make them."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.language_options import (
    FORMAT,
    GENERATION,
    INPUTS,
    KEYS,
    PARAMETERS,
    SETTINGS,
    USE_CASES,
    arguments_of_settings,
    keys_of,
    own_use_cases,
    readable_messages,
    required_keys,
    use_case_of,
    write_message,
)
from bench.cli.options import EUI64, examples, print_json


@click.command(
    epilog=examples(
        "chub build GCS13a --from 90B3D51F30010000 --to 02434855420000A3 --counter 7 \\",
        "    --keys keystore --format gfi",
        "chub build CS01a --from 90B3D51F30010000 --to 02434855420000A0 --counter 8 \\",
        "    --set PrepaymentCredit.enter=@token.txt --keys keystore",
    )
)
@click.argument("use_case")
@click.option("--from", "originator", type=EUI64, required=True, help="Business originator.")
@click.option("--to", "recipient", type=EUI64, required=True, help="Business target.")
@click.option("--counter", type=int, required=True, help="Originator counter.")
@SETTINGS
@PARAMETERS
@click.option("--urp", type=EUI64, help="Unknown remote party on whose behalf the broker asks.")
@click.option("--urp-counter", type=int, help="Counter of that party.")
@click.option(
    "--urp-certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its key agreement certificate, when the answer is to be encrypted for it.",
)
@click.option("--pre-command", is_flag=True, help="Leave signature and MAC out.")
@click.option("--with-length", is_flag=True, help="End a pre-command with 00.")
@KEYS
@GENERATION
@USE_CASES
@FORMAT
def build(
    use_case: str,
    originator: int,
    recipient: int,
    counter: int,
    settings: tuple[str, ...],
    parameters: Path | None,
    urp: int | None,
    urp_counter: int | None,
    urp_certificate: Path | None,
    keys_path: Path | None,
    generation: str | None,
    own_path: Path | None,
    form: str,
    *,
    pre_command: bool,
    with_length: bool,
) -> None:
    """Build the command of USE_CASE as a remote party would send it.

    Signed and MAC'd as the use case asks with --keys; a pre-command without.
    """
    from gbcs import build as commands
    from gbcs.certificate import read_certificate

    certificate = read_certificate(urp_certificate.read_bytes()).der if urp_certificate else None
    address = commands.Address(
        originator=originator,
        recipient=recipient,
        originator_counter=counter,
        supplementary_id=urp,
        supplementary_counter=urp_counter,
        certificate=certificate,
    )
    keys = None if pre_command else keys_of(keys_path, generation)
    arguments = arguments_of_settings(settings, parameters)
    message = commands.build(use_case_of(use_case, own_path), arguments, address, keys)
    if keys is None:
        message = commands.as_pre_command(message, with_length=with_length)
    write_message(message.to_bytes(), form)


@click.command()
@INPUTS
@KEYS
@GENERATION
@click.option(
    "--only",
    type=click.Choice(["signature", "mac"]),
    help="Add only one of the two, whatever the use case asks.",
)
@FORMAT
def sign(
    inputs: tuple[str, ...],
    keys_path: Path | None,
    generation: str | None,
    only: str | None,
    form: str,
) -> None:
    """Sign and MAC messages as their use cases ask: pre-commands in, commands out.

    What a message has as signature and MAC is replaced. `--only mac` keeps the signature.
    """
    from gbcs.envelope import Message
    from gbcs.protection import add_mac, add_signature, protect

    keys = required_keys(keys_path, generation)
    for octets in readable_messages(inputs):
        message = Message.parse(octets)
        if only == "mac":
            message = add_mac(message, keys)
        elif only == "signature":
            message = add_signature(message, keys)
        else:
            message = protect(message, keys)
        write_message(message.to_bytes(), form)


@click.command()
@click.argument("name", required=False)
@USE_CASES
@click.option("--json", "as_json", is_flag=True, help="Print for machines.")
def usecases(name: str | None, own_path: Path | None, *, as_json: bool) -> None:
    """List use cases, or the parameters that NAME takes."""
    from gbcs.build import parameters
    from gbcs.catalogue import all_use_cases

    if name is None:
        listed = [*all_use_cases(), *own_use_cases(own_path).values()]
        rows: list[dict[str, object]] = [
            {
                "name": use_case.name,
                "message_code": f"{use_case.message_code:04X}",
                "title": use_case.title,
                "category": use_case.category.value,
                "technology": use_case.technology.value,
                "targets": [target.value for target in use_case.targets],
                "roles": [role.name.lower() for role in use_case.roles],
            }
            for use_case in listed
        ]
    else:
        rows = [
            {
                "parameter": info.name,
                "type": info.type,
                "required": info.required,
                "default": info.default,
                "choices": list(info.choices),
                "limits": list(info.limits or ()),
            }
            for info in parameters(use_case_of(name, own_path))
        ]
    if as_json:
        print_json(rows)
    else:
        _print_rows(rows)


def _print_rows(rows: list[dict[str, object]]) -> None:
    """Columns as wide as what they hold: names are copied from here, so nothing is cut."""
    if not rows:
        click.echo("no parameters")
        return
    table = [[str(title) for title in rows[0]]]
    table += [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)

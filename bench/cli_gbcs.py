"""The language on the command line: decode, build, sign, verify, usecases, pki.

``register`` adds the verbs to a group; ``VERBS`` says where each lives for a lazy one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.options import EUI64, print_json

if TYPE_CHECKING:  # the verbs load the language only when they are used
    from gbcs.catalogue import UseCase
    from gbcs.errors import MalformedMessage
    from gbcs.explain import Node
    from gbcs.keys import KeyStore
    from gbcs.plain import Plain

VERBS: Final = {
    "decode": ("bench.cli_gbcs:decode", "Show what GBCS messages say."),
    "build": ("bench.cli_gbcs:build", "Build the command of a use case."),
    "sign": ("bench.cli_gbcs:sign", "Sign and MAC pre-commands."),
    "verify": ("bench.cli_gbcs:verify", "Check MAC and signature of messages."),
    "usecases": ("bench.cli_gbcs:usecases", "List use cases, or the parameters of one."),
    "pki": ("bench.cli_gbcs:pki", "Make a test PKI."),
}

KEYS = click.option(
    "--keys",
    "keys_path",
    type=click.Path(path_type=Path),
    help="Key store: a directory of PEM files, or a keystore.json.",
)
GENERATION = click.option("--generation", help="Generation of a keystore.json, such as Z1.")
USE_CASES = click.option(
    "--use-cases",
    "own_path",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of *.toml files with use cases of your own.",
)
INPUTS = click.argument("inputs", nargs=-1)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["hex", "gfi", "base64", "binary"]),
    default="hex",
    show_default=True,
    help="How messages are written.",
)


def register(group: click.Group) -> None:
    """Add the verbs to a group."""
    for command in (decode, build, sign, verify, usecases, pki):
        group.add_command(command)


@click.command()
@INPUTS
@KEYS
@GENERATION
@click.option(
    "--key",
    "network_keys",
    multiple=True,
    metavar="HEX",
    help="Network or link key of a capture; repeat for more.",
)
@click.option("--json", "as_json", is_flag=True, help="Print trees for machines.")
def decode(
    inputs: tuple[str, ...],
    keys_path: Path | None,
    generation: str | None,
    network_keys: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Show what messages say, field by field.

    INPUTS are files, message texts, or - for standard input (the default): hexadecimal, base64,
    binary or GFI lines, one message or many, blocks of long messages, or a capture of the HAN
    (pcap, pcapng; needs tshark). With keys, MACs and signatures are checked and encrypted parts
    opened.
    """
    from gbcs.errors import MalformedMessage
    from gbcs.explain import explain, explain_block
    from gbcs.gbt import Assembler, Block, Key, is_block

    keys = _keys(keys_path, generation)
    trees: list[Node] = []
    assemblers: dict[Key, Assembler] = {}
    failed = False
    for found in _messages(inputs, network_keys):
        try:
            if isinstance(found, MalformedMessage):
                raise found
            octets: bytes | None = found
            if is_block(found):
                block = Block.parse(found)
                trees.append(explain_block(block))
                octets = assemblers.setdefault(block.key, Assembler(block.key)).add(block)
            if octets is not None:
                trees.append(explain(octets, keys))
        except MalformedMessage as exc:
            failed = True
            click.echo(f"chub: {exc}", err=True)
    if as_json:
        print_json([tree.to_plain() for tree in trees])
    else:
        print_trees(trees)
    sys.exit(ExitCode.INVALID_INPUT if failed else ExitCode.OK)


def print_trees(trees: list[Node]) -> None:
    """Show trees in columns: offset, length, name, value, note."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for tree in trees:
        for depth, node in tree.walk():
            place = "" if node.offset is None else f"{node.offset:5} {node.length:4}"
            line = Text(f"{place:10}  ", style="dim")
            line.append("  " * depth + node.name, style="bold" if depth < 1 else "cyan")
            line.append(f"  {_clipped(node.value)}", style="")
            line.append(f"  {_clipped(node.note)}" if node.note else "", style="green")
            console.print(line)


def _clipped(value: str) -> str:
    """At most 80 characters, none of which a terminal would obey."""
    short = value if len(value) <= 80 else f"{value[:77]}..."
    return "".join(c if c.isprintable() else f"\\x{ord(c):02X}" for c in short)


@click.command()
@click.argument("use_case")
@click.option("--from", "originator", type=EUI64, required=True, help="Business originator.")
@click.option("--to", "recipient", type=EUI64, required=True, help="Business target.")
@click.option("--counter", type=int, required=True, help="Originator counter.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="One parameter; @FILE is a certificate.",
)
@click.option(
    "--parameters",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSON object of parameters.",
)
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
    keys = None if pre_command else _keys(keys_path, generation)
    arguments = arguments_of_settings(settings, parameters)
    message = commands.build(_use_case(use_case, own_path), arguments, address, keys)
    if keys is None:
        message = commands.as_pre_command(message, with_length=with_length)
    _write(message.to_bytes(), form)


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

    What a message has as signature and MAC is replaced. ``--only mac`` keeps the signature.
    """
    from gbcs.envelope import Message
    from gbcs.protection import add_mac, add_signature, protect

    keys = _required_keys(keys_path, generation)
    for octets in _readable(inputs):
        message = Message.parse(octets)
        if only == "mac":
            message = add_mac(message, keys)
        elif only == "signature":
            message = add_signature(message, keys)
        else:
            message = protect(message, keys)
        _write(message.to_bytes(), form)


@click.command()
@INPUTS
@KEYS
@GENERATION
@click.option("--json", "as_json", is_flag=True, help="Print verdicts for machines.")
def verify(
    inputs: tuple[str, ...], keys_path: Path | None, generation: str | None, *, as_json: bool
) -> None:
    """Check MAC and signature of messages.

    Ends with 0 when everything that protects them is valid, 1 when something is not, 3 when a key
    is missing.
    """
    from gbcs.envelope import Message
    from gbcs.protection import Verdict
    from gbcs.protection import verify as verify_message

    keys = _required_keys(keys_path, generation)
    rows: list[dict[str, object]] = []
    code = ExitCode.OK
    for octets in _readable(inputs):
        message = Message.parse(octets)
        found = verify_message(message, keys)
        rows.append(
            {
                "message_code": f"{message.message_code:04X}",
                "originator": f"{message.originator:016X}",
                "recipient": f"{message.recipient:016X}",
                "mac": found.mac.value,
                "signature": found.signature.value,
                "authentic": found.is_authentic,
                "missing": [str(missing) for missing in found.missing],
            }
        )
        if Verdict.INVALID in (found.mac, found.signature):
            code = ExitCode.CHECK_FAILED
        elif not found.is_authentic and code is ExitCode.OK:
            code = ExitCode.NO_KEY if found.missing else ExitCode.CHECK_FAILED
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            _print_verdict(row)
    sys.exit(code)


def _print_verdict(row: Mapping[str, object]) -> None:
    parts = (f"{name} {row[name]}" for name in ("message_code", "mac", "signature"))
    missing = row["missing"]
    tail = f" ({'; '.join(missing)})" if isinstance(missing, list) and missing else ""
    click.echo(f"{row['originator']} > {row['recipient']}: {', '.join(parts)}{tail}")


@click.command()
@click.argument("name", required=False)
@USE_CASES
@click.option("--json", "as_json", is_flag=True, help="Print for machines.")
def usecases(name: str | None, own_path: Path | None, *, as_json: bool) -> None:
    """List use cases, or the parameters that NAME takes."""
    from gbcs.build import parameters
    from gbcs.catalogue import all_use_cases

    if name is None:
        listed = [*all_use_cases(), *_own(own_path).values()]
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
            for info in parameters(_use_case(name, own_path))
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


@click.group()
def pki() -> None:
    """Make and inspect test keys."""


@pki.command("new")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--supplier", type=EUI64, default="90B3D51F30010000", show_default=True)
@click.option("--network-operator", type=EUI64, default="90B3D51F30020000", show_default=True)
@click.option("--broker", type=EUI64, default="90B3D51F30000002", show_default=True)
@click.option("--recovery", type=EUI64, default="90B3D51F30000001", show_default=True)
@click.option("--transitional-cos", type=EUI64, default="90B3D51F30000004", show_default=True)
@click.option("--wan-provider", type=EUI64, default="90B3D51F30000007", show_default=True)
@click.option("--load-controller", type=EUI64, default="90B3D51F30010008", show_default=True)
@click.option("--device", "devices", type=EUI64, multiple=True, help="A device; repeat for more.")
def new(
    directory: Path,
    supplier: int,
    network_operator: int,
    broker: int,
    recovery: int,
    transitional_cos: int,
    wan_provider: int,
    load_controller: int,
    devices: tuple[int, ...],
) -> None:
    """Make a test PKI in DIRECTORY: root, issuing authority, organisations, devices.

    Files are named as in RTDS, so the directory is a key store. Private keys are not encrypted.
    """
    import os

    from gbcs.party import Role
    from gbcs.pki import make_test_pki

    organisations = {
        Role.SUPPLIER: supplier,
        Role.NETWORK_OPERATOR: network_operator,
        Role.ACCESS_CONTROL_BROKER: broker,
        Role.RECOVERY: recovery,
        Role.TRANSITIONAL_COS: transitional_cos,
        Role.WAN_PROVIDER: wan_provider,
        Role.LOAD_CONTROLLER: load_controller,
    }
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise click.UsageError(f"{directory} is not empty")
    made = make_test_pki(organisations, devices, datetime.now(UTC), os.urandom)
    for holder in (made.root, made.issuing, *made.holders.values()):
        (directory / f"{holder.name}.pem").write_bytes(holder.certificate_pem())
        key = directory / f"{holder.name}.key"
        key.touch(mode=0o600)
        key.write_bytes(holder.key_pem())
    click.echo(f"{len(made.holders) + 2} certificates and keys in {directory}", err=True)


def _keys(place: Path | None, generation: str | None) -> KeyStore | None:
    from gbcs.key_sources import open_keys

    return None if place is None else open_keys(place, generation)


def _required_keys(place: Path | None, generation: str | None) -> KeyStore:
    keys = _keys(place, generation)
    if keys is None:
        raise click.UsageError("--keys is needed here")
    return keys


def _own(place: Path | None) -> dict[str, UseCase]:
    from gbcs.catalogue.extension import load_use_cases

    return load_use_cases(place) if place else {}


def _use_case(name: str, own_path: Path | None) -> UseCase:
    from gbcs.catalogue import by_name

    own = _own(own_path)
    return own.get(name.lower()) or by_name(name)


def _messages(
    inputs: tuple[str, ...], network_keys: tuple[str, ...] = ()
) -> Iterator[bytes | MalformedMessage]:
    from bench.captured import is_capture, messages_in_capture
    from gbcs.sources import messages_in

    for text in inputs or ("-",):
        octets = _input_octets(text)
        if is_capture(octets) and text != "-":
            yield from messages_in_capture(Path(text), network_keys)
        else:
            yield from messages_in(octets)


def _readable(inputs: tuple[str, ...]) -> Iterator[bytes]:
    from gbcs.errors import MalformedMessage

    for found in _messages(inputs):
        if isinstance(found, MalformedMessage):
            raise found
        yield found


def _input_octets(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    path = Path(text)
    try:
        return path.read_bytes() if path.is_file() else text.encode()
    except OSError:
        return text.encode()


def arguments_of_settings(
    settings: tuple[str, ...], parameters: Path | None = None
) -> dict[str, Plain]:
    """Parameters from NAME=VALUE texts and a JSON file."""
    given: dict[str, Plain] = {}
    if parameters is not None:
        loaded = json.loads(parameters.read_text("utf-8-sig"))
        if not isinstance(loaded, dict):
            raise click.UsageError(f"{parameters} holds no JSON object")
        given |= loaded
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise click.UsageError(f"--set {setting}: NAME=VALUE is expected")
        given[name] = _value(value)
    return given


def _value(text: str) -> Plain:
    """Lists and objects are JSON, @FILE is a certificate; other text is read by its type."""
    if text.startswith("@"):
        from gbcs.certificate import read_certificate

        return "0x" + read_certificate(Path(text[1:]).read_bytes()).der.hex()
    if text[:1] not in ("[", "{"):
        return None if text == "null" else text
    try:
        value: Plain = json.loads(text)
    except json.JSONDecodeError as exc:
        raise click.UsageError(f"not JSON: {text}: {exc}") from exc
    return value


def _write(octets: bytes, form: str) -> None:
    import base64

    from gbcs.gfi import to_gfi

    if form == "binary":
        sys.stdout.buffer.write(octets)
    elif form == "gfi":
        sys.stdout.buffer.write(to_gfi(octets))
    elif form == "base64":
        click.echo(base64.b64encode(octets).decode())
    else:
        click.echo(octets.hex().upper())

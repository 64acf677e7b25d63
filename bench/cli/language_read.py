"""``chub decode`` and ``chub verify``: what messages say, and whether it is authentic."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.given import ELSEWHERE, SECRET
from bench.cli.language_options import (
    GENERATION,
    INPUTS,
    KEYS,
    keys_of,
    messages_of,
    readable_messages,
    required_keys,
)
from bench.cli.options import examples, print_json
from bench.cli.trees import print_trees

if TYPE_CHECKING:  # the verbs load the language only when they are used
    from gbcs.explain import Node


@click.command(
    epilog=examples(
        "chub decode DF09010000000000...",
        "chub decode messages.gfi --keys keystore",
        "chub decode run.pcap --key @network.key",
    )
)
@INPUTS
@KEYS
@GENERATION
@click.option(
    "--key",
    "network_keys",
    multiple=True,
    metavar="HEX",
    type=SECRET,
    help=f"Network or link key of a capture; repeat for more. {ELSEWHERE}",
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

    keys = keys_of(keys_path, generation)
    trees: list[Node] = []
    assemblers: dict[Key, Assembler] = {}
    failed = False
    for found in messages_of(inputs, network_keys):
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

    keys = required_keys(keys_path, generation)
    rows: list[dict[str, object]] = []
    code = ExitCode.OK
    for octets in readable_messages(inputs):
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

"""``chub rtds``: check the language and the devices against a directory of reference messages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.exit_codes import ExitCode
from bench.cli.options import print_json

if TYPE_CHECKING:
    from bench.replay import Outcome

DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
KEYS = click.option(
    "--keys", type=DIRECTORY, help="Key store, when it is not in or beside the directory."
)


@click.group()
def rtds() -> None:
    """Check against a directory of reference messages (RTDS) and their key store."""


@rtds.command()
@click.argument("directory", type=DIRECTORY)
@KEYS
@click.option("--json", "as_json", is_flag=True, help="Print the counts for machines.")
def verify(directory: Path, keys: Path | None, *, as_json: bool) -> None:
    """Parse, rebuild, authenticate and decrypt every message below DIRECTORY."""
    from gbcs.keys import KeyStore
    from gbcs.rtds import Report, verify

    report: Report = verify(directory, None if keys is None else KeyStore.from_directory(keys))
    if as_json:
        print_json(report)
    else:
        _print_table(report)
    sound = (
        report["messages"] == report["parsed"] == report["rebuilt"]
        and report["mac"]["invalid"] == 0
        and report["signature"]["invalid"] == 0
        and report["gbz_parts"]["total"] == report["gbz_parts"]["decrypted"]
    )
    sys.exit(ExitCode.OK if sound else ExitCode.CHECK_FAILED)


def _print_table(report: object) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("check", "count")
    for name, count in _flat("", report):
        table.add_row(name, str(count))
    Console().print(table)


def _flat(prefix: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        return [(prefix, value)]
    return [row for key, part in value.items() for row in _flat(f"{prefix} {key}".strip(), part)]


@rtds.command()
@click.argument("directory", type=DIRECTORY)
@KEYS
@click.option("--only", metavar="USE_CASE", help="Replay the pairs of one use case.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome for machines.")
def replay(directory: Path, keys: Path | None, only: str | None, *, as_json: bool) -> None:
    """Send each recorded command to a fresh emulated device and compare its Response."""
    from bench.replay import replay_directory
    from gbcs.keys import KeyStore

    store = None if keys is None else KeyStore.from_directory(keys)
    outcome = replay_directory(directory, store, only)
    if as_json:
        print_json(outcome.as_json())
    else:
        _print_replay(outcome)
    sys.exit(ExitCode.CHECK_FAILED if outcome.mismatched else ExitCode.OK)


def _print_replay(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True)
    console.print(f"pairs {outcome.pairs}, matched {outcome.matched}")
    for entry in outcome.mismatched:
        console.print(f"[red]mismatched[/] {entry['pair']}: {escape(entry['reason'])}")
    for entry in outcome.in_part:
        console.print(f"[yellow]in part[/] {entry['pair']}: {escape(entry['reason'])}")
    for entry in outcome.unsupported:
        console.print(f"[dim]unsupported {entry['pair']}: {escape(entry['reason'])}[/]")

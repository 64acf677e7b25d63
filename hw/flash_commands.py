"""Dongle firmware from the command line: ``chub flash`` and ``tools/flash.py``.

Exit codes: 0 done, 2 usage, 3 no device, 4 wrong image, 5 transfer failed (the dongle waits in its
bootloader: flash again), 6 not verified. Nothing is downloaded and nothing is flashed on a guess.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Self, TypeVar

import click

from han.radio import RadioError
from hw import flash as firmware
from hw.discovery import list_ports
from hw.gbl import FirmwareImage

T = TypeVar("T")
FIELDS_WITHOUT_OCTETS = ("application_type", "application_version", "encrypted", "signed")


def _run(work: Coroutine[object, object, T]) -> T:
    """Run to the end; a failure is told on stderr with its exit code."""
    try:
        return asyncio.run(work)
    except firmware.FlashError as exc:
        click.echo(f"{exc.kind.name.lower().replace('_', ' ')}: {exc}", err=True)
        sys.exit(int(exc.kind))
    except RadioError as exc:
        click.echo(f"no device: {exc}", err=True)
        sys.exit(int(firmware.Failure.NO_DEVICE))


@click.group()
def main() -> None:
    """Look at, back up and flash EZSP dongles."""


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def list_command(as_json: bool) -> None:
    """Show serial ports, what each probably is, and who holds it."""
    reports = list_ports()
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], default=lambda v: v.value))
        return
    for report in reports:
        name = report.kind.name if report.kind is not None else report.product or "unknown"
        held = "".join(f", held by {h.command} ({h.pid})" for h in report.holders)
        closed = "" if report.accessible else ", no permission"
        click.echo(f"{report.stable_path}: {name} ({report.confidence.value}){held}{closed}")
    if not reports:
        click.echo("no serial ports", err=True)


@main.command()
@click.argument("port")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def probe(port: str, as_json: bool) -> None:
    """Tell what runs on the dongle at PORT."""
    told = asdict(_run(firmware.probe(port)))
    if told["eui64"] is not None:
        told["eui64"] = f"{told['eui64']:016X}"
    _show(told, as_json)


@main.command()
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def check(image: Path, as_json: bool) -> None:
    """Check a firmware IMAGE without touching a dongle."""
    found = _checked(image.read_bytes())
    told: dict[str, object] = {name: getattr(found, name) for name in FIELDS_WITHOUT_OCTETS}
    told["octets"] = len(found.octets)
    told["version"] = found.version
    told["product_id"] = found.product_id.hex() if found.product_id is not None else None
    told["metadata"] = dict(found.metadata)
    if found.unwrapped:
        click.echo("unwrapped from a Zigbee OTA file", err=True)
    _show(told, as_json)


@main.command()
@click.argument("port")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--backup", "kept", type=click.Path(path_type=Path), help="Save the network here.")
@click.option("--no-backup", is_flag=True, help="Do not save the network first.")
def flash(port: str, image: Path, yes: bool, kept: Path | None, no_backup: bool) -> None:
    """Flash IMAGE onto the dongle at PORT, then verify.

    The network on the dongle is saved first, to EUI64-backup.json unless told otherwise.
    """
    octets = image.read_bytes()
    found = _checked(octets)
    before = _run(firmware.probe(port))
    doubts = firmware.concerns(found, before)
    click.echo(f"{port}: {before.firmware} {before.version} -> {found.version or 'unknown'}")
    for doubt in doubts:
        click.echo(f"  but: {doubt}")
    if not yes and not click.confirm("Flash?", default=False):
        sys.exit(int(firmware.Failure.USAGE))
    saved = None if no_backup else _save_network(before, kept)
    with _Progress() as bar:
        report = _run(firmware.flash(port, octets, bar.heard, despite=tuple(doubts)))
    click.echo(f"{report.after.firmware} {report.after.version} runs")
    if saved is not None:
        click.echo(f"should the network be gone: chub flash restore {port} {saved}")


def _checked(octets: bytes) -> FirmwareImage:
    try:
        return firmware.check_image(octets)
    except firmware.FlashError as exc:
        click.echo(f"wrong image: {exc}", err=True)
        sys.exit(int(exc.kind))


def _save_network(probed: firmware.ProbeReport, kept: Path | None) -> Path | None:
    """Where the network was saved; None when there is none."""
    if probed.eui64 is None:
        return None
    path = kept if kept is not None else Path(f"{probed.eui64:016X}-backup.json")
    try:
        saved = asyncio.run(firmware.backup(probed.port, probed.baudrate))
    except RadioError as exc:
        click.echo(f"no network saved: {exc}", err=True)
        return None
    path.touch(mode=0o600)
    path.write_text(json.dumps(saved, indent=2))
    click.echo(f"network saved to {path} (it holds keys)")
    return path


class _Progress:
    """A bar with rate and remaining time, on a terminal only."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            click.echo(err=True)

    def heard(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        rate = done / max(time.monotonic() - self._began, 0.001)
        left_s = (total - done) / max(rate, 1)
        click.echo(
            f"\r{100 * done // max(total, 1):3} %  {rate / 1000:.1f} kB/s  {left_s:.0f} s left ",
            nl=False,
            err=True,
        )


@main.command()
@click.argument("port")
@click.argument("file", type=click.Path(path_type=Path))
def backup(port: str, file: Path) -> None:
    """Save the network on the dongle at PORT to FILE; it holds keys in clear."""
    saved = _run(firmware.backup(port))
    file.touch(mode=0o600)
    file.write_text(json.dumps(saved, indent=2))


@main.command()
@click.argument("port")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(port: str, file: Path) -> None:
    """Put the network saved in FILE onto the dongle at PORT."""
    try:
        saved = json.loads(file.read_text())
    except ValueError as exc:
        click.echo(f"usage: {file} is no JSON: {exc}", err=True)
        sys.exit(int(firmware.Failure.USAGE))
    _run(firmware.restore(port, saved))


@main.command("write-eui64")
@click.argument("port")
@click.argument("eui64")
@click.option("--force", is_flag=True, help="Burn it where it cannot be rewritten. Works once.")
def write_eui64(port: str, eui64: str, force: bool) -> None:
    """Give the dongle at PORT another address, EUI64 as 16 hexadecimal digits.

    Newer firmware keeps it rewritable. On older firmware it is burned into the chip: that works
    once and cannot be undone, so it needs --force.
    """
    try:
        number = int(eui64.replace(":", ""), 16)
    except ValueError:
        number = -1
    if len(eui64.replace(":", "")) != 16 or number < 0:
        click.echo(f"usage: {eui64!r} is no EUI-64 of 16 hexadecimal digits", err=True)
        sys.exit(int(firmware.Failure.USAGE))
    _run(firmware.write_eui64(port, number, burn=force))


def _show(told: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told))
        return
    for name, value in told.items():
        if value is not None:
            click.echo(f"{name.replace('_', ' ')}: {value}")

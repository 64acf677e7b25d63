"""Which serial ports there are, what is probably behind each, and who holds it.

A guess is never a reason to flash: one USB identity is shared by a dozen products and any cable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import serialx


class Confidence(Enum):
    """How far a guess goes."""

    LIKELY = "likely"  # identity and product text agree
    POSSIBLE = "possible"  # only the USB identity fits
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DongleKind:
    """A product known to work with EZSP firmware, or known not to."""

    name: str
    vid: int
    pid: int
    words: tuple[str, ...]  # all of them occur in product or manufacturer, lower case
    ezsp: bool
    baudrate: int = 115200
    flow_control: str = "none"


KNOWN: Final = (
    DongleKind("HA SkyConnect", 0x10C4, 0xEA60, ("skyconnect",), True, 115200, "hardware"),
    DongleKind("HA ZBT-1", 0x10C4, 0xEA60, ("zbt-1",), True, 115200, "hardware"),
    DongleKind("HA ZBT-2", 0x303A, 0x4001, ("zbt-2",), True, 460800),
    DongleKind("Sonoff ZBDongle-E", 0x1A86, 0x55D4, (), True),
    DongleKind("Sonoff ZBDongle-E", 0x10C4, 0xEA60, ("plus", "v2"), True),
    DongleKind("Sonoff Dongle Max", 0x10C4, 0xEA60, ("dongle max",), True),
    DongleKind("SMLIGHT SLZB-07p7 (TI)", 0x10C4, 0xEA60, ("slzb-07p",), False),
    DongleKind("SMLIGHT SLZB-07", 0x10C4, 0xEA60, ("slzb-07",), True),
    DongleKind("Sonoff ZBDongle-P (TI)", 0x10C4, 0xEA60, ("sonoff", "plus"), False),
    DongleKind("ConBee II (deCONZ)", 0x1CF1, 0x0030, (), False),
    DongleKind("ConBee III (deCONZ)", 0x0403, 0x6015, ("conbee",), False),
    DongleKind("TI LaunchPad", 0x0451, 0xBEF3, (), False),
)  # fmt: skip
"""In the order they are tried: the more particular first."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class PortReport:
    """One serial port; ``stable_path`` survives replugging."""

    device: str
    stable_path: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    manufacturer: str | None
    product: str | None
    kind: DongleKind | None
    confidence: Confidence
    accessible: bool
    holders: tuple[Holder, ...]


def list_ports() -> list[PortReport]:
    """Every serial port of this machine, by its stable name."""
    return [_report(info) for info in serialx.list_serial_ports()]


def _report(info: serialx.SerialPortInfo) -> PortReport:
    device = str(info.resolved_device or info.device)
    kind, confidence = guess(info.vid, info.pid, info.manufacturer, info.product)
    return PortReport(
        device,
        stable_path(device),
        info.vid,
        info.pid,
        info.serial_number,
        info.manufacturer,
        info.product,
        kind,
        confidence,
        os.access(device, os.R_OK | os.W_OK),
        tuple(holders(device)),
    )


def guess(
    vid: int | None, pid: int | None, manufacturer: str | None, product: str | None
) -> tuple[DongleKind | None, Confidence]:
    """What a USB identity and its texts probably are."""
    texts = f"{manufacturer or ''} {product or ''}".lower()
    fitting = [kind for kind in KNOWN if (kind.vid, kind.pid) == (vid, pid)]
    for kind in fitting:
        if kind.words and all(word in texts for word in kind.words):
            return kind, Confidence.LIKELY
    for kind in fitting:
        if not kind.words:
            return kind, Confidence.LIKELY
    return None, Confidence.POSSIBLE if fitting else Confidence.UNKNOWN


def stable_path(device: str, by_id: Path = Path("/dev/serial/by-id")) -> str:
    """The name under ``/dev/serial/by-id`` of a device; the device itself where there is none."""
    if by_id.is_dir():
        wanted = Path(device).resolve()
        for link in sorted(by_id.iterdir()):
            if link.resolve() == wanted:
                return str(link)
    return device


def holders(device: str, processes: Path = Path("/proc")) -> Iterator[Holder]:
    """Processes that have the device open, as far as we may look (Linux)."""
    wanted = str(Path(device).resolve())
    for process in sorted(processes.glob("[0-9]*")):
        try:
            if any(str(handle.readlink()) == wanted for handle in (process / "fd").iterdir()):
                yield Holder(int(process.name), (process / "comm").read_text().strip())
        except OSError:
            continue  # ended meanwhile, or not ours to look into

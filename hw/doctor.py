"""What stops a bench from starting, checked one by one, with the remedy beside it."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from han.radio import RadioError, Role, SimpleDescriptor
from hw.discovery import holders, list_ports
from hw.flash import EZSP, FlashError, ProbeReport, probe

if TYPE_CHECKING:
    from hw.survey import Survey

LOWEST_PYTHON: Final = (3, 11)
LIBRARIES: Final = {
    "zigpy": ("2.4", "3"),
    "bellows": ("1.2.1", "2"),
    "cryptography": ("45", None),
}
KEYS_OF_A_FULL_HOME: Final = 16
BEST_EZSP: Final = 13
USUAL_BAUD: Final = 115200
USUAL_CHANNEL: Final = 15
LOUD_DBM: Final = -65
"""A channel louder than this is somebody's."""
HUB_ENDPOINTS: Final = (1, 2, 3)
WRITTEN: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No machine's clock can rightly show less: this product did not exist."""
SYNCHRONISED: Final = Path("/run/systemd/timesync/synchronized")
BROKEN_REASSEMBLY_FROM: Final = 14
OLDEST_EZSP: Final = 8
UDEV_RULE: Final = 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4|1a86|303a", TAG+="uaccess"'
UDEV_FILE: Final = "/etc/udev/rules.d/70-chub.rules"


class Outcome(Enum):
    """How a check ended."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was tried, what was found, what to do."""

    name: str
    outcome: Outcome
    found: str
    remedy: str = ""


def check_machine() -> list[Check]:
    """Python, libraries, clock and serial ports; touches no dongle."""
    return [_python(), *_libraries(), _clock(datetime.now(UTC)), *_ports()]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < LOWEST_PYTHON:
        return Check("Python", Outcome.BAD, version, "install Python 3.11 or later")
    return Check("Python", Outcome.GOOD, version)


def _libraries() -> Iterator[Check]:
    for name, (lowest, below) in LIBRARIES.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, Outcome.BAD, "not installed", "pip install chub-bench")
            continue
        fits = _parts(version) >= _parts(lowest)
        fits = fits and (below is None or _parts(version) < _parts(below))
        wanted = f"{name}>={lowest}" + (f",<{below}" if below else "")
        outcome = Outcome.GOOD if fits else Outcome.WARNING
        yield Check(name, outcome, version, "" if fits else f"pip install '{wanted}'")


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _clock(now: datetime) -> Check:
    """The hub's time on the HAN is this machine's."""
    shown = now.strftime("%Y-%m-%d %H:%M:%S UTC")
    if now < WRITTEN:
        remedy = "set it, for example with `timedatectl set-ntp true`"
        return Check("clock of this machine", Outcome.BAD, f"{shown} has passed long ago", remedy)
    kept = ", kept by a time service" if SYNCHRONISED.exists() else ""
    return Check("clock of this machine", Outcome.GOOD, shown + kept)


def _ports() -> Iterator[Check]:
    reports = list_ports()
    if not reports:
        yield Check(
            "serial ports",
            Outcome.WARNING,
            "none found",
            "plug a dongle in, or use the virtual one (vncp:)",
        )
    for report in reports:
        name = report.kind.name if report.kind is not None else report.product or "unknown device"
        yield Check(report.stable_path, Outcome.GOOD, f"{name} ({report.confidence.value})")


def check_access(port: str) -> list[Check]:
    """Whether a device node exists, may be opened, and is free; nothing for URLs."""
    if "://" in port:
        return []
    path = Path(port)
    if not path.exists():
        remedy = "plug it in; `chub radios` lists what is there"
        return [Check("port exists", Outcome.BAD, f"{port} is not there", remedy)]
    checks = [Check("port exists", Outcome.GOOD, str(path.resolve()))]
    try:
        path.open("r+b", buffering=0).close()
    except PermissionError:
        remedy = (
            f"write {UDEV_RULE!r} to {UDEV_FILE}, run `udevadm control --reload` and replug, "
            "or join the group that owns the port (dialout, uucp)"
        )
        checks.append(Check("port may be opened", Outcome.BAD, "permission denied", remedy))
    except OSError as exc:
        checks.append(Check("port may be opened", Outcome.WARNING, str(exc.strerror)))
    else:
        checks.append(Check("port may be opened", Outcome.GOOD, "read and write"))
    checks.append(_free(port))
    return checks


def _free(port: str) -> Check:
    found = list(holders(port))
    if not found:
        return Check("port is free", Outcome.GOOD, "no process holds it")
    named = ", ".join(f"{holder.command} (process {holder.pid})" for holder in found)
    return Check("port is free", Outcome.BAD, f"held by {named}", "stop that program")


async def check_dongle(port: str) -> list[Check]:
    """What the dongle at a port is, and whether it is fit for a home area network."""
    try:
        report = await probe(port)
    except FlashError as exc:
        remedy = "is it an EZSP dongle? another program's? try another baud rate or cable"
        return [Check("dongle answers", Outcome.BAD, str(exc), remedy)]
    except RadioError as exc:
        return [Check("dongle answers", Outcome.BAD, str(exc), "plug it in again")]
    found = f"{report.firmware} {report.version} at {report.baudrate} baud"
    if report.firmware != EZSP:
        remedy = "flash Zigbee NCP firmware: `chub flash flash PORT IMAGE`"
        return [Check("dongle answers", Outcome.BAD, found, remedy)]
    return [Check("dongle answers", Outcome.GOOD, found), *(c(report) for c in _FITNESS)]


async def check_air(port: str, channel: int = USUAL_CHANNEL) -> list[Check]:
    """Whether the dongle takes the hub's endpoints, and whether a channel is free.

    The dongle is off its network meanwhile, and reset before.
    """
    from hw.bellows_radio import BellowsRadio
    from hw.survey import survey

    radio = BellowsRadio(port, Role.COORDINATOR)
    radio.set_endpoints([SimpleDescriptor(n, 0x0109, 0x0500, (), ()) for n in HUB_ENDPOINTS])
    try:
        await radio.start()
        found = Check("endpoints", Outcome.GOOD, f"takes the {len(HUB_ENDPOINTS)} of a hub")
        await radio.close()
        return [found, _channel(await survey(port), channel)]
    except RadioError as exc:
        await radio.close()
        return [Check("endpoints and air", Outcome.BAD, str(exc), "flash EmberZNet 7.4 (EZSP 13)")]


def _channel(found: Survey, channel: int) -> Check:
    taken = [beacon for beacon in found.networks if beacon.channel == channel]
    loud_dbm, quiet = found.rssi_dbm[channel], found.quietest()
    text = f"channel {channel}: {loud_dbm} dBm, {len(taken)} networks; quietest is {quiet}"
    if taken or loud_dbm > LOUD_DBM:
        return Check(
            "channel", Outcome.WARNING, text, f"write network.channel = {quiet} in the rig"
        )
    return Check("channel", Outcome.GOOD, text)


def _baud(report: ProbeReport) -> Check:
    if report.baudrate == USUAL_BAUD:
        return Check("baud rate", Outcome.GOOD, f"{USUAL_BAUD}, as the bench assumes")
    remedy = f"write ?baud={report.baudrate} behind the port in the rig"
    return Check("baud rate", Outcome.WARNING, f"{report.baudrate}", remedy)


def _flow_control(report: ProbeReport) -> Check:
    known = next((r.kind for r in list_ports() if report.port in (r.device, r.stable_path)), None)
    if known is None or known.flow_control != "hardware":
        return Check("flow control", Outcome.GOOD, "answers without")
    remedy = "write ?flow=hardware behind the port in the rig"
    return Check("flow control", Outcome.WARNING, f"a {known.name} uses RTS and CTS", remedy)


def _ezsp_version(report: ProbeReport) -> Check:
    version = report.ezsp_version or 0
    if version < OLDEST_EZSP:
        remedy = "flash EmberZNet 7.4 (EZSP 13)"
        return Check("EZSP version", Outcome.BAD, str(version), remedy)
    if version >= BROKEN_REASSEMBLY_FROM:
        return Check(
            "EZSP version",
            Outcome.WARNING,
            f"{version}: bellows misreads fragments from EZSP 14 on; this product works around it",
            f"EZSP {BEST_EZSP} (EmberZNet 7.4) is the generation most used",
        )
    return Check("EZSP version", Outcome.GOOD, str(version))


def _key_table(report: ProbeReport) -> Check:
    size = report.key_table_size or 0
    if size < KEYS_OF_A_FULL_HOME:
        return Check(
            "link key table",
            Outcome.WARNING,
            f"{size} entries: room for {size} devices, a full home has {KEYS_OF_A_FULL_HOME}",
            "use firmware compiled with a larger key table, or fewer devices",
        )
    return Check("link key table", Outcome.GOOD, f"{size} entries")


def _payload(report: ProbeReport) -> Check:
    return Check("largest frame", Outcome.GOOD, f"{report.max_payload_octets} octets")


def _address(report: ProbeReport) -> Check:
    can = "can be rewritten" if report.eui64_rewritable else "is fixed, or can be burned once"
    eui64 = report.eui64 if report.eui64 is not None else 0
    return Check("EUI-64", Outcome.GOOD, f"{eui64:016X} {can}")


_FITNESS: Final[tuple[Callable[[ProbeReport], Check], ...]] = (
    _baud,
    _flow_control,
    _ezsp_version,
    _key_table,
    _payload,
    _address,
)

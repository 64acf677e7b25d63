"""Radio strings: how a rig file or a command line names the radio of a node.

=============================== ================================================================
``ether:EUI64``                 a virtual node straight on the bench's ether
``vncp:EUI64[?ezsp=N&keys=N]``  a virtual dongle on the bench's ether, driven by bellows;
                                EZSP 8, 9 to 14, 16 to 19 (default 13); how many link keys its
                                firmware can hold (default 16, a full home; stock builds 12)
``vncp://NAME``                 a virtual dongle published in this process under NAME
``/dev/ttyUSB0[?OPTIONS]``      a dongle at a serial port (``COM3`` likewise)
``tcp://HOST:PORT``             a dongle, real or virtual, behind a TCP port
``ezsp:PATH[?OPTIONS]``         any of the last three, said explicitly
=============================== ================================================================

OPTIONS of dongles, joined by ``&``: ``baud=115200``, ``flow=none|hardware|software``,
``heartbeat=SECONDS`` (0: off). EUI64 is 16 hexadecimal digits, most significant octet first; it
may be left out where the caller gives one. ``socket://`` is refused: bellows waits two seconds at
every reset on it; ``tcp://`` is the same line without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from han.radio import HanRadio, RadioError, Role
from hw.ether import Ether
from hw.settings import ParentSettings
from hw.stack import MemoryStore, Store

DEFAULT_EZSP: Final = 13
DEFAULT_BAUD: Final = 115200
DEFAULT_LINK_KEYS: Final = 16
"""A device log has sixteen places."""
FLOW_CONTROL: Final = {"none": None, "hardware": "hardware", "software": "software"}
_DONGLE_OPTIONS: Final = frozenset(("baud", "flow", "heartbeat"))
_VNCP_OPTIONS: Final = frozenset(("ezsp", "heartbeat", "keys"))


@dataclass(frozen=True, slots=True)
class RadioString:
    """A radio string taken apart: scheme, place, options."""

    text: str
    scheme: str  # ether, vncp or ezsp
    place: str
    options: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> RadioString:
        """Take apart; RadioError names the string and what is wrong with it."""
        body, _, query = text.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        scheme, place = _split(text, body)
        allowed = {"ether": frozenset(), "vncp": _VNCP_OPTIONS}.get(scheme, _DONGLE_OPTIONS)
        unknown = sorted(set(options) - allowed)
        if unknown:
            raise RadioError(f"radio {text!r}: no option {unknown[0]!r}")
        return cls(text, scheme, place, options)

    def number(self, option: str, default: int) -> int:
        """An option that is a whole number."""
        given = self.options.get(option)
        if given is None:
            return default
        if not given.isdigit():
            raise RadioError(f"radio {self.text!r}: {option} is a number, not {given!r}")
        return int(given)

    def eui64(self, given: int | None) -> int:
        """The address in the string, else the one the caller gives."""
        if not self.place:
            if given is None:
                raise RadioError(f"radio {self.text!r}: an EUI-64 is needed")
            return given
        try:
            if len(self.place) != 16:
                raise ValueError
            return int(self.place, 16)
        except ValueError:
            raise RadioError(
                f"radio {self.text!r}: {self.place!r} is no EUI-64 of 16 hexadecimal digits"
            ) from None


def _split(text: str, body: str) -> tuple[str, str]:
    if body.startswith("socket://") or body.startswith("ezsp:socket://"):
        raise RadioError(f"radio {text!r}: write tcp:// instead of socket://")
    if body.startswith(("/dev/", "tcp://", "vncp://")) or body.upper().startswith("COM"):
        return "ezsp", body
    scheme, separator, place = body.partition(":")
    if separator and scheme in ("ether", "vncp"):
        return scheme, place
    if separator and scheme == "ezsp" and place:
        return scheme, place
    raise RadioError(
        f"radio {text!r}: expected ether:, vncp:, vncp://, tcp://, ezsp:, /dev/... or COMn"
    )


def open_radio(
    text: str,
    role: Role,
    *,
    ether: Ether | None = None,
    eui64: int | None = None,
    store: Store | None = None,
    parent: ParentSettings | None = None,
) -> HanRadio:
    """Make (not start) the radio a string names; nothing is imported that it does not need.

    ``ether`` is the bench's air, for ``ether:`` and ``vncp:``; ``eui64`` and ``store`` serve the
    virtual ones. ``parent`` is what a coordinator does with its children.
    """
    wanted = RadioString.parse(text)
    if wanted.scheme == "ezsp":
        return _dongle(wanted, role, parent)
    if ether is None:
        raise RadioError(f"radio {text!r}: this bench has no ether")
    if wanted.scheme == "ether":
        from hw.ether_radio import EtherRadio

        return EtherRadio(ether, wanted.eui64(eui64), role, store, parent)
    return _virtual_dongle(wanted, role, ether, wanted.eui64(eui64), store, parent)


@dataclass(frozen=True, slots=True)
class Line:
    """The line to a dongle, as serialx opens it."""

    path: str
    baudrate: int
    flow_control: str | None


def line_of(text: str) -> Line:
    """The line that a radio string of a dongle names; RadioError when it names another radio."""
    wanted = RadioString.parse(text)
    if wanted.scheme != "ezsp":
        raise RadioError(f"radio {text!r}: not a dongle of its own (/dev/tty..., tcp://...)")
    return _line(wanted)


def _line(wanted: RadioString) -> Line:
    flow = wanted.options.get("flow", "none")
    if flow not in FLOW_CONTROL:
        raise RadioError(f"radio {wanted.text!r}: flow is none, hardware or software")
    return Line(wanted.place, wanted.number("baud", DEFAULT_BAUD), FLOW_CONTROL[flow])


def _dongle(wanted: RadioString, role: Role, parent: ParentSettings | None) -> HanRadio:
    from hw.bellows_radio import BellowsRadio

    line = _line(wanted)
    return BellowsRadio(
        line.path,
        role,
        baudrate=line.baudrate,
        flow_control=line.flow_control,
        heartbeat_s=wanted.number("heartbeat", 5) or None,
        parent=parent,
    )


def _virtual_dongle(
    wanted: RadioString,
    role: Role,
    ether: Ether,
    eui64: int,
    store: Store | None,
    parent: ParentSettings | None,
) -> HanRadio:
    from hw.bellows_radio import BellowsRadio
    from hw.vncp.ezsp import SUPPORTED_VERSIONS
    from hw.vncp.ncp import VirtualNcp
    from hw.vncp.transport import publish, withdraw

    version = wanted.number("ezsp", DEFAULT_EZSP)
    if version not in SUPPORTED_VERSIONS:
        raise RadioError(f"radio {wanted.text!r}: EZSP is one of {SUPPORTED_VERSIONS}")
    ncp = VirtualNcp(
        ether,
        eui64,
        ezsp_version=version,
        store=store or MemoryStore(),
        key_table_limit=wanted.number("keys", DEFAULT_LINK_KEYS),
        parent=parent,
    )
    name = f"{eui64:016x}-{id(ncp):x}"

    def unplug() -> None:
        withdraw(name)
        ncp.drop_line()

    return BellowsRadio(
        publish(name, ncp),
        role,
        heartbeat_s=wanted.number("heartbeat", 0) or None,
        parent=parent,
        closed=unplug,
    )

"""``chub demo join``: four devices come onto the HAN, step by step.

A gas meter, an electricity meter and an in-home display get the network key by their install codes
and then, by certificate (CBKE), each a link key of its own. A second display was entered into the
hub's device log with a wrong install code: it stays outside until the code is put right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.demo import DemoOptions
from bench.home import Home, devices_alive, open_home
from bench.rig import VIRTUAL_START, Rig
from chub.device_log import Entry
from device.events import (
    Event,
    Joined,
    JoinFailed,
    JoinProgress,
    KeyEstablished,
    KeyNotEstablished,
    MirrorChanged,
    TunnelChanged,
)
from device.timeline import Timeline, run
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType

GSME, ESME = 0x02434855420000A1, 0x02434855420000A0
IHD, MISTYPED = 0x02434855420000D1, 0x02434855420000D2
NAMES: Final = {GSME: "GSME", ESME: "ESME", IHD: "IHD", MISTYPED: "second IHD"}
ESTABLISHED: Final = "hub: key in the device log"
MIRROR: Final = "hub: mirror lent"
TUNNEL: Final = "tunnel open"
NOT_JOINED: Final = "not joined"
_WANTED: Final = {GSME: {MIRROR, TUNNEL}, ESME: {TUNNEL}, IHD: set[str](), MISTYPED: set[str]()}
"""What a device must have, beside its link key, to be of use."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step of one device. ``after_s`` counts from when the device began to try."""

    device: str
    eui64: str
    step: str
    at: str
    after_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the joining of one device ended, and why it did not succeed at first."""

    device: str
    joined: bool
    suite: int | None
    refusals: list[str]


@dataclass(slots=True)
class JoiningTold:
    """The demonstration's result."""

    capture: Path
    keys: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every device is on the HAN, the mistyped one only once its code was right."""
        return not self.wrong and len(self.outcomes) == len(NAMES)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "outcomes": [asdict(outcome) for outcome in self.outcomes],
            "capture": str(self.capture),
            "keys": self.keys,
        }

    def print(self) -> None:
        """For people."""
        from bench.demo.join_table import print_joining

        print_joining(self)


def play(options: DemoOptions) -> JoiningTold:
    """Run the story on a virtual home whose hub sits on the given radio."""
    timeline = Timeline(VIRTUAL_START)
    return run(_story(_rig(options), timeline, options), timeline)


def _rig(options: DemoOptions) -> Rig:
    return Rig.model_validate(
        {
            "name": "demo join",
            "hub": {"radio": options.radio},
            "gas_meter": {"eui64": GSME},
            "electricity_meter": {"eui64": ESME},
            "displays": [{"eui64": IHD}, {"eui64": MISTYPED}],
        }
    )


async def _story(rig: Rig, timeline: Timeline, options: DemoOptions) -> JoiningTold:
    result = JoiningTold(options.capture)
    async with open_home(rig, timeline, capture=options.capture) as home:
        teller = _Teller(home, options, result)
        right = await teller.mistype()
        async with devices_alive(home):
            await timeline.sleep(timedelta(seconds=50))
            teller.check(MISTYPED, joined=False)
            await teller.put_right(right)
            await timeline.sleep(timedelta(seconds=30))
            for eui64 in NAMES:
                teller.check(eui64, joined=True)
                teller.conclude(eui64)
        result.keys = [key.hex() for key in home.capture_keys]
    return result


class _Teller:
    """Notes what every device tells on its way, and what the hub says of it."""

    def __init__(self, home: Home, options: DemoOptions, result: JoiningTold) -> None:
        self.home, self.options, self.result = home, options, result
        self._began: dict[int, datetime] = {}
        self._suites: dict[int, int] = {}
        home.events.subscribe(
            self._note,
            Joined,
            JoinFailed,
            JoinProgress,
            KeyEstablished,
            KeyNotEstablished,
            MirrorChanged,
            TunnelChanged,
        )

    async def mistype(self) -> Entry:
        """Enter one device with a wrong install code; the right entry."""
        hub = self.home.hub
        right = hub.device_log.get(MISTYPED)
        assert right is not None  # the rig of this demonstration names it
        await hub.remove_device(MISTYPED)
        await hub.add_device(Entry(MISTYPED, DeviceType.IHD, bytes(16)))
        self.options.tell(f"{NAMES[MISTYPED]}: entered with a wrong install code")
        return right

    async def put_right(self, right: Entry) -> None:
        """Enter it anew."""
        hub = self.home.hub
        await hub.remove_device(MISTYPED)
        await hub.add_device(right)
        self._add(MISTYPED, "install code put right", "removed from the device log, added anew")

    def check(self, eui64: int, *, joined: bool) -> None:
        """Whether a device holds its own key by now, and whatever else comes with that."""
        if self.home.hub.device_log.authorised(eui64) is not joined:
            self.result.wrong.append(f"{NAMES[eui64]}: {'not ' if joined else ''}joined")
        seen = {row.step for row in self.result.rows if row.device == NAMES[eui64]}
        for missing in _WANTED[eui64] - seen if joined else ():
            self.result.wrong.append(f"{NAMES[eui64]}: no {missing}")

    def conclude(self, eui64: int) -> None:
        """The outcome of one device."""
        mine = [row for row in self.result.rows if row.device == NAMES[eui64]]
        refusals = [row.detail for row in mine if row.step == NOT_JOINED]
        joined = self.home.hub.device_log.authorised(eui64)
        suite = self._suites.get(eui64)
        self.result.outcomes.append(Outcome(NAMES[eui64], joined, suite, refusals))

    def _note(self, event: Event) -> None:
        match event:
            case Joined(peer=peer, kind=kind, admitted=admitted):
                self._add(peer, "hub: device met", f"{kind}{'' if admitted else ', turned away'}")
            case KeyEstablished(peer=peer, suite=suite) if peer in NAMES:
                self._suites[peer] = suite
                self._add(peer, ESTABLISHED, f"suite {suite}")
            case MirrorChanged(peer=peer, endpoint=endpoint, present=True):
                self._add(peer, MIRROR, f"endpoint {endpoint}")
            case TunnelChanged(peer=peer, open=True):
                self._add(peer, TUNNEL, "")
            case JoinProgress(device=device, step=step, detail=detail):
                self._add(device, step.value, detail)
            case JoinFailed(device=device, reason=reason):
                self._add(device, NOT_JOINED, reason)
            case KeyNotEstablished(device=device, reason=reason):
                self._add(device, NOT_JOINED, reason)
            case _:
                pass

    def _add(self, eui64: int, step: str, detail: str) -> None:
        if eui64 not in NAMES:
            return
        now, start = self.home.timeline.now(), self.home.timeline.start
        began = self._began.setdefault(eui64, start)
        row = Row(
            device=NAMES[eui64],
            eui64=format_eui64(eui64),
            step=step,
            at=now.isoformat(timespec="milliseconds"),
            after_s=round((now - began).total_seconds(), 3),
            detail=detail,
        )
        self.result.rows.append(row)
        self.options.tell(f"{row.after_s:7.3f} s  {row.device}: {step}")

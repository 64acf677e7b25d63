"""Who may join: the hub's device log as the trust centre's whitelist (CCS01, CCS02).

The whitelist decides; it returns what the radio must do. Joining is per device, by its install code
or link key, never by a key for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Final

from han.radio import DeviceJoined, DeviceLeft, link_key_of_install_code

CAPACITY: Final = 16
LONGEST_PERMIT_S: Final = 254
"""Permit-joining is broadcast for at most this long (ZSE); a longer window is renewed."""
RENEWAL: Final = timedelta(seconds=240)


class JoiningDevice(IntEnum):
    """Device types of a CHF device log entry (the COSEM numbers of CCS01)."""

    ESME = 0
    GSME = 1
    HCALCS = 13
    IHD = 128
    CAD = 130
    PPMID = 132
    GPF = 254


class Refused(Enum):
    """Why a device was not put on, or taken off, the whitelist, or was turned away by the hub."""

    LOG_FULL = "the device log is full"
    BAD_INSTALL_CODE = "the install code is malformed"
    NOT_IN_LOG = "the device is not in the device log"
    WINDOW_CLOSED = "its join window has closed"
    BY_RADIO = "the radio turned it away, as for a wrong key"


@dataclass(frozen=True, slots=True)
class AllowJoin:
    """Let this device in with this key while joining is open."""

    eui64: int
    link_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DenyJoin:
    """Let this device in no longer."""

    eui64: int


@dataclass(frozen=True, slots=True)
class PermitJoining:
    """Open joining for so many seconds; 0 closes it."""

    duration_s: int


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Make the device leave and forget its key."""

    eui64: int


Action = AllowJoin | DenyJoin | PermitJoining | RemoveDevice


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the device log."""

    eui64: int
    device_type: int
    link_key: bytes = field(repr=False)
    added_at: datetime
    window_ends: datetime | None = None
    joined_at: datetime | None = None
    link_key_established: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """A device of the log is on the network."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A device tried to join and was refused."""

    eui64: int
    reason: Refused


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A device did not join in time; its entry stays, and CCS01 may open it again."""

    eui64: int


@dataclass(frozen=True, slots=True)
class LogChanged:
    """The log, or the key of one of its devices, changed: the backup alert 0x8F12 is due."""

    eui64: int


JoiningEvent = Joined | TurnedAway | WindowClosed | LogChanged


@dataclass(slots=True)
class Whitelist:
    """The device log of a hub; drain :meth:`actions` to the radio and :meth:`events` to the hub.

    Every change is answered with actions, so that the radio never knows more than the log.
    """

    capacity: int = CAPACITY
    entries: dict[int, Entry] = field(default_factory=dict)
    _permit_renewed: datetime | None = None
    _actions: list[Action] = field(default_factory=list)
    _events: list[JoiningEvent] = field(default_factory=list)

    def actions(self) -> list[Action]:
        """Take what the radio must do, in order."""
        actions, self._actions = self._actions, []
        return actions

    def events(self) -> list[JoiningEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def add(
        self, eui64: int, install_code: bytes, device_type: int, now: datetime, window: timedelta
    ) -> Refused | None:
        """Take a device into the log and open joining for it (CCS01); says why when it cannot.

        A device that is in the log keeps its key, whatever comes now, and its window opens again.
        """
        known = self.entries.get(eui64)
        if known is None:
            if len(self.entries) >= self.capacity:
                return Refused.LOG_FULL
            try:
                link_key = link_key_of_install_code(install_code)
            except ValueError:
                return Refused.BAD_INSTALL_CODE
            known = Entry(eui64, device_type, link_key, now)
            self._events.append(LogChanged(eui64))
        self.entries[eui64] = replace(known, window_ends=now + window)
        self._actions.append(AllowJoin(eui64, known.link_key))
        self._permit(now)
        return None

    def remove(self, eui64: int, now: datetime) -> Refused | None:
        """Take a device off the log (CCS02): it must leave, and may not come back."""
        if self.entries.pop(eui64, None) is None:
            return Refused.NOT_IN_LOG
        self._actions += [DenyJoin(eui64), RemoveDevice(eui64)]
        self._events.append(LogChanged(eui64))
        self._permit(now)
        return None

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take a log back after a restart: who had joined may rejoin, windows stay shut."""
        for entry in entries:
            self.entries[entry.eui64] = replace(entry, window_ends=None)
            if entry.joined_at is not None:
                self._actions.append(AllowJoin(entry.eui64, entry.link_key))

    def joined(self, event: DeviceJoined, now: datetime) -> None:
        """Take the radio's word that a device joined or was turned away.

        A device that the radio let in although the log does not have it is removed.
        """
        entry = self.entries.get(event.eui64)
        if entry is None:
            self._events.append(TurnedAway(event.eui64, Refused.NOT_IN_LOG))
            if event.admitted:
                self._actions.append(RemoveDevice(event.eui64))
            return
        if not event.admitted:
            reason = Refused.WINDOW_CLOSED if entry.window_ends is None else Refused.BY_RADIO
            self._events.append(TurnedAway(event.eui64, reason))
            return
        entry = replace(entry, joined_at=now, window_ends=None)
        self.entries[event.eui64] = entry
        self._events.append(Joined(entry))
        self._permit(now)

    def left(self, event: DeviceLeft) -> None:
        """A device left of its own accord: its place stays, and CCS01 may open joining again."""
        entry = self.entries.get(event.eui64)
        if entry is not None:
            self.entries[event.eui64] = replace(entry, joined_at=None)
            self._actions.append(DenyJoin(event.eui64))

    def established(self, eui64: int, link_key: bytes) -> None:
        """Key establishment gave a device its trust-centre link key."""
        entry = self.entries.get(eui64)
        if entry is not None:
            self.entries[eui64] = replace(entry, link_key=link_key, link_key_established=True)
            self._events.append(LogChanged(eui64))

    def may_communicate(self, eui64: int) -> bool:
        """Whether the device is in the log at all: tunnels and mirrors ask this."""
        return eui64 in self.entries

    @property
    def deadline(self) -> datetime | None:
        """When a window closes, or permission to join must be renewed."""
        moments = list(self._windows().values())
        if self._permit_renewed is not None and moments:
            moments.append(self._permit_renewed + RENEWAL)
        return min(moments, default=None)

    def poll(self, now: datetime) -> None:
        """Close the windows that have ended, and keep the others open."""
        for eui64, ends in self._windows().items():
            if ends <= now:
                self._close(self.entries[eui64])
        renewed = self._permit_renewed
        if renewed is not None and (not self._windows() or renewed + RENEWAL <= now):
            self._permit(now)

    def _windows(self) -> dict[int, datetime]:
        """The ends of the windows that are open."""
        return {i: e.window_ends for i, e in self.entries.items() if e.window_ends is not None}

    def _close(self, entry: Entry) -> None:
        self.entries[entry.eui64] = replace(entry, window_ends=None)
        if entry.joined_at is None:
            self._actions.append(DenyJoin(entry.eui64))
            self._events.append(WindowClosed(entry.eui64))

    def _permit(self, now: datetime) -> None:
        """Open joining for as long as a device is awaited, and close it when none is."""
        ends = max(self._windows().values(), default=now)
        seconds = min(LONGEST_PERMIT_S, -(-(ends - now) // timedelta(seconds=1)))
        if seconds > 0:
            self._permit_renewed = now
            self._actions.append(PermitJoining(seconds))
        elif self._permit_renewed is not None:
            self._permit_renewed = None
            self._actions.append(PermitJoining(0))

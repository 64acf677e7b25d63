"""Who may join, with which key, for how long: the device log put into effect by the trust centre.

A device that was added may join with its install code until its window closes. One that is known
from the historic log has a window for the key it shared with the hub before, and after that one for
its install code (GBCS use-case catalogue, CCS01). Joining itself is open while any window is.
Windows are kept in the CHF's store, with the command that opened them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from chub.device_log import DeviceLog, Entry
from device.host import Host
from device.store import Json, Store
from gbcs.eui64 import format_eui64, parse_eui64
from han.deadlines import first_due
from han.exchange import Announced, NodeEvent, Outcome, Request
from han.radio import HanRadio, NetworkUp, RadioError, RadioEvent

_LOG: Final = logging.getLogger(__name__)

_KEY: Final = "joining"
_LEAVING: Final = "leaving/"

Order = Callable[[HanRadio], Awaitable[object]]


@dataclass(slots=True)
class _Window:
    """Until when a device may come with a key. ``then`` is the key after that, for as long."""

    until: datetime
    length: timedelta
    key: bytes = field(repr=False)
    then: bytes | None = field(default=None, repr=False)


class Joining:
    """The windows; a service of the node, for their ends. What the radio has to do waits in order.

    ``now`` is the true time. ``known_again`` is told of a device that came with its historic key.
    """

    def __init__(
        self,
        store: Store,
        device_log: DeviceLog,
        now: Callable[[], datetime],
        known_again: Callable[[int, bytes], object],
    ) -> None:
        self._store, self._device_log = store, device_log
        self._now, self._known_again = now, known_again
        self._windows: dict[int, _Window] = dict(self._kept())
        self._orders: deque[Order] = deque()
        self._turn = asyncio.Lock()
        self._summoned = False
        self._host: Host | None = None

    def attach(self, host: Host) -> None:
        """Work on this node."""
        self._host = host
        host.node.attach(self)
        host.on_node_event(self._node_event)
        host.on_radio_event(self._radio_event)

    @property
    def is_open(self) -> bool:
        """Whether joining is enabled (device log, attribute 2)."""
        return bool(self._windows)

    def is_open_for(self, eui64: int) -> bool:
        """Whether this device may join now."""
        return eui64 in self._windows

    def open(self, entry: Entry, duration_s: int) -> None:
        """Let a device of the log in for a while; a known key of an earlier life comes first."""
        length, known = timedelta(seconds=duration_s), self._device_log.historic_of(entry.eui64)
        window = _Window(self._now() + length, length, entry.link_key)
        if known is not None and entry.tc_link_key is None:
            window.key, window.then = known.key, entry.link_key
        self._open(entry.eui64, window)

    def rejoin(self, entry: Entry, duration_s: int) -> None:
        """Let a device of a backup come back with the hash of its old key.

        It may do so at any time; joining is open for a while, as some radios want that.
        """
        length = timedelta(seconds=duration_s)
        self._open(entry.eui64, _Window(self._now() + length, length, entry.link_key))

    def form_anew(self, form: Callable[[HanRadio], Awaitable[object]]) -> None:
        """Have the radio form its network anew before anything that is asked of it later."""
        self._order(form)

    def close(self) -> None:
        """Let nobody in any more."""
        with self._store.transaction() as unit:
            for eui64 in list(self._windows):
                self._shut(eui64)
            unit.on_commit(lambda: self._order(lambda radio: radio.permit_joining(0)))

    def expel(self, eui64: int) -> None:
        """Make a device leave and let it in no more; should the hub stop first, when it is back."""
        was_open = eui64 in self._windows
        with self._store.transaction() as unit:
            self._shut(eui64)
            unit.put(_LEAVING + format_eui64(eui64), 1)
            unit.on_commit(lambda: self._order(lambda radio: self._remove(radio, eui64)))
            if was_open:
                permit = self._remaining_s
                unit.on_commit(lambda: self._order(lambda radio: radio.permit_joining(permit())))

    async def _remove(self, radio: HanRadio, eui64: int) -> None:
        await radio.remove(eui64)
        with self._store.transaction() as unit:
            unit.delete(_LEAVING + format_eui64(eui64))

    async def settle(self) -> None:
        """Return when the radio has done everything asked of it; RadioError when it could not."""
        await self._obey(raising=True)

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the first window closes."""
        return first_due(self._windows.values(), lambda window: window.until)

    def poll(self, now: datetime) -> None:
        """Close the windows whose time is over, or go on to the install code."""
        for eui64, window in list(self._windows.items()):
            if window.until > now:
                continue
            if window.then is None:
                self._shut(eui64)
            else:
                self._open(eui64, _Window(now + window.length, window.length, window.then))

    def requests(self) -> list[Request]:
        """None: the radio does what there is to do."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    # -- parts ---------------------------------------------------------------------------------

    def _node_event(self, event: NodeEvent) -> None:
        """A device that speaks on the network with its historic key keeps that key."""
        if not isinstance(event, Announced):
            return
        window, known = self._windows.get(event.eui64), self._device_log.historic_of(event.eui64)
        if window is None or window.then is None or known is None:
            return
        self._keep({**self._windows, event.eui64: replace(window, then=None)})
        if not known.hashed:
            self._known_again(event.eui64, known.key)

    def _radio_event(self, event: RadioEvent) -> None:
        """A hub that was restarted goes on with whom it let in, and whom it put off."""
        if isinstance(event, NetworkUp):
            with self._store.transaction() as unit:
                leaving = [parse_eui64(key.removeprefix(_LEAVING)) for key in unit.keys(_LEAVING)]
            for eui64 in leaving:
                self.expel(eui64)
            for eui64, window in self._windows.items():
                self._allow(eui64, window.key)

    def _open(self, eui64: int, window: _Window) -> None:
        """Keep a window with the open unit; the radio hears of it once that is kept."""
        with self._store.transaction() as unit:
            self._keep({**self._windows, eui64: window})
            unit.delete(_LEAVING + format_eui64(eui64))
            unit.on_commit(lambda: self._allow(eui64, window.key))

    def _keep(self, windows: dict[int, _Window]) -> None:
        before = self._windows
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put_back(before))
            self._windows = windows
            unit.put_json(_KEY, {format_eui64(one): _to_json(windows[one]) for one in windows})

    def _put_back(self, windows: dict[int, _Window]) -> None:
        self._windows = windows

    def _kept(self) -> Iterator[tuple[int, _Window]]:
        """The windows of the store; their keys are those of the device log."""
        with self._store.transaction() as unit:
            held = unit.get_json(_KEY)
        for device, row in held.items() if isinstance(held, dict) else ():
            eui64 = parse_eui64(device)
            entry, known = self._device_log.get(eui64), self._device_log.historic_of(eui64)
            match row:
                case [str(until), int(length_s), bool(first)] if entry is not None:
                    length, moment = timedelta(seconds=length_s), datetime.fromisoformat(until)
                    window = _Window(moment, length, entry.link_key)
                    if first and known is not None:
                        window.key, window.then = known.key, entry.link_key
                    yield eui64, window

    def _allow(self, eui64: int, key: bytes) -> None:
        self._order(lambda radio: radio.allow_join(eui64, key))
        self._order(lambda radio: radio.permit_joining(self._remaining_s()))

    def _remaining_s(self) -> int:
        left = [window.until - self._now() for window in self._windows.values()]
        return max((round(one.total_seconds()) for one in left), default=0)

    def _shut(self, eui64: int) -> None:
        if eui64 in self._windows:
            self._keep({one: self._windows[one] for one in self._windows if one != eui64})
        entry = self._device_log.get(eui64)
        if entry is None or not entry.awaited:
            with self._store.transaction() as unit:
                unit.on_commit(lambda: self._order(lambda radio: radio.deny_join(eui64)))

    def _order(self, order: Order) -> None:
        self._orders.append(order)
        if self._host is not None and not self._summoned:
            self._summoned = True
            self._host.start_task(self._obey(), "open and close joining")

    async def _obey(self, *, raising: bool = False) -> None:
        """Have the radio do what is asked, in order; what it cannot do is left out."""
        if self._host is None:
            raise RuntimeError("the hub has no radio yet")
        async with self._turn:
            self._summoned = False
            while self._orders:
                try:
                    await self._orders.popleft()(self._host.radio)
                except RadioError as error:
                    if raising:
                        raise
                    _LOG.warning("joining: %s", error)


def _to_json(window: _Window) -> Json:
    """Until when, how long, and whether this is the first of two keys."""
    length_s = round(window.length.total_seconds())
    return [window.until.isoformat(), length_s, window.then is not None]

"""The children of a parent: who has a place, who is heard, and who loses it.

A parent must not keep a place for ever for what never came in, or went without a word: it ages its
children, and takes a poll for a sign of life (the MAC data poll keep-alive of Zigbee since R21).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hw.settings import ParentSettings, timeout_s
from hw.stack.mac_layer import MacLayer
from hw.stack.state import Child, NodeState
from hw.zigbee import mac


def _nobody(eui64: int, child: Child) -> None:
    """Nobody wants to know whose time is over."""


@dataclass(slots=True)
class ChildDesk:
    """Gives places to children and takes them back; ``aged_out`` hears of the latter.

    Routers are entered too, because a joiner is a child until it is heard under the network key;
    they need no place and are not aged once they are.
    """

    mac: MacLayer
    state: NodeState
    settings: ParentSettings = field(default_factory=ParentSettings)
    aged_out: Callable[[int, Child], None] = _nobody
    _timer: asyncio.TimerHandle | None = None

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """The network is up: everybody has their time from now on."""
        for child in self.state.children.values():
            child.heard_s = self._now_s()
        self._arm()

    def stop(self) -> None:
        """Off the network: nobody's time runs."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- places ---------------------------------------------------------------------------------

    def end_devices(self) -> list[tuple[int, Child]]:
        """EUI-64 and entry of every child that is no router."""
        return [item for item in self.state.children.items() if not item[1].router]

    def has_room(self, eui64: int | None = None) -> bool:
        """Whether an end device has a place: one more, or this one again."""
        others = sum(other != eui64 for other, _ in self.end_devices())
        return others < self.settings.children

    def take(self, eui64: int, child: Child) -> None:
        """Enter a child, in the place of what it was before."""
        child.heard_s = self._now_s()
        self.state.children[eui64] = child
        self._arm()

    def heard(self, eui64: int) -> None:
        """A sign of life."""
        child = self.state.children.get(eui64)
        if child is not None:
            child.heard_s = self._now_s()

    # -- ageing ---------------------------------------------------------------------------------

    def _due_s(self, child: Child) -> float | None:
        """When a child's time is over; None for one that has no end."""
        if not child.authenticated:
            return child.heard_s + self.settings.unproven_child_s
        if child.router:
            return None
        return child.heard_s + timeout_s(self.settings.end_device_timeout)

    def _arm(self) -> None:
        """Look again when the first child's time may be over."""
        self.stop()
        due = [self._due_s(child) for child in self.state.children.values()]
        first_s = min((moment for moment in due if moment is not None), default=None)
        if first_s is not None:
            self._timer = asyncio.get_running_loop().call_at(first_s, self._age)

    def _age(self) -> None:
        now_s = self._now_s()
        for eui64, child in tuple(self.state.children.items()):
            due_s = self._due_s(child)
            if due_s is not None and due_s <= now_s:
                self._drop(eui64, child)
        self._arm()

    def _drop(self, eui64: int, child: Child) -> None:
        """Take the place back.

        Address and key stay of a device that was let in, for it may return, and of one that was
        removed, for it is still to be told.
        """
        self.mac.drop_indirect(mac.Address(eui64, long=True))
        self.mac.drop_indirect(mac.Address(child.nwk))
        if eui64 in self.state.link_keys or eui64 in self.state.expelled:
            del self.state.children[eui64]
            self.state.save()
        else:
            self.state.forget_peer(eui64)
        self.aged_out(eui64, child)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

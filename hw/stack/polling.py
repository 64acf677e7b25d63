"""When a sleepy end device asks its parent.

Steadily while awake, and quickly while acknowledgements are outstanding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hw.stack.mac_layer import MacLayer
from hw.stack.state import NodeState
from hw.zigbee import mac, nwk


@dataclass(slots=True)
class Poller:
    """Polls as often as ``wanted`` says, in seconds; None is not at all.

    At once again after a frame came, because more may wait.
    """

    mac: MacLayer
    state: NodeState
    wanted: Callable[[], float | None]
    polled: Callable[[bool], None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _asking: bool = False

    def nudge(self) -> None:
        """Something changed: ask at once if that is wanted sooner than it was to be."""
        wait_s = self.wanted()
        if self._asking or wait_s is None:
            return
        if self._timer is not None:
            if self._timer.when() <= asyncio.get_running_loop().time() + wait_s:
                return
            self._timer.cancel()
        self._ask()

    def stop(self) -> None:
        """Stop at once."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._asking = None, False

    def _ask(self) -> None:
        self._timer = None
        if self.state.membership is None or self.wanted() is None:
            return
        self._asking = True
        self.mac.poll(nwk.COORDINATOR, mac.Address(self.state.membership.nwk), self._asked)

    def _asked(self, heard: bool) -> None:
        if not self._asking:
            return
        self._asking = False
        if self.polled is not None:
            self.polled(heard)
        if heard:
            self._ask()
            return
        wait_s = self.wanted()
        if wait_s is not None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._ask)

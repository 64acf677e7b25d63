"""When a sleepy end device asks its parent.

Steadily while awake, and while acknowledgements are outstanding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hw.stack.mac_layer import MacLayer
from hw.stack.state import NodeState
from hw.zigbee import mac, nwk

POLL_INTERVAL_S: Final = 0.1


@dataclass(slots=True)
class Poller:
    """Polls while ``wanted`` says so; at once again after a frame came, because more may wait."""

    mac: MacLayer
    state: NodeState
    wanted: Callable[[], bool]
    interval_s: float = POLL_INTERVAL_S
    polled: Callable[[bool], None] | None = None
    _timer: asyncio.TimerHandle | None = None
    _asking: bool = False

    def nudge(self) -> None:
        """Something changed: start polling if it is wanted and not going on."""
        if not self._asking and self._timer is None and self.wanted():
            self._ask()

    def stop(self) -> None:
        """Stop at once."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._asking = None, False

    def _ask(self) -> None:
        self._timer = None
        if self.state.membership is None or not self.wanted():
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
        else:
            self._timer = asyncio.get_running_loop().call_later(self.interval_s, self._ask)

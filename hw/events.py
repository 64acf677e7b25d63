"""The ordered event stream every radio offers.

One producer side, one consumer, until it is ended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping

from han.radio import ApsReceived, RadioEvent

ZDO_ENDPOINT = 0
BROADCAST_ENDPOINT = 0xFF
MOST_WAITING = 10_000


class EventStream:
    """Events in the order they happened.

    Frames for endpoints the node lacks are dropped, as a dongle does.
    """

    def __init__(self) -> None:
        self._waiting: deque[RadioEvent] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._profiles: dict[int, int] = {}

    def accept_only(self, profiles: Mapping[int, int]) -> None:
        """Endpoint to profile of what exists; empty accepts everything."""
        self._profiles = dict(profiles)

    def put(self, event: RadioEvent) -> None:
        """Add an event; never blocks."""
        if self._ended or (isinstance(event, ApsReceived) and not self._has_endpoint(event)):
            return
        if isinstance(event, ApsReceived) and len(self._waiting) >= MOST_WAITING:
            return  # nobody reads: a radio without buffers drops frames
        self._waiting.append(event)
        self._wake()

    def _has_endpoint(self, received: ApsReceived) -> bool:
        endpoint = received.destination_endpoint
        if not self._profiles or endpoint in (ZDO_ENDPOINT, BROADCAST_ENDPOINT):
            return True
        return self._profiles.get(endpoint) == received.profile_id

    def end(self) -> None:
        """No more events; the reader ends after those it has not read yet."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self) -> AsyncIterator[RadioEvent]:
        """Everything until :meth:`end`."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended:
                return
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader

"""Link keys between two devices, through a dongle: asked for, and handed out by policy.

The firmware of a trust centre knows one policy for all devices. It is to hand out keys only while
every device that joined is authorised: one that is not yet (it is still establishing the key it is
to keep) closes the desk for everybody until it is, or is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from han.radio import (
    PARTNER_KEY_TIMEOUT_S,
    DeviceJoined,
    JoinKind,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioEvent,
)
from hw.ezsp_port import EzspPort

NOBODY: Final = 0
# EmberKeyStatus
ESTABLISHED: Final = 1
SENT_TO_REQUESTER: Final = 7
FAILED_TO_ASKER: Final = frozenset((4, 5))  # timeout, key table full
REFUSED_BY_TRUST_CENTRE: Final = frozenset((8, 9, 10, 11, 15, 16, 17, 18))
CALLBACK_PATIENCE_S: Final = 1.0


class PartnerKeys:
    """Requests under way, and who is authorised; survives a lost radio."""

    def __init__(self, emit: Callable[[RadioEvent], None]) -> None:
        self._emit = emit
        self._asking = asyncio.Lock()
        self._wanted = NOBODY
        self._outcome: asyncio.Future[bool] | None = None
        self._authorised: set[int] = set()
        self._unauthorised: set[int] = set()

    @property
    def authorised(self) -> frozenset[int]:
        """Devices that may share keys."""
        return frozenset(self._authorised)

    @property
    def open(self) -> bool:
        """Whether the firmware may hand out keys now."""
        return bool(self._authorised) and not self._unauthorised

    def joined(self, event: DeviceJoined) -> None:
        """A device came."""
        new = event.admitted and event.kind is JoinKind.ASSOCIATED
        if new and event.eui64 not in self._authorised:
            self._unauthorised.add(event.eui64)

    def left(self, eui64: int) -> None:
        """A device is gone."""
        self._unauthorised.discard(eui64)

    def set_authorised(self, eui64: int, *, authorised: bool) -> None:
        """See :class:`han.radio.HanRadio`."""
        (self._authorised if authorised else self._unauthorised).add(eui64)
        (self._unauthorised if authorised else self._authorised).discard(eui64)

    def forget(self, eui64: int) -> None:
        """A device was removed."""
        self._authorised.discard(eui64)
        self._unauthorised.discard(eui64)

    async def request(self, port: EzspPort, partner: int) -> bool:
        """Ask; whether a key came. The firmware asks for one key at a time."""
        async with self._asking:
            self._wanted = partner
            outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._outcome = outcome
            try:
                await port.keys.request_link_key(partner)
                async with asyncio.timeout(PARTNER_KEY_TIMEOUT_S + CALLBACK_PATIENCE_S):
                    return await outcome
            except TimeoutError:
                return False
            finally:
                self._outcome = None

    def established(self, partner: int, status: int) -> None:
        """What zigbeeKeyEstablishmentHandler says."""
        if status == ESTABLISHED:
            self._emit(PartnerKeySet(partner))
            if partner == self._wanted:
                self._end(came=True)
        elif status in FAILED_TO_ASKER:
            self._end(came=False)
        elif status == SENT_TO_REQUESTER or status in REFUSED_BY_TRUST_CENTRE:
            granted = status == SENT_TO_REQUESTER
            self._emit(PartnerKeyAsked(partner, None, granted=granted))

    def lost(self) -> None:
        """The radio is gone."""
        self._end(came=False)

    def _end(self, *, came: bool) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(came)

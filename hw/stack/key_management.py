"""Link keys between two devices, handed out by the trust centre over the air.

A device asks with Request-Key under its own trust centre link key. The trust centre makes one key
and sends it to both partners with Transport-Key, each time under the key-load key of that device's
link key. It answers nothing to what it refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from han.radio import (
    PARTNER_KEY_TIMEOUT_S,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioError,
    RadioEvent,
)
from hw.stack.application import ApsLayer
from hw.stack.state import NodeState
from hw.zigbee import aps_commands
from hw.zigbee.security import KeyId

KEY_OCTETS: Final = 16
IssuesKey = Callable[[int, int], bool]
"""Whether the trust centre gives these two devices (who asks, who is asked for) a key."""


@dataclass(slots=True)
class KeyDesk:
    """Both ends of Request-Key; the trust centre's end is used by the coordinator alone."""

    eui64: int
    aps: ApsLayer
    state: NodeState
    chance: Random
    emit: Callable[[RadioEvent], None]
    issues: IssuesKey
    nudge: Callable[[], None]
    _asked: dict[int, asyncio.Future[None]] = field(default_factory=dict)

    @property
    def waiting(self) -> bool:
        """Whether a key was asked for and has not come."""
        return bool(self._asked)

    # -- the device -----------------------------------------------------------------------------

    async def ask(self, partner: int) -> bool:
        """Ask the trust centre for a key shared with ``partner``; whether it came in time."""
        membership = self.state.membership
        if membership is None or membership.trust_centre == self.eui64:
            raise RadioError("only a device that joined asks for a key")
        link_key = self.state.link_keys.get(membership.trust_centre)
        if link_key is None:
            raise RadioError("no link key with the trust centre to ask under")
        came = self._asked.setdefault(partner, asyncio.get_running_loop().create_future())
        self.aps.send_command(
            self.state.addresses[membership.trust_centre],
            aps_commands.request_key(partner),
            link_key.key,
            KeyId.LINK,
            network_secured=True,
        )
        self.nudge()
        try:
            await asyncio.wait([came], timeout=PARTNER_KEY_TIMEOUT_S)
        finally:
            if self._asked.get(partner) is came:
                del self._asked[partner]
        return came.done()

    def link_key_received(self, octets: bytes) -> None:
        """The trust centre sent a key shared with a partner."""
        transport = aps_commands.TransportLinkKey.from_bytes(octets)
        self.state.set_link_key(transport.partner, transport.key)
        self.emit(PartnerKeySet(transport.partner))
        came = self._asked.get(transport.partner)
        if came is not None and not came.done():
            came.set_result(None)

    # -- the trust centre -----------------------------------------------------------------------

    def requested(self, requester: int, octets: bytes) -> None:
        """A device asks: make a key for both, or say nothing."""
        partner = aps_commands.read_request_key(octets)
        granted = self._may_have(requester, partner)
        self.emit(PartnerKeyAsked(requester, partner, granted=granted))
        if granted:
            key = self.chance.randbytes(KEY_OCTETS)
            self._send(partner, aps_commands.TransportLinkKey(key, requester, initiator=False))
            self._send(requester, aps_commands.TransportLinkKey(key, partner, initiator=True))

    def _may_have(self, requester: int, partner: int) -> bool:
        known = all(
            device in self.state.addresses and device in self.state.link_keys
            for device in (requester, partner)
        )
        return known and requester != partner and self.issues(requester, partner)

    def _send(self, device: int, transport: aps_commands.TransportLinkKey) -> None:
        self.aps.send_command(
            self.state.addresses[device],
            transport.to_bytes(),
            self.state.link_keys[device].key,
            KeyId.KEY_LOAD,
            network_secured=True,
        )

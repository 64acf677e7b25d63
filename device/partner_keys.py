"""Link keys with partners, asked of the trust centre when one is to be spoken to under them.

The trust centre itself shares a key with every device that joined.
"""

from __future__ import annotations

from device.host import Host
from han.radio import NetworkUp, PartnerKeySet, RadioError, RadioEvent


class PartnerKeys:
    """With whom one node shares a link key, as far as it knows."""

    def __init__(self, host: Host) -> None:
        self._radio = host.radio
        self._shared: set[int] = set()
        host.on_radio_event(self._hear)

    async def ensure(self, peer: int) -> bool:
        """Have a key with ``peer``: the one at hand, or a new one; False when none is given."""
        if peer == self._radio.trust_centre or peer in self._shared:
            return True
        try:
            came = await self._radio.request_partner_key(peer)
        except RadioError:
            return False
        if came:
            self._shared.add(peer)
        return came

    def doubt(self, peer: int) -> None:
        """``peer`` does not answer: it may have lost the key, so a new one is asked for next."""
        self._shared.discard(peer)

    def _hear(self, event: RadioEvent) -> None:
        if isinstance(event, PartnerKeySet):
            self._shared.add(event.partner)
        elif isinstance(event, NetworkUp):
            self._shared.clear()

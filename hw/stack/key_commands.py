"""APS commands sorted: who may send which, and under which key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hw.stack.application import ApsLayer
from hw.stack.joining import Joiner
from hw.stack.key_management import KeyDesk
from hw.stack.network_keys import NetworkKeyDesk
from hw.stack.state import NodeState
from hw.zigbee import nwk
from hw.zigbee.aps import ApsEnvelope
from hw.zigbee.aps_commands import Command, remove_device
from hw.zigbee.security import KeyId


@dataclass(slots=True)
class KeyCommands:
    """Hands each command to the desk it is for; whatever is out of place is dropped."""

    aps: ApsLayer
    state: NodeState
    joiner: Joiner
    keys: KeyDesk
    network_keys: NetworkKeyDesk
    removed: Callable[[], None]

    def received(self, envelope: ApsEnvelope, frame: nwk.NwkFrame, *, coordinator: bool) -> None:
        """One command; NotAuthentic or MalformedFrame when it is not what it seems."""
        if not frame.secured:  # Transport-Key while joining
            self.joiner.key_received(envelope)
            return
        peer, membership = self.state.eui64_of(frame.source), self.state.membership
        if peer is None or membership is None:
            return
        if peer != membership.trust_centre and not coordinator:
            return
        key_id = None if envelope.auxiliary is None else envelope.auxiliary.key_id
        clear = self.aps.open(envelope, peer, KeyId.LINK if key_id is None else key_id)
        if not clear:
            return
        if not coordinator:
            self._from_trust_centre(clear, key_id)
        elif clear[0] == Command.REQUEST_KEY and key_id is KeyId.LINK:
            self.keys.requested(peer, clear)

    def _from_trust_centre(self, clear: bytes, key_id: KeyId | None) -> None:
        """A command of the trust centre, under this key beside the network key."""
        command = clear[0]
        if command == Command.TRANSPORT_KEY and key_id is KeyId.KEY_LOAD:
            self.keys.link_key_received(clear)
        elif command == Command.TRANSPORT_KEY and key_id in (KeyId.KEY_TRANSPORT, None):
            self.network_keys.received(clear)
        elif command == Command.SWITCH_KEY and len(clear) == 2:
            self.network_keys.use(clear[1])
        elif clear == remove_device(self.joiner.mac.eui64) and key_id is KeyId.LINK:
            self.removed()

"""The port itself: the protocol a radio fills, and how it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from han.radio.events import RadioEvent
from han.radio.frames import (
    ApsFrame,
    Beacon,
    BlockAck,
    DeliveryReport,
    NetworkParameters,
    Role,
    SimpleDescriptor,
)

POWER_CUT: Final = "the supply is cut"
"""Reason of :class:`RadioLost` after :meth:`HanRadio.cut_power`."""
PARTNER_KEY_TIMEOUT_S: Final = 5.0
"""How long a device waits for a partner link key it asked for (ZSE)."""
AWAKE_POLL_S: Final = 0.1
"""How often a sleepy end device asks its parent when it expects something."""


class RadioError(Exception):
    """The radio cannot do what was asked: closed, lost, off the network, or too long a payload."""


class OtherRole(RadioError):
    """The radio is on a network already, and in another role than it is wanted for."""


class HanRadio(Protocol):
    """A Zigbee node. Coordinator-only calls raise RadioError on other roles, and the reverse.

    Order of life: ``set_endpoints``, ``start``, then ``resume`` or ``form`` (coordinator) or
    ``scan`` and ``join`` (others), traffic, ``close``. After a reset the radio re-applies
    endpoints, keys and policies itself.
    """

    @property
    def eui64(self) -> int:
        """The node's IEEE address; known after ``start``."""
        ...

    @property
    def nwk(self) -> int:
        """The node's present short address, for ZDO payloads only."""
        ...

    @property
    def role(self) -> Role:
        """What the node is, or will be once it joins."""
        ...

    @property
    def on_network(self) -> bool:
        """Whether the node is on a network now."""
        ...

    @property
    def trust_centre(self) -> int | None:
        """EUI-64 of the network's trust centre, once known."""
        ...

    @property
    def channel(self) -> int | None:
        """Channel of the network that the node is on now."""
        ...

    def max_payload(self, *, encrypted: bool) -> int:
        """Octets of APS payload that fit one frame (one part of a larger, fragmented message)."""
        ...

    def nwk_of(self, eui64: int) -> int | None:
        """Short address of a known node, for ZDO payloads only."""
        ...

    def set_endpoints(self, endpoints: Sequence[SimpleDescriptor]) -> None:
        """Say which endpoints exist; before ``start``."""
        ...

    async def start(self) -> None:
        """Open the radio; RadioError names the port and the reason when it cannot."""
        ...

    async def close(self) -> None:
        """Close it; ``events`` ends. Safe to call twice."""
        ...

    async def cut_power(self) -> None:
        """Be off the air at once and without a word, as when the supply of a device is cut.

        What is stored stays; ``events`` tells RadioLost, and :meth:`resume` brings the node back.
        """
        ...

    async def form(self, network: NetworkParameters) -> None:
        """Form a network as coordinator and trust centre, with joining closed."""
        ...

    async def resume(self) -> bool:
        """Go back to the stored network; False when none is stored, OtherRole when it is no use."""
        ...

    async def scan(self, channels: Sequence[int] = ()) -> list[Beacon]:
        """Active scan (all 2.4 GHz channels when none are given)."""
        ...

    async def join(self, beacon: Beacon, link_key: bytes) -> None:
        """Associate and be admitted with the preconfigured link key; RadioError when not."""
        ...

    async def leave(self) -> None:
        """Leave the network and forget it, also one on which the node has another role."""
        ...

    async def allow_join(self, eui64: int, link_key: bytes) -> None:
        """Let this device in with this preconfigured key while joining is open (trust centre)."""
        ...

    async def deny_join(self, eui64: int) -> None:
        """Take ``allow_join`` back (trust centre)."""
        ...

    async def permit_joining(self, duration_s: int) -> None:
        """Open joining for allowed devices; 0 closes it (trust centre)."""
        ...

    async def set_link_key(self, eui64: int, link_key: bytes) -> None:
        """Use this APS link key with this peer from now on."""
        ...

    async def set_authorised(self, eui64: int, *, authorised: bool) -> None:
        """Say whether a device may share link keys with others (trust centre).

        A device is authorised once it has the link key it is to keep; both partners must be. Its
        short address is sought if it is not known, as after a restart.
        """
        ...

    async def request_partner_key(self, partner: int) -> bool:
        """Ask the trust centre for a link key shared with this partner (all but coordinators).

        False when none came within :data:`PARTNER_KEY_TIMEOUT_S`: a refusal is never answered.
        """
        ...

    async def send_network_key(self, key: bytes) -> None:
        """Send every device the next network key (trust centre); the present one stays in use.

        Each gets it under its own link key, a sleepy one when it polls. RadioError when the key
        is the one in use.
        """
        ...

    async def switch_network_key(self) -> None:
        """Use the network key that was sent last, and tell everybody to (trust centre).

        A device that did not get it comes back by a rejoin under its link key.
        """
        ...

    async def remove(self, eui64: int) -> None:
        """Make a device leave and forget its key (trust centre)."""
        ...

    async def send(self, frame: ApsFrame) -> DeliveryReport:
        """Send one frame and wait for its end; RadioError when closed, lost or off the network."""
        ...

    async def acknowledge_block(self, ack: BlockAck) -> None:
        """Answer a part of a fragmented message."""
        ...

    async def set_awake(self, *, awake: bool, every_s: float = AWAKE_POLL_S) -> None:
        """A sleepy end device polls its parent this often while awake and is deaf otherwise.

        It polls every :data:`AWAKE_POLL_S` at least while something it sent is not acknowledged
        yet. What is said last counts, also for a radio that was lost or rejoins meanwhile.
        """
        ...

    def events(self) -> AsyncIterator[RadioEvent]:
        """Everything that happens to the node, in order, until ``close``. One consumer."""
        ...

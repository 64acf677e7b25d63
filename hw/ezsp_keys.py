"""EZSP commands on keys: the host's half, for firmware of every generation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import bellows.types as t
from bellows.ezsp import EZSP

from hw.bellows_ezsp import eui64, key_data, layouts, require

UPDATE_OR_ADD: Final = 0xFF
NO_ENTRY: Final = 0xFF

Using = Callable[[str], AbstractAsyncContextManager[EZSP]]
"""Gives the open EZSP object; what goes wrong inside the block becomes RadioError."""


class EzspKeys:
    """Keys in one dongle: for the next network, for joiners, and the link key table."""

    def __init__(self, using: Using) -> None:
        self._using = using

    async def set_security(self, bitmask: int, network_key: bytes, link_key: bytes) -> None:
        """Keys for the next form or join."""
        async with self._using("setting keys") as ezsp:
            state = t.EmberInitialSecurityState(
                bitmask=t.EmberInitialSecurityBitmask(bitmask),
                preconfiguredKey=key_data(link_key),
                networkKey=key_data(network_key),
                networkKeySequenceNumber=t.uint8_t(0),
                preconfiguredTrustCenterEui64=eui64(0),
            )
            (status,) = await ezsp.setInitialSecurityState(state=state)
            require(status, "setInitialSecurityState")

    async def add_transient_key(self, peer: int, link_key: bytes) -> None:
        """Admit this device with this key, until the firmware forgets it (300 s or so)."""
        async with self._using("adding a joiner's key") as ezsp:
            status = await ezsp.add_transient_link_key(eui64(peer), key_data(link_key))
            require(status, "transient key")

    async def clear_transient_keys(self) -> None:
        """Forget every joiner's key."""
        async with self._using("clearing joiners' keys") as ezsp:
            await ezsp.clearTransientLinkKeys()

    async def set_link_key(self, peer: int, link_key: bytes) -> None:
        """Write the key table entry of this peer."""
        async with self._using("writing a link key") as ezsp:
            if "importLinkKey" in layouts(ezsp):
                (status,) = await ezsp.importLinkKey(UPDATE_OR_ADD, eui64(peer), key_data(link_key))
            else:
                (status,) = await ezsp.addOrUpdateKeyTableEntry(
                    eui64(peer), True, key_data(link_key)
                )
            require(status, "link key")

    async def set_trust_centre_link_key(self, peer: int, link_key: bytes) -> None:
        """A joined device replaces its key with the trust centre ``peer``.

        Firmware before EZSP 12 has no command for it: there the key table must do.
        """
        async with self._using("writing the trust centre link key") as ezsp:
            if "importKey" not in layouts(ezsp):
                await self.set_link_key(peer, link_key)
                return
            context = t.SecurityManagerContextV13(
                core_key_type=t.SecurityManagerKeyType.TC_LINK,
                key_index=0,
                derived_type=t.SecurityManagerDerivedKeyTypeV13.NONE,
                eui64=eui64(0),
                multi_network_index=0,
                flags=t.SecurityManagerContextFlags.NONE,
                psa_key_alg_permission=0,
            )
            status = (await ezsp.importKey(context, key_data(link_key)))[0]
            require(status, "trust centre link key")

    async def request_link_key(self, partner: int) -> None:
        """Ask the trust centre for a key with this partner; the outcome follows as a callback."""
        async with self._using("asking for a partner's link key") as ezsp:
            (status,) = await ezsp.requestLinkKey(eui64(partner))
            require(status, "requestLinkKey")

    async def send_network_key(self, peer: int, node: int, key: bytes) -> None:
        """Send one device the next network key, under its link key."""
        async with self._using("sending a network key") as ezsp:
            (status,) = await ezsp.unicastNwkKeyUpdate(
                t.EmberNodeId(node), eui64(peer), key_data(key)
            )
            require(status, "unicastNwkKeyUpdate")

    async def broadcast_network_key(self, key: bytes) -> None:
        """Broadcast the next network key under the present one."""
        async with self._using("broadcasting a network key") as ezsp:
            (status,) = await ezsp.broadcastNextNetworkKey(key_data(key))
            require(status, "broadcastNextNetworkKey")

    async def switch_network_key(self) -> None:
        """Use the network key that was sent, and tell everybody to."""
        async with self._using("switching the network key") as ezsp:
            (status,) = await ezsp.broadcastNetworkKeySwitch()
            require(status, "broadcastNetworkKeySwitch")

    async def erase_link_key(self, peer: int) -> None:
        """Erase the key table entry of this peer, if there is one."""
        async with self._using("erasing a link key") as ezsp:
            (index,) = await ezsp.findKeyTableEntry(eui64(peer), True)
            if index != NO_ENTRY:
                await ezsp.eraseKeyTableEntry(index)

    async def clear_key_table(self) -> None:
        """Erase every link key."""
        async with self._using("clearing the key table") as ezsp:
            await ezsp.clearKeyTable()

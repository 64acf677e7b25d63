"""The trust centre of a dongle: who may join, who shares keys, and new network keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Final

from han.radio import ChildPolled, DeviceLeft, JoinKind, RadioError, RadioEvent
from hw.bellows_admission import Admission, met
from hw.bellows_messages import AddressBook
from hw.bellows_network_key import NetworkKeyUpdate
from hw.bellows_partner_keys import PartnerKeys
from hw.ezsp_port import EzspPort

LOGGER: Final = logging.getLogger(__name__)
DEVICE_LEFT: Final = 2

Run = Callable[[Coroutine[object, object, None], str], None]


class DongleTrustCentre:
    """What a dongle knows of its devices; survives a lost radio."""

    def __init__(self, book: AddressBook, emit: Callable[[RadioEvent], None], run: Run) -> None:
        self._book, self._emit, self._run = book, emit, run
        self._admission = Admission()
        self._network_key = NetworkKeyUpdate(book)
        self.partners = PartnerKeys(emit)
        self._port: EzspPort | None = None
        self._to_keep: dict[int, bytes] = {}

    # -- life -----------------------------------------------------------------------------------

    async def attach(self, port: EzspPort) -> None:
        """The network is up on this port: apply what was asked so far."""
        self._port = port
        for eui64, child in (await port.children()).items():
            self._book.learn(eui64, child)
        await self._admission.attach(port)
        for eui64 in tuple(self._to_keep):
            await self._keep_key(eui64)
        await port.hand_out_keys(allowed=self.partners.open)

    def detach(self) -> None:
        """The port is gone."""
        self._port = None
        self._admission.detach()
        self.partners.lost()

    def close(self) -> None:
        """The radio was closed."""
        self.detach()
        self._admission.close()

    # -- what the owner asks --------------------------------------------------------------------

    async def allow(self, eui64: int, link_key: bytes) -> None:
        """See :meth:`han.radio.HanRadio.allow_join`."""
        await self._admission.allow(eui64, link_key)

    async def deny(self, eui64: int) -> None:
        """See :meth:`han.radio.HanRadio.deny_join`."""
        await self._admission.deny(eui64)

    async def permit(self, duration_s: int) -> None:
        """See :meth:`han.radio.HanRadio.permit_joining`."""
        await self._admission.permit(duration_s)

    async def set_authorised(self, port: EzspPort, eui64: int, *, authorised: bool) -> None:
        """See :meth:`han.radio.HanRadio.set_authorised`."""
        self.partners.set_authorised(eui64, authorised=authorised)
        await port.hand_out_keys(allowed=self.partners.open)

    async def send_network_key(self, port: EzspPort, key: bytes) -> None:
        """See :meth:`han.radio.HanRadio.send_network_key`."""
        devices = {*self._book.known(), *self.partners.authorised} - {port.eui64}
        await self._network_key.send(port, key, sorted(devices))

    async def switch_network_key(self, port: EzspPort) -> None:
        """See :meth:`han.radio.HanRadio.switch_network_key`."""
        await self._network_key.switch(port)

    async def remove(self, port: EzspPort, eui64: int) -> None:
        """See :meth:`han.radio.HanRadio.remove`."""
        node = self._book.node_of(eui64)
        if node is None:
            node = await port.node_of(eui64)
        await self._admission.deny(eui64)
        self._to_keep.pop(eui64, None)
        if node is not None:
            try:
                await port.remove_device(eui64, node)
            except RadioError as exc:  # one that never got in cannot be told to go
                LOGGER.info("%016X is not told to leave: %s", eui64, exc)
        await port.keys.erase_link_key(eui64)
        self._book.forget(eui64)
        self.partners.forget(eui64)
        await port.hand_out_keys(allowed=self.partners.open)

    # -- what the firmware reports --------------------------------------------------------------

    def device_update(self, eui64: int, node: int, update: int, decision: int) -> None:
        """A device came, left, or was turned away (EmberDeviceUpdate, EmberJoinDecision)."""
        if update == DEVICE_LEFT:
            self._book.forget(eui64)
            self._emit(DeviceLeft(eui64))
            self.partners.left(eui64)
            self._run(self._apply_key_policy(), "application key policy")
            return
        event = met(eui64, update, decision)
        if event is None:
            return
        self.partners.joined(event)
        if event.admitted:
            self._run(self._apply_key_policy(), "application key policy")
            self._book.learn(eui64, node)
            key = self._admission.key_of(eui64)
            if event.kind is JoinKind.ASSOCIATED and key is not None:
                self._to_keep[eui64] = key
                self._run(self._keep_key(eui64), "keep a joiner's key")
        self._emit(event)

    def child_polled(self, node: int) -> None:
        """A sleepy child is awake."""
        eui64 = self._book.eui64_of(node)
        if eui64 is None:
            return
        self._emit(ChildPolled(eui64))
        if self._port is not None and self._network_key.wanted_by(eui64):
            self._run(self._network_key.send_again(self._port, eui64), "network key")

    async def _keep_key(self, eui64: int) -> None:
        """The joiner's key must outlive the firmware's timer: write it to the key table.

        What cannot be written to a dongle that is lost, or not taken up yet, is when it is.
        """
        port, link_key = self._port, self._to_keep.get(eui64)
        if port is None or link_key is None:
            return
        try:
            await port.keys.set_link_key(eui64, link_key)
        except RadioError as exc:
            LOGGER.warning("key of %016X not kept: %s", eui64, exc)
        if port is self._port:
            self._to_keep.pop(eui64, None)

    async def _apply_key_policy(self) -> None:
        if self._port is None:
            return  # it is applied when the dongle is taken up
        try:
            await self._port.hand_out_keys(allowed=self.partners.open)
        except RadioError as exc:
            LOGGER.warning("application key policy not set: %s", exc)

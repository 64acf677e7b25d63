"""The hub as trust centre: link keys established with its devices, and who holds one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from chub.device_log import DeviceLog
from chub.settings import ChfSettings
from device.chassis import Chassis
from device.events import KeyEstablished, KeyNotEstablished
from device.host import Host
from han.cbke import service
from han.cbke.authority import Credentials, RandomOctets
from han.radio import DeviceJoined, JoinKind, NetworkUp, RadioEvent
from han.zcl.tables import Served


class TrustCentre:
    """Key establishment at the hub's HAN address ``eui64``, and the keys that came of it.

    ``network_key_waiting`` is told while a new network key waits for devices that sleep.
    ``authorised`` is called with a device whenever it has established its key, once that key is
    in the radio.
    """

    def __init__(
        self,
        chassis: Chassis,
        log: DeviceLog,
        eui64: int,
        endpoint: int,
        certified: Iterable[Credentials],
        random: RandomOctets,
        settings: ChfSettings,
        authorised: Callable[[int], object],
    ) -> None:
        self._chassis, self._log, self._authorised = chassis, log, authorised
        offered = [one for one in certified if one.suite & settings.suites]
        self._keys = service.KeyEstablishment(eui64, endpoint, offered, random)
        self.network_key_waiting: Callable[[bool], object] = lambda waiting: None
        self._host: Host | None = None

    def served(self) -> tuple[Served, ...]:
        """Both sides of the Key Establishment cluster."""
        return self._keys.served()

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        host.node.attach(self._keys)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, DeviceJoined):
            if event.admitted and event.kind is JoinKind.ASSOCIATED:
                self._log.join_anew(event.eui64)
                self._running().start_task(
                    self._running().radio.set_authorised(event.eui64, authorised=False),
                    "no partner keys before key establishment",
                )
        elif isinstance(event, NetworkUp):
            self._running().start_task(self._give_radio_its_keys(), "give the radio its keys")

    async def _give_radio_its_keys(self) -> None:
        """A hub that was killed may have kept a key that its radio did not get."""
        for entry in self._log.entries():
            if entry.authorised and entry.tc_link_key is not None:
                await self._give_radio(entry.eui64, entry.tc_link_key)

    async def change_network_key(self, key: bytes, settle: Callable[[], Awaitable[object]]) -> None:
        """Send every device a new network key, wait with ``settle``, and switch to it.

        Who sleeps through ``settle`` comes back by a rejoin under its link key.
        """
        radio = self._running().radio
        self.network_key_waiting(True)
        try:
            await radio.send_network_key(key)
            await settle()
            await radio.switch_network_key()
        finally:
            self.network_key_waiting(False)

    async def _give_radio(self, eui64: int, link_key: bytes) -> None:
        """The key in the radio, and with it the right to share keys with other devices."""
        radio = self._running().radio
        await radio.set_link_key(eui64, link_key)
        await radio.set_authorised(eui64, authorised=True)

    def _progress(self) -> None:
        self._keys.steps()
        for event in self._keys.events():
            if isinstance(event, service.KeyEstablished):
                self._running().start_task(self._install(event), "install a link key")
            else:
                self._chassis.events.publish(
                    KeyNotEstablished(
                        **self._chassis.here(),
                        peer=event.partner,
                        role=event.role.value,
                        status=event.status,
                        reason=event.reason,
                    )
                )

    async def _install(self, event: service.KeyEstablished) -> None:
        if not self._log.establish(event.partner, event.link_key):
            return  # removed meanwhile
        await self._give_radio(event.partner, event.link_key)
        self._chassis.events.publish(
            KeyEstablished(
                **self._chassis.here(),
                peer=event.partner,
                role=event.role.value,
                suite=int(event.suite),
            )
        )
        self._authorised(event.partner)

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the hub has no radio yet")
        return self._host

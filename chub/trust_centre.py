"""The hub as trust centre: link keys established with its devices, and who holds one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from chub.device_log import DeviceLog, Entry, LogChange
from chub.fresh_keys import FreshKeys
from chub.settings import ChfSettings
from device.asking import find_endpoints
from device.chassis import Chassis
from device.events import Expelled, KeyEstablished, KeyNotEstablished
from device.host import Host, HostError
from device.joining import DEVICE_JOINED, JOINING_FAILED
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType
from han.cbke import service
from han.cbke.authority import Credentials, RandomOctets
from han.clusters import KEY_ESTABLISHMENT
from han.deadlines import earliest
from han.exchange import Outcome, Request
from han.keep_alive import KeepAliveSettings, keep_alive_server
from han.radio import DeviceJoined, JoinKind, NetworkUp, RadioError, RadioEvent
from han.zcl.tables import Served

_TOO_LATE: Final = "it did not establish its link key in time"


class TrustCentre:
    """Key establishment at the hub's HAN address ``eui64``, and the keys that came of it.

    ``network_key_waiting`` is told while a new network key waits for devices that sleep.
    ``authorised`` is called with a device that joined, once it has established its key and that
    key is in the radio. ``key_update_wanted`` is told which sleeping meter is to ask for a fresh
    key when it wakes, and when it need not any more. ``expel`` puts a device off the network. A
    service of the node, for what is due.
    """

    REFRESH_TRIES: Final = 10

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
        self._chassis, self._log, self._settings = chassis, log, settings
        self._authorised = authorised
        offered = [one for one in certified if one.suite & settings.suites]
        self._keys = service.KeyEstablishment(eui64, endpoint, offered, random)
        self.network_key_waiting: Callable[[bool], object] = lambda waiting: None
        self.key_update_wanted: Callable[[int, bool], object] = lambda peer, wanted: None
        self.expel: Callable[[int], object] = lambda peer: None
        self._changing_network_key = False
        self._expel_at: dict[int, datetime] = {}
        self._refresh_at: dict[int, datetime] = {}
        self._fresh = FreshKeys(chassis.store)
        self._host: Host | None = None
        log.watch(self._log_changed)

    def served(self) -> tuple[Served, ...]:
        """Both sides of Key Establishment, and the Keep-Alive server."""
        settings = self._settings
        told = KeepAliveSettings(settings.keep_alive_base_min, settings.keep_alive_jitter_s)
        return *self._keys.served(), keep_alive_server(told)

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        host.node.trusts = self.trusts
        host.node.attach(self._keys)
        host.node.attach(self)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    def trusts(self, eui64: int) -> bool:
        """Whether a device may use what needs APS security."""
        return not self._settings.require_key_establishment or self._log.authorised(eui64)

    def waits_for(self, eui64: int) -> bool:
        """Whether a sleeping device is to come for a key: a fresh link key, or the network's."""
        return self._changing_network_key or eui64 in self._fresh

    # -- service: what is due ---------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the first device is made to leave, or a fresh key is tried again."""
        return earliest((*self._expel_at.values(), *self._refresh_at.values()))

    def poll(self, now: datetime) -> None:
        """Do what is due."""
        for eui64 in _due(self._expel_at, now):
            entry = self._log.get(eui64)
            if entry is not None and not entry.authorised:
                self._expel(eui64)
        for eui64 in _due(self._refresh_at, now):
            self._running().start_task(self._begin_refresh(eui64), "establish a fresh key")

    def requests(self) -> list[Request]:
        """None: key establishment is a service of its own."""
        return []

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    def _expel(self, eui64: int) -> None:
        self.expel(eui64)
        self._chassis.events.publish(Expelled(**self._chassis.here(), peer=eui64, reason=_TOO_LATE))

    # -- joining ---------------------------------------------------------------------------------

    def take_up(self, eui64: int, link_key: bytes) -> None:
        """A device proved that it holds this key, established in an earlier life: it stands."""
        if self._log.establish(eui64, link_key):
            self._running().start_task(self._take_up(eui64, link_key), "take up a link key")

    async def _take_up(self, eui64: int, link_key: bytes) -> None:
        try:
            await self._give_radio(eui64, link_key)
        except RadioError as error:
            self._log.join_anew(eui64)
            self._not_taken(eui64, error)
            return
        self._authorised(eui64)

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, DeviceJoined):
            if event.admitted and event.kind is JoinKind.ASSOCIATED:
                self._joined_anew(event.eui64)
        elif isinstance(event, NetworkUp):
            self._running().start_task(self._give_radio_its_keys(), "give the radio its keys")
            self._go_on_refreshing()

    def _joined_anew(self, eui64: int) -> None:
        self._log.join_anew(eui64)
        self._running().start_task(
            self._running().radio.set_authorised(eui64, authorised=False),
            "no partner keys before key establishment",
        )
        if self._settings.expel_after_s:
            limit = timedelta(seconds=self._settings.expel_after_s)
            self._expel_at[eui64] = self._chassis.true_time() + limit

    def _log_changed(self, entry: Entry, change: LogChange) -> None:
        if change in (LogChange.REMOVED, LogChange.KEY_ESTABLISHED):
            for waiting in (self._expel_at, self._refresh_at):
                waiting.pop(entry.eui64, None)
            self._fresh.settled(entry.eui64)

    # -- keys ------------------------------------------------------------------------------------

    async def _give_radio_its_keys(self) -> None:
        """A hub that was killed may have kept a key that its radio did not get."""
        for entry in self._log.entries():
            if entry.authorised and entry.tc_link_key is not None:
                try:
                    await self._give_radio(entry.eui64, entry.tc_link_key)
                except RadioError as error:  # the others are to have theirs
                    self._not_taken(entry.eui64, error)

    async def change_network_key(self, key: bytes, settle: Callable[[], Awaitable[object]]) -> None:
        """Send every device a new network key, wait with ``settle``, and switch to it.

        Who sleeps through ``settle`` comes back by a rejoin under its link key.
        """
        radio = self._running().radio
        self.network_key_waiting(True)
        self._changing_network_key = True
        try:
            await radio.send_network_key(key)
            await settle()
            await radio.switch_network_key()
        finally:
            self._changing_network_key = False
            self.network_key_waiting(False)

    async def _give_radio(self, eui64: int, link_key: bytes) -> None:
        """The key in the radio, and with it the right to share keys with other devices."""
        radio = self._running().radio
        await radio.set_link_key(eui64, link_key)
        await radio.set_authorised(eui64, authorised=True)

    def _not_taken(self, eui64: int, error: RadioError) -> None:
        """The radio holds no key for a device that has one: it is deaf to whatever it secures."""
        reason = f"the radio did not take the key that was established before: {error}"
        responder = service.Role.RESPONDER
        self._not_established(service.KeyNotEstablished(eui64, responder, None, reason))

    def refresh_key(self, eui64: int) -> None:
        """Establish a fresh key with a device; the present one serves until that is confirmed.

        A gas meter sleeps: it is asked to begin at its next wake. A hub that is restarted before
        that goes on with it.
        """
        entry = self._log.get(eui64)
        if entry is None:
            raise KeyError(f"{format_eui64(eui64)} is not in the device log")
        self._fresh.want(eui64)
        if entry.device_type is DeviceType.GSME:
            self.key_update_wanted(eui64, True)
            return
        self._running().start_task(self._begin_refresh(eui64), "establish a fresh key")

    def _go_on_refreshing(self) -> None:
        """Take up what an earlier life of the hub, or of its radio, left undone."""
        for eui64 in self._fresh.wanted():
            entry = self._log.get(eui64)
            if entry is None:
                self._fresh.settled(eui64)
            elif entry.device_type is DeviceType.GSME:
                self.key_update_wanted(eui64, True)
            elif eui64 not in self._refresh_at:
                self._refresh_after(eui64, self._settings.refresh_retry_s)

    async def _begin_refresh(self, eui64: int) -> None:
        host = self._running()
        nwk = host.radio.nwk_of(eui64)
        try:
            if nwk is None:
                raise HostError("it is not on the network")
            found = await find_endpoints(host, eui64, nwk, KEY_ESTABLISHMENT.cluster_id)
        except HostError as error:
            initiator = service.Role.INITIATOR
            self._not_established(service.KeyNotEstablished(eui64, initiator, None, str(error)))
            host.kick()  # the next try is due at a moment the host does not know yet
            return
        self._keys.start(eui64, found[0])
        host.kick()

    def _progress(self) -> None:
        self._keys.steps()  # the device tells of them
        for event in self._keys.events():
            if isinstance(event, service.KeyEstablished):
                self._running().start_task(self._install(event), "install a link key")
            else:
                self._not_established(event)

    async def _install(self, event: service.KeyEstablished) -> None:
        had_one = self._log.authorised(event.partner)
        if not self._log.establish(event.partner, event.link_key):
            return  # removed meanwhile
        try:
            await self._give_radio(event.partner, event.link_key)
        except RadioError as error:  # the device believes in a key that the hub does not have
            self._log.join_anew(event.partner)
            lost = service.KeyNotEstablished(event.partner, event.role, None, str(error))
            self._not_established(lost)
            return
        self._chassis.events.publish(
            KeyEstablished(
                **self._chassis.here(),
                peer=event.partner,
                role=event.role.value,
                suite=int(event.suite),
            )
        )
        self.key_update_wanted(event.partner, False)
        if not had_one:
            self._chassis.event_log.add(DEVICE_JOINED, event.partner.to_bytes(8))
            self._authorised(event.partner)

    def _not_established(self, event: service.KeyNotEstablished) -> None:
        if event.status is not None:
            self._chassis.event_log.add(JOINING_FAILED, event.partner.to_bytes(8))
        self._chassis.events.publish(
            KeyNotEstablished(
                **self._chassis.here(),
                peer=event.partner,
                role=event.role.value,
                status=event.status,
                reason=event.reason,
            )
        )
        if event.role is service.Role.INITIATOR and event.partner in self._fresh:
            self._try_refresh_again(event.partner, event.wait_s)

    def _try_refresh_again(self, eui64: int, wait_s: int) -> None:
        if self._fresh.failed(eui64) >= self.REFRESH_TRIES:
            self._fresh.settled(eui64)
            return
        self._refresh_after(eui64, max(wait_s, self._settings.refresh_retry_s))

    def _refresh_after(self, eui64: int, wait_s: int) -> None:
        self._refresh_at[eui64] = self._chassis.true_time() + timedelta(seconds=wait_s)

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the hub has no radio yet")
        return self._host


def _due(moments: dict[int, datetime], now: datetime) -> list[int]:
    """Take the devices whose moment has come."""
    due = [eui64 for eui64, moment in moments.items() if moment <= now]
    for eui64 in due:
        del moments[eui64]
    return due

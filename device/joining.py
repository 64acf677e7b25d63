"""A device's way onto the HAN: the network by its install code, then a link key by certificate.

Every device joins in the same way. It comes to the network with the link key made from its install
code, finds the hub's key establishment server, establishes a link key of its own with the hub
(CBKE), installs it in the radio, and remembers that it did: a restart goes on with that key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from device.asking import HUB_NWK, find_endpoints, hub_of
from device.chassis import Chassis
from device.commissioning import JoinSettings, JoinStep, come_to_network
from device.events import JoinFailed, JoinProgress, KeyEstablished, KeyNotEstablished
from device.host import Host, HostError
from device.hub_watch import HubWatch
from device.store import Store
from device.timeline import Timeline
from gbcs.eui64 import format_eui64, parse_eui64
from han.cbke import authority, service
from han.cbke.messages import KeyStatus, Step
from han.clusters import KEY_ESTABLISHMENT
from han.radio import HanRadio, NetworkDown, NetworkUp, RadioError, RadioEvent
from han.zcl.tables import Served

DEVICE_JOINED: Final = 0x8183
"""Device joined SMHAN, in the event log."""
JOINING_FAILED: Final = 0x8F48
"""Device joining failed, in the event log."""

_STEPS: Final = {
    Step.INITIATE: JoinStep.CERTIFICATE,
    Step.EPHEMERAL_DATA: JoinStep.EPHEMERAL,
    Step.CONFIRM_KEY: JoinStep.CONFIRMED,
}


@dataclass(frozen=True, slots=True)
class JoinCredentials:
    """What a device joins with. All of it is secret and none of it prints.

    ``link_key`` is made from the install code, ``certified`` are certificates with their private
    keys, one for each suite, ``random`` gives octets for ephemeral keys.
    """

    link_key: bytes = field(repr=False)
    certified: tuple[authority.Credentials, ...] = field(repr=False)
    random: authority.RandomOctets = field(repr=False)


class Joining:
    """Brings one device onto the HAN, as often as needed. ``endpoint`` serves key establishment.

    ``served`` goes into that endpoint's table; ``attach`` before the host runs. ``set_awake`` has a
    sleepy device poll while it establishes its key, and no longer.
    """

    def __init__(
        self,
        chassis: Chassis,
        timeline: Timeline,
        radio: HanRadio,
        credentials: JoinCredentials,
        endpoint: int,
        settings: JoinSettings | None = None,
    ) -> None:
        self.settings = settings or JoinSettings()
        self._chassis, self._timeline, self._radio = chassis, timeline, radio
        self.set_awake: Callable[[bool], Awaitable[None]] = lambda awake: radio.set_awake(
            awake=awake
        )
        self._link_key = credentials.link_key
        offered = [one for one in credentials.certified if one.suite & self.settings.suites]
        self._keys = service.KeyEstablishment(chassis.eui64, endpoint, offered, credentials.random)
        self._memory = _Memory(chassis.store)
        self._changed = asyncio.Event()
        self.hub = HubWatch(
            chassis,
            timeline,
            endpoint,
            lambda limit: int.from_bytes(credentials.random(4)) % limit,
            self._changed.set,
        )
        self._outcome: asyncio.Future[service.KeyEvent] | None = None
        self._joined: list[Callable[[], object]] = []
        self._rediscover: list[Callable[[], object]] = []
        self._host: Host | None = None

    def served(self) -> tuple[Served, ...]:
        """Both sides of Key Establishment, and the client side of Keep-Alive."""
        return *self._keys.served(), self.hub.served()

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs. RadioError when its radio is another's."""
        if host.node.eui64 != self._chassis.eui64:
            raise RadioError(
                f"the radio has EUI-64 {format_eui64(host.node.eui64)}, the device on it "
                f"{format_eui64(self._chassis.eui64)}: write the radio's as eui64 in the rig"
            )
        self._host = host
        host.node.trusts = self._trusts
        host.node.attach(self._keys)
        self.hub.attach(host)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    def on_joined(self, watcher: Callable[[], object]) -> None:
        """Call whenever the device is on its network, with a key of its own, after it was not."""
        self._joined.append(watcher)

    def on_rediscovery(self, watcher: Callable[[], object]) -> None:
        """Call when it is time to look anew for what others provide."""
        self._rediscover.append(watcher)

    @property
    def authorised(self) -> bool:
        """Whether the device is on a network and has established its key with that hub."""
        hub = self._radio.trust_centre
        return hub is not None and hub == self._memory.hub

    async def join(self) -> None:
        """Return once the device is on the HAN with an established key; at once when it is."""
        while not self.authorised:
            if not self._radio.on_network:
                await self._come_to_network()
            if not self.authorised:
                await self._establish()

    async def _come_to_network(self) -> None:
        await come_to_network(
            self._radio,
            self._link_key,
            self._timeline,
            self.settings,
            self._failed,
            leaving=self.settings.leave_other and self._memory.hub is None,
            anew=self._memory.forget,
            tell=self._tell,
        )

    async def stay(self) -> None:
        """Keep a device that is always awake on the HAN: the task of its life.

        It joins again when it is off the network, looks for a hub that is silent, and at times
        looks anew for what others provide.
        """
        while True:
            await self.join()
            self._changed.clear()
            try:
                await self.hub.begin()
                until = self._timeline.now() + timedelta(seconds=self.settings.rediscovery_s)
                await self._until_something_changes(until)
            except TimeoutError:
                self._call(self._rediscover)
            except (HostError, RadioError):
                self.hub.silent()
                if self.hub.lost:
                    await self._search()
                await self._timeline.sleep(timedelta(seconds=self.settings.retry_s))

    async def _until_something_changes(self, until: datetime) -> None:
        """Return when the device is off its network; TimeoutError at ``until``."""
        async with self._timeline.timeout_at(until):
            while self.authorised:
                await self._changed.wait()
                self._changed.clear()
                if self.hub.lost:
                    await self._search()

    async def _search(self) -> None:
        """Rejoin until the hub is heard again."""
        tries = 0
        while self.hub.lost and self.authorised:
            if await self.rejoin() and not self.hub.watched:
                self.hub.heard()
                return
            self.hub.ask_now()
            tries += 1
            quick = tries < self.settings.quick_rejoins
            wait_s = self.settings.retry_s if quick else self.settings.slow_retry_s
            with suppress(TimeoutError):
                async with self._timeline.timeout_at(
                    self._timeline.now() + timedelta(seconds=wait_s)
                ):
                    await self._changed.wait()
            self._changed.clear()

    async def rejoin(self) -> bool:
        """Ask back onto the network that the device is on; False when nobody answers."""
        try:
            return await self._radio.resume()
        except RadioError as error:
            self._failed(str(error))
            return False

    async def refresh(self) -> bool:
        """Establish a fresh key with the hub, which asked for it; the old one serves till then."""
        return isinstance(await self._try(), service.KeyEstablished)

    # -- the key -------------------------------------------------------------------------------

    async def _establish(self) -> None:
        """Try until there is a key, or the network is gone."""
        failures = 0
        while self._radio.on_network and not self.authorised:
            await self._awake(awake=True)
            outcome = await self._try()
            await self._awake(awake=False)
            if isinstance(outcome, service.KeyEstablished):
                return
            failures += 1
            if outcome.status is KeyStatus.UNKNOWN_ISSUER:
                await self._leave("the hub and this device have certificates of other authorities")
                return
            unfit = outcome.status is KeyStatus.BAD_KEY_CONFIRM
            wait_s = max(outcome.wait_s, self.settings.key_retry_s)
            if unfit or failures % self.settings.key_failures == 0:
                wait_s = max(wait_s, self.settings.key_pause_s)
            await self._timeline.sleep(timedelta(seconds=wait_s))
            if unfit and self._radio.on_network:
                await self.rejoin()

    async def _try(self) -> service.KeyEvent:
        """One exchange with the hub."""
        host, hub = self._running(), self._radio.trust_centre or 0
        try:
            endpoint = (
                await find_endpoints(host, hub_of(host), HUB_NWK, KEY_ESTABLISHMENT.cluster_id)
            )[0]
            self._tell(JoinStep.KEY_SERVER, f"endpoint {endpoint} of {format_eui64(hub)}")
            self._outcome = asyncio.get_running_loop().create_future()
            self._keys.start(hub, endpoint)
            host.kick()
            outcome = await self._outcome
        except (HostError, RadioError) as error:
            outcome = service.KeyNotEstablished(hub, service.Role.INITIATOR, None, str(error))
            self._not_established(outcome)
        finally:
            self._outcome = None
        return outcome

    async def _awake(self, *, awake: bool) -> None:
        with suppress(RadioError):  # its loss is an event of its own
            await self.set_awake(awake)

    async def _leave(self, reason: str) -> None:
        self._failed(reason)
        with suppress(RadioError):  # a radio that is lost has left
            await self._radio.leave()
        self._memory.forget()
        await self._timeline.sleep(timedelta(seconds=self.settings.slow_retry_s))

    def _progress(self) -> None:
        for step in self._keys.steps():
            self._tell(_STEPS[step.step], f"suite {int(step.suite)}, as {step.role.value}")
        for event in self._keys.events():
            if isinstance(event, service.KeyEstablished):
                self._running().start_task(self._install(event), "install a link key")
            else:
                self._not_established(event)
                self._conclude(event)

    async def _install(self, event: service.KeyEstablished) -> None:
        """From here on the device and its hub speak under this key."""
        first, hub = not self.authorised, self._radio.trust_centre
        before = self._memory.hub
        if event.partner == hub:
            self._memory.hub = hub  # the hub may use the key before this device is told it has it
        try:
            await self._radio.set_link_key(event.partner, event.link_key)
        except RadioError as error:
            self._memory.hub = before
            lost = service.KeyNotEstablished(event.partner, event.role, None, str(error))
            self._not_established(lost)
            self._conclude(lost)
            return
        if event.partner == hub:
            self._memory.remember(event.partner)
        self._chassis.events.publish(
            KeyEstablished(
                **self._chassis.here(),
                peer=event.partner,
                role=event.role.value,
                suite=int(event.suite),
            )
        )
        self._conclude(event)
        if first and self.authorised:
            self._chassis.event_log.add(DEVICE_JOINED)
            self._tell(JoinStep.AUTHORISED, f"with {format_eui64(event.partner)}")
            self._call(self._joined)

    def _conclude(self, event: service.KeyEvent) -> None:
        """An exchange that the hub began counts only when it succeeds."""
        ours = event.role is service.Role.INITIATOR or isinstance(event, service.KeyEstablished)
        waiting = self._outcome
        if ours and waiting is not None and not waiting.done():
            waiting.set_result(event)

    # -- parts ---------------------------------------------------------------------------------

    def _trusts(self, peer: int) -> bool:
        """A hub may use APS security once it has established its key with this device."""
        return peer != self._radio.trust_centre or self.authorised

    def _radio_event(self, event: RadioEvent) -> None:
        if isinstance(event, NetworkDown):
            self._memory.forget()
            self.hub.end()
            self._changed.set()
        elif isinstance(event, NetworkUp):
            if self.authorised:
                self._call(self._joined)
            else:
                self._changed.set()  # another hub in the place of the one it knows

    def _call(self, watchers: Sequence[Callable[[], object]]) -> None:
        for watcher in tuple(watchers):
            watcher()

    def _not_established(self, event: service.KeyNotEstablished) -> None:
        if event.status is not None:
            self._chassis.event_log.add(JOINING_FAILED)
        self._chassis.events.publish(
            KeyNotEstablished(
                **self._chassis.here(),
                peer=event.partner,
                role=event.role.value,
                status=event.status,
                reason=event.reason,
            )
        )

    def _failed(self, reason: str) -> None:
        self._chassis.events.publish(JoinFailed(**self._chassis.here(), reason=reason))

    def _tell(self, step: JoinStep, detail: str) -> None:
        self._chassis.events.publish(JoinProgress(**self._chassis.here(), step=step, detail=detail))

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the device's radio was not started")
        return self._host


class _Memory:
    """With which hub the device has established its key, kept over restarts."""

    _KEY: Final = "joined/hub"

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as unit:
            kept = unit.get(self._KEY)
        self.hub = parse_eui64(kept) if isinstance(kept, str) else None

    def remember(self, hub: int) -> None:
        """The key with this hub is in the radio."""
        with self._store.transaction() as unit:
            unit.put(self._KEY, format_eui64(hub))
        self.hub = hub

    def forget(self) -> None:
        """There is no such key any more."""
        if self.hub is not None:
            with self._store.transaction() as unit:
                unit.delete(self._KEY)
            self.hub = None

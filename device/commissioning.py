"""Coming to a network: resume the stored one, else scan and join until a hub admits the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final

from device.timeline import Timeline
from gbcs.eui64 import format_eui64
from han.radio import Beacon, HanRadio, OtherRole, RadioError

_NEVER_HEARD: Final = "no hub that permits joining was heard"


class JoinStep(Enum):
    """How far a device is on its way onto the HAN."""

    RESUMED = "back on its network"
    LEFT = "left the network that the radio was on"
    HEARD = "hubs heard"
    NETWORK_KEY = "network key received"
    KEY_SERVER = "key establishment server found"
    CERTIFICATE = "partner's certificate accepted"
    EPHEMERAL = "partner's ephemeral key received"
    CONFIRMED = "partner's confirmation received"
    AUTHORISED = "link key installed"


Tell = Callable[[JoinStep, str], object]
"""Is told each step, with a word about it."""


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """How patiently a device joins (ZSE's auto-join scans, and tries of key establishment).

    retry_s: time between two scans in the first quarter of an hour.
    slow_retry_s: time between two scans after that, and after the device left a hub it distrusts.
    channels: channels that are scanned; none means all of 2.4 GHz.
    suites: key establishment suites that are offered (1, 2, or 3 for both).
    key_retry_s: least time between two tries of key establishment.
    key_failures: failed tries in a row before a pause.
    key_pause_s: how long that pause is; the device stays on the network. A key confirmation that
        does not fit is followed by this pause and a rejoin, too.
    quick_rejoins: how often a device that lost its hub looks for it every ``retry_s``; then it does
        so every ``slow_retry_s``.
    rediscovery_s: how often a device looks anew for what its hub and its partners provide.
    leave_other: a radio that is on a network of which its device remembers nothing leaves it first;
        else it goes on there, or ends when it has another role there.
    """

    retry_s: int = 60
    slow_retry_s: int = 3600
    channels: tuple[int, ...] = ()
    suites: int = 2
    key_retry_s: int = 10
    key_failures: int = 10
    key_pause_s: int = 900
    quick_rejoins: int = 4
    rediscovery_s: int = 21_600
    leave_other: bool = False


QUICK_PERIOD: Final = timedelta(minutes=15)


def _nothing(*_: object) -> None:
    """Nobody wants to know."""


async def come_to_network(
    radio: HanRadio,
    link_key: bytes,
    timeline: Timeline,
    settings: JoinSettings,
    failed: Callable[[str], object],
    *,
    leaving: bool = False,
    anew: Callable[[], object] = _nothing,
    tell: Tell = _nothing,
) -> None:
    """Return when the radio is on a network; ``failed`` is told why each try was not enough.

    With ``leaving`` the radio leaves the network that it is on. ``anew`` is called before the first
    try to join when there is no network to go back to: what was kept of an earlier one is worth
    nothing then. OtherRole ends it: waiting does not change what the radio is on its network.
    """
    began, member = timeline.now(), True
    while True:
        try:
            if leaving:
                await _leave(radio, tell)
                leaving = False
            if member and await radio.resume():
                hub = radio.trust_centre
                tell(JoinStep.RESUMED, "" if hub is None else f"that of {format_eui64(hub)}")
                return
            if member:
                member = False
                anew()
            await _try_every(await radio.scan(settings.channels), radio, link_key, failed, tell)
        except OtherRole as error:
            raise OtherRole(f"{error}, or set join.leave_other") from error
        except RadioError as error:
            failed(str(error))
        if radio.on_network:
            return
        quick = timeline.now() - began < QUICK_PERIOD
        wait_s = settings.retry_s if quick else settings.slow_retry_s
        await timeline.sleep(timedelta(seconds=wait_s))


async def _leave(radio: HanRadio, tell: Tell) -> None:
    """Leave the network that the radio has stored, whatever its role is there."""
    try:
        if not await radio.resume():
            return
    except OtherRole:
        pass  # it is on that network all the same
    await radio.leave()
    tell(JoinStep.LEFT, "")


async def _try_every(
    beacons: list[Beacon],
    radio: HanRadio,
    link_key: bytes,
    failed: Callable[[str], object],
    tell: Tell,
) -> None:
    candidates = [beacon for beacon in beacons if beacon.permits_joining]
    if not candidates:
        failed(_NEVER_HEARD)
        return
    tell(JoinStep.HEARD, ", ".join(map(_describe, beacons)))
    for beacon in sorted(candidates, key=lambda one: -one.lqi):
        try:
            await radio.join(beacon, link_key)
        except RadioError as error:
            failed(f"hub {beacon.extended_pan_id:016X}: {error}")
        if radio.on_network:
            tell(JoinStep.NETWORK_KEY, _describe(beacon))
            return


def _describe(beacon: Beacon) -> str:
    joining = "open" if beacon.permits_joining else "closed"
    return f"{beacon.extended_pan_id:016X} on channel {beacon.channel}, {joining}"

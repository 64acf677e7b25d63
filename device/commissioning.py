"""Coming to a network: resume the stored one, else scan and join until a hub admits the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from device.timeline import Timeline
from han.radio import Beacon, HanRadio, RadioError

_NEVER_HEARD: Final = "no hub that permits joining was heard"


@dataclass(frozen=True, slots=True)
class JoinSettings:
    """How patiently a device looks for its hub (ZSE's auto-join scans).

    retry_s: time between two tries in the first quarter of an hour.
    slow_retry_s: time between two tries after that.
    """

    retry_s: int = 60
    slow_retry_s: int = 3600
    channels: tuple[int, ...] = ()


QUICK_PERIOD: Final = timedelta(minutes=15)


async def come_to_network(
    radio: HanRadio,
    link_key: bytes,
    timeline: Timeline,
    settings: JoinSettings,
    failed: Callable[[str], object],
) -> None:
    """Return when the radio is on a network; ``failed`` is told why each try was not enough."""
    if await radio.resume():
        return
    began = timeline.now()
    while True:
        try:
            await _try_every(await radio.scan(settings.channels), radio, link_key, failed)
        except RadioError as error:
            failed(str(error))
        if radio.on_network:
            return
        quick = timeline.now() - began < QUICK_PERIOD
        wait_s = settings.retry_s if quick else settings.slow_retry_s
        await timeline.sleep(timedelta(seconds=wait_s))


async def _try_every(
    beacons: list[Beacon], radio: HanRadio, link_key: bytes, failed: Callable[[str], object]
) -> None:
    candidates = [beacon for beacon in beacons if beacon.permits_joining]
    if not candidates:
        failed(_NEVER_HEARD)
    for beacon in sorted(candidates, key=lambda one: -one.lqi):
        try:
            await radio.join(beacon, link_key)
        except RadioError as error:
            failed(f"hub {beacon.extended_pan_id:016X}: {error}")
        if radio.on_network:
            return

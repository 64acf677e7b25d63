"""A look at the air through a dongle: how loud each channel is, and which networks are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bellows.types as t

from han.radio import Beacon
from hw.bellows_ezsp import SmartEnergyEzsp, beacon, disconnect, radio_errors

CHANNELS: Final = tuple(range(11, 27))
ENERGY_SCAN: Final = 0
ACTIVE_SCAN: Final = 1
DURATION: Final = 4  # 15.36 ms * (2**4 + 1) per channel


@dataclass(frozen=True, slots=True)
class Survey:
    """Loudest signal of each channel (dBm), and the networks that answered."""

    rssi_dbm: dict[int, int]
    networks: tuple[Beacon, ...]

    def quietest(self) -> int:
        """The channel to form a network on: quiet, and with the fewest networks."""
        taken = [beacon.channel for beacon in self.networks]
        return min(self.rssi_dbm, key=lambda c: (taken.count(c), self.rssi_dbm[c], c))


async def survey(
    path: str, *, baudrate: int = 115200, channels: Sequence[int] = CHANNELS
) -> Survey:
    """Scan the channels; the dongle is off its network meanwhile, and reset before."""
    mask = t.Channels(sum(1 << channel for channel in channels))
    ezsp = SmartEnergyEzsp({"path": path, "baudrate": baudrate, "flow_control": None})
    with radio_errors(f"surveying the air through {path}"):
        await ezsp.connect(use_thread=False)
        try:
            await ezsp.write_config({})
            loud = await ezsp.startScan(t.EzspNetworkScanType(ENERGY_SCAN), mask, DURATION)
            found = await ezsp.startScan(t.EzspNetworkScanType(ACTIVE_SCAN), mask, DURATION)
        finally:
            await disconnect(ezsp)
    rssi_dbm = {int(channel): int(rssi) for channel, rssi in loud}
    networks = tuple(beacon(*each) for each in found)
    return Survey(rssi_dbm, networks)

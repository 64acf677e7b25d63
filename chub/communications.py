"""The CHF communications store: when each device was last heard, how well, and how well reached.

It is read with the device log (CCS05, CCS06). What was heard is written down at most once a minute
for each device, so that a killed hub loses no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device.store import Json, Store
from gbcs.eui64 import format_eui64, parse_eui64

WRITE_AFTER: Final = timedelta(minutes=1)
_PREFIX: Final = "heard/"
_LEAST_RSSI_DBM, _MOST_RSSI_DBM = -128, 127
_PERCENT: Final = 100


@dataclass(slots=True)
class Heard:
    """What is known of one device: RSSI in dBm, LQI from 0 to 255, deliveries by their end."""

    at: datetime
    rssi_max_dbm: int
    rssi_min_dbm: int
    lqi_max: int
    lqi_min: int
    rssi_sum_dbm: int
    lqi_sum: int
    frames: int = 1
    failures: int = 0
    successes: int = 0

    @property
    def rssi_mean_dbm(self) -> int:
        """Mean RSSI over everything heard."""
        return round(self.rssi_sum_dbm / self.frames)

    @property
    def lqi_mean(self) -> int:
        """Mean LQI over everything heard."""
        return round(self.lqi_sum / self.frames)

    @property
    def failure_percent(self) -> int:
        """Deliveries that failed, of all that ended."""
        return self._percent(self.failures)

    @property
    def success_percent(self) -> int:
        """Deliveries that succeeded, of all that ended."""
        return self._percent(self.successes)

    def _percent(self, part: int) -> int:
        ended = self.failures + self.successes
        return round(_PERCENT * part / ended) if ended else 0

    def take(self, at: datetime, rssi_dbm: int, lqi: int) -> None:
        """One more frame was heard."""
        self.at = at
        self.rssi_max_dbm = max(self.rssi_max_dbm, rssi_dbm)
        self.rssi_min_dbm = min(self.rssi_min_dbm, rssi_dbm)
        self.lqi_max, self.lqi_min = max(self.lqi_max, lqi), min(self.lqi_min, lqi)
        self.rssi_sum_dbm += rssi_dbm
        self.lqi_sum += lqi
        self.frames += 1


def first_heard(at: datetime, rssi_dbm: int, lqi: int) -> Heard:
    """What is known after one frame."""
    return Heard(at, rssi_dbm, rssi_dbm, lqi, lqi, rssi_dbm, lqi)


class CommunicationsStore:
    """Devices by EUI-64. Times are of the hub's own clock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._written: dict[int, datetime] = {}
        self._heard = dict(self._restore())

    def of(self, eui64: int) -> Heard | None:
        """What is known of a device; None when it was never heard."""
        return self._heard.get(eui64)

    def heard(self, eui64: int, at: datetime, rssi_dbm: int, lqi: int) -> None:
        """A frame of a device arrived."""
        rssi_dbm = max(_LEAST_RSSI_DBM, min(rssi_dbm, _MOST_RSSI_DBM))
        known = self._heard.get(eui64)
        if known is None:
            self._heard[eui64] = first_heard(at, rssi_dbm, lqi)
        else:
            known.take(at, rssi_dbm, lqi)
        written = self._written.get(eui64)
        if written is None or abs(at - written) >= WRITE_AFTER:
            self._write(eui64, at)

    def ended(self, eui64: int, *, delivered: bool) -> None:
        """A transmission to a device ended; counts once the device was heard."""
        known = self._heard.get(eui64)
        if known is not None and delivered:
            known.successes += 1
        elif known is not None:
            known.failures += 1

    def put(self, eui64: int, heard: Heard) -> None:
        """Know this of a device: for a bench that puts a hub into a known state."""
        self._heard[eui64] = heard
        self._write(eui64, heard.at)

    def forget(self, eui64: int) -> None:
        """Drop what is known of a device that was removed."""
        self._written.pop(eui64, None)
        if self._heard.pop(eui64, None) is not None:
            with self._store.transaction() as unit:
                unit.delete(_PREFIX + format_eui64(eui64))

    def _write(self, eui64: int, at: datetime) -> None:
        self._written[eui64] = at
        with self._store.transaction() as unit:
            unit.put_json(_PREFIX + format_eui64(eui64), _to_json(self._heard[eui64]))

    def _restore(self) -> Iterable[tuple[int, Heard]]:
        with self._store.transaction() as unit:
            held = [(key, unit.get_json(key)) for key in unit.keys(_PREFIX)]
        for key, row in held:
            if isinstance(row, list):
                at, *numbers = row
                moment = datetime.fromisoformat(str(at))
                found = Heard(moment, *(number for number in numbers if isinstance(number, int)))
                yield parse_eui64(key.removeprefix(_PREFIX)), found


def _to_json(heard: Heard) -> Json:
    return [
        heard.at.isoformat(),
        heard.rssi_max_dbm,
        heard.rssi_min_dbm,
        heard.lqi_max,
        heard.lqi_min,
        heard.rssi_sum_dbm,
        heard.lqi_sum,
        heard.frames,
        heard.failures,
        heard.successes,
    ]

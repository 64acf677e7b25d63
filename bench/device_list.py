"""A hub's device log as a list: CCS06 says how devices are heard, CCS07 which keys they have."""

from __future__ import annotations

from typing import Final

from device.cosem.fields import elements, number, octets, rows
from device.cosem.shape import plain
from gbcs.dlms.apdu import AccessResponse
from gbcs.dlms.data import Data
from gbcs.eui64 import format_eui64
from gbcs.plain import moment_to_text
from gbcs.stamp import Stamp

_WEEKDAY: Final = 4
Row = dict[str, str | int | None]


def listed(heard: AccessResponse, backup: AccessResponse) -> list[Row]:
    """One row for each device: when and how well it was heard, and whether it has its key."""
    hashes = {
        octets(device): octets(key) for device, key in rows(elements(plain(_data(backup)))[2])
    }
    return [
        {
            "device": format_eui64(int.from_bytes(octets(row[0]))),
            "last_heard": _moment(octets(row[8])),
            "rssi_dbm": number(row[3]),
            "lqi": number(row[6]),
            "key": "established" if hashes.get(octets(row[0])) else "install code",
        }
        for row in rows(plain(_data(heard)))
    ]


def line_of(row: Row) -> str:
    """A row for people: a device that was never heard has no quality."""
    quality = f"RSSI {row['rssi_dbm']:4} dBm  LQI {row['lqi']:3}"
    heard = f"{row['last_heard']}  {quality}" if row["last_heard"] else "never heard"
    return f"{row['device']}  {heard:44}  key {row['key']}"


def _data(answer: AccessResponse) -> Data:
    return answer.results[0].data


def _moment(stamp: bytes) -> str | None:
    at = Stamp.from_bytes(stamp[:_WEEKDAY] + b"\xff" + stamp[_WEEKDAY + 1 :]).at
    return None if at is None else moment_to_text(at)

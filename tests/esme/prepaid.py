"""A meter that is paid for before use, and what its consumer and supplier do."""

from __future__ import annotations

from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import NOW
from gbcs.utrn import Token, ValueClass
from tests.esme.bench import at, mains, volts, watts
from tests.esme.rig import MeterRig, every_day

POUND = 100_000
PENNY = 1_000
IMMEDIATE = v.date_time(NOW)


def charge(amount: int, *, scale: int = 0, index: bytes = b"") -> Data:
    """A charge of so many 1/100000 pounds; ``scale`` 3 makes it per kWh."""
    return v.structure(
        v.structure(v.i8(scale), v.i8(-5)),
        v.structure(v.u16(0), v.octets(bytes(6)), v.i8(0)),
        v.array(v.structure(v.octets(index), v.i16(amount))),
    )


def prepaid(load_w: int = 1000, *, start: str = "10:00", balance: int = POUND) -> MeterRig:
    """Pays 20 p per kWh; emergency credit of 5.00 from 1.00 down; disablement at 0.00."""
    rig = MeterRig(mains(volts(230), watts(load_w)), start=at(start))
    rig.set("111/0-1:19.0.0.255/2", v.structure(v.enum(2), v.enum(2)))
    rig.set("111/0-1:19.0.0.255/13", IMMEDIATE)
    rig.set("113/0-0:19.20.0.255/6", charge(20 * PENNY, scale=3, index=b"\1"))
    rig.set("113/0-0:19.20.0.255/7", IMMEDIATE)
    for number, amount in ((2, 5 * POUND), (3, POUND)):
        rig.set(f"9000/0-0:94.44.128.{number}/4", v.i32(amount))
        rig.set(f"9000/0-0:94.44.128.{number}/6", IMMEDIATE)
    rig.call("112/0-0:19.10.0.255/2", v.i32(balance))
    return rig


def events(rig: MeterRig) -> list[str]:
    return [f"{entry.code:04X}" for entry in rig.meter.reporter.event_log.entries()]


def supply(rig: MeterRig) -> int:
    return rig.meter.kept.supply


def token(pence: int, counter: int, mac: bytes = b"good") -> bytes:
    return Token(counter % 1024, ValueClass.PENCE, pence, mac).digits().encode()


def enter(rig: MeterRig, pence: int, counter: int, mac: bytes = b"good") -> int:
    octets = token(pence, counter, mac)
    place = "115/0-0:19.40.0.255/1"
    return rig.call(place, v.octets(octets), originator_counter=counter << 32)


def non_disablement(rig: MeterRig, begins: int, ends: int) -> None:
    load_switch = "0-0:10.0.106.255"
    calendar = v.array(every_day(1, load_switch, 32, begins), every_day(2, load_switch, 33, ends))
    assert rig.set("10/0-1:12.0.1.255/2", calendar) == 0
    assert rig.set("9000/0-0:94.44.128.28/6", IMMEDIATE) == 0

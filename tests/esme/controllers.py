"""The auxiliary controllers of a meter, and its log of what they did."""

from datetime import datetime

from esme.control.state import TYPES, Kind
from esme.meter import Identity
from gbcs.dlms import values as v
from gbcs.dlms.data import Data
from gbcs.stamp import Stamp
from tests.esme.rig import MeterRig

COMMAND = "9/0-0:10.0.103.255/1"
ON = '{"outputState": 100, "inputState": 0}'
OFF = '{"outputState": 0, "inputState": 0}'
SUCCESS, FAILURE = 1, 2
Entry = tuple[datetime | None, int, int, int]


def controllers(*kinds: Kind) -> Identity:
    """A meter whose first controllers are of these kinds."""
    types = [TYPES[kind] for kind in kinds]
    types += [b""] * (5 - len(types))
    return Identity(0xA0, controllers=tuple(types), boost_key=True)


def switches(**changes: object) -> MeterRig:
    """A meter with switches 1 and 2, proportional controllers 3 and 4, and switch 5."""
    kinds = (Kind.ALCS, Kind.ALCS, Kind.APC, Kind.APC, Kind.ALCS)
    return MeterRig(identity=controllers(*kinds), **changes)  # type: ignore[arg-type]


def stamp(moment: datetime) -> Data:
    return v.date_time(Stamp.of(moment))


def period(rig: MeterRig, controller: int, start: datetime, end: datetime, first: int = 1) -> None:
    for field, moment in ((first, start), (first + 1, end)):
        assert rig.set(f"1/0-0:94.44.{116 + controller}.{field}/2", stamp(moment)) == 0


def state(rig: MeterRig, controller: int) -> object:
    return rig.read(f"1/0-0:94.44.0.{30 + controller}/2")


def log(rig: MeterRig) -> list[Entry]:
    """Entries of the auxiliary controller event log: time, number, outcome, HANCommandID."""
    return [
        (entry.at, entry.code, entry.other[0], int.from_bytes(entry.other[1:], "big"))
        for entry in rig.meter.reporter.controller_log.entries()
    ]

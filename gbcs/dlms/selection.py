"""Selective access: the entries of a log between two times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gbcs.dlms import values as v
from gbcs.dlms.data import Data, Tag
from gbcs.errors import MalformedMessage

RANGE_SELECTOR: Final = 1
_LOG_TIME: Final = v.structure(v.u16(1), v.logical_name("0-0:94.44.100.255"), v.i8(2), v.u16(0))


@dataclass(frozen=True, slots=True)
class LogRange:
    """Both limits in seconds since 2000-01-01 UTC, both included; all columns are returned."""

    from_s: int
    to_s: int

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Read a range descriptor over the log time; MalformedMessage for any other selection."""
        match data.value:
            case (where, Data(Tag.DOUBLE_LONG_UNSIGNED, int(first)),
                  Data(Tag.DOUBLE_LONG_UNSIGNED, int(last)), Data(Tag.ARRAY, ())):  # fmt: skip
                if data.tag == Tag.STRUCTURE and where == _LOG_TIME:
                    return cls(first, last)
        raise MalformedMessage("not a range of log times with all columns")

    def to_data(self) -> Data:
        """Write the range descriptor."""
        return v.structure(_LOG_TIME, v.u32(self.from_s), v.u32(self.to_s), v.array())

"""Values as JSON, TOML and command lines hold them, and back.

Octets are text when they are printable, else ``0x`` and hexadecimal digits. Moments are ISO 8601
in UTC with a final Z; ``now`` and ``never`` are the two reserved activation times.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, TypeAlias

from gbcs.errors import LocalError
from gbcs.stamp import NEVER, NOW, Stamp
from gbcs.stamp import SIZE as STAMP_OCTETS
from gbcs.zcl.types import zcl_moment, zcl_seconds

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

_HEX: Final = re.compile(r"0x((?:[0-9A-Fa-f]{2})*)")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_RESERVED_SECONDS: Final = {"now": 0, "never": 0xFFFFFFFF}
_RESERVED_STAMPS: Final = {"now": NOW, "never": NEVER}


def octets_to_text(octets: bytes) -> str:
    """Printable text as it is, anything else as 0x and digits."""
    if all(0x20 <= octet < 0x7F for octet in octets) and octets[:2] != b"0x":
        return octets.decode("ascii")
    return "0x" + octets.hex().upper()


def text_to_octets(value: Plain) -> bytes:
    """Octets of a text, or of 0x and digits."""
    if not isinstance(value, str):
        raise LocalError(f"{value!r} is neither text nor 0x and hexadecimal digits")
    match = _HEX.fullmatch(value)
    try:
        return bytes.fromhex(match[1]) if match else value.encode()
    except UnicodeEncodeError:
        raise LocalError("text with octets that are no text; write it as 0x and digits") from None


def text_to_plain(text: str) -> str:
    """Decoded text as it is, or as 0x and digits when it holds octets that are no text."""
    octets = text.encode("utf-8", "surrogateescape")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "0x" + octets.hex().upper()
    return "0x" + octets.hex().upper() if _HEX.fullmatch(text) else text


def plain_to_text(value: Plain) -> str:
    """Text as decoding gives it, from text or from 0x and digits."""
    return text_to_octets(value).decode("utf-8", "surrogateescape")


def to_int(value: Plain) -> int:
    """An integer, also from decimal or 0x text."""
    if isinstance(value, int):
        return int(value)
    try:
        return int(value, 0) if isinstance(value, str) else _refuse(value)
    except ValueError:
        return _refuse(value)


def _refuse(value: Plain) -> int:
    raise LocalError(f"not an integer: {value!r}")


def to_bool(value: Plain) -> bool:
    """A truth value, also from text."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if isinstance(value, (bool, int)):
        return bool(value)
    raise LocalError(f"neither true nor false: {value!r}")


def moment_to_text(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds."""
    t = moment.astimezone(UTC)
    return f"{t.year:04}-{t.month:02}-{t.day:02}T{t.hour:02}:{t.minute:02}:{t.second:02}Z"


def is_moment(value: Plain) -> bool:
    """Whether a text has the form of a moment."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def text_to_moment(value: Plain) -> datetime:
    """The moment of an ISO 8601 text in UTC."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
    raise LocalError(f"not a moment such as 2030-01-15T09:00:00Z: {value!r}")


def seconds_to_plain(seconds: int) -> Plain:
    """UTCTime as ISO text; the reserved values stay numbers."""
    if seconds in _RESERVED_SECONDS.values():
        return seconds
    return moment_to_text(zcl_moment(seconds))


def plain_to_seconds(value: Plain) -> int:
    """UTCTime from ISO text, ``now``, ``never``, or seconds since 2000-01-01."""
    if isinstance(value, str) and value in _RESERVED_SECONDS:
        return _RESERVED_SECONDS[value]
    return zcl_seconds(text_to_moment(value)) if is_moment(value) else to_int(value)


def stamp_octets_to_text(octets: bytes) -> str:
    """A COSEM date-time as ISO text, ``now`` or ``never``; 0x and digits when it is neither."""
    for text, reserved in _RESERVED_STAMPS.items():
        if octets == reserved.octets:
            return text
    if len(octets) == len(NOW.octets):
        moment = Stamp(octets).at
        if moment is not None and Stamp.of(moment).octets == octets:
            return moment_to_text(moment)
    return "0x" + octets.hex().upper()


def text_to_stamp_octets(value: Plain) -> bytes:
    """The 12 octets of a COSEM date-time; LocalError for any other text."""
    if isinstance(value, str) and value in _RESERVED_STAMPS:
        return _RESERVED_STAMPS[value].octets
    if is_moment(value):
        return Stamp.of(text_to_moment(value)).octets
    octets = text_to_octets(value)
    if len(octets) != STAMP_OCTETS:
        wanted = "2026-01-05T10:00:00Z, now, never, or 0x and 24 digits"
        raise LocalError(f"a date-time is {wanted}, not {value!r}")
    return octets


def date_to_text(date: int) -> str:
    """A ZCL date as YYYY-MM-DD, ``*`` for what is left open; 0x and digits beyond that."""
    year, month, day, weekday = date.to_bytes(4, "little")
    if weekday != _ANY:
        return f"0x{date:08X}"
    parts = ((1900 + year, 4, year), (month, 2, month), (day, 2, day))
    return "-".join("*" if raw == _ANY else f"{shown:0{size}}" for shown, size, raw in parts)


def text_to_date(text: str) -> int:
    """A ZCL date from YYYY-MM-DD with ``*`` for what is left open."""
    match = _DATE.fullmatch(text)
    if match is None:
        return to_int(text)
    year, month, day = (_ANY if part == "*" else int(part) for part in match.groups())
    if year != _ANY:
        year -= 1900
    if not 0 <= year <= _ANY:
        raise LocalError(f"a ZCL date lies between 1900 and 2154: {text!r}")
    return int.from_bytes(bytes((year, month, day, _ANY)), "little")


_ANY: Final = 0xFF
_DATE: Final = re.compile(r"(\d{4}|\*)-(\d\d|\*)-(\d\d|\*)")

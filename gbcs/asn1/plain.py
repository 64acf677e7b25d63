"""ASN.1 structures as plain values, driven by their codecs.

Octets and certificates are ``0x`` and digits, identifiers 16 digits, named values their name in
lower case with dashes (the number is accepted too), moments ISO 8601.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import IntEnum, IntFlag

from gbcs.asn1.der import (
    AnyCodec,
    Choice,
    Identifier,
    Integer,
    ListOf,
    Member,
    Null,
    Octets,
    Sequence,
    Signed,
    Time,
    UsageBits,
)
from gbcs.errors import LocalError
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.plain import Plain, moment_to_text, text_to_moment, text_to_octets, to_int


def to_plain(codec: AnyCodec, value: object) -> Plain:
    """Write a structure plainly."""
    if isinstance(codec, Sequence):
        return {
            member.name: to_plain(member.codec, part)
            for member in codec.members
            if not ((part := getattr(value, member.name)) == member.default and member.optional)
        }
    if isinstance(codec, ListOf) and isinstance(value, tuple):
        return [to_plain(codec.element, element) for element in value]
    if isinstance(codec, Choice):
        return to_plain(codec.codec_of(value), value)
    if isinstance(codec, Identifier) and isinstance(value, int):
        return format_eui64(value)
    if isinstance(value, (IntEnum, IntFlag)):
        return _name_of(value)
    if isinstance(value, bytes):
        return "0x" + value.hex().upper()
    if isinstance(value, datetime):
        return moment_to_text(value)
    return value if isinstance(value, int) else None


def from_plain(codec: AnyCodec, plain: Plain) -> object:
    """Read a structure; LocalError names the member that is missing or does not fit."""
    if isinstance(codec, Sequence):
        return _sequence(codec, plain)
    if isinstance(codec, ListOf):
        if not isinstance(plain, list):
            raise LocalError(f"a list, not {plain!r}")
        return tuple(from_plain(codec.element, element) for element in plain)
    if isinstance(codec, Choice):
        return _choice(codec, plain)
    if isinstance(codec, Identifier):
        return parse_eui64(plain) if isinstance(plain, str) else to_int(plain)
    if isinstance(codec, Integer):
        return _named(codec.names, plain)
    if isinstance(codec, UsageBits):
        return _named(codec.names, plain)
    if isinstance(codec, Octets):
        return text_to_octets(plain)
    if isinstance(codec, Signed):
        return _signed(plain)
    if isinstance(codec, Time):
        return text_to_moment(plain)
    if isinstance(codec, Null) and plain is None:
        return None
    raise LocalError(f"{plain!r} does not fit")


def members_of(codec: AnyCodec) -> Iterator[Member]:
    """The members a structure takes as parameters; none for a value that stands alone."""
    if isinstance(codec, Sequence):
        yield from (m for m in codec.members if not isinstance(m.codec, Null))


def type_name(codec: AnyCodec) -> str:
    """What to call a type in a list of parameters."""
    if isinstance(codec, ListOf):
        return f"list of {type_name(codec.element)}"
    if isinstance(codec, Sequence):
        return "{" + ", ".join(member.name for member in codec.members) + "}"
    return type(codec).__name__.lower()


def _signed(plain: Plain) -> bytes:
    octets = text_to_octets(plain)
    if octets[:1] != b"\x30":
        raise LocalError("a certificate is DER, written as 0x30...")
    return octets


def _sequence(codec: Sequence[object], plain: Plain) -> object:
    if not isinstance(plain, dict):
        raise LocalError(f"named members, not {plain!r}")
    unknown = plain.keys() - {member.name for member in codec.members}
    if unknown:
        raise LocalError(f"there is no member {sorted(unknown)[0]!r}")
    return codec.make({member.name: _member(member, plain) for member in codec.members})


def _member(member: Member, plain: dict[str, Plain]) -> object:
    if member.name in plain:
        try:
            return from_plain(member.codec, plain[member.name])
        except LocalError as exc:
            raise LocalError(f"{member.name}: {exc}") from exc
    if member.optional or isinstance(member.codec, Null):
        return member.default
    raise LocalError(f"{member.name} is missing")


def _choice(codec: Choice, plain: Plain) -> object:
    for alternative in codec.codecs:
        try:
            return from_plain(alternative, plain)
        except LocalError:
            continue
    raise LocalError(f"{plain!r} fits none of the alternatives")


def _name_of(value: IntEnum | IntFlag) -> Plain:
    name = value.name
    return int(value) if name is None or "|" in name else name.lower().replace("_", "-")


def _named(names: type[IntEnum | IntFlag] | None, plain: Plain) -> int:
    if names is not None and isinstance(plain, str):
        try:
            return names[plain.upper().replace("-", "_")]
        except KeyError:
            pass
    number = to_int(plain)
    if names is None:
        return number
    try:
        return names(number)
    except ValueError:
        return number

"""Protected attributes: sensitive values, encrypted for their consumer (class 30, method 1).

The key comes from the grouping header, never from the protection parameters written here: for an
unknown remote party the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gbcs.dlms import values as v
from gbcs.dlms.data import Data, Tag
from gbcs.dlms.obis import Obis
from gbcs.errors import MalformedMessage
from gbcs.stamp import Stamp

DATA_PROTECTION_CLASS: Final = 30
GET_PROTECTED_ATTRIBUTES: Final = 1
_AUTHENTICATED_AND_ENCRYPTED: Final = v.enum(2)
_MODE: Final = 0x04
_KEY_INFO: Final = v.structure(
    v.enum(2),  # agreed key
    v.structure(v.octets(b"\x02"), v.octets(b"")),  # C(0e,2s) ECC CDH; no ciphered key data
)
_NO_RESTRICTION: Final = v.structure(v.enum(0), v.NULL)


@dataclass(frozen=True, slots=True)
class ProtectionParameters:
    """Who asks whom, as written in the payload; a request and its answer repeat the counter."""

    counter: int
    originator: int
    recipient: int

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Read the one-element array of protection parameters."""
        fields = _only_element(data)
        match fields.value:
            case (kind, Data(Tag.STRUCTURE, (transaction, originator, recipient, other, key_info))):
                expected = (_AUTHENTICATED_AND_ENCRYPTED, v.octets(b""), _KEY_INFO)
                identifier = _octets(transaction, 9)
                if (kind, other, key_info) == expected and identifier[0] == _MODE:
                    return cls(
                        int.from_bytes(identifier[1:], "big"),
                        int.from_bytes(_octets(originator, 8), "big"),
                        int.from_bytes(_octets(recipient, 8), "big"),
                    )
        raise MalformedMessage("not the protection parameters of GBCS")

    def to_data(self) -> Data:
        """Write the one-element array."""
        identifier = bytes((_MODE,)) + self.counter.to_bytes(8, "big")
        options = v.structure(
            v.octets(identifier),
            v.octets(self.originator.to_bytes(8, "big")),
            v.octets(self.recipient.to_bytes(8, "big")),
            v.octets(b""),
            _KEY_INFO,
        )
        return v.array(v.structure(_AUTHENTICATED_AND_ENCRYPTED, options))


@dataclass(frozen=True, slots=True)
class ProtectedAttribute:
    """One attribute asked for; a log may be limited to the entries between two date-times."""

    class_id: int
    logical_name: Obis
    index: int
    limits: tuple[Stamp, Stamp] | None = None

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Read one element of the object list."""
        match data.value:
            case (Data(Tag.LONG_UNSIGNED, int(class_id)), name, Data(Tag.INTEGER, int(index)),
                  Data(Tag.LONG_UNSIGNED, 0), restriction):  # fmt: skip
                obis = Obis.from_bytes(_octets(name, 6))
                return cls(class_id, obis, index, _limits(restriction))
        raise MalformedMessage("not an element of an object list")

    def to_data(self) -> Data:
        """Write one element of the object list."""
        restriction = _NO_RESTRICTION
        if self.limits is not None:
            restriction = v.structure(v.enum(1), v.structure(*map(v.date_time, self.limits)))
        return v.structure(
            v.u16(self.class_id),
            v.octets(self.logical_name),
            v.i8(self.index),
            v.u16(0),
            restriction,
        )


@dataclass(frozen=True, slots=True)
class ProtectedRequest:
    """What get_protected_attributes is called with."""

    attributes: tuple[ProtectedAttribute, ...]
    parameters: ProtectionParameters

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Read the method's input."""
        match data.value:
            case (Data(Tag.ARRAY, tuple(elements)), parameters) if data.tag == Tag.STRUCTURE:
                attributes = tuple(ProtectedAttribute.from_data(e) for e in elements)
                return cls(attributes, ProtectionParameters.from_data(parameters))
        raise MalformedMessage("not a request for protected attributes")

    def to_data(self) -> Data:
        """Write the method's input."""
        listed = v.array(*(attribute.to_data() for attribute in self.attributes))
        return v.structure(listed, self.parameters.to_data())


@dataclass(frozen=True, slots=True)
class ProtectedResponse:
    """What get_protected_attributes returns; ``sealed`` opens to a structure of the values."""

    parameters: ProtectionParameters
    sealed: bytes

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """Read the method's output, or the last two members of the billing log alert."""
        match data.value:
            case (parameters, Data(Tag.OCTET_STRING, bytes(sealed))) if data.tag == Tag.STRUCTURE:
                return cls(ProtectionParameters.from_data(parameters), sealed)
        raise MalformedMessage("not protected attributes")

    def to_data(self) -> Data:
        """Write the method's output."""
        return v.structure(self.parameters.to_data(), v.octets(self.sealed))


def is_protected_read(class_id: int, index: int) -> bool:
    """Whether this method is get_protected_attributes."""
    return (class_id, index) == (DATA_PROTECTION_CLASS, GET_PROTECTED_ATTRIBUTES)


def _limits(restriction: Data) -> tuple[Stamp, Stamp] | None:
    if restriction == _NO_RESTRICTION:
        return None
    match restriction.value:
        case (Data(Tag.ENUM, 1), Data(Tag.STRUCTURE, (Data() as first, Data() as last))):
            return Stamp.from_bytes(_octets(first, 12)), Stamp.from_bytes(_octets(last, 12))
    raise MalformedMessage("restriction is neither none nor two date-times")


def _only_element(data: Data) -> Data:
    match data.value:
        case (Data() as element,) if data.tag == Tag.ARRAY:
            return element
    raise MalformedMessage("not an array of one element")


def _octets(data: Data, length: int) -> bytes:
    if isinstance(data.value, bytes) and len(data.value) == length:
        return data.value
    raise MalformedMessage(f"not an octet string of {length}")

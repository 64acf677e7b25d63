"""How COSEM objects are declared: class, logical name, attributes, methods.

An attribute is either stored, when all a server does with it is keep what it was given, or it is
read from (and written to) a model. The type decides what may be written; readers and writers deal
in plain values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from device.cosem.shape import Plain, Shape, shape
from gbcs.dlms.apdu import Result
from gbcs.dlms.data import Data
from gbcs.dlms.obis import Obis
from gbcs.errors import LocalError

M = TypeVar("M")


class Place(NamedTuple):
    """An attribute or method of an object."""

    class_id: int
    logical_name: Obis
    member: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read class/A-B:C.D.E.F/index."""
        try:
            class_id, logical_name, member = text.split("/")
            return cls(int(class_id), Obis.parse(logical_name), int(member))
        except ValueError:
            raise LocalError(f"not class/logical name/index: {text!r}") from None

    def __str__(self) -> str:
        return f"{self.class_id}/{self.logical_name}/{self.member}"


@dataclass(frozen=True, slots=True)
class Access:
    """Who accesses the objects, when by the device's clock, and under which message.

    ``seal`` encrypts protected attributes for the party that will read them.
    """

    now: datetime
    device: int = 0
    requester: int = 0
    message_code: int = 0
    originator_counter: int = 0
    seal: Callable[[bytes], bytes] | None = None


Limits: TypeAlias = "tuple[datetime | None, datetime | None]"
"""First and last moment of the entries asked for, both included; None leaves an end open."""
EVERYTHING: Limits = (None, None)


@dataclass(frozen=True, slots=True)
class Attribute(Generic[M]):
    """One attribute, by its number and the name its class gives it.

    ``initial`` makes it stored, and ``writable`` lets a command set what is stored. Otherwise it
    has ``read``, or ``entries`` when it is a log, and ``write``. ``load`` puts a value where
    ``read`` or ``entries`` would find it: for a bench, not for commands.
    """

    index: int
    name: str
    type: Shape
    initial: Data | None = None
    writable: bool = False
    readable: bool = True
    read: Callable[[M], Plain] | None = None
    entries: Callable[[M, Limits], Plain] | None = None
    write: Callable[[M, Plain, Access], Result] | None = None
    load: Callable[[M, Plain], object] | None = None


@dataclass(frozen=True, slots=True)
class Method(Generic[M]):
    """One method: called with data of a type, it gives a result.

    One that returns data has ``answer``, asked after a success, and the type of what it gives.
    ``load`` makes it answer so: for a bench, as with attributes.
    """

    index: int
    name: str
    type: Shape
    call: Callable[[M, Plain, Access], Result]
    answer_type: Shape | None = None
    answer: Callable[[M, Access], Plain] | None = None
    load: Callable[[M, Plain], object] | None = None


@dataclass(frozen=True, slots=True)
class CosemObject(Generic[M]):
    """One object. ``title`` is the quantity the meter's specification calls it.

    ``protects`` lists what get_protected_attributes of a class 30 object may return.
    """

    class_id: int
    logical_name: Obis
    title: str
    attributes: tuple[Attribute[M], ...] = ()
    methods: tuple[Method[M], ...] = ()
    protects: tuple[Place, ...] = ()

    def place(self, member: int) -> Place:
        """The place of a member."""
        return Place(self.class_id, self.logical_name, member)


def cosem(
    name: str,
    title: str,
    *members: Attribute[M] | Method[M],
    protects: tuple[str, ...] = (),
) -> CosemObject[M]:
    """Declare an object; ``name`` is class/A-B:C.D.E.F."""
    class_id, logical_name = name.split("/")
    return CosemObject(
        int(class_id),
        Obis.parse(logical_name),
        title,
        tuple(member for member in members if isinstance(member, Attribute)),
        tuple(member for member in members if isinstance(member, Method)),
        tuple(Place.parse(text) for text in protects),
    )


def stored(
    index: int,
    name: str,
    notation: str,
    initial: Plain,
    *,
    writable: bool = True,
    readable: bool = True,
) -> Attribute[M]:
    """An attribute that keeps what it was given."""
    kind = shape(notation)
    return Attribute(index, name, kind, kind.build(initial), writable, readable)


def fixed(index: int, name: str, notation: str, value: Plain) -> Attribute[M]:
    """An attribute that never changes, such as a unit."""
    return Attribute(index, name, shape(notation), read=lambda _: value)


def scaler_unit(unit: int, scaler: int = 0) -> Attribute[M]:
    """Attribute 3 of a register: power of ten and DLMS unit (30 = Wh, 32 = varh, 27 = W)."""
    return fixed(3, "scaler_unit", "{i8,enum}", (scaler, unit))

"""The engine over a small model of its own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from device.cosem.server import CosemServer
from device.cosem.settings import Settings
from device.cosem.shape import Plain, shape
from device.cosem.table import (
    Access,
    Attribute,
    CosemObject,
    Limits,
    Method,
    Place,
    cosem,
    stored,
)
from gbcs.dlms import values as v
from gbcs.dlms.apdu import AccessRequest, Kind, RequestItem, Result
from gbcs.dlms.data import Data, decode
from gbcs.dlms.obis import Obis
from gbcs.dlms.protected import (
    ProtectedAttribute,
    ProtectedRequest,
    ProtectedResponse,
    ProtectionParameters,
)
from gbcs.dlms.selection import LogRange
from gbcs.errors import LocalError
from gbcs.stamp import NEVER, Stamp

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LOG = "7/1-0:99.1.0.255/2"
VALUE = "1/1-0:0.0.1.255/2"
SECRET = "1/1-0:0.0.2.255/2"
METHOD = "3/1-0:0.0.3.255/1"
VAULT = "30/0-0:43.2.1.255/1"


@dataclass
class Model:
    secret: int = 42
    calls: list[Plain] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)


def entries(model: Model, limits: Limits) -> Plain:
    model.limits.append(limits)
    return ((1, 2),)


def call(model: Model, value: Plain, access: Access) -> Result:
    assert access.now == NOW
    model.calls.append(value)
    return Result.SUCCESS if value else Result.TEMPORARY_FAILURE


@pytest.fixture
def served() -> CosemServer[Model]:
    table: tuple[CosemObject[Model], ...] = (
        cosem("1/1-0:0.0.1.255", "Stored", stored(2, "value", "os(..4)", b"x")),
        cosem(
            "1/1-0:0.0.2.255",
            "Read only",
            Attribute(2, "value", shape("u8"), read=lambda model: model.secret),
        ),
        cosem("3/1-0:0.0.3.255", "Method", Method(1, "reset", shape("i8"), call)),
        cosem(
            "7/1-0:99.1.0.255",
            "Log",
            Attribute(2, "buffer", shape("compact<{u32,u32}>"), entries=entries),
        ),
        cosem("30/0-0:43.2.1.255", "Vault", protects=(SECRET,)),
    )
    return CosemServer(table, Model(), Settings())


def item(kind: Kind, place: str, data: Data = v.NULL, selection: Data | None = None) -> RequestItem:
    at = Place.parse(place)
    selector = 1 if selection is not None else None
    return RequestItem(kind, at.class_id, at.logical_name, at.member, data, selector, selection)


def run(served: CosemServer[Model], *items: RequestItem) -> list[tuple[int, Data]]:
    access = Access(NOW, device=0xA0, requester=0xB1, seal=lambda octets: b"sealed" + octets)
    response = served.execute(AccessRequest(7, items), access)
    assert response.invoke == 7
    return [(result.result, result.data) for result in response.results]


def test_what_is_set_is_read_back(served: CosemServer[Model]) -> None:
    results = run(
        served,
        item(Kind.GET, VALUE),
        item(Kind.SET, VALUE, v.octets(b"new")),
        item(Kind.GET, VALUE),
    )
    assert results == [(0, v.octets(b"x")), (0, v.NULL), (0, v.octets(b"new"))]


def test_after_the_first_failure_nothing_is_attempted(served: CosemServer[Model]) -> None:
    served.faults[Place.parse(SECRET)] = Result.HARDWARE_FAULT
    results = run(
        served,
        item(Kind.SET, VALUE, v.octets(b"done")),
        item(Kind.GET, SECRET),
        item(Kind.SET, VALUE, v.octets(b"late")),
        item(Kind.ACTION, METHOD, v.i8(1)),
    )
    assert [code for code, _ in results] == [0, 1, 250, 250]
    assert all(data == v.NULL for _, data in results)
    assert served.value(Place.parse(VALUE)) == v.octets(b"done")  # no rollback
    assert served.model.calls == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (item(Kind.GET, "1/9-9:9.9.9.9/2"), Result.OBJECT_UNDEFINED),
        (item(Kind.GET, "3/1-0:0.0.1.255/2"), Result.OBJECT_CLASS_INCONSISTENT),
        (item(Kind.GET, "1/1-0:0.0.1.255/9"), Result.OBJECT_UNDEFINED),
        (item(Kind.ACTION, "3/1-0:0.0.3.255/9", v.i8(1)), Result.OBJECT_UNDEFINED),
        (item(Kind.SET, SECRET, v.u8(1)), Result.READ_WRITE_DENIED),
        (item(Kind.SET, VALUE, v.u8(1)), Result.TYPE_UNMATCHED),
        (item(Kind.SET, VALUE, v.octets(b"12345")), Result.TYPE_UNMATCHED),
        (item(Kind.ACTION, METHOD, v.u8(1)), Result.TYPE_UNMATCHED),
        (item(Kind.ACTION, METHOD, v.i8(0)), Result.TEMPORARY_FAILURE),
        (item(Kind.ACTION, VAULT, v.i8(0)), Result.TYPE_UNMATCHED),
        (item(Kind.GET_WITH_SELECTION, LOG, selection=v.u8(1)), Result.TYPE_UNMATCHED),
        (
            item(Kind.GET_WITH_SELECTION, VALUE, selection=LogRange(1, 2).to_data()),
            Result.READ_WRITE_DENIED,
        ),
    ],
)
def test_an_item_that_cannot_be_done_says_why(
    served: CosemServer[Model], wrong: RequestItem, code: Result
) -> None:
    assert run(served, wrong) == [(code, v.NULL)]


def test_a_range_reaches_the_log_with_its_open_ends(served: CosemServer[Model]) -> None:
    start, end = 825_638_400, 825_724_800
    for limits in ((start, end), (0, end), (start, 0xFFFFFFFF)):
        run(served, item(Kind.GET_WITH_SELECTION, LOG, selection=LogRange(*limits).to_data()))
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert served.model.limits == [(first, last), (None, last), (first, None)]


def protected(place: str, limits: tuple[Stamp, Stamp] | None = None) -> RequestItem:
    at = Place.parse(place)
    wanted = ProtectedAttribute(at.class_id, at.logical_name, at.member, limits)
    parameters = ProtectionParameters(1000, originator=0xB1, recipient=0xA0)
    return item(Kind.ACTION, VAULT, ProtectedRequest((wanted,), parameters).to_data())


def test_protected_attributes_come_back_sealed_for_the_requester(
    served: CosemServer[Model],
) -> None:
    ((code, data),) = run(served, protected(SECRET))
    response = ProtectedResponse.from_data(data)
    assert code == 0
    assert response.parameters == ProtectionParameters(1000, originator=0xA0, recipient=0xB1)
    assert decode(response.sealed.removeprefix(b"sealed")) == v.structure(v.u8(42))


def test_a_protected_read_is_open_at_an_end_without_any_field_not_with_some(
    served: CosemServer[Model],
) -> None:
    this_year = Stamp(bytes.fromhex("07EAFFFFFFFFFFFFFF8000FF"))
    ((code, _),) = run(served, protected(SECRET, (NEVER, NEVER)))
    assert code == 0
    for vague in ((this_year, NEVER), (NEVER, this_year)):
        assert run(served, protected(SECRET, vague)) == [(Result.OTHER_REASON, v.NULL)]


def test_an_attribute_that_is_not_listed_is_not_given_away(served: CosemServer[Model]) -> None:
    assert run(served, protected(VALUE)) == [(Result.SCOPE_OF_ACCESS_VIOLATED, v.NULL)]


def test_a_bench_can_load_what_a_command_cannot_set(served: CosemServer[Model]) -> None:
    served.load(Place.parse(VALUE), v.octets(b"put"))
    assert served.value(Place.parse(VALUE)) == v.octets(b"put")
    with pytest.raises(LocalError, match="another type"):
        served.load(Place.parse(VALUE), v.u8(1))
    with pytest.raises(LocalError, match="there is no"):
        served.load(Place(1, Obis.parse("9-9:9.9.9.9"), 2), v.u8(1))


def test_settings_can_be_taken_back_until_they_are_kept() -> None:
    settings, place = Settings(), Place.parse(VALUE)
    settings.put(place, v.u8(1))
    assert settings.keep() == {place: v.u8(1)}
    settings.put(place, v.u8(2))
    settings.put(place, v.u8(3))
    assert settings.changes() == {place: v.u8(3)}
    settings.undo()
    assert settings.get(place, v.u8(0)) == v.u8(1)
    assert settings.changes() == {}

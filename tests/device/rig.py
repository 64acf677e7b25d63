"""A device on a bench of its own: keys made for the test, a store in memory, time moved by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from device.chassis import Chassis
from device.clock import DeviceClock
from device.credentials import Credentials
from device.events import Event, EventStream
from device.gbz_engine import GbzEngine
from device.pipeline import Pipeline
from device.settings import CommonSettings, PipelineSettings
from device.store import MemoryStore, Store
from gbcs.catalogue import Technology, by_name, gbz_components
from gbcs.envelope import Cra, Message
from gbcs.gbz import Component, Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType, Role
from gbcs.protection import protect
from gbcs.stamp import Reliability
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import ReadAttributes
from gbcs.zcl.status import Status
from gbcs.zcl.types import DataType, Value
from han.zcl.server import ZclServer
from han.zcl.tables import Attribute, AttributeDefinition, Cluster, ClusterDefinition, Failure

MIDNIGHT = datetime(2015, 1, 1, tzinfo=UTC)
BROKER, SUPPLIER, OPERATOR, LOAD_CONTROLLER = 0xAC0B, 0x5001, 0x0E01, 0x10AD
GPF, GSME = 0x00DB1234567890A3, 0x00DB1234567890A1
ROLES = {
    BROKER: Role.ACCESS_CONTROL_BROKER,
    SUPPLIER: Role.SUPPLIER,
    OPERATOR: Role.NETWORK_OPERATOR,
    LOAD_CONTROLLER: Role.LOAD_CONTROLLER,
}


def test_keys(*devices: int) -> KeyStore:
    """Everybody's keys, different from each other and always the same."""
    keys = KeyStore(access_control_broker=BROKER)
    for number, (entity, role) in enumerate([*ROLES.items(), *((d, None) for d in devices)]):
        for shift, usage in enumerate(Usage):
            private = ec.derive_private_key(1000 * number + shift + 1, ec.SECP256R1())
            keys.add_private(entity, usage, private, role=role)
    return keys


test_keys.__test__ = False  # type: ignore[attr-defined]  # pytest, this is no test


class TrueTime:
    def __init__(self, moment: datetime = MIDNIGHT) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def pass_(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def gas_values() -> dict[tuple[int, int], tuple[DataType, Value | Failure]]:
    """12.345 m3 and 5.00 in the meter, by (cluster, attribute)."""
    return {
        (0x0702, 0x0302): (DataType.UINT24, 1000),
        (0x0702, 0x0301): (DataType.UINT24, 1),
        (0x0702, 0x0300): (DataType.ENUM8, 1),
        (0x0702, 0x0000): (DataType.UINT48, 12345),
        (0x0702, 0x0A00): (DataType.UINT16, 826),
        (0x0705, 0x0001): (DataType.INT32, 500),
    }


Values = Mapping[tuple[int, int], "tuple[DataType, Value | Failure]"]


def server_of(values: Values) -> ZclServer:
    """A ZCL server whose attributes are looked up in a dictionary at every read."""

    def attribute(cluster_id: int, attribute_id: int) -> Attribute[Values]:
        kind = values[cluster_id, attribute_id][0]
        definition = AttributeDefinition(attribute_id, f"{attribute_id:04X}", kind)
        return Attribute(definition, lambda model: model[cluster_id, attribute_id][1])

    served = []
    for cluster_id in sorted({cluster for cluster, _ in values}):
        own = tuple(attribute(c, a) for c, a in values if c == cluster_id)
        library = ClusterDefinition(cluster_id, f"{cluster_id:04X}")
        cluster: Cluster[Values] = Cluster(library, attributes=own)
        served.append(cluster.on(values))
    return ZclServer(served)


@dataclass
class Rig:
    """A GPF (or another device) with its pipeline, and what it told the event stream."""

    eui64: int = GPF
    device_type: DeviceType = DeviceType.GPF
    store: Store = field(default_factory=MemoryStore)
    keys: KeyStore = field(default_factory=lambda: test_keys(GPF, GSME))
    true_time: TrueTime = field(default_factory=TrueTime)
    seen: list[Event] = field(default_factory=list)
    values: Values = field(default_factory=gas_values)
    roles: Mapping[int, Role] | None = None
    common: CommonSettings | None = None

    def __post_init__(self) -> None:
        self.events = EventStream()
        self.events.subscribe(self.seen.append)
        self.clock = DeviceClock(self.true_time, status=Reliability.RELIABLE)
        self.credentials = Credentials(
            self.eui64, self.device_type, self.keys, trusted=self.roles or ROLES
        )
        self.chassis = Chassis(
            self.credentials,
            true_time=self.true_time,
            clock=self.clock,
            store=self.store,
            events=self.events,
            common=self.common,
        )
        self.server = server_of(self.values)

    def pipeline(self, *names: str, **options: object) -> Pipeline:
        """A pipeline for these use cases on the GBZ engine."""
        arguments: dict[str, object] = {
            "use_cases": names or ("GCS13a", "GCS60", "GCS60a"),
            "engines": {Technology.GBZ: GbzEngine(self.server)},
            **options,
        }
        return Pipeline(self.chassis, **arguments)  # type: ignore[arg-type]  # options are passed through

    def strict(self, **options: object) -> PipelineSettings:
        return replace(PipelineSettings(), **options)  # type: ignore[arg-type]  # passed through

    def events_of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.seen if isinstance(event, kind)]


def read_payload(name: str) -> bytes:
    """The payload of a use case that only reads attributes."""
    specs = gbz_components(name, Cra.COMMAND)
    parts = (
        Component(
            spec.cluster_id,
            Frame(
                spec.frame_control,
                number,
                spec.command_id,
                ReadAttributes(spec.attributes).to_bytes(),
            ),
        )
        for number, spec in enumerate(specs)
    )
    return Gbz(tuple(parts)).to_bytes()


def command(
    rig: Rig,
    name: str = "GCS13a",
    *,
    counter: int = 1000,
    originator: int = SUPPLIER,
    payload: bytes | None = None,
    **fields: object,
) -> bytes:
    """A command as the access control broker hands it out."""
    message = Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=originator,
        recipient=rig.eui64,
        message_code=by_name(name).message_code,
        payload=read_payload(name) if payload is None else payload,
    )
    message = replace(message, **fields)  # type: ignore[arg-type]  # fields are passed through
    return protect(message, rig.keys).to_bytes()


HARDWARE_FAILURE = Failure(Status.HARDWARE_FAILURE)

"""What the firmware keeps: RAM, lost at every reset, and tokens, which survive it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from han.radio import RadioError, SimpleDescriptor
from hw.stack import Store

ERASED_EUI64: Final = b"\xff" * 8
CONFIG_KEY_TABLE_SIZE: Final = 0x1E
CONFIG_INDIRECT_TIMEOUT: Final = 0x12
CONFIG_END_DEVICE_TIMEOUT: Final = 0x13
CONFIG_APS_ACK_TIMEOUT: Final = 0x1F
CONFIG_ZDO_FLAGS: Final = 0x2A
CONFIG_TRANSIENT_KEY_TIMEOUT: Final = 0x36
CONFIG_ADDRESS_TABLE_SIZE: Final = 0x05
CONFIG_MAX_CHILDREN: Final = 0x11

FACTORY_CONFIGURATION: Final[Mapping[int, int]] = {
    0x01: 0,  # packet buffers: as many as fit
    0x02: 16,  # neighbour table
    0x03: 10,  # APS unicasts in flight
    0x04: 0,  # bindings are the host's
    CONFIG_ADDRESS_TABLE_SIZE: 8,
    0x06: 8,  # multicast table
    0x07: 16,  # route table
    0x08: 8,  # discovery table
    0x0C: 2,  # stack profile
    0x0D: 5,  # security level
    0x10: 30,  # hops
    CONFIG_MAX_CHILDREN: 32,
    CONFIG_INDIRECT_TIMEOUT: 7680,  # ms
    CONFIG_END_DEVICE_TIMEOUT: 8,
    0x17: 0,  # transmit power mode
    0x18: 0,  # disable relay
    0x19: 0,  # trust centre address cache
    0x1A: 0,  # source routes
    0x1C: 1,  # fragment window
    0x1D: 0,  # fragment delay, ms
    CONFIG_KEY_TABLE_SIZE: 12,
    CONFIG_APS_ACK_TIMEOUT: 1600,  # ms
    0x20: 3,  # beacon jitter
    0x22: 1,  # PAN id conflicts before a report
    0x24: 0,  # key request timeout
    CONFIG_ZDO_FLAGS: 0,
    0x2B: 15,  # broadcast table
    0x2C: 0,  # MAC filters
    0x2D: 1,  # networks
    0x2E: 0,  # multicasts to sleepy
    CONFIG_TRANSIENT_KEY_TIMEOUT: 300,  # s
    0x38: 300,  # rejoins with the well-known key, s
}

FACTORY_POLICIES: Final[Mapping[int, int]] = {
    0x00: 0x01,  # trust centre: allow joins
    0x01: 0x10,
    0x02: 0x20,
    0x03: 0x30,
    0x04: 0x40,
    0x05: 0x50,  # trust centre key requests denied
    0x06: 0x60,  # application key requests denied
    0x07: 0x62,
    0x08: 0x70,
}


@dataclass(slots=True)
class TransientKey:
    """A link key for one joiner (or any, see WILDCARD), until the loop's time says ``expires``."""

    key: bytes = field(repr=False)
    expires_s: float


@dataclass(slots=True)
class SecurityState:
    """setInitialSecurityState, for the next form or join."""

    bitmask: int
    preconfigured_key: bytes = field(repr=False)
    network_key: bytes = field(repr=False)
    key_sequence: int


@dataclass(slots=True)
class Ram:
    """State that a reset clears; the host writes it again."""

    configuration: dict[int, int] = field(default_factory=lambda: dict(FACTORY_CONFIGURATION))
    values: dict[int, bytes] = field(default_factory=dict)
    policies: dict[int, int] = field(default_factory=lambda: dict(FACTORY_POLICIES))
    endpoints: dict[int, SimpleDescriptor] = field(default_factory=dict)
    transient_keys: dict[int, TransientKey] = field(default_factory=dict)
    multicast: dict[int, tuple[int, int]] = field(default_factory=dict)
    extended_timeouts: set[int] = field(default_factory=set)
    security: SecurityState | None = None
    manufacturer_code: int = 0x1049
    power_dbm: int = 8
    version_agreed: bool = False


@dataclass(slots=True)
class TableKey:
    """One entry of the link key table."""

    eui64: int
    key: bytes = field(repr=False)


class Tokens:
    """Non-volatile state beside the stack's own.

    Manufacturing tokens, NV3 objects, the link key table.
    """

    PART: Final = "ncp"

    def __init__(self, store: Store) -> None:
        self._store = store
        self.manufacturing: dict[int, bytes] = {}
        self.nv3: dict[int, bytes] = {}
        self.key_table: dict[int, TableKey] = {}
        self.hashed_link_key: bytes | None = None
        octets = store.load(self.PART)
        if octets is not None:
            self._restore(octets)

    def save(self) -> None:
        """Write everything."""
        hashed = self.hashed_link_key
        record = {
            "manufacturing": {str(n): octets.hex() for n, octets in self.manufacturing.items()},
            "nv3": {str(n): octets.hex() for n, octets in self.nv3.items()},
            "key_table": {
                str(i): [f"{k.eui64:016X}", k.key.hex()] for i, k in self.key_table.items()
            },
            "hashed_link_key": None if hashed is None else hashed.hex(),
        }
        self._store.save(self.PART, json.dumps(record).encode())

    def _restore(self, octets: bytes) -> None:
        try:
            record = json.loads(octets)
            self.manufacturing = {
                int(n): bytes.fromhex(v) for n, v in record["manufacturing"].items()
            }
            self.nv3 = {int(n): bytes.fromhex(v) for n, v in record["nv3"].items()}
            self.key_table = {
                int(i): TableKey(int(eui64, 16), bytes.fromhex(key))
                for i, (eui64, key) in record["key_table"].items()
            }
            hashed = record["hashed_link_key"]
            self.hashed_link_key = None if hashed is None else bytes.fromhex(hashed)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise RadioError(f"stored dongle state cannot be read: {exc!r}") from exc

    def factory_reset(self) -> None:
        """Forget everything but what was burned in manufacture."""
        self.nv3.clear()
        self.key_table.clear()
        self.hashed_link_key = None
        self.save()

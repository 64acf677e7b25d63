"""ZDO messages on the wire; payloads start behind the sequence number.

Short addresses appear only because ZDO carries them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from han.radio import Role, SimpleDescriptor
from han.zcl.payload import U8, U16, CountedU8s, CountedU16s, Eui64, Rest, encode

RESPONSE: Final = 0x8000
UNICAST_BINDING: Final = 3
_NODE_BUFFER_OCTETS: Final = 82
_BAND_2400_MHZ: Final = 0x40
_FULL_FUNCTION, _MAINS, _RX_ON, _ADDRESS = 0x02, 0x04, 0x08, 0x80


class Command(IntEnum):
    """ZDO requests, by cluster identifier; the response is the same with bit 15 set."""

    NWK_ADDR = 0x0000
    IEEE_ADDR = 0x0001
    NODE_DESC = 0x0002
    POWER_DESC = 0x0003
    SIMPLE_DESC = 0x0004
    ACTIVE_EP = 0x0005
    MATCH_DESC = 0x0006
    DEVICE_ANNCE = 0x0013
    PARENT_ANNCE = 0x001F
    BIND = 0x0021
    UNBIND = 0x0022
    MGMT_LQI = 0x0031
    MGMT_BIND = 0x0033


class ZdoStatus(IntEnum):
    """Outcome of a ZDO request."""

    SUCCESS = 0x00
    INV_REQUESTTYPE = 0x80
    DEVICE_NOT_FOUND = 0x81
    INVALID_EP = 0x82
    NOT_ACTIVE = 0x83
    NOT_SUPPORTED = 0x84
    NO_ENTRY = 0x88
    TABLE_FULL = 0x8C


@dataclass(frozen=True, slots=True)
class NodeDescription:
    """What the node descriptor says of the node."""

    role: Role = Role.ROUTER
    manufacturer: int = 0x0000
    stack_revision: int = 21
    max_transfer_octets: int = 1500

    def to_bytes(self) -> bytes:
        """The node descriptor, 13 octets."""
        kind = {Role.COORDINATOR: 0, Role.ROUTER: 1}.get(self.role, 2)
        capability = _ADDRESS | (_FULL_FUNCTION | _MAINS if kind < 2 else 0)
        capability |= 0 if self.role is Role.SLEEPY_END_DEVICE else _RX_ON
        trust_centre = int(self.role is Role.COORDINATOR)
        descriptor = NodeDescriptor(
            kind=kind,
            flags=_BAND_2400_MHZ,
            capability=capability,
            manufacturer=self.manufacturer,
            max_buffer_octets=_NODE_BUFFER_OCTETS,
            max_incoming_octets=self.max_transfer_octets,
            server_mask=trust_centre | self.stack_revision << 9,
            max_outgoing_octets=self.max_transfer_octets,
            capabilities=0,
        )
        return encode(descriptor)


@dataclass(frozen=True, slots=True)
class NodeDescriptor:
    """The node descriptor as it lies on the wire."""

    kind: U8
    flags: U8
    capability: U8
    manufacturer: U16
    max_buffer_octets: U8
    max_incoming_octets: U16
    server_mask: U16
    max_outgoing_octets: U16
    capabilities: U8


@dataclass(frozen=True, slots=True)
class MatchDescriptors:
    """Match_Desc_req: asks who has these clusters."""

    nwk: U16
    profile_id: U16
    inputs: CountedU16s
    outputs: CountedU16s = ()


@dataclass(frozen=True, slots=True)
class EndpointList:
    """Match_Desc_rsp and Active_EP_rsp; without the list, the head of any response by address."""

    status: U8
    nwk: U16
    endpoints: CountedU8s | None = ()


@dataclass(frozen=True, slots=True)
class BindRequest:
    """Bind_req and Unbind_req; the target is an EUI-64 and an endpoint when mode is 3."""

    source: Eui64
    source_endpoint: U8
    cluster_id: U16
    mode: U8
    target: Rest


@dataclass(frozen=True, slots=True)
class DeviceAnnouncement:
    """Device_annce: a device has (a new) short address."""

    nwk: U16
    eui64: Eui64
    capability: U8


@dataclass(frozen=True, slots=True)
class AddressQuery:
    """IEEE_addr_req; NWK_addr_req has an EUI-64 in the place of the short address."""

    nwk: U16
    kind: U8 = 0
    start: U8 = 0


@dataclass(frozen=True, slots=True)
class SimpleQuery:
    """Simple_Desc_req."""

    nwk: U16
    endpoint: U8


@dataclass(frozen=True, slots=True)
class EuiQuery:
    """NWK_addr_req: asks for the short address of a device."""

    eui64: Eui64
    kind: U8 = 0
    start: U8 = 0


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """NWK_addr_rsp and IEEE_addr_rsp."""

    status: U8
    eui64: Eui64
    nwk: U16


@dataclass(frozen=True, slots=True)
class _SimpleDescriptorBody:
    endpoint: U8
    profile_id: U16
    device_id: U16
    device_version: U8
    inputs: CountedU16s
    outputs: CountedU16s


def simple_descriptor_octets(descriptor: SimpleDescriptor) -> bytes:
    """A simple descriptor on the wire, behind its length octet."""
    return encode(
        _SimpleDescriptorBody(
            descriptor.endpoint,
            descriptor.profile_id,
            descriptor.device_id,
            descriptor.device_version & 0x0F,
            descriptor.input_clusters,
            descriptor.output_clusters,
        )
    )

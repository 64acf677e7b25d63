"""What a node answers to the ZDO requests of its peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gbcs.errors import MalformedMessage
from han.radio import Role, SimpleDescriptor
from han.zcl.payload import decode, encode
from han.zdo.messages import (
    RESPONSE,
    UNICAST_BINDING,
    AddressAnswer,
    AddressQuery,
    BindRequest,
    Command,
    EndpointList,
    EuiQuery,
    MatchDescriptors,
    NodeDescription,
    SimpleQuery,
    ZdoStatus,
    simple_descriptor_octets,
)

_LOWEST_BROADCAST: Final = 0xFFF8
_NO_NWK: Final = 0xFFFF


class Addresses(Protocol):
    """Short addresses by EUI-64; a HanRadio is one."""

    @property
    def nwk(self) -> int:
        """The node's own short address."""
        ...

    def nwk_of(self, eui64: int) -> int | None:
        """The short address of a known node."""
        ...


@dataclass(frozen=True, slots=True)
class FixedAddresses:
    """Short addresses known beforehand, for nodes without a radio (tests, decoding)."""

    nwk: int = 0x0000
    others: dict[int, int] = field(default_factory=dict)

    def nwk_of(self, eui64: int) -> int | None:
        """The short address of a known node."""
        return self.others.get(eui64)


@dataclass(frozen=True, slots=True)
class Binding:
    """What one cluster of ours reports goes to this peer's endpoint."""

    endpoint: int
    cluster_id: int
    peer: int
    peer_endpoint: int


@dataclass(slots=True)
class ZdoServer:
    """The node's own ZDO; ``endpoints`` gives the discoverable ones at the moment of asking."""

    eui64: int
    addresses: Addresses
    endpoints: Callable[[], Sequence[SimpleDescriptor]]
    description: NodeDescription = field(default_factory=NodeDescription)
    bindings: list[Binding] = field(default_factory=list)
    binding_capacity: int = 32

    def answer(self, command: int, payload: bytes, *, broadcast: bool) -> bytes | None:
        """The response's payload; None where the specification asks for silence.

        A malformed unicast gets INV_REQUESTTYPE, an unknown one NOT_SUPPORTED.
        """
        if command & RESPONSE or command in _ANNOUNCEMENTS:
            return None
        handler = _HANDLERS.get(command)
        try:
            if handler is not None:
                return handler(self, payload, broadcast)
            status = ZdoStatus.NOT_SUPPORTED
        except MalformedMessage:
            status = ZdoStatus.INV_REQUESTTYPE
        return None if broadcast else bytes((status,))

    @property
    def not_ours(self) -> ZdoStatus:
        """The status for a question about another node: an end device speaks for itself only."""
        end_device = self.description.role in (Role.END_DEVICE, Role.SLEEPY_END_DEVICE)
        return ZdoStatus.INV_REQUESTTYPE if end_device else ZdoStatus.DEVICE_NOT_FOUND

    def means_us(self, nwk: int) -> bool:
        """Whether a short address of interest is ours, or everybody's."""
        return nwk == self.addresses.nwk or nwk >= _LOWEST_BROADCAST


def _nwk_address(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    asked = decode(EuiQuery, payload)
    if asked.eui64 == server.eui64:
        return encode(AddressAnswer(ZdoStatus.SUCCESS, server.eui64, server.addresses.nwk))
    if broadcast:
        return None
    known = server.addresses.nwk_of(asked.eui64)
    if known is None:
        return encode(AddressAnswer(server.not_ours, asked.eui64, _NO_NWK))
    return encode(AddressAnswer(ZdoStatus.SUCCESS, asked.eui64, known))


def _ieee_address(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    asked = decode(AddressQuery, payload)
    if asked.nwk == server.addresses.nwk:
        return encode(AddressAnswer(ZdoStatus.SUCCESS, server.eui64, asked.nwk))
    return None if broadcast else encode(AddressAnswer(server.not_ours, 0, asked.nwk))


def _node_descriptor(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    del broadcast
    nwk = decode(AddressQuery, payload).nwk
    if not server.means_us(nwk):
        return encode(EndpointList(server.not_ours, nwk, None))
    return _own(server) + server.description.to_bytes()


def _power_descriptor(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    del broadcast
    nwk = decode(AddressQuery, payload).nwk
    if not server.means_us(nwk):
        return encode(EndpointList(server.not_ours, nwk, None))
    sleepy = server.description.role is Role.SLEEPY_END_DEVICE
    # mode, available sources, present source, level: battery and full, or mains and full
    return _own(server) + bytes.fromhex("41c4" if sleepy else "10c1")


def _simple_descriptor(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    del broadcast
    asked = decode(SimpleQuery, payload)
    status = ZdoStatus.SUCCESS
    found = [d for d in server.endpoints() if d.endpoint == asked.endpoint]
    if not server.means_us(asked.nwk):
        status = server.not_ours
    elif not 1 <= asked.endpoint <= 240:
        status = ZdoStatus.INVALID_EP
    elif not found:
        status = ZdoStatus.NOT_ACTIVE
    octets = simple_descriptor_octets(found[0]) if status is ZdoStatus.SUCCESS else b""
    head = encode(EndpointList(status, asked.nwk, None))
    return head + bytes((len(octets),)) + octets


def _active_endpoints(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    nwk = decode(AddressQuery, payload).nwk
    if not server.means_us(nwk):
        return None if broadcast else encode(EndpointList(server.not_ours, nwk))
    numbers = tuple(d.endpoint for d in server.endpoints())
    return encode(EndpointList(ZdoStatus.SUCCESS, server.addresses.nwk, numbers))


def _match_descriptors(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    """Match_Desc: a broadcast is answered only by a node that matches."""
    asked = decode(MatchDescriptors, payload)
    if not server.means_us(asked.nwk):
        return None if broadcast else encode(EndpointList(server.not_ours, asked.nwk))
    found = tuple(d.endpoint for d in server.endpoints() if _matches(d, asked))
    if broadcast and not found:
        return None
    return encode(EndpointList(ZdoStatus.SUCCESS, server.addresses.nwk, found))


def _matches(descriptor: SimpleDescriptor, asked: MatchDescriptors) -> bool:
    if descriptor.profile_id != asked.profile_id:
        return False
    inputs = set(descriptor.input_clusters).intersection(asked.inputs)
    return bool(inputs or set(descriptor.output_clusters).intersection(asked.outputs))


def _bind(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    del broadcast
    binding = _binding(server, payload)
    if isinstance(binding, ZdoStatus):
        return bytes((binding,))
    if binding not in server.bindings:
        if len(server.bindings) >= server.binding_capacity:
            return bytes((ZdoStatus.TABLE_FULL,))
        server.bindings.append(binding)
    return bytes((ZdoStatus.SUCCESS,))


def _unbind(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    del broadcast
    binding = _binding(server, payload)
    if isinstance(binding, ZdoStatus):
        return bytes((binding,))
    if binding not in server.bindings:
        return bytes((ZdoStatus.NO_ENTRY,))
    server.bindings.remove(binding)
    return bytes((ZdoStatus.SUCCESS,))


def _binding(server: ZdoServer, payload: bytes) -> Binding | ZdoStatus:
    """The unicast binding a request names, or why there cannot be one."""
    asked = decode(BindRequest, payload)
    if asked.source != server.eui64 or asked.mode != UNICAST_BINDING:
        return ZdoStatus.NOT_SUPPORTED
    if len(asked.target) < 9:
        raise MalformedMessage("a binding's target is an EUI-64 and an endpoint")
    if asked.source_endpoint not in {d.endpoint for d in server.endpoints()}:
        return ZdoStatus.INVALID_EP
    peer = int.from_bytes(asked.target[:8], "little")
    return Binding(asked.source_endpoint, asked.cluster_id, peer, asked.target[8])


def _empty_table(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    """Mgmt_Lqi: no neighbours are listed (the radio port does not tell them)."""
    del server, broadcast
    start = payload[0] if payload else 0
    return bytes((ZdoStatus.SUCCESS, 0, start, 0))


def _binding_table(server: ZdoServer, payload: bytes, broadcast: bool) -> bytes | None:
    """Mgmt_Bind: three entries at most fit one frame; the asker continues from ``start``."""
    del broadcast
    start = payload[0] if payload else 0
    entries = [
        encode(
            BindRequest(
                server.eui64,
                b.endpoint,
                b.cluster_id,
                UNICAST_BINDING,
                b.peer.to_bytes(8, "little") + bytes((b.peer_endpoint,)),
            )
        )
        for b in server.bindings[start : start + 3]
    ]
    head = bytes((ZdoStatus.SUCCESS, len(server.bindings), start, len(entries)))
    return head + b"".join(entries)


def _own(server: ZdoServer) -> bytes:
    return encode(EndpointList(ZdoStatus.SUCCESS, server.addresses.nwk, None))


_ANNOUNCEMENTS: Final = frozenset({Command.DEVICE_ANNCE, Command.PARENT_ANNCE})
_HANDLERS: Final[dict[int, Callable[[ZdoServer, bytes, bool], bytes | None]]] = {
    Command.NWK_ADDR: _nwk_address,
    Command.IEEE_ADDR: _ieee_address,
    Command.NODE_DESC: _node_descriptor,
    Command.POWER_DESC: _power_descriptor,
    Command.SIMPLE_DESC: _simple_descriptor,
    Command.ACTIVE_EP: _active_endpoints,
    Command.MATCH_DESC: _match_descriptors,
    Command.BIND: _bind,
    Command.UNBIND: _unbind,
    Command.MGMT_LQI: _empty_table,
    Command.MGMT_BIND: _binding_table,
}

"""EZSP commands on configuration, policies, tokens and endpoints, and those that do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Final

from han.radio import SimpleDescriptor
from hw.ezsp_layout import Fields
from hw.ezsp_status import Status
from hw.limits import NCP_PAYLOAD_OCTETS
from hw.stack.state import COUNTER_STEP
from hw.vncp import memory
from hw.vncp.ezsp import Command
from hw.zigbee.security import MAX_FRAME_COUNTER

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

OK: Final[Fields] = {"status": Status.OK}
VALUE_FREE_BUFFERS: Final = 0x03
VALUE_MAX_INCOMING: Final = 0x05
VALUE_MAX_OUTGOING: Final = 0x06
VALUE_NODE_SHORT_ID: Final = 0x0B
VALUE_VERSION_INFO: Final = 0x11
VALUE_NWK_FRAME_COUNTER: Final = 0x23
VALUE_APS_FRAME_COUNTER: Final = 0x24
_PLAIN_VALUES: Final[Mapping[int, bytes]] = {
    VALUE_MAX_INCOMING: (1500).to_bytes(2, "little"),
    VALUE_MAX_OUTGOING: (1500).to_bytes(2, "little"),
    0x15: b"\xb5",  # CCA threshold, dBm
    0x3A: b"\x00",  # transmit after failed CCA
    0x3B: (300).to_bytes(2, "little"),  # transient key timeout, s
    0x3E: b"\x00\x00",  # end device timeout options
    0x3F: b"\x03",  # keep-alive support
    0x45: b"\x00",
}
COUNTERS: Final = 41
HAND_OVER_S: Final = 0.05
BOOTLOADER_VERSION: Final = 0x2041

TOKEN_RESTORED_EUI64: Final = 0xE12A
TOKEN_NODE_DATA: Final = 0x1EE64
TOKEN_NETWORK_MANAGEMENT: Final = 0x1E125
TOKEN_CHILD_TABLE: Final = 0x10580
_NODE_DATA: Final = Struct("<HbBBBHQ")
_NETWORK_MANAGEMENT: Final = Struct("<IHBB")
_CHILD: Final = Struct("<QHB")
_CHILD_IN_USE: Final = 0x80
_ALL_CHANNELS: Final = 0x07FFF800


_PARENT: Final[Mapping[int, str]] = {
    memory.CONFIG_MAX_CHILDREN: "children",
    memory.CONFIG_END_DEVICE_TIMEOUT: "end_device_timeout",
}
"""Configuration values that are settings of a parent (hw.settings)."""


def get_configuration(ncp: VirtualNcp, command: Command) -> Fields:
    """One configuration value."""
    value = ncp.ram.configuration.get(command.number("configId"))
    if value is None:
        return {"status": Status.INVALID_ID, "value": 0}
    return {"status": Status.OK, "value": value}


def set_configuration(ncp: VirtualNcp, command: Command) -> Fields:
    """Write one configuration value; tables cannot outgrow the firmware."""
    config_id, value = command.number("configId"), command.number("value")
    if config_id not in ncp.ram.configuration:
        return {"status": Status.INVALID_ID}
    if config_id == memory.CONFIG_KEY_TABLE_SIZE and value > ncp.key_table_limit:
        return {"status": Status.NO_BUFFERS}
    parent = _PARENT.get(config_id)
    if parent is not None:
        try:
            settings = replace(ncp.stack.children.settings, **{parent: value})
        except ValueError:
            return {"status": Status.INVALID_PARAMETER}
        ncp.stack.children.settings = settings
    ncp.ram.configuration[config_id] = value
    if config_id == memory.CONFIG_INDIRECT_TIMEOUT:
        ncp.stack.network.patience_s = value / 1000
    elif config_id == memory.CONFIG_APS_ACK_TIMEOUT:
        ncp.stack.aps.ack_wait_s = value / 1000
    return OK


def get_value(ncp: VirtualNcp, command: Command) -> Fields:
    """One value, live where it is live."""
    value_id = command.number("valueId")
    live = _LIVE_VALUES.get(value_id)
    octets = (
        live(ncp) if live is not None else ncp.ram.values.get(value_id, _PLAIN_VALUES.get(value_id))
    )
    if octets is None:
        return {"status": Status.INVALID_ID, "value": b""}
    return {"status": Status.OK, "value": octets}


def set_value(ncp: VirtualNcp, command: Command) -> Fields:
    """Write one value; frame counters only while off the network, and only upwards."""
    value_id, octets = command.number("valueId"), command.octets("value")
    counter = {
        VALUE_NWK_FRAME_COUNTER: ncp.stack.state.nwk_counter,
        VALUE_APS_FRAME_COUNTER: ncp.stack.state.aps_counter,
    }.get(value_id)
    if counter is not None:
        value = int.from_bytes(octets, "little")
        if ncp.stack.on_network or len(octets) != 4 or value > MAX_FRAME_COUNTER - COUNTER_STEP:
            return {"status": Status.INVALID_CALL}
        counter.resume(max(value, counter.value))
        ncp.stack.state.save()
        return OK
    if value_id not in _PLAIN_VALUES:
        return {"status": Status.INVALID_ID}
    ncp.ram.values[value_id] = octets
    return OK


def _version_info(ncp: VirtualNcp) -> bytes:
    major, minor, patch = ncp.firmware
    build, special, general_availability = 0, 0, 0xAA
    return build.to_bytes(2, "little") + bytes((major, minor, patch, special, general_availability))


_LIVE_VALUES: Final[Mapping[int, Callable[[VirtualNcp], bytes]]] = {
    VALUE_FREE_BUFFERS: lambda _: b"\xff",
    VALUE_VERSION_INFO: _version_info,
    VALUE_NODE_SHORT_ID: lambda ncp: ncp.stack.mac.nwk.to_bytes(2, "little"),
    VALUE_NWK_FRAME_COUNTER: lambda ncp: ncp.stack.state.nwk_counter.value.to_bytes(4, "little"),
    VALUE_APS_FRAME_COUNTER: lambda ncp: ncp.stack.state.aps_counter.value.to_bytes(4, "little"),
}


def get_policy(ncp: VirtualNcp, command: Command) -> Fields:
    """One policy."""
    decision = ncp.ram.policies.get(command.number("policyId"))
    if decision is None:
        return {"status": Status.INVALID_ID, "decisionId": 0}
    return {"status": Status.OK, "decisionId": decision}


def set_policy(ncp: VirtualNcp, command: Command) -> Fields:
    """Write one policy; only the trust centre's has effect here."""
    policy_id = command.number("policyId")
    if policy_id not in ncp.ram.policies:
        return {"status": Status.INVALID_ID}
    ncp.ram.policies[policy_id] = command.number("decisionId")
    return OK


def add_endpoint(ncp: VirtualNcp, command: Command) -> Fields:
    """Register an endpoint; not once the network is up."""
    endpoint = command.number("endpoint")
    if ncp.stack.on_network or endpoint in ncp.ram.endpoints:
        return {"status": Status.INVALID_CALL}
    inputs = command.numbers("inputClusterList")
    outputs = command.numbers("outputClusterList")
    split = command.number("inputClusterCount")
    clusters = (inputs + outputs)[: split + command.number("outputClusterCount")]
    ncp.ram.endpoints[endpoint] = SimpleDescriptor(
        endpoint,
        command.number("profileId"),
        command.number("deviceId"),
        tuple(clusters[:split]),
        tuple(clusters[split:]),
        command.number("deviceVersion"),
    )
    return OK


_MANUFACTURING: Final[Mapping[int, tuple[int, bytes]]] = {  # size, factory content
    0x00: (2, b""),
    0x01: (16, b"chub"),
    0x02: (16, b"virtual dongle"),
    0x03: (2, b""),
    0x04: (2, b""),
    0x07: (8, b""),
    0x0C: (8, b""),
    0x0D: (2, b""),
}


def get_manufacturing_token(ncp: VirtualNcp, command: Command) -> Fields:
    """A manufacturing token; erased flash reads as 0xFF."""
    token = command.number("tokenId")
    size, factory = _MANUFACTURING.get(token, (0, b""))
    return {"tokenData": ncp.tokens.manufacturing.get(token, factory.ljust(size, b"\xff"))}


def set_manufacturing_token(ncp: VirtualNcp, command: Command) -> Fields:
    """Burn a manufacturing token; it can be written once."""
    token, octets = command.number("tokenId"), command.octets("tokenData")
    if len(octets) != _MANUFACTURING.get(token, (-1, b""))[0]:
        return {"status": Status.INVALID_PARAMETER}
    if token in ncp.tokens.manufacturing:
        return {"status": Status.INVALID_CALL}
    ncp.tokens.manufacturing[token] = octets
    ncp.tokens.save()
    return OK


def get_token(ncp: VirtualNcp, command: Command) -> Fields:
    """An NV3 object: the rewritable address, node data, network management, the child table."""
    octets = _nv3(ncp, command.number("token"), command.number("index"))
    if octets is None:
        return {"status": Status.NOT_FOUND}
    return {"status": Status.OK, "value": octets}


def _nv3(ncp: VirtualNcp, token: int, index: int) -> bytes | None:
    membership = ncp.stack.state.membership
    if token == TOKEN_RESTORED_EUI64:
        return ncp.tokens.nv3.get(token, memory.ERASED_EUI64)
    if token == TOKEN_CHILD_TABLE:
        children = ncp.stack.children.end_devices()
        if index >= len(children):
            return None
        eui64, child = children[index]
        return _CHILD.pack(eui64, child.nwk, _CHILD_IN_USE)
    if membership is None:
        return None
    if token == TOKEN_NODE_DATA:
        return _NODE_DATA.pack(
            membership.pan_id, ncp.ram.power_dbm, membership.channel, 2,
            ncp.node_type, membership.nwk, membership.extended_pan_id,
        )  # fmt: skip
    if token == TOKEN_NETWORK_MANAGEMENT:
        return _NETWORK_MANAGEMENT.pack(_ALL_CHANNELS, 0, membership.update_id, 0)
    return None


def set_token(ncp: VirtualNcp, command: Command) -> Fields:
    """Write an NV3 object that can be written."""
    token, octets = command.number("token"), command.octets("token_data")
    if token == TOKEN_RESTORED_EUI64 and len(octets) == 8:
        ncp.tokens.nv3[token] = octets
        ncp.tokens.save()
        return OK
    if token == TOKEN_NETWORK_MANAGEMENT and len(octets) == _NETWORK_MANAGEMENT.size:
        ncp.stack.set_update_id(_NETWORK_MANAGEMENT.unpack(octets)[2])
        return OK
    if token == TOKEN_NODE_DATA and len(octets) == _NODE_DATA.size:
        ncp.ram.power_dbm = _NODE_DATA.unpack(octets)[1]
        return OK
    return {"status": Status.INVALID_PARAMETER}


def factory_reset(ncp: VirtualNcp, command: Command) -> Fields:
    """tokenFactoryReset: everything but the frame counters and what was burned."""
    ncp.tokens.factory_reset()
    ncp.stack.forget()
    return {}


def set_radio_power(ncp: VirtualNcp, command: Command) -> Fields:
    """Noted; the ether has no power model."""
    ncp.ram.power_dbm = command.number("power")
    return OK


def set_manufacturer_code(ncp: VirtualNcp, command: Command) -> Fields:
    """Goes into the node descriptor."""
    ncp.ram.manufacturer_code = command.number("code")
    return OK


def get_multicast(ncp: VirtualNcp, command: Command) -> Fields:
    """An entry of the multicast table."""
    index = command.number("index")
    group, endpoint = ncp.ram.multicast.get(index, (0, 0))
    status = Status.OK if index < ncp.ram.configuration[0x06] else Status.INDEX_OUT_OF_RANGE
    return {
        "status": status,
        "value": {"multicastId": group, "endpoint": endpoint, "networkIndex": 0},
    }


def set_multicast(ncp: VirtualNcp, command: Command) -> Fields:
    """Kept for the host that asks back; a Smart Energy network has no groups."""
    index, entry = command.number("index"), command.structure("value")
    if index >= ncp.ram.configuration[0x06]:
        return {"status": Status.INDEX_OUT_OF_RANGE}
    group, endpoint = entry["multicastId"], entry["endpoint"]
    if isinstance(group, int) and isinstance(endpoint, int):
        ncp.ram.multicast[index] = (group, endpoint)
    return OK


def launch_bootloader(ncp: VirtualNcp, command: Command) -> Fields:
    """Hand over to the bootloader, if there is one, once the answer has left."""
    if ncp.launch_bootloader is None:
        return {"status": Status.LIBRARY_NOT_PRESENT}
    asyncio.get_running_loop().call_later(HAND_OVER_S, ncp.launch_bootloader)
    return OK


def bootloader_version(ncp: VirtualNcp, command: Command) -> Fields:
    """Version of the bootloader; all ones when there is none."""
    version = 0xFFFF if ncp.launch_bootloader is None else BOOTLOADER_VERSION
    return {"bootloader_version": version, "nodePlat": 4, "nodeMicro": 24, "nodePhy": 3}


INERT: Final[Mapping[str, Fields]] = {
    "setConcentrator": OK,  # one hop: there are no routes to collect
    "setSourceRouteDiscoveryMode": {"remainingTime": 0},
    "gpSinkTableClearAll": {},  # no Green Power tables to clear
    "gpClearProxyTable": {},
    "nop": {},
    "clearBindingTable": OK,  # bindings are the host's
    "setPowerDescriptor": OK,
    "readCounters": {"values": [0] * COUNTERS},  # nothing is counted
    "readAndClearCounters": {"values": [0] * COUNTERS},
    "writeNodeData": OK,  # written already
    "maximumPayloadLength": {"apsLength": NCP_PAYLOAD_OCTETS},
    "sendMulticast": {"status": Status.LIBRARY_NOT_PRESENT, "sequence": 0},
    "customFrame": {"status": Status.LIBRARY_NOT_PRESENT, "reply": b""},  # no XNCP extension
}  # fmt: skip
"""Commands with one fixed answer, and why that answer is true."""


def _inert(answer: Fields) -> Callable[[VirtualNcp, Command], Fields]:
    return lambda _ncp, _command: answer


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "getConfigurationValue": get_configuration,
    "setConfigurationValue": set_configuration,
    "getValue": get_value,
    "setValue": set_value,
    "getPolicy": get_policy,
    "setPolicy": set_policy,
    "addEndpoint": add_endpoint,
    "getMfgToken": get_manufacturing_token,
    "setMfgToken": set_manufacturing_token,
    "getTokenData": get_token,
    "setTokenData": set_token,
    "tokenFactoryReset": factory_reset,
    "setRadioPower": set_radio_power,
    "setManufacturerCode": set_manufacturer_code,
    "getMulticastTableEntry": get_multicast,
    "setMulticastTableEntry": set_multicast,
    "launchStandaloneBootloader": launch_bootloader,
    "getStandaloneBootloaderVersionPlatMicroPhy": bootloader_version,
    "echo": lambda _, command: {"echo": command.octets("data")},
    **{name: _inert(answer) for name, answer in INERT.items()},
}

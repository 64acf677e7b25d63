"""One EZSP dongle through unmodified bellows.

The commands a Smart Energy node needs, typed, and its callbacks.

No zigpy application stands between: every default of it that does not belong in a Smart Energy
network (other profiles' endpoints, Green Power, wildcard keys, ZDO broadcasts, interviews, erased
link keys) is never set in motion. bellows' own reassembly is bypassed, because it misreads
fragments from EZSP 14 on: parts go up as they come.
"""

# ruff: noqa: SLF001 - names of bellows and zigpy that tests/hw/test_bellows_names.py watches

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import bellows.types as t
from bellows.ezsp import EZSP

from han.radio import Beacon, RadioError, Role, SimpleDescriptor
from hw.bellows_ezsp import (
    ALL_CHANNELS,
    SmartEnergyEzsp,
    beacon,
    disconnect,
    is_ok,
    layouts,
    network_parameters,
    number,
    radio_errors,
    require,
)
from hw.bellows_ezsp import eui64 as to_eui64
from hw.bellows_log import hide_secrets
from hw.ezsp_callbacks import ApsHeader, Callbacks, PortListener, ember_frame
from hw.ezsp_keys import EzspKeys
from hw.limits import NCP_PAYLOAD_OCTETS
from hw.settings import ParentSettings

TRUST_CENTRE_POLICY: Final = 0x00
TC_KEY_REQUEST_POLICY: Final = 0x05
APP_KEY_REQUEST_POLICY: Final = 0x06
ADMIT_BY_OWN_KEY: Final = 0x01 | 0x02 | 0x10
"""Joins and unsecured rejoins of devices with a link key of their own."""
DENY_TC_KEY_REQUESTS: Final = 0x50
DENY_APP_KEY_REQUESTS: Final = 0x60
POLL_HANDLER_POLICY: Final = 0x03
TELL_OF_POLLS: Final = 0x31
ALLOW_APP_KEY_REQUESTS: Final = 0x61
HOST_ANSWERS_ZDO: Final = 0x02 | 0x04 | 0x08  # unsupported requests, endpoints, bindings
HOST_HEARS_ZDO: Final = 0x01  # also what the firmware handles: Device_annce is among it
MAX_TRANSFER_OCTETS: Final = 1500
VALUE_MAX_INCOMING: Final = 0x05
VALUE_MAX_OUTGOING: Final = 0x06
HAVE_PRECONFIGURED_KEY: Final = 0x0100
HAVE_NETWORK_KEY: Final = 0x0200
REQUIRE_ENCRYPTED_KEY: Final = 0x0800
NO_FRAME_COUNTER_RESET: Final = 0x1000
NETWORK_UP_TIMEOUT_S: Final = 10.0
ACTIVE_SCAN: Final = 1
SCAN_DURATION: Final = 2  # 76.8 ms per channel
UNKNOWN_NODE: Final = 0xFFFF

OPTION_ENCRYPTION: Final = 0x0020
OPTION_RETRY: Final = 0x0040
OPTION_ROUTE_DISCOVERY: Final = 0x0100
OPTION_FRAGMENT: Final = 0x8000

NODE_TYPES: Final = {
    Role.COORDINATOR: 1,
    Role.ROUTER: 2,
    Role.END_DEVICE: 3,
    Role.SLEEPY_END_DEVICE: 4,
}

CONFIGURATION: Final = {
    "CONFIG_KEY_TABLE_SIZE": 16,
    "CONFIG_APPLICATION_ZDO_FLAGS": HOST_HEARS_ZDO | HOST_ANSWERS_ZDO,
    "CONFIG_FRAGMENT_WINDOW_SIZE": 1,
}


POLL_UNITS: Final = ((1, 0.001), (2, 0.25), (3, 60.0))
"""EmberEventUnits with their seconds: milliseconds, quarter seconds, minutes."""
LONGEST_POLL: Final = 0xFFFF


def poll_interval(interval_s: float) -> tuple[int, int]:
    """An interval as EZSP takes it: a number, at most 16 bits, of the finest units that hold it.

    One above 0 never becomes 0, which would mean not to poll.
    """
    for units, unit_s in POLL_UNITS:
        number = max(round(interval_s / unit_s), int(interval_s > 0))
        if number <= LONGEST_POLL:
            return number, units
    return LONGEST_POLL, POLL_UNITS[-1][0]


class EzspPort:
    """The dongle at one path, from :meth:`open` to :meth:`close`."""

    def __init__(
        self,
        path: str,
        listener: PortListener,
        *,
        baudrate: int,
        flow_control: str | None,
        parent: ParentSettings,
    ) -> None:
        self.path = path
        self._parent = parent
        self.eui64 = 0
        self.payload_octets = NCP_PAYLOAD_OCTETS
        self._listener = listener
        self._settings = {"path": path, "baudrate": baudrate, "flow_control": flow_control}
        self._ezsp: EZSP | None = None
        self.keys = EzspKeys(self._using)

    # -- life -----------------------------------------------------------------------------------

    async def open(self, endpoints: tuple[SimpleDescriptor, ...]) -> None:
        """Open, reset, configure; RadioError names path and reason."""
        hide_secrets()
        ezsp = SmartEnergyEzsp(self._settings, self)
        try:
            with radio_errors(f"cannot open {self.path}"):
                await ezsp.connect(use_thread=False)
                self._ezsp = ezsp
                await self._configure(ezsp, endpoints)
        except BaseException:
            self._ezsp = None
            await disconnect(ezsp)
            raise
        ezsp.add_callback(Callbacks(ezsp, self._listener))

    async def _configure(self, ezsp: EZSP, endpoints: tuple[SimpleDescriptor, ...]) -> None:
        children = {
            "CONFIG_MAX_END_DEVICE_CHILDREN": self._parent.children,
            "CONFIG_END_DEVICE_POLL_TIMEOUT": self._parent.end_device_timeout,
        }
        await ezsp.write_config(CONFIGURATION | children)
        for value_id in (VALUE_MAX_INCOMING, VALUE_MAX_OUTGOING):
            octets = MAX_TRANSFER_OCTETS.to_bytes(2, "little")
            await ezsp.setValue(t.EzspValueId(value_id), octets)
        for endpoint in endpoints:
            await self._add_endpoint(ezsp, endpoint)
        for policy, decision in (
            (TRUST_CENTRE_POLICY, ADMIT_BY_OWN_KEY),
            (TC_KEY_REQUEST_POLICY, DENY_TC_KEY_REQUESTS),
            (APP_KEY_REQUEST_POLICY, DENY_APP_KEY_REQUESTS),
            (POLL_HANDLER_POLICY, TELL_OF_POLLS),
        ):
            (status,) = await ezsp.setPolicy(t.EzspPolicyId(policy), t.EzspDecisionId(decision))
            require(status, f"policy {policy:#x}")
        (eui64,) = await ezsp.getEui64()
        self.eui64 = number(eui64)
        (octets,) = await ezsp.maximumPayloadLength()
        self.payload_octets = min(int(octets), NCP_PAYLOAD_OCTETS)

    @staticmethod
    async def _add_endpoint(ezsp: EZSP, endpoint: SimpleDescriptor) -> None:
        (status,) = await ezsp.addEndpoint(
            endpoint=endpoint.endpoint,
            profileId=endpoint.profile_id,
            deviceId=endpoint.device_id,
            deviceVersion=endpoint.device_version,
            inputClusterCount=len(endpoint.input_clusters),
            outputClusterCount=len(endpoint.output_clusters),
            inputClusterList=list(endpoint.input_clusters),
            outputClusterList=list(endpoint.output_clusters),
        )
        require(status, f"endpoint {endpoint.endpoint}")

    async def close(self) -> None:
        """Close the port; the firmware goes on by itself."""
        ezsp, self._ezsp = self._ezsp, None
        if ezsp is not None:
            await disconnect(ezsp)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by bellows: cable, firmware reset, or no acknowledgements."""
        if self._ezsp is not None:
            self._listener.lost(repr(exc) if exc is not None else "the port was closed")

    @property
    def version(self) -> int:
        """EZSP version of the firmware."""
        return int(self._open_ezsp().ezsp_version)

    def _open_ezsp(self) -> EZSP:
        if self._ezsp is None:
            raise RadioError(f"{self.path} is not open")
        return self._ezsp

    @asynccontextmanager
    async def _using(self, doing: str) -> AsyncIterator[EZSP]:
        with radio_errors(f"{self.path}: {doing}"):
            yield self._open_ezsp()

    # -- network --------------------------------------------------------------------------------

    async def alive(self) -> None:
        """Ask for a sign of life."""
        async with self._using("sign of life") as ezsp:
            await ezsp.nop()

    async def resume(self) -> bool:
        """networkInit; False when no network is stored."""
        async with self._using("resuming the network") as ezsp:
            with ezsp.wait_for_stack_status(t.sl_Status.NETWORK_UP) as up:
                status = await ezsp.initialize_network()
                if status == t.sl_Status.NOT_JOINED:
                    return False
                require(status, "networkInit")
                async with asyncio.timeout(NETWORK_UP_TIMEOUT_S):
                    await up
        return True

    async def rejoin(self, role: Role) -> None:
        """FindAndRejoinNetwork on every channel: under the network key, else under the link key."""
        async with self._using("rejoining the network") as ezsp:
            arguments: dict[str, object] = {
                "haveCurrentNetworkKey": t.Bool.true,
                "channelMask": t.uint32_t(ALL_CHANNELS),
            }
            if "nodeType" in layouts(ezsp)["findAndRejoinNetwork"][1]:  # since EZSP 14
                arguments["reason"] = t.uint8_t(0)
                arguments["nodeType"] = t.EmberNodeType(NODE_TYPES[role])
            with ezsp.wait_for_stack_status(t.sl_Status.NETWORK_UP) as up:
                (status,) = await ezsp.findAndRejoinNetwork(**arguments)
                require(status, "findAndRejoinNetwork")
                async with asyncio.timeout(NETWORK_UP_TIMEOUT_S):
                    await up

    async def form(self, channel: int, pan_id: int, extended_pan_id: int) -> None:
        """Form and wait until the network is up."""
        async with self._using("forming the network") as ezsp:
            await ezsp.formNetwork(parameters=network_parameters(channel, pan_id, extended_pan_id))

    async def join(self, role: Role, channel: int, pan_id: int, extended_pan_id: int) -> None:
        """Ask to join; the outcome follows as a stack status."""
        async with self._using("joining the network") as ezsp:
            (status,) = await ezsp.joinNetwork(
                t.EmberNodeType(NODE_TYPES[role]),
                network_parameters(channel, pan_id, extended_pan_id),
            )
            require(status, "joinNetwork")

    async def joined(self) -> bool:
        """Whether the firmware is on a network now."""
        async with self._using("network state") as ezsp:
            (state,) = await ezsp.networkState()
            return bool(state == t.EmberNetworkStatus.JOINED_NETWORK)

    async def leave(self) -> None:
        """Leave and wait until the network is down."""
        async with self._using("leaving the network") as ezsp:
            await ezsp.leaveNetwork()

    async def network(self) -> tuple[int, int, int, int]:
        """Short address, EmberNodeType, EUI-64 of the trust centre, channel."""
        async with self._using("network parameters") as ezsp:
            (node,) = await ezsp.getNodeId()
            _, node_type, parameters = await ezsp.getNetworkParameters()
            _, security = await ezsp.getCurrentSecurityState()
            hub = number(security.trustCenterLongAddress)
            return int(node), int(node_type), hub, int(parameters.radioChannel)

    async def scan(self, channels: tuple[int, ...]) -> list[Beacon]:
        """Active scan."""
        mask = sum(1 << channel for channel in channels) or ALL_CHANNELS
        with radio_errors(f"{self.path}: scanning"):
            found = await self._open_ezsp().startScan(
                t.EzspNetworkScanType(ACTIVE_SCAN), t.Channels(mask), t.uint8_t(SCAN_DURATION)
            )
        return [beacon(*each) for each in found]

    async def permit_joining(self, duration_s: int) -> None:
        """Open (255: for good) or close (0) the window."""
        async with self._using("permitting joins") as ezsp:
            (status,) = await ezsp.permitJoining(t.uint8_t(duration_s))
            require(status, "permitJoining")

    async def hand_out_keys(self, *, allowed: bool) -> None:
        """Whether the trust centre answers requests for application link keys."""
        decision = ALLOW_APP_KEY_REQUESTS if allowed else DENY_APP_KEY_REQUESTS
        async with self._using("application key policy") as ezsp:
            (status,) = await ezsp.setPolicy(
                t.EzspPolicyId(APP_KEY_REQUEST_POLICY), t.EzspDecisionId(decision)
            )
            require(status, "application key policy")

    async def poll(self, interval_s: float | None) -> None:
        """A sleepy end device polls at this interval from now on; None stops it."""
        interval, units = poll_interval(interval_s or 0)
        async with self._using("polling") as ezsp:
            # not the helper of bellows, which waits for polls to complete
            (status,) = await ezsp._command("pollForData", interval, t.EmberEventUnits(units), 0)
            require(status, "pollForData")

    # -- devices --------------------------------------------------------------------------------

    async def node_of(self, eui64: int) -> int | None:
        """Short address, as far as the firmware knows it."""
        async with self._using("looking up an address") as ezsp:
            node = (await ezsp.lookupNodeIdByEui64(to_eui64(eui64)))[-1]
            return None if node >= UNKNOWN_NODE - 3 else int(node)

    async def eui64_of(self, node: int) -> int | None:
        """EUI-64, as far as the firmware knows it."""
        async with self._using("looking up an address") as ezsp:
            status, eui64 = await ezsp.lookupEui64ByNodeId(t.EmberNodeId(node))
            return number(eui64) if is_ok(status) else None

    async def children(self) -> dict[int, int]:
        """EUI-64 to short address of the child table."""
        found: dict[int, int] = {}
        async with self._using("reading the child table") as ezsp:
            size = t.EzspConfigId.CONFIG_MAX_END_DEVICE_CHILDREN
            _, entries = await ezsp.getConfigurationValue(size)
            for index in range(entries):
                answer = await ezsp.getChildData(t.uint8_t(index))
                if is_ok(answer[0]):
                    found[number(answer[1].eui64)] = int(answer[1].id)
        return found

    async def remove_device(self, eui64: int, node: int) -> None:
        """Make a device leave."""
        async with self._using("removing a device") as ezsp:
            (status,) = await ezsp.removeDevice(
                t.EmberNodeId(node), to_eui64(eui64), to_eui64(eui64)
            )
            require(status, "removeDevice")

    # -- messages -------------------------------------------------------------------------------

    async def send(
        self, node: int, header: ApsHeader, message_tag: int, payload: bytes
    ) -> tuple[t.sl_Status, int]:
        """A sendUnicast: status and APS counter."""
        async with self._using("sending") as ezsp:
            status, sequence = await ezsp.send_unicast(
                t.NWK(node), ember_frame(header), message_tag, payload
            )
            return status, int(sequence)

    async def broadcast(
        self, address: int, header: ApsHeader, message_tag: int, payload: bytes
    ) -> tuple[t.sl_Status, int]:
        """A sendBroadcast: status and APS counter."""
        async with self._using("broadcasting") as ezsp:
            status, sequence = await ezsp.send_broadcast(
                t.BroadcastAddress(address), ember_frame(header), 0, message_tag, 0, payload
            )
            return status, int(sequence)

    async def reply(self, node: int, header: ApsHeader) -> None:
        """A sendReply with nothing in it: the acknowledgement of a fragment."""
        async with self._using("acknowledging a fragment") as ezsp:
            (status,) = await ezsp.sendReply(t.EmberNodeId(node), ember_frame(header), b"")
            require(status, "sendReply")

    # -- callbacks ------------------------------------------------------------------------------

"""One EZSP dongle through unmodified bellows.

The commands a Smart Energy node needs, typed, and its callbacks.

No zigpy application stands between: every default of it that does not belong in a Smart Energy
network (other profiles' endpoints, Green Power, wildcard keys, ZDO broadcasts, interviews, erased
link keys) is never set in motion. bellows' own reassembly is bypassed, because it misreads
fragments from EZSP 14 on: parts go up as they come.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import bellows.types as t
import zigpy.types as zigpy_t
from bellows.ash import AshException
from bellows.exception import EzspError
from bellows.ezsp import EZSP
from serialx import SerialException
from zigpy.exceptions import ZigbeeException

from han.radio import Beacon, RadioError, Role, SimpleDescriptor
from hw.bellows_log import hide_secrets
from hw.ezsp_layout import Report, Value, layout_of
from hw.ezsp_names import NAMES
from hw.limits import NCP_PAYLOAD_OCTETS

LOGGER = logging.getLogger(__name__)

TRUST_CENTRE_POLICY: Final = 0x00
TC_KEY_REQUEST_POLICY: Final = 0x05
APP_KEY_REQUEST_POLICY: Final = 0x06
ALLOW_JOINS_BY_INSTALL_CODE: Final = 0x11
DENY_TC_KEY_REQUESTS: Final = 0x50
ALLOW_APP_KEY_REQUESTS: Final = 0x61
HOST_ANSWERS_ZDO: Final = 0x02 | 0x04 | 0x08  # unsupported requests, endpoints, bindings
MAX_TRANSFER_OCTETS: Final = 1500
VALUE_MAX_INCOMING: Final = 0x05
VALUE_MAX_OUTGOING: Final = 0x06
TRANSMIT_POWER_DBM: Final = 8
HAVE_PRECONFIGURED_KEY: Final = 0x0100
HAVE_NETWORK_KEY: Final = 0x0200
REQUIRE_ENCRYPTED_KEY: Final = 0x0800
NO_FRAME_COUNTER_RESET: Final = 0x1000
NETWORK_UP_TIMEOUT_S: Final = 10.0
ACTIVE_SCAN: Final = 1
SCAN_DURATION: Final = 2  # 76.8 ms per channel
ALL_CHANNELS: Final = 0x07FFF800
UPDATE_OR_ADD: Final = 0xFF
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
    "CONFIG_MAX_END_DEVICE_CHILDREN": 32,
    "CONFIG_APPLICATION_ZDO_FLAGS": HOST_ANSWERS_ZDO,
    "CONFIG_FRAGMENT_WINDOW_SIZE": 1,
}


@dataclass(frozen=True, slots=True)
class ApsHeader:
    """EmberApsFrame as we use it."""

    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    options: int
    group: int = 0
    sequence: int = 0


@lru_cache(maxsize=256)
def _ember(header: ApsHeader) -> t.EmberApsFrame:
    """For bellows, which only reads it."""
    return t.EmberApsFrame(
        profileId=t.uint16_t(header.profile_id),
        clusterId=t.uint16_t(header.cluster_id),
        sourceEndpoint=t.uint8_t(header.source_endpoint),
        destinationEndpoint=t.uint8_t(header.destination_endpoint),
        options=t.EmberApsOption(header.options),
        groupId=t.uint16_t(header.group),
        sequence=t.uint8_t(header.sequence),
    )


@dataclass(frozen=True, slots=True)
class Incoming:
    """One incomingMessageHandler; ``eui64`` where the firmware tells it (EZSP 14 on)."""

    header: ApsHeader
    node: int
    payload: bytes
    broadcast: bool
    lqi: int
    rssi_dbm: int
    eui64: int | None


class PortListener(Protocol):
    """Hears the dongle; called from the reader, so it must not wait."""

    def incoming(self, message: Incoming) -> None:
        """A message, or a part of one."""
        ...

    def sent(self, node: int, message_tag: int, sequence: int, outcome: t.sl_Status) -> None:
        """What became of a message."""
        ...

    def stack_status(self, status: t.sl_Status) -> None:
        """The network went up, down, or could not be joined."""
        ...

    def device_update(self, eui64: int, node: int, update: int, decision: int) -> None:
        """The trust centre met a device (EmberDeviceUpdate, EmberJoinDecision)."""
        ...

    def child_polled(self, node: int) -> None:
        """A sleepy child asked for its frames."""
        ...

    def lost(self, reason: str) -> None:
        """The dongle does not answer any more."""
        ...


def _without_reassembly(handler: type) -> type:
    """The handler of one version, with messages passed on as they are, in plain values.

    These two callbacks are most of the traffic, so they take the short way past bellows' types.
    """
    tables = handler.COMMANDS  # type: ignore[attr-defined] # untyped library
    plain = {
        tables[name][0]: (name, layout_of(tables[name][2]))
        for name in ("incomingMessageHandler", "messageSentHandler")
    }

    class Handler(handler):  # type: ignore[misc] # untyped library
        def __call__(self, data: bytes) -> None:
            _, frame_id, body = self._ezsp_frame_rx(data)
            known = plain.get(frame_id)
            if known is None:
                super().__call__(data)
            else:
                name, layout = known
                self._handle_callback(name, layout.decode(body))

    return Handler


class _Ezsp(EZSP):  # type: ignore[misc] # untyped library
    _BY_VERSION = {  # noqa: RUF012 - as the base class has it
        version: _without_reassembly(handler)
        for version, handler in EZSP._BY_VERSION.items()  # noqa: SLF001 - checked by a test
    }


@contextmanager
def radio_errors(doing: str) -> Iterator[None]:
    """What bellows, zigpy, serialx or the system raise becomes RadioError with ``doing`` in it."""
    try:
        yield
    except TimeoutError as exc:
        raise RadioError(f"{doing}: no answer in time") from exc
    except (
        EzspError, AshException, ZigbeeException, SerialException, OSError, RuntimeError,
        AssertionError, ValueError,
    ) as exc:  # fmt: skip
        raise RadioError(f"{doing}: {exc or type(exc).__name__}") from exc


class EzspPort:
    """The dongle at one path, from :meth:`open` to :meth:`close`."""

    def __init__(
        self, path: str, listener: PortListener, *, baudrate: int, flow_control: str | None
    ) -> None:
        self.path = path
        self.eui64 = 0
        self.payload_octets = NCP_PAYLOAD_OCTETS
        self._listener = listener
        self._settings = {"path": path, "baudrate": baudrate, "flow_control": flow_control}
        self._ezsp: EZSP | None = None
        self._callbacks: dict[str, Callable[[Report], None]] = {
            "incomingMessageHandler": self._incoming,
            "messageSentHandler": self._sent,
            "stackStatusHandler": self._stack_status,
            "trustCenterJoinHandler": self._device_update,
            "pollHandler": self._child_polled,
        }

    # -- life -----------------------------------------------------------------------------------

    async def open(self, endpoints: tuple[SimpleDescriptor, ...]) -> None:
        """Open, reset, configure; RadioError names path and reason."""
        hide_secrets()
        ezsp = _Ezsp(self._settings, self)
        try:
            with radio_errors(f"cannot open {self.path}"):
                await ezsp.connect(use_thread=False)
                self._ezsp = ezsp
                await self._configure(ezsp, endpoints)
        except BaseException:
            self._ezsp = None
            await _disconnect(ezsp)
            raise
        ezsp.add_callback(self._called_back)

    async def _configure(self, ezsp: EZSP, endpoints: tuple[SimpleDescriptor, ...]) -> None:
        await ezsp.write_config(dict(CONFIGURATION))
        for value_id in (VALUE_MAX_INCOMING, VALUE_MAX_OUTGOING):
            octets = MAX_TRANSFER_OCTETS.to_bytes(2, "little")
            await ezsp.setValue(t.EzspValueId(value_id), octets)
        for endpoint in endpoints:
            await self._add_endpoint(ezsp, endpoint)
        for policy, decision in (
            (TRUST_CENTRE_POLICY, ALLOW_JOINS_BY_INSTALL_CODE),
            (TC_KEY_REQUEST_POLICY, DENY_TC_KEY_REQUESTS),
            (APP_KEY_REQUEST_POLICY, ALLOW_APP_KEY_REQUESTS),
        ):
            (status,) = await ezsp.setPolicy(t.EzspPolicyId(policy), t.EzspDecisionId(decision))
            _require(status, f"policy {policy:#x}")
        (eui64,) = await ezsp.getEui64()
        self.eui64 = _number(eui64)
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
        _require(status, f"endpoint {endpoint.endpoint}")

    async def close(self) -> None:
        """Close the port; the firmware goes on by itself."""
        ezsp, self._ezsp = self._ezsp, None
        if ezsp is not None:
            await _disconnect(ezsp)

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
                _require(status, "networkInit")
                async with asyncio.timeout(NETWORK_UP_TIMEOUT_S):
                    await up
        return True

    async def set_security(self, bitmask: int, network_key: bytes, link_key: bytes) -> None:
        """Keys for the next form or join."""
        async with self._using("setting keys") as ezsp:
            state = t.EmberInitialSecurityState(
                bitmask=t.EmberInitialSecurityBitmask(bitmask),
                preconfiguredKey=_key(link_key),
                networkKey=_key(network_key),
                networkKeySequenceNumber=t.uint8_t(0),
                preconfiguredTrustCenterEui64=_eui64(0),
            )
            (status,) = await ezsp.setInitialSecurityState(state=state)
            _require(status, "setInitialSecurityState")

    async def form(self, channel: int, pan_id: int, extended_pan_id: int) -> None:
        """Form and wait until the network is up."""
        async with self._using("forming the network") as ezsp:
            await ezsp.formNetwork(parameters=_parameters(channel, pan_id, extended_pan_id))

    async def join(self, role: Role, channel: int, pan_id: int, extended_pan_id: int) -> None:
        """Ask to join; the outcome follows as a stack status."""
        async with self._using("joining the network") as ezsp:
            (status,) = await ezsp.joinNetwork(
                t.EmberNodeType(NODE_TYPES[role]), _parameters(channel, pan_id, extended_pan_id)
            )
            _require(status, "joinNetwork")

    async def joined(self) -> bool:
        """Whether the firmware is on a network now."""
        async with self._using("network state") as ezsp:
            (state,) = await ezsp.networkState()
            return bool(state == t.EmberNetworkStatus.JOINED_NETWORK)

    async def leave(self) -> None:
        """Leave and wait until the network is down."""
        async with self._using("leaving the network") as ezsp:
            await ezsp.leaveNetwork()

    async def network(self) -> tuple[int, int, int]:
        """Short address, EmberNodeType, EUI-64 of the trust centre."""
        async with self._using("network parameters") as ezsp:
            (node,) = await ezsp.getNodeId()
            _, node_type, _ = await ezsp.getNetworkParameters()
            _, security = await ezsp.getCurrentSecurityState()
            return int(node), int(node_type), _number(security.trustCenterLongAddress)

    async def scan(self, channels: tuple[int, ...]) -> list[Beacon]:
        """Active scan."""
        mask = sum(1 << channel for channel in channels) or ALL_CHANNELS
        with radio_errors(f"{self.path}: scanning"):
            found = await self._open_ezsp().startScan(
                t.EzspNetworkScanType(ACTIVE_SCAN), t.Channels(mask), t.uint8_t(SCAN_DURATION)
            )
        return [
            Beacon(
                int(network.channel),
                int(network.panId),
                _number(network.extendedPanId),
                bool(network.allowingJoin),
                int(lqi),
                int(rssi),
            )
            for network, lqi, rssi in found
        ]

    async def permit_joining(self, duration_s: int) -> None:
        """Open (255: for good) or close (0) the window."""
        async with self._using("permitting joins") as ezsp:
            (status,) = await ezsp.permitJoining(t.uint8_t(duration_s))
            _require(status, "permitJoining")

    async def poll(self, interval_ms: int) -> None:
        """A sleepy end device polls at this interval from now on; 0 stops it."""
        async with self._using("polling") as ezsp:
            # not the helper of bellows, which waits for polls to complete
            (status,) = await ezsp._command(  # noqa: SLF001 - checked by a test
                "pollForData", interval_ms, t.EmberEventUnits(1), 0
            )
            _require(status, "pollForData")

    # -- keys -----------------------------------------------------------------------------------

    async def add_transient_key(self, eui64: int, link_key: bytes) -> None:
        """Admit this device with this key, until the firmware forgets it (300 s or so)."""
        async with self._using("adding a joiner's key") as ezsp:
            status = await ezsp.add_transient_link_key(_eui64(eui64), _key(link_key))
            _require(status, "transient key")

    async def clear_transient_keys(self) -> None:
        """Forget every joiner's key."""
        async with self._using("clearing joiners' keys") as ezsp:
            await ezsp.clearTransientLinkKeys()

    async def set_link_key(self, eui64: int, link_key: bytes) -> None:
        """Write the key table entry of this peer."""
        async with self._using("writing a link key") as ezsp:
            if self._knows("importLinkKey"):
                (status,) = await ezsp.importLinkKey(UPDATE_OR_ADD, _eui64(eui64), _key(link_key))
            else:
                (status,) = await ezsp.addOrUpdateKeyTableEntry(_eui64(eui64), True, _key(link_key))
            _require(status, "link key")

    async def set_trust_centre_link_key(self, link_key: bytes) -> None:
        """A joined device replaces its key with the trust centre (EZSP 12 on)."""
        async with self._using("writing the trust centre link key") as ezsp:
            context = t.SecurityManagerContextV13(
                core_key_type=t.SecurityManagerKeyType.TC_LINK,
                key_index=0,
                derived_type=t.SecurityManagerDerivedKeyTypeV13.NONE,
                eui64=_eui64(0),
                multi_network_index=0,
                flags=t.SecurityManagerContextFlags.NONE,
                psa_key_alg_permission=0,
            )
            status = (await ezsp.importKey(context, _key(link_key)))[0]
            _require(status, "trust centre link key")

    def knows_import_key(self) -> bool:
        """Whether :meth:`set_trust_centre_link_key` exists on this firmware."""
        return self._knows("importKey")

    def _knows(self, name: str) -> bool:
        return name in _layouts(self._open_ezsp())

    async def erase_link_key(self, eui64: int) -> None:
        """Erase the key table entry of this peer, if there is one."""
        async with self._using("erasing a link key") as ezsp:
            (index,) = await ezsp.findKeyTableEntry(_eui64(eui64), True)
            if index != UPDATE_OR_ADD:
                await ezsp.eraseKeyTableEntry(index)

    async def clear_key_table(self) -> None:
        """Erase every link key."""
        async with self._using("clearing the key table") as ezsp:
            await ezsp.clearKeyTable()

    # -- devices --------------------------------------------------------------------------------

    async def node_of(self, eui64: int) -> int | None:
        """Short address, as far as the firmware knows it."""
        async with self._using("looking up an address") as ezsp:
            node = (await ezsp.lookupNodeIdByEui64(_eui64(eui64)))[-1]
            return None if node >= UNKNOWN_NODE - 3 else int(node)

    async def eui64_of(self, node: int) -> int | None:
        """EUI-64, as far as the firmware knows it."""
        async with self._using("looking up an address") as ezsp:
            status, eui64 = await ezsp.lookupEui64ByNodeId(t.EmberNodeId(node))
            return _number(eui64) if _ok(status) else None

    async def children(self) -> dict[int, int]:
        """EUI-64 to short address of the child table."""
        found: dict[int, int] = {}
        async with self._using("reading the child table") as ezsp:
            size = t.EzspConfigId.CONFIG_MAX_END_DEVICE_CHILDREN
            _, entries = await ezsp.getConfigurationValue(size)
            for index in range(entries):
                answer = await ezsp.getChildData(t.uint8_t(index))
                if _ok(answer[0]):
                    found[_number(answer[1].eui64)] = int(answer[1].id)
        return found

    async def remove_device(self, eui64: int, node: int) -> None:
        """Make a device leave."""
        async with self._using("removing a device") as ezsp:
            (status,) = await ezsp.removeDevice(t.EmberNodeId(node), _eui64(eui64), _eui64(eui64))
            _require(status, "removeDevice")

    # -- messages -------------------------------------------------------------------------------

    async def send(
        self, node: int, header: ApsHeader, message_tag: int, payload: bytes
    ) -> tuple[t.sl_Status, int]:
        """A sendUnicast: status and APS counter."""
        async with self._using("sending") as ezsp:
            status, sequence = await ezsp.send_unicast(
                t.NWK(node), _ember(header), message_tag, payload
            )
            return status, int(sequence)

    async def broadcast(
        self, address: int, header: ApsHeader, message_tag: int, payload: bytes
    ) -> tuple[t.sl_Status, int]:
        """A sendBroadcast: status and APS counter."""
        async with self._using("broadcasting") as ezsp:
            status, sequence = await ezsp.send_broadcast(
                t.BroadcastAddress(address), _ember(header), 0, message_tag, 0, payload
            )
            return status, int(sequence)

    async def reply(self, node: int, header: ApsHeader) -> None:
        """A sendReply with nothing in it: the acknowledgement of a fragment."""
        async with self._using("acknowledging a fragment") as ezsp:
            (status,) = await ezsp.sendReply(t.EmberNodeId(node), _ember(header), b"")
            _require(status, "sendReply")

    # -- callbacks ------------------------------------------------------------------------------

    def _called_back(self, name: str, values: dict[str, Value] | list[t.uint8_t]) -> None:
        act = self._callbacks.get(name)
        if act is None or self._ezsp is None:
            return
        if isinstance(values, dict):
            act(Report(name, values))
        else:
            keys = (NAMES.get(key, key) for key in _layouts(self._ezsp)[name][2])
            act(Report(name, dict(zip(keys, map(_plain, values), strict=True))))

    def _incoming(self, report: Report) -> None:
        self._listener.incoming(
            Incoming(
                _header(report),
                report.number("node"),
                report.octets("message"),
                report.number("message_type") in _BROADCAST_TYPES,
                report.number("lqi"),
                report.number("rssi"),
                _known_eui64(report.fields.get("eui64")),
            )
        )

    def _sent(self, report: Report) -> None:
        self._listener.sent(
            report.number("node"),
            report.number("message_tag"),
            _header(report).sequence,
            self._status(report.number("status")),
        )

    def _stack_status(self, report: Report) -> None:
        self._listener.stack_status(self._status(report.number("status")))

    def _status(self, number: int) -> t.sl_Status:
        old = self.version < FIRST_WITH_SL_STATUS
        return t.sl_Status.from_ember_status((t.EmberStatus if old else t.sl_Status)(number))

    def _device_update(self, report: Report) -> None:
        self._listener.device_update(
            report.number("newNodeEui64"),
            report.number("newNodeId"),
            report.number("status"),
            report.number("policyDecision"),
        )

    def _child_polled(self, report: Report) -> None:
        self._listener.child_polled(report.number("childId"))


FIRST_WITH_SL_STATUS: Final = 14
_BROADCAST_TYPES: Final = (2, 4)
_NO_EUI64: Final = (0, (1 << 64) - 1)


def _layouts(ezsp: EZSP) -> Mapping[str, tuple[int, t.Struct, t.Struct]]:
    return ezsp._protocol.COMMANDS  # type: ignore[no-any-return] # noqa: SLF001 - checked by a test


async def _disconnect(ezsp: EZSP) -> None:
    try:
        await ezsp.disconnect()
    except (EzspError, AshException, OSError, RuntimeError) as exc:
        LOGGER.debug("closing a lost port: %r", exc)


def _ok(status: t.uint8_t) -> bool:
    return bool(t.sl_Status.from_ember_status(status) == t.sl_Status.OK)


def _require(status: t.uint8_t, what: str) -> None:
    if not _ok(status):
        raise EzspError(f"{what} refused: {status!r}")


def _number(eui64: t.EUI64) -> int:
    return int.from_bytes(eui64.serialize(), "little")


def _known_eui64(eui64: Value | None) -> int | None:
    return eui64 if isinstance(eui64, int) and eui64 not in _NO_EUI64 else None


def _plain(value: t.uint8_t | t.EUI64) -> int:
    return _number(value) if isinstance(value, zigpy_t.EUI64) else int(value)


def _header(report: Report) -> ApsHeader:
    aps = {k: v for k, v in report.structure("aps_frame").items() if isinstance(v, int)}
    return ApsHeader(
        aps["profileId"],
        aps["clusterId"],
        aps["sourceEndpoint"],
        aps["destinationEndpoint"],
        aps["options"],
        aps["groupId"],
        aps["sequence"],
    )


def _eui64(number: int) -> t.EUI64:
    return t.EUI64.deserialize(number.to_bytes(8, "little"))[0]


def _key(octets: bytes) -> t.KeyData:
    return t.KeyData(octets)


def _parameters(channel: int, pan_id: int, extended_pan_id: int) -> t.EmberNetworkParameters:
    return t.EmberNetworkParameters(
        extendedPanId=t.ExtendedPanId.deserialize(extended_pan_id.to_bytes(8, "little"))[0],
        panId=t.EmberPanId(pan_id),
        radioTxPower=t.uint8_t(TRANSMIT_POWER_DBM),
        radioChannel=t.uint8_t(channel),
        joinMethod=t.EmberJoinMethod.USE_MAC_ASSOCIATION,
        nwkManagerId=t.EmberNodeId(0),
        nwkUpdateId=t.uint8_t(0),
        channels=t.Channels(ALL_CHANNELS),
    )

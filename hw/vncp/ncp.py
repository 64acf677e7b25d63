"""The virtual dongle.

EZSP commands in, responses and callbacks out, one stack on the ether behind them.

A command is answered first; what it caused follows as callbacks, tagged with the sequence number
last answered. Commands without a handler are answered with ``invalidCommand``. A reset clears RAM
and restarts the stack from its non-volatile memory, as on silicon.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Final

from han.radio import ApsReceived, JoinKind, NetworkParameters, RadioEvent, Role
from hw.ether import Ether
from hw.ezsp_layout import Fields, Value
from hw.ezsp_status import Status
from hw.settings import ParentSettings
from hw.stack import MemoryStore, Stack, Store
from hw.vncp import (
    configuration,
    keys,
    messaging,
    network_keys,
    networking,
    partner_keys,
    reports,
    sniffing,
    tables,
)
from hw.vncp.ash import AshNcp, ResetCode
from hw.vncp.ezsp import Command, EzspCodec, InvalidCommand
from hw.vncp.memory import (
    CONFIG_END_DEVICE_TIMEOUT,
    CONFIG_MAX_CHILDREN,
    ERASED_EUI64,
    Ram,
    Tokens,
)

Handler = Callable[["VirtualNcp", Command], Fields]

HANDLERS: Final[Mapping[str, Handler]] = {
    **configuration.HANDLERS,
    **networking.HANDLERS,
    **tables.HANDLERS,
    **sniffing.HANDLERS,
    **keys.HANDLERS,
    **partner_keys.HANDLERS,
    **network_keys.HANDLERS,
    **messaging.HANDLERS,
}

STACK_TYPE_MESH: Final = 2
FIRMWARE: Final[Mapping[int, tuple[int, int, int]]] = {
    8: (6, 10, 3),
    9: (7, 0, 2),
    10: (7, 1, 1),
    11: (7, 2, 2),
    12: (7, 3, 2),
    13: (7, 4, 4),
    14: (8, 0, 1),
    16: (8, 1, 0),
    17: (8, 2, 0),
    18: (8, 2, 2),
    19: (9, 1, 0),
}
TOKEN_RESTORED_EUI64: Final = 0xE12A
TOKEN_CUSTOM_EUI64: Final = 0x0C


class VirtualNcp:
    """An EZSP NCP with ``eui64`` from its factory; the host may write another one.

    ``key_table_limit`` is how many link keys the firmware was compiled for. ``key_table_admits``
    says whether an entry of the key table is as good as a transient key for a joiner (not settled
    on silicon, so the strict reading is the default). ``parent`` is what it does with children
    until the host configures it.
    """

    def __init__(
        self,
        ether: Ether,
        eui64: int,
        *,
        ezsp_version: int = 13,
        store: Store | None = None,
        key_table_limit: int = 12,
        key_table_admits: bool = False,
        parent: ParentSettings | None = None,
    ) -> None:
        self.ether = ether
        self.codec = EzspCodec(ezsp_version, HANDLERS)
        self.factory_eui64 = eui64
        ether.dongles[eui64] = self
        self.key_table_limit = key_table_limit
        self.key_table_admits = key_table_admits
        self.parent = parent or ParentSettings()
        self.store = store if store is not None else MemoryStore()
        self.tokens = Tokens(self.store)
        self.ram = self._new_ram()
        self.stack: Stack = self._new_stack()
        self.launch_bootloader: Callable[[], None] | None = None
        self._firmware = FIRMWARE[ezsp_version]
        self.mute = False
        self.sniffer: sniffing.Sniffer | None = None
        self._line: AshNcp | None = None
        self._write: Callable[[bytes], None] | None = None
        self._close_line: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering = False
        self._last_answered = 0
        self._held: list[tuple[str, Fields]] = []

    # -- life -----------------------------------------------------------------------------------

    @property
    def eui64(self) -> int:
        """The address in force: the one last restored or burned, else the factory's."""
        for octets in (
            self.tokens.nv3.get(TOKEN_RESTORED_EUI64, ERASED_EUI64),
            self.tokens.manufacturing.get(TOKEN_CUSTOM_EUI64, ERASED_EUI64),
        ):
            if octets != ERASED_EUI64:
                return int.from_bytes(octets, "little")
        return self.factory_eui64

    @property
    def firmware(self) -> tuple[int, int, int]:
        """EmberZNet version of this EZSP generation."""
        return self._firmware

    def install(self, version: str | None) -> None:
        """Run firmware of this version (such as ``7.4.4.0``) from now on; None changes nothing."""
        numbers = [int(part) for part in (version or "").split(" ")[0].split(".") if part.isdigit()]
        if len(numbers) < 3:
            return
        major, minor, patch = numbers[:3]
        older = [ezsp for ezsp, firmware in FIRMWARE.items() if firmware[:2] <= (major, minor)]
        self._firmware = (major, minor, patch)
        self.codec = EzspCodec(max(older, default=min(FIRMWARE)), HANDLERS)
        self.reset()
        self.stack.power_off()

    def _new_ram(self) -> Ram:
        ram = Ram()
        ram.configuration[CONFIG_MAX_CHILDREN] = self.parent.children
        ram.configuration[CONFIG_END_DEVICE_TIMEOUT] = self.parent.end_device_timeout
        return ram

    def _new_stack(self) -> Stack:
        stack = Stack(
            self.ether,
            self.eui64,
            Role.COORDINATOR,
            self.store,
            self._heard,
            self._admits,
            lambda *_: partner_keys.allowed(self),
            self.parent,
        )
        stack.children.aged_out = partial(reports.aged_out, self)
        return stack

    def form_once(self, channel: int) -> None:
        """Unless a network is remembered, make one up; our address is its extended PAN id."""
        if self.stack.state.membership is not None:
            return
        pan_id = secrets.randbelow(0xFFFE) + 1
        key = secrets.token_bytes(16)
        self.stack.form(NetworkParameters(channel, pan_id, self.eui64, key))
        self.tokens.hashed_link_key = secrets.token_bytes(16)
        self.tokens.save()
        self.reset()
        self.stack.power_off()

    def connect(
        self,
        write: Callable[[bytes], None],
        closed: Callable[[], None],
        baudrate: int | None = None,
    ) -> None:
        """A host opened the line; ``closed`` is called when the NCP side drops it.

        It is also called when another host takes the line over.
        """
        former = self._close_line
        self.disconnect()
        if former is not None:
            former()
        loop = asyncio.get_running_loop()
        self._close_line = closed
        self._write = write
        self._line = AshNcp(write, self._ezsp_received, self.reset, loop.call_later)

    def disconnect(self) -> None:
        """The host closed the line; the network goes on."""
        if self._line is not None:
            self._line.close()
        self._line = self._close_line = self._write = None

    def disconnect_from(self, write: Callable[[bytes], None]) -> None:
        """Close the line only if it is still this host's."""
        if self._write == write:
            self.disconnect()

    def receive(self, octets: bytes) -> None:
        """Octets from the host."""
        if self._line is not None and not self.mute:
            self._line.receive(octets)

    def reset(self) -> None:
        """Restart the firmware: RAM is lost, the network waits for ``networkInit``."""
        for task in self._tasks:
            task.cancel()
        self.stop_sniffing()
        self.stack.power_off()
        self.ram = self._new_ram()
        self.tokens = Tokens(self.store)
        self.stack = self._new_stack()
        self.stack.power_on()
        self._held.clear()
        self._answering = False

    def stop_sniffing(self) -> None:
        """Leave the radio test library, if it runs."""
        if self.sniffer is not None:
            self.ether.untap(self.sniffer)
            self.sniffer = None

    def crash(self, code: ResetCode = ResetCode.WATCHDOG) -> None:
        """Reset by itself, as after an assertion, and tell the host so."""
        self.reset()
        if self._line is not None:
            self._line.announce_reset(code)

    def drop_line(self) -> None:
        """Pull the cable: the host sees its port close; the firmware loses power."""
        closed = self._close_line
        self.disconnect()
        self.reset()
        self.stack.power_off()
        if closed is not None:
            closed()

    def run(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run firmware work that takes time."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self.eui64:016X} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- commands -------------------------------------------------------------------------------

    def _ezsp_received(self, frame: bytes) -> None:
        self._answering = True
        try:
            answer = self._answer(frame)
        finally:
            self._answering = False
        self._last_answered = frame[0] if frame else 0
        self._put(answer)
        held, self._held = self._held, []
        for name, fields in held:
            self.callback(name, fields)

    def _answer(self, frame: bytes) -> bytes:
        try:
            command = self.codec.decode(frame)
            if command.name == "version":
                return self._version(command, legacy=len(frame) == 4)
            if not self.ram.version_agreed:
                raise InvalidCommand(Status.VERSION_NOT_SET, command.sequence)
            return self.codec.response(command, HANDLERS[command.name](self, command))
        except InvalidCommand as refused:
            return self.codec.invalid_command(refused.sequence, refused.status)

    def _version(self, command: Command, *, legacy: bool) -> bytes:
        if command.number("desiredProtocolVersion") == self.codec.version:
            self.ram.version_agreed = True
        major, minor, patch = self.firmware
        stack_version = major << 12 | minor << 8 | patch << 4
        return self.codec.version_response(
            command.sequence, STACK_TYPE_MESH, stack_version, legacy=legacy
        )

    def callback(self, name: str, fields: Mapping[str, Value]) -> None:
        """Send a callback; during a command it waits for the response."""
        if self._answering:
            self._held.append((name, fields))
        elif self._line is not None and self.ram.version_agreed:
            self._put(self.codec.callback(self._last_answered, name, fields))

    def _put(self, frame: bytes) -> None:
        if self._line is not None and not self.mute:
            self._line.send(frame)

    @property
    def node_type(self) -> int:
        """EmberNodeType: 0 off the network."""
        if not self.stack.on_network:
            return 0
        return networking.NODE_TYPE_OF[self.stack.role]

    @property
    def transfer_sizes(self) -> tuple[int, int]:
        """Largest message in and out, as the node descriptor tells (octets)."""
        incoming = self.ram.values.get(configuration.VALUE_MAX_INCOMING)
        outgoing = self.ram.values.get(configuration.VALUE_MAX_OUTGOING)
        return (
            int.from_bytes(incoming, "little") if incoming else 1500,
            int.from_bytes(outgoing, "little") if outgoing else 1500,
        )

    def hand_up(self, received: ApsReceived) -> None:
        """Show a message to the host."""
        messaging.hand_up(self, received)

    # -- the stack ------------------------------------------------------------------------------

    def _heard(self, event: RadioEvent) -> None:
        reports.heard(self, event)

    def _admits(self, eui64: int, kind: JoinKind) -> bytes | None:
        return keys.preconfigured(self, eui64, kind)

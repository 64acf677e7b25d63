"""A prepayment meter interface device: a display with buttons, and a GBCS device of its own.

To the electricity meter its buttons speak over the HAN (PECS01 to PECS03), to the gas meter in GBCS
messages through the hub (PCS01, PCS02), which the meter collects when it wakes.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from enum import Enum
from typing import Final

from device.alerts import Alerts
from device.asking import status_of
from device.command import Answered
from device.common import AUTHORITY, CommonCommands
from device.download import FirmwareDownload
from device.firmware import Firmware
from device.host import Host
from device.hub_tunnel import HubTunnel
from device.pipeline import Pipeline
from device.settings import PipelineSettings
from device.station import Station
from gbcs.asn1.devices import RunningFirmwareAlert
from gbcs.asn1.names import Kind
from gbcs.asn1.payload import encode as encode_asn1
from gbcs.build.command import Address, build
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.gbz import Gbz
from gbcs.party import Role
from gbcs.plain import Plain
from gbcs.protection import verify
from gbcs.zcl.frame import Frame
from gbcs.zcl.status import Status
from han.clusters import METERING, PREPAYMENT
from han.commands.metering import LocalChangeSupply
from han.commands.prepayment import (
    ConsumerTopUp,
    ConsumerTopUpResponse,
    OriginatingDevice,
    SelectAvailableEmergencyCredit,
    TopUpResult,
)
from han.household import LocalSupply
from han.zcl.payload import decode, encode
from han.zcl.tables import Served
from peers.display import Display
from peers.event import ButtonPressed
from peers.finder import Meter
from peers.reading import Fuel
from peers.settings import DisplaySettings

_LOG: Final = logging.getLogger(__name__)
FIRMWARE_READ: Final = 0x8F8B
_FIRMWARE_ALERT: Final = by_name("CS09").message_code
_TOP_UP_GAS, _EMERGENCY_CREDIT_GAS = by_name("PCS01"), by_name("PCS02")
_GAS_ANSWERS_WITHIN: Final = timedelta(minutes=65)
"""A gas meter wakes every half hour, and may miss a wake."""
FACTORY_VERSION: Final = bytes(4)


class Button(Enum):
    """What a person can do at the device."""

    TOP_UP = "top up"
    EMERGENCY_CREDIT = "emergency credit"
    ENABLE_SUPPLY = "enable supply"


class Refusal(Exception):
    """A button did nothing; the message says why."""


class Ppmid(Display):
    """One PPMID on one radio. Other devices' keys come with its credentials (CS03C)."""

    def __init__(
        self,
        station: Station,
        *,
        settings: DisplaySettings | None = None,
        pipeline_settings: PipelineSettings | None = None,
    ) -> None:
        super().__init__(station, settings=settings)
        chassis, timeline, endpoint = station.chassis, station.timeline, station.endpoint
        self._tunnel = HubTunnel(chassis, timeline, station.radio, endpoint, self._take)
        self.firmware = Firmware(chassis.store, lambda: FACTORY_VERSION, chassis.broken)
        self.firmware.activated = self._tell_firmware
        self._download = FirmwareDownload(chassis, timeline, endpoint, self.firmware)
        self.joining.on_joined(self._download.look)
        self._alerts = Alerts(chassis)
        self.common = CommonCommands(chassis, chassis.event_log.add, self.firmware)
        self.pipeline = Pipeline(
            chassis,
            use_cases=(),
            engines={},
            handlers=self.common.handlers,
            authority=AUTHORITY,
            settings=pipeline_settings,
        )
        self._asked: dict[int, tuple[Message, asyncio.Future[Message]]] = {}

    def further_clusters(self) -> tuple[Served, ...]:
        """The Tunneling server and the OTA Upgrade client, for the hub."""
        return self._tunnel.served(), self._download.served()

    def attach(self, host: Host) -> None:
        """Take commands from the hub's tunnel, and firmware; do later what was to be done later."""
        self._tunnel.attach(host)
        self._download.attach(host)
        host.node.attach(self.common)

    # -- buttons ---------------------------------------------------------------------------------

    async def top_up(self, fuel: Fuel, digits: str) -> ConsumerTopUpResponse:
        """Enter a token of 20 digits; what the meter says of it.

        Refusal when the meter cannot be asked, HostError when it does not answer.
        """
        origin, code = OriginatingDevice.IN_HOME_DISPLAY, digits.encode("ascii", "replace")
        if fuel is Fuel.GAS:
            values: dict[str, Plain] = {"ConsumerTopUp.TopUpCode": digits}
            frame = await self._ask_gas(_TOP_UP_GAS.name, values)
        else:
            payload = encode(ConsumerTopUp(origin, code))
            frame = await self._ask_electricity(PREPAYMENT.cluster_id, "ConsumerTopUp", payload)
        if not frame.is_cluster_command:
            raise Refusal(f"the {fuel.value} meter: {status_of(frame).name}")
        answer = decode(ConsumerTopUpResponse, frame.payload)
        done = answer.result in _ACCEPTED
        name = TopUpResult(answer.result).name if answer.result in tuple(TopUpResult) else "?"
        self._pressed(Button.TOP_UP, fuel, done=done, result=name)
        return answer

    async def activate_emergency_credit(self, fuel: Fuel) -> bool:
        """Take the emergency credit; False when the meter does not give it."""
        if fuel is Fuel.GAS:
            frame = await self._ask_gas(_EMERGENCY_CREDIT_GAS.name, {})
        else:
            payload = encode(SelectAvailableEmergencyCredit(0, OriginatingDevice.IN_HOME_DISPLAY))
            name = "SelectAvailableEmergencyCredit"
            frame = await self._ask_electricity(PREPAYMENT.cluster_id, name, payload)
        return self._told(Button.EMERGENCY_CREDIT, fuel, frame)

    async def enable_supply(self) -> bool:
        """Switch the electricity on; False when it is not armed."""
        payload = encode(LocalChangeSupply(LocalSupply.ON))
        frame = await self._ask_electricity(METERING.cluster_id, "LocalChangeSupply", payload)
        return self._told(Button.ENABLE_SUPPLY, Fuel.ELECTRICITY, frame)

    def _told(self, button: Button, fuel: Fuel, frame: Frame) -> bool:
        status = status_of(frame)
        self._pressed(button, fuel, done=status is Status.SUCCESS, result=status.name)
        return status is Status.SUCCESS

    def _pressed(self, button: Button, fuel: Fuel, *, done: bool, result: str) -> None:
        here = self.chassis.here()
        event = ButtonPressed(**here, button=button.value, fuel=fuel, done=done, result=result)
        self.chassis.events.publish(event)
        self.refresh(fuel)

    async def _ask_electricity(self, cluster_id: int, name: str, payload: bytes) -> Frame:
        meter = self._meter(Fuel.ELECTRICITY)
        endpoint = meter.endpoint_of(cluster_id)
        if endpoint is None or self.finder is None:
            raise Refusal("the electricity meter serves no prepayment")
        return await self.finder.command(meter.peer, endpoint, cluster_id, name, payload)

    def _meter(self, fuel: Fuel) -> Meter:
        meter = self.meters.get(fuel)
        if meter is None:
            raise Refusal(f"no {fuel.value} meter was found")
        return meter

    # -- the gas meter ---------------------------------------------------------------------------

    async def _ask_gas(self, use_case: str, values: dict[str, Plain]) -> Frame:
        """Send a command and wait until the meter has woken and answered."""
        counter = self.chassis.own_counter.next()
        address = Address(
            originator=self.chassis.eui64, recipient=self._gas_meter(), originator_counter=counter
        )
        try:
            message = build(by_name(use_case), values, address, self.chassis.credentials.keys)
        except MissingKey as error:
            raise Refusal(str(error)) from error
        answered: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[counter] = message, answered
        try:
            self.chassis.outbox.put(message.to_bytes())
            async with self._timeline.timeout_at(self._timeline.now() + _GAS_ANSWERS_WITHIN):
                response = await answered
        except TimeoutError:
            raise Refusal("the gas meter did not answer in time") from None
        finally:
            del self._asked[counter]
        components = Gbz.parse(response.payload).components
        if not components:
            raise Refusal("the gas meter's answer is empty")
        return components[0].frame

    def _gas_meter(self) -> int:
        """The gas meter that this device was joined to (CS03C)."""
        for entry in self.common.joins.details().entries or ():
            if entry.kind == Kind.GSME:
                return entry.device
        raise Refusal("no gas meter is in the device log (CS03C)")

    # -- the hub's tunnel ------------------------------------------------------------------------

    def _take(self, octets: bytes) -> bytes | None:
        """A command for this device, or the answer to one of its own."""
        try:
            message = Message.parse(octets)
        except MalformedMessage:
            message = None
        if message is not None and message.cra is Cra.RESPONSE:
            self._take_answer(message)
            return None
        outcome = self.pipeline.receive(octets)
        return outcome.octets if isinstance(outcome, Answered) else None

    def _take_answer(self, response: Message) -> None:
        """Take it if it is the answer to a command of this device, by the meter that was asked."""
        command, answered = self._asked.get(response.originator_counter, (None, None))
        if command is None or answered is None or answered.done() or not response.answers(command):
            return
        if verify(response, self.chassis.credentials.keys).is_authentic:
            answered.set_result(response)

    def _tell_firmware(self) -> None:
        """CS09: the access control broker learns which version runs now."""
        read = self.firmware.read()
        when = self.chassis.clock.now().replace(microsecond=0)
        told = RunningFirmwareAlert(FIRMWARE_READ, when, read.running, read.result)
        payload = encode_asn1(_FIRMWARE_ALERT, Cra.ALERT, told)
        try:
            broker = self.chassis.credentials.party(Role.ACCESS_CONTROL_BROKER)
            self._alerts.raise_alert(_FIRMWARE_ALERT, FIRMWARE_READ, payload, broker)
        except MissingKey as error:
            _LOG.warning("%016X: no alert %04X: %s", self.chassis.eui64, FIRMWARE_READ, error)


_ACCEPTED: Final = (
    TopUpResult.ACCEPTED,
    TopUpResult.ACCEPTED_SUPPLY_ENABLED,
    TopUpResult.ACCEPTED_SUPPLY_DISABLED,
    TopUpResult.ACCEPTED_SUPPLY_ARMED,
)

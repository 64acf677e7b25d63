"""Commands in ASN.1: firmware activation, joins, the device log."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from device.command import Command, Handler, Outcome
from esme.meter import ElectricityMeter
from gbcs.asn1.devices import FirmwareActivation, Join
from gbcs.asn1.names import JoinCode, Kind, UnjoinCode
from gbcs.asn1.payload import decode, encode
from gbcs.envelope import Cra
from gbcs.errors import MalformedMessage

_Execute = Callable[[Command, object], object]


def handlers(meter: ElectricityMeter, save: Callable[[], object]) -> Mapping[str, Handler]:
    """Handlers for the pipeline by use case; ``save`` keeps what they change, inside their unit."""

    def order_firmware(command: Command, asked: object) -> object:
        if not isinstance(asked, FirmwareActivation):
            raise MalformedMessage("not a firmware activation")
        if asked.counter != command.message.originator_counter:
            raise MalformedMessage("the counter inside is not the message's")
        return meter.firmware.order(asked, command.now)

    def join(command: Command, asked: object) -> object:
        if not isinstance(asked, Join):
            raise MalformedMessage("not a join")
        code = meter.kept.device_log.join(command.message.message_code, asked)
        if code is JoinCode.SUCCESS and asked.peer_kind == Kind.HCALCS:
            meter.controllers.join(asked.peer)
        return code

    def unjoin(_: Command, asked: object) -> object:
        if not isinstance(asked, int):
            raise MalformedMessage("not an unjoin")
        code = meter.kept.device_log.unjoin(asked)
        if code is UnjoinCode.SUCCESS:
            meter.controllers.unjoin(asked)
        return code

    def read_log(_command: Command, _asked: object) -> object:
        return meter.kept.device_log.details()

    table: Mapping[str, _Execute] = {
        "CS06": order_firmware,
        "CS03A1": join,
        "CS03A2": join,
        "CS03B": join,
        "CS04AC": unjoin,
        "CS04B": unjoin,
        "CS07": read_log,
    }
    return {name: _handler(execute, meter, save) for name, execute in table.items()}


def _handler(execute: _Execute, meter: ElectricityMeter, save: Callable[[], object]) -> Handler:
    def handle(command: Command) -> Outcome:
        message = command.message
        asked = decode(message.message_code, message.cra, message.payload)
        command.unit.on_rollback(meter.undo_point())
        answer = execute(command, asked)
        save()
        return Outcome(encode(message.message_code, Cra.RESPONSE, answer))

    return handle

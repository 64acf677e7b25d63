"""Commands for a pipeline, and what came of them."""

from __future__ import annotations

from device.command import Answered, Command, Outcome, Refused
from device.pipeline import Pipeline
from device.refusal import Refusal
from gbcs.envelope import Message
from gbcs.gbz import Gbz
from gbcs.party import DeviceType
from gbcs.protection import attribute_cipher
from tests.device.rig import (
    GSME,
    Rig,
    command,
)

URP = 0x0BAD
"""An unknown remote party."""


def refusal_of(result: Answered | Refused) -> Refusal:
    assert isinstance(result, Refused), result
    return result.refusal


def response_of(result: Answered | Refused) -> Message:
    assert isinstance(result, Answered), result
    return Message.parse(result.octets)


def opened(rig: Rig, response: Message) -> Gbz:
    return Gbz.parse(response.payload).opened(attribute_cipher(response, rig.keys))


def critical(rig: Rig, counter: int) -> bytes:
    return command(rig, "GCS28", counter=counter, payload=b"\x05\x00")


def gsme(outcomes: list[Command] | None = None) -> tuple[Rig, Pipeline]:
    rig = Rig(eui64=GSME, device_type=DeviceType.GSME)

    def execute(asked: Command) -> Outcome:
        if outcomes is not None:
            outcomes.append(asked)
        asked.unit.put("executed", asked.message.originator_counter)
        return Outcome(b"\x05\x00")

    return rig, rig.pipeline("GCS13a", handlers={"GCS28": execute})

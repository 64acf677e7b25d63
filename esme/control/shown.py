"""The COSEM attributes of the auxiliary controllers that show, or say, what each of them is."""

from __future__ import annotations

import json
from typing import Final

from device.cosem.settings import Settings
from device.cosem.table import Place
from esme.control.action import CONTROLLERS, OFF, Direction, side_of
from esme.control.state import ControllerState, Kind
from gbcs.dlms import values as v

TYPE: Final = {n: Place.parse(f"1/0-0:94.44.0.{20 + n}/2") for n in CONTROLLERS}
_STATE: Final = {n: Place.parse(f"1/0-0:94.44.0.{30 + n}/2") for n in CONTROLLERS}
_OUTPUT: Final = {n: Place.parse(f"70/0-{n}:96.3.10.255/2") for n in CONTROLLERS}
_BOOSTED: Final = {n: Place.parse(f"1/0-0:94.44.6.{n}/2") for n in CONTROLLERS}
NO_STATE: Final = "{}"


def kind_of(stored: Settings, controller: int) -> Kind:
    """What a controller is."""
    return Kind.of_type(type_of(stored, controller))


def type_of(stored: Settings, controller: int) -> bytes:
    """TypeAndIdentifier of a controller."""
    data = stored.find(TYPE[controller])
    return data.value if data is not None and isinstance(data.value, bytes) else b""


def is_boosted(stored: Settings, controller: int) -> bool:
    """Whether a controller is associated with the boost key (ECS62)."""
    data = stored.find(_BOOSTED[controller])
    associated = data is not None and bool(data.value)
    return associated and kind_of(stored, controller) is not Kind.NONE


def show(stored: Settings, state: ControllerState, controller: int) -> None:
    """Put the state of a controller where it is read: JSON for ECS61e, on or off for ECS61a."""
    output, input_ = (state.level(side_of(controller, d)) for d in Direction)
    text = json.dumps({"outputState": output, "inputState": input_})
    if kind_of(stored, controller) is Kind.NONE:
        text = NO_STATE
    stored.put(_STATE[controller], v.utf8(text))
    stored.put(_OUTPUT[controller], v.boolean(output > OFF))

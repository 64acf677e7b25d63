"""Replay of recorded commands: whether this meter answers what another one is known to have sent.

The meter is made to hold what the recorded Response reports, then executes the recorded command;
the payloads are compared octet for octet. What is not read back (sets, actions) has to be executed
with the recorded results.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from device.clock import DeviceClock
from device.cosem.recorded import break_as, reported
from device.cosem.table import Access, Place
from device.store import MemoryStore
from esme.control.action import CONTROLLERS
from esme.control.state import TYPES
from esme.control.state import Kind as ControllerKind
from esme.meter import ElectricityMeter, Identity
from esme.objects import server
from esme.physics.signal import Constant
from esme.physics.site import Phase, Site
from gbcs.dlms.apdu import AccessRequest, AccessResponse, ResultItem
from gbcs.dlms.data import Data
from gbcs.envelope import Message
from gbcs.errors import GbcsError, LocalError
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.stamp import Reliability, Stamp
from gbcs.utrn import is_authentic

_NEVER_SET: Final = datetime(2015, 1, 1, tzinfo=UTC)
_TIME: Final = Place.parse("8/0-0:1.0.0.255/2")
_DEVICE_IDENTIFIER: Final = Place.parse("1/0-0:96.1.1.255/2")


def replay(command: Message, response: Message, keys: KeyStore) -> str:
    """Execute a recorded command; empty when the payloads agree, else what differs."""
    try:
        request = AccessRequest.parse(command.payload)
        recorded = AccessResponse.parse(response.payload)
        reasons = [_replay_on(twin, request, recorded, response, keys) for twin in (False, True)]
    except GbcsError as exc:
        return f"{type(exc).__name__}: {exc}"
    return "" if "" in reasons else " / ".join(reasons)


def moment_of(command: Message, response: Message, keys: KeyStore) -> datetime:
    """The time of day of a recorded pair: the clock it reads, else its stamp, else none known."""
    request = AccessRequest.parse(command.payload)
    recorded = AccessResponse.parse(response.payload)
    time = dict(reported(request, recorded, response, keys)).get(_TIME)
    shown = Stamp.from_bytes(time.value) if time and isinstance(time.value, bytes) else None
    stamp = response.date_time
    return (shown.at if shown else None) or (stamp.at if stamp else None) or _NEVER_SET


def _replay_on(
    twin: bool, request: AccessRequest, recorded: AccessResponse, response: Message, keys: KeyStore
) -> str:
    values = dict(reported(request, recorded, response, keys))
    meter = _meter(response, twin, values.get(_TIME), keys)
    served = server(meter)
    try:
        served.load_all(values.items())
    except LocalError as exc:
        return f"cannot hold what was reported: {exc}"
    break_as(served, request, recorded)
    answer = served.execute(request, _access(meter, response, keys))
    return "" if answer.to_bytes() == response.payload else _difference(answer, recorded)


def _meter(response: Message, twin: bool, time: Data | None, keys: KeyStore) -> ElectricityMeter:
    stamp = Stamp.from_bytes(time.value) if time and isinstance(time.value, bytes) else None
    now = (stamp.at if stamp else None) or _NEVER_SET
    return ElectricityMeter(
        Identity(response.originator, controllers=(TYPES[ControllerKind.APC],) * len(CONTROLLERS)),
        Site((Phase(), Phase(), Phase()), Constant() if twin else None),
        DeviceClock(lambda: now, status=Reliability.RELIABLE),
        MemoryStore(),
        true_time=lambda: now,
        hub_time=lambda: now,
        is_authentic=lambda token, counter: is_authentic(
            token, response.recipient, response.originator, counter, keys
        ),
    )


def _access(meter: ElectricityMeter, response: Message, keys: KeyStore) -> Access:
    return Access(
        now=meter.now,
        device=response.originator,
        requester=response.recipient,
        message_code=response.message_code,
        originator_counter=response.originator_counter,
        seal=lambda octets: attribute_cipher(response, keys).seal(octets),
    )


def _difference(answer: AccessResponse, recorded: AccessResponse) -> str:
    pairs = zip(answer.results, recorded.results, strict=True)
    for number, (ours, theirs) in enumerate(pairs):
        if ours != theirs:
            return f"item {number}: {_describe(ours)}, on record {_describe(theirs)}"
    return "the results agree, their encoding does not"


def _describe(result: ResultItem) -> str:
    return f"result {result.result} with {result.data}"[:200]

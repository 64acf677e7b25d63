"""``chub rtds replay``: recorded commands sent to fresh emulated devices, Responses compared.

For each pair a home with the recorded identities is booted on the ether, its devices are brought
into the state that the recorded Response reports (a failing item is made to fail), the command goes
in on the WAN side, and what comes back is compared: grouping header and decrypted payload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final

from bench.home import Home, open_home
from bench.rig import Rig
from device.timeline import Timeline, run
from gbcs.catalogue import by_code
from gbcs.envelope import Message
from gbcs.errors import GbcsError
from gbcs.eui64 import format_eui64
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile, find_keystore, pairs, read_directory
from gbcs.stamp import Source, Stamp
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import (
    AttributeStatus,
    DefaultResponse,
    GeneralCommand,
    ReadAttributesResponse,
)
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment
from gpf.device import USE_CASES as GPF_USE_CASES
from gsme.device import USE_CASES as GSME_USE_CASES
from gsme.model import FIELDS, METERING, PRICE, set_value
from han.commands.metering import GetSampledDataResponse
from han.zcl.payload import decode
from han.zcl.server import ZclServer

GSME, CHF, GPF = 0xA1, 0xA2, 0xA3
"""Last octets of the reference devices' identifiers."""

DEVICE_USE_CASES: Final = {GSME: GSME_USE_CASES, GPF: GPF_USE_CASES}
_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_LIMIT: Final = timedelta(hours=2)
_NOT_EXECUTED: Final = DefaultResponse(0xFF, Status.FAILURE).to_bytes()
_NOTHING_TO_ARRANGE: Final = (
    DefaultResponse(0x00, Status.SUCCESS).to_bytes(),  # PublishChangeOfTenancy was accepted
    DefaultResponse(0x08, Status.NOT_FOUND).to_bytes(),  # GetSampledData found an empty log
)
SAMPLED_DATA: Final = 0x07


class Unsupported(Exception):
    """No device or behaviour of the bench answers this pair; the message says which."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded command, its Response, and what the Response says in clear."""

    name: str
    command: Message
    response: Message
    expected: Gbz
    sent: bytes

    @property
    def device(self) -> int:
        """The emulated device that answers."""
        return self.response.originator


@dataclass(slots=True)
class Outcome:
    """What became of every pair."""

    pairs: int = 0
    matched: int = 0
    mismatched: list[dict[str, str]] = field(default_factory=list)
    unsupported: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "pairs": self.pairs,
            "matched": self.matched,
            "mismatched": self.mismatched,
            "unsupported": self.unsupported,
        }


def replay_directory(
    directory: Path, keys: KeyStore | None = None, only: str | None = None
) -> Outcome:
    """Replay every pair below a directory, or those of one use case."""
    store = keys or find_keystore(directory)
    outcome = Outcome()
    for recorded, answer in pairs(list(read_directory(directory))):
        if only is not None and not recorded.name.startswith(f"{only}_"):
            continue
        outcome.pairs += 1
        _replay_one(recorded, answer, store, outcome)
    return outcome


def _replay_one(recorded: RtdsFile, answer: RtdsFile, keys: KeyStore, outcome: Outcome) -> None:
    entry = {"pair": recorded.name}
    try:
        difference = replay(_pair(recorded, answer, keys), keys)
    except Unsupported as error:
        outcome.unsupported.append(entry | {"reason": str(error)})
        return
    except GbcsError as error:
        outcome.mismatched.append(entry | {"reason": f"{type(error).__name__}: {error}"})
        return
    if difference is None:
        outcome.matched += 1
    else:
        outcome.mismatched.append(entry | {"reason": difference})


def _pair(recorded: RtdsFile, answer: RtdsFile, keys: KeyStore) -> Pair:
    command, response = Message.parse(recorded.octets), Message.parse(answer.octets)
    use_case = by_code(response.message_code)
    supported = DEVICE_USE_CASES.get(response.originator & 0xFF, ())
    if use_case is None or use_case.name not in supported:
        name = use_case.name if use_case else f"message code {response.message_code:04X}"
        raise Unsupported(f"{name} at {format_eui64(response.originator)} is not emulated")
    expected = Gbz.parse(response.payload)
    if expected.has_sealed:
        expected = expected.opened(attribute_cipher(response, keys))
    return Pair(recorded.name, command, response, expected, recorded.octets)


def replay(pair: Pair, keys: KeyStore) -> str | None:
    """Replay one pair on a fresh home; None when it matches, else what differs."""
    at = pair.response.date_time.at if pair.response.date_time else None
    timeline = Timeline((at or _EPOCH) - timedelta(minutes=5))
    return run(_replay(pair, keys, timeline), timeline)


async def _replay(pair: Pair, keys: KeyStore, timeline: Timeline) -> str | None:
    async with open_home(_rig(pair, keys), timeline, keys=keys) as home:
        meter = home.meter
        if meter is None:
            raise Unsupported("the home has no gas meter")
        host = await meter.start()
        async with host.running():
            await meter.commission()
            _Arranger(home, pair).arrange()
            await meter.wake()
            arrived: list[bytes] = []
            home.upward.append(arrived.append)
            home.hub.deliver(pair.sent)
            if not arrived:
                await meter.wake()
    if not arrived:
        return "no Response"
    return difference_of(pair, Message.parse(arrived[0]), keys)


class _Arranger:
    """Brings a home into the state that a recorded Response reports."""

    def __init__(self, home: Home, pair: Pair) -> None:
        assert home.meter is not None  # the caller looked
        self._home, self._meter, self._pair = home, home.meter, pair
        self._at_gpf = pair.device == home.gpf.entity

    def arrange(self) -> None:
        """Set clocks, values and faults."""
        self._set_clocks(self._pair.response.date_time)
        for component in self._pair.expected.components:
            frame = component.frame
            if frame.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE:
                for record in ReadAttributesResponse.parse(frame.payload).records:
                    self._set_record(component.cluster_id, record)
            elif frame.is_cluster_command and component.cluster_id == METERING:
                self._set_samples(frame)
            elif frame.payload not in (_NOT_EXECUTED, *_NOTHING_TO_ARRANGE):
                raise Unsupported("a component answered by something else than attributes")

    def _set_samples(self, frame: Frame) -> None:
        """Let the gas meter's totals have been what makes these samples."""
        if frame.command_id != SAMPLED_DATA or not self._at_gpf:
            raise Unsupported(f"Metering command {frame.command_id:02X}")
        recorded = decode(GetSampledDataResponse, frame.payload)
        log = self._home.gpf.samples.get(recorded.sample_id)
        if log is None:
            raise Unsupported(f"sample {recorded.sample_id:04X}")
        totals = accumulate(recorded.samples, initial=0)
        before_first = zcl_moment(recorded.start_time) - log.kind.period
        for number, total in enumerate(totals):
            log.take(before_first + number * log.kind.period, total)

    def _set_clocks(self, stamp: Stamp | None) -> None:
        if stamp is None or stamp.at is None:
            return
        gsme, gpf = self._meter.chassis.clock, self._home.gpf.chassis.clock
        if not self._at_gpf or stamp.source is Source.GSME:
            gsme.hold(stamp.at)
            gsme.status = stamp.reliability
            return
        self._meter.push_snapshot_time = False
        gpf.hold(stamp.at)
        gpf.status = stamp.reliability

    def _set_record(self, cluster_id: int, record: AttributeStatus) -> None:
        key = (cluster_id, record.attribute_id)
        if record.status == Status.UNSUPPORTED_ATTRIBUTE:
            return
        if key not in FIELDS:
            raise Unsupported(f"attribute {record.attribute_id:04X} of cluster {cluster_id:04X}")
        if record.status != Status.SUCCESS:
            self._server.faults[key] = Status(record.status)
        elif isinstance(record.value, int):
            set_value(self._meter.model, cluster_id, record.attribute_id, record.value)
            if self._at_gpf and cluster_id == PRICE:
                setattr(self._home.gpf.tariff, FIELDS[key][0], record.value)

    @property
    def _server(self) -> ZclServer:
        return self._home.gpf.remote if self._at_gpf else self._meter.remote


def _rig(pair: Pair, keys: KeyStore) -> Rig:
    """A home with the recorded identities: the other devices differ in the last octet."""
    family = pair.device & ~0xFF
    return Rig.model_validate(
        {
            "name": f"replay {pair.name}",
            "time": "jump",
            "parties": {"access_control_broker": keys.access_control_broker},
            "hub": {"radio": "ether:", "gpf": family | GPF, "chf": family | CHF},
            "gas_meter": {"eui64": family | GSME, "flow_dm3_per_h": 0},
            "settings": {"gsme": {"read_time_every_wake": False}},
        }
    )


_HEADER: Final[tuple[tuple[str, Callable[[Message], object]], ...]] = (
    ("CRA flag", lambda m: m.cra),
    ("originator counter", lambda m: m.originator_counter),
    ("originator", lambda m: m.originator),
    ("recipient", lambda m: m.recipient),
    ("date-time", lambda m: m.date_time),
    ("message code", lambda m: m.message_code),
    ("supplementary remote party ID", lambda m: m.supplementary_id),
    ("supplementary remote party counter", lambda m: m.supplementary_counter),
    ("supplementary originator counter", lambda m: m.supplementary_originator_counter),
)


def difference_of(pair: Pair, answer: Message, keys: KeyStore) -> str | None:
    """What differs between the recorded Response and ours; None when nothing does."""
    for name, of in _HEADER:
        if of(answer) != of(pair.response):
            return f"{name}: {of(answer)} instead of {of(pair.response)}"
    ours = Gbz.parse(answer.payload)
    if ours.has_sealed:
        ours = ours.opened(attribute_cipher(answer, keys))
    if len(ours.components) != len(pair.expected.components):
        return f"{len(ours.components)} components instead of {len(pair.expected.components)}"
    both = zip(ours.components, pair.expected.components, strict=True)
    for number, (mine, theirs) in enumerate(both):
        if mine != theirs:
            return f"component {number}: {mine} instead of {theirs}"
    return None

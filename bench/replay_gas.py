"""Replaying recorded commands at the gas side of a home: the GPF, or the GSME itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from bench.home import Home, open_home
from bench.replay_pair import CHF, GPF, GSME, QUICK_JOINING, Pair, Unsupported, difference_of
from bench.replay_shared import SharedState, is_shared, moment_of_shared
from bench.rig import Rig
from device.timeline import Timeline, run
from gbcs.envelope import Message
from gbcs.keys import KeyStore
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
from gsme.model import FIELDS, METERING, PRICE, set_value
from han.commands.metering import GetSampledDataResponse
from han.zcl.payload import decode
from han.zcl.server import ZclServer

_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_NOT_EXECUTED: Final = DefaultResponse(0xFF, Status.FAILURE).to_bytes()
_NOTHING_TO_ARRANGE: Final = (
    DefaultResponse(0x00, Status.SUCCESS).to_bytes(),  # PublishChangeOfTenancy was accepted
    DefaultResponse(0x08, Status.NOT_FOUND).to_bytes(),  # GetSampledData found an empty log
)
SAMPLED_DATA: Final = 0x07


def replay_at_gas(pair: Pair, keys: KeyStore) -> str | None:
    """Replay a pair of the GPF or the GSME; None when it matches, else what differs."""
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
            if is_shared(pair):
                device = home.gpf if pair.device == home.gpf.entity else meter
                SharedState(device.chassis, device.common, pair, keys).arrange()
                device.chassis.clock.hold(moment_of_shared(pair))
            else:
                _Arranger(home, pair).arrange()
            await meter.wake()
            arrived: list[bytes] = []
            home.upward.append(arrived.append)
            home.hub.deliver(pair.sent)
            if not arrived:
                await meter.wake()
    answers = [Message.parse(octets) for octets in arrived]
    ours = next((one for one in answers if one.cra is pair.response.cra), None)
    return "no Response" if ours is None else difference_of(pair, ours, keys)


class _Arranger:
    """Brings a home into the state that a recorded Response reports."""

    def __init__(self, home: Home, pair: Pair) -> None:
        assert home.meter is not None  # the caller looked
        self._home, self._meter, self._pair = home, home.meter, pair
        self._at_gpf = pair.device == home.gpf.entity

    def arrange(self) -> None:
        """Set clocks, values and faults."""
        self._set_clocks(self._pair.response.date_time)
        expected = self._pair.expected
        for component in expected.components if expected is not None else ():
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
    family = pair.family
    return Rig.model_validate(
        {
            "name": f"replay {pair.name}",
            "time": "jump",
            "parties": {"access_control_broker": keys.access_control_broker},
            "hub": {"radio": "ether:", "gpf": family | GPF, "chf": family | CHF},
            "gas_meter": {"eui64": family | GSME, "flow_dm3_per_h": 0},
            "settings": {"gsme": {"read_time_every_wake": False}, **QUICK_JOINING},
        }
    )

"""Replaying recorded commands at the gas side of a home: the GPF, or the GSME itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from bench.arrange_gas import Arranger
from bench.home import Home, open_home
from bench.replay_gpf_log import arrange_log, is_log_restore
from bench.replay_pair import GSME, QUICK_JOINING, Pair, Unsupported, difference_in
from bench.replay_rig import rig_for
from bench.replay_shared import SharedState, is_shared, moment_of_shared
from bench.rig import Rig
from device.sample_log import SampleLog
from device.timeline import Timeline, run
from gbcs.asn1.devices import ClockReport
from gbcs.asn1.names import TimeStatus
from gbcs.asn1.payload import decode as decode_asn1
from gbcs.envelope import Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType
from gbcs.stamp import NOT_SPECIFIED_STATUS, Reliability, Source, Stamp
from gbcs.zcl.types import DataType, Value
from gsme.model import PRICE, set_value

PPMID: Final = 0xA4
"""Last octet of the reference PPMID's identifier."""
_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_SET_CLOCK: Final = 0x007F


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
            elif is_log_restore(pair):
                arrange_log(home.gpf.common.joins, pair)
            else:
                _arrange(home, pair)
            await meter.wake()
            arrived: list[bytes] = []
            home.upward.append(arrived.append)
            home.hub.deliver(pair.sent)
            if not arrived:
                await meter.wake()
    return difference_in(pair, arrived, keys)


class _AtMeter:
    """The gas meter as the one that answered."""

    def __init__(self, home: Home) -> None:
        assert home.meter is not None  # the caller looked
        device = home.meter.meter
        self.chassis, self.server, self.events = device.chassis, device.server, device.events
        self.meter = device.model
        self.tariff, self.logs = device.model.tariff, device.model.logs
        self._samples = device.works.samples

    def put(self, cluster_id: int, attribute_id: int, value: Value, type_: DataType) -> None:
        """Let an attribute have a value; KeyError when the meter has no such attribute."""
        del type_
        if isinstance(value, int | str | bytes):
            set_value(self.meter, cluster_id, attribute_id, value)

    def sample_log(self, sample_id: int) -> SampleLog | None:
        """The log of samples with an identifier."""
        return self._samples.get(sample_id)


class _AtProxy(_AtMeter):
    """The GPF as the one that answered: what the meter pushes is put at the meter."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        gpf = home.gpf
        self.chassis, self.server, self.events = gpf.chassis, gpf.remote, gpf.logs
        self.tariff, self.logs = gpf.state.tariff, gpf.state.logs
        self._samples = gpf.samples

    def put(self, cluster_id: int, attribute_id: int, value: Value, type_: DataType) -> None:
        """Let the meter have the value; of Price, the proxy itself."""
        if cluster_id != PRICE:
            super().put(cluster_id, attribute_id, value, type_)
        elif isinstance(value, int):
            self.tariff.values[attribute_id] = value


def _arrange(home: Home, pair: Pair) -> None:
    """Set clocks, then the state of the device that answered."""
    at_gpf = pair.device == home.gpf.entity
    if pair.command.originator & 0xFF == PPMID:
        assert home.meter is not None  # the caller looked
        both = (pair.command.originator, pair.device)
        if not any(home.keys.has_private(each, Usage.KEY_AGREEMENT) for each in both):
            raise Unsupported("no private key of the PPMID or the GSME is published")
        home.meter.chassis.credentials.devices[pair.command.originator] = DeviceType.PPMID
    own_counter = pair.response.supplementary_originator_counter
    if own_counter is not None:
        chassis = home.gpf.chassis if at_gpf else _AtMeter(home).chassis
        chassis.own_counter.start_at(own_counter)
    _set_clocks(home, pair.response.date_time, at_gpf=at_gpf)
    if pair.expected is not None:
        Arranger(_AtProxy(home) if at_gpf else _AtMeter(home), pair).arrange()
    elif pair.response.message_code == _SET_CLOCK:
        _arrange_clock(home, pair.response)
    else:
        raise Unsupported("a Response whose state is not arranged")


def _arrange_clock(home: Home, response: Message) -> None:
    """Let hub and meter show the time that the Response tells, before and after."""
    assert home.meter is not None  # the caller looked
    report = decode_asn1(response.message_code, response.cra, response.payload)
    if not isinstance(report, ClockReport):
        raise Unsupported("a report of a clock was expected")
    for clock in (home.hub.chassis.clock, home.meter.chassis.clock):
        clock.hold(report.device_time)
    if report.status == TimeStatus.INVALID:
        home.meter.chassis.clock.status = Reliability.INVALID


def _set_clocks(home: Home, stamp: Stamp | None, *, at_gpf: bool) -> None:
    assert home.meter is not None  # the caller looked
    if stamp is None or stamp.at is None:
        return
    gsme, gpf = home.meter.chassis.clock, home.gpf.chassis.clock
    if not at_gpf or stamp.source is Source.GSME:
        gsme.hold(stamp.at)
        if stamp.status != NOT_SPECIFIED_STATUS:
            gsme.status = stamp.reliability
        return
    home.meter.push_snapshot_time = False
    gpf.hold(stamp.at)
    gpf.status = stamp.reliability


def _rig(pair: Pair, keys: KeyStore) -> Rig:
    """A home with the recorded identities: the other devices differ in the last octet."""
    settings = {"gsme": {"read_time_every_wake": False}, **QUICK_JOINING}
    meter = {"eui64": pair.family | GSME, "flow_dm3_per_h": 0}
    return rig_for(pair, keys, gas_meter=meter, settings=settings)

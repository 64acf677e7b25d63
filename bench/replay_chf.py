"""Replaying recorded commands at the Communications Hub Function."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bench.home import Home, open_home
from bench.replay_pair import Pair, difference_in
from bench.replay_rig import rig_for
from bench.replay_shared import SharedState, is_shared, moment_of_shared
from chub.device_log import Entry
from chub.model import HubModel
from device.cosem.recorded import arrange
from device.timeline import Timeline, run
from gbcs.dlms.apdu import AccessRequest, AccessResponse, Kind, Result
from gbcs.dlms.data import Data, Tag
from gbcs.envelope import Message
from gbcs.errors import LocalError
from gbcs.keys import KeyStore
from gbcs.party import DeviceType
from gbcs.stamp import Stamp

_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_NETWORK_CONTROL: Final = 104
_UNREGISTER_DEVICE: Final = 2


def replay_at_chf(pair: Pair, keys: KeyStore) -> str | None:
    """Replay a pair of the CHF; None when it matches, else what differs."""
    shared = is_shared(pair)
    timeline = Timeline(moment_of_shared(pair) if shared else _moment_of(pair.response))
    return run(_replay(pair, keys, timeline), timeline)


async def _replay(pair: Pair, keys: KeyStore, timeline: Timeline) -> str | None:
    async with open_home(rig_for(pair, keys), timeline, keys=keys) as home:
        try:
            _arrange(home, pair, keys)
        except LocalError as error:
            return f"the hub cannot hold what was reported: {str(error)[:120]}"
        arrived: list[bytes] = []
        home.upward.append(arrived.append)
        home.hub.deliver(pair.sent)
    return difference_in(pair, arrived, keys)


def _arrange(home: Home, pair: Pair, keys: KeyStore) -> None:
    """Bring the hub into the state that the pair shows, at the moment it shows."""
    own = home.hub.own
    if is_shared(pair):
        own.model.chassis.clock.hold(moment_of_shared(pair))
        SharedState(own.model.chassis, own.common, pair, keys).arrange()
        return
    own.model.chassis.clock.hold(_moment_of(pair.response))
    arrange(own.server, pair.command, pair.response, keys)
    _register_what_is_removed(own.model, pair)


def _register_what_is_removed(model: HubModel, pair: Pair) -> None:
    """A device that was removed had been there."""
    request = AccessRequest.parse(pair.command.payload)
    results = AccessResponse.parse(pair.response.payload).results
    for item, result in zip(request.items, results, strict=True):
        place = (item.class_id, item.kind, item.index)
        removes = place == (_NETWORK_CONTROL, Kind.ACTION, _UNREGISTER_DEVICE)
        if removes and result.result == Result.SUCCESS and isinstance(item.data.value, bytes):
            model.device_log.add(Entry(int.from_bytes(item.data.value), DeviceType.ESME, b""))


def _moment_of(response: Message) -> datetime:
    """When the Response was made: the time of the backup it returns, else none known."""
    for result in AccessResponse.parse(response.payload).results:
        match result.data:
            case Data(Tag.STRUCTURE, (Data(Tag.OCTET_STRING, bytes(time)), *_)) if len(time) == 12:
                return Stamp.from_bytes(time).at or _EPOCH
    return _EPOCH

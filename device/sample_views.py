"""GetSampledData on Metering 0x0702: the whole log for remote parties, less for displays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from device.sample_log import NO_SAMPLE, SampleLog
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment, zcl_seconds
from han.clusters import METERING
from han.commands.metering import GetSampledData, GetSampledDataResponse
from han.requests import command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Cluster, Command, Party, Reply, Served, Side

CONSUMPTION_DELIVERED: Final = 0
HAN_SAMPLES: Final = 255
"""Most samples in one answer over the HAN: they must fit a fragmented message."""
_GET: Final = command_of(METERING, "GetSampledData")
_RESPONSE: Final = command_of(METERING, "GetSampledDataResponse", Side.CLIENT)


class SampleSource(Protocol):
    """Logs by their sample identifiers."""

    def get(self, sample_id: int) -> SampleLog | None:
        """The log with this identifier."""
        ...


def all_are_seen(_: Access) -> datetime | None:
    """Nothing is hidden from anybody."""
    return None


def sampled(
    logs: SampleSource, hidden_before: Callable[[Access], datetime | None] = all_are_seen
) -> Served:
    """The logs behind GetSampledData; NOT_FOUND when no entry is there, or none may be seen.

    ``hidden_before`` says from when on an asker may see entries.
    """

    def get(held: SampleSource, payload: bytes, access: Access) -> Answer:
        asked = decode(GetSampledData, payload)
        log = held.get(asked.sample_id)
        if log is None or asked.sample_type != CONSUMPTION_DELIVERED:
            return Status.NOT_FOUND
        at_home = access.party is Party.HAN
        samples = log.read(
            zcl_moment(asked.earliest_time),
            min(asked.count, HAN_SAMPLES) if at_home else asked.count,
            hidden_before(access),
        )
        if samples is None:
            return Status.NOT_FOUND
        answer = GetSampledDataResponse(
            asked.sample_id,
            zcl_seconds(samples.first_end),
            asked.sample_type,
            log.kind.interval_s,
            len(samples.values),
            tuple(NO_SAMPLE if value is None else value for value in samples.values),
        )
        return Reply(_RESPONSE.id, encode(answer))

    table: Cluster[SampleSource] = Cluster(METERING, Side.SERVER, commands=(Command(_GET, get),))
    return table.on(logs)

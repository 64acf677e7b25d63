"""Bringing the GPF's device log into the state that a recorded restoration (GCS59) shows."""

from __future__ import annotations

from typing import Final

from bench.replay_pair import Pair, Unsupported
from device.joins import CAPACITY, Joins, Partner
from gbcs.asn1.devices import LogRestoreResponse, RestoreOutcome
from gbcs.asn1.names import JoinCode, Kind
from gbcs.asn1.payload import decode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra

_GCS59: Final = by_name("GCS59").message_code
_STRANGERS: Final = 0xFFFF_FFFF_FFFF_0000
_NATURAL: Final = frozenset({JoinCode.SUCCESS, JoinCode.INVALID_METHOD_AND_ROLE})
"""Outcomes that follow from the command alone."""


def is_log_restore(pair: Pair) -> bool:
    """Whether a pair restores the device log of a GPF."""
    return pair.response.message_code == _GCS59


def arrange_log(joins: Joins, pair: Pair) -> None:
    """Let the log hold what makes some entries of the restoration fail as recorded."""
    recorded = decode(_GCS59, Cra.RESPONSE, pair.response.payload)
    assert isinstance(recorded, LogRestoreResponse)  # the codec says so
    for outcome in recorded.outcomes:
        _arrange(joins, outcome)
    if any(outcome.result == JoinCode.DEVICE_LOG_FULL for outcome in recorded.outcomes):
        stored = sum(outcome.result == JoinCode.SUCCESS for outcome in recorded.outcomes)
        for number in range(CAPACITY - stored - len(joins)):
            joins.add(_STRANGERS + number, Partner(Kind.TYPE2))


def _arrange(joins: Joins, outcome: RestoreOutcome) -> None:
    if outcome.result == JoinCode.INCOMPATIBLE_WITH_EXISTING_ENTRY:
        other = Kind.TYPE2 if outcome.entry.kind != Kind.TYPE2 else Kind.PPMID
        joins.add(outcome.entry.device, Partner(other))
    elif outcome.result not in (*_NATURAL, JoinCode.DEVICE_LOG_FULL):
        raise Unsupported(f"an entry restored with outcome {outcome.result}")

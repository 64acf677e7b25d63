"""The mirror in the GPF's store: a hub that restarts goes on with the values it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.store import Json, Store
from gbcs.stamp import Reliability, Source
from gbcs.zcl.types import DataType, decode, encode
from gpf.mirror import AttributeKey, Mirrored
from gpf.stamp import Provenance
from han.mirror.messages import ConfigureMirror

_VALUES: Final = "mirror/values/"
_LENT: Final = "mirror/lent"


@dataclass(frozen=True, slots=True)
class Lent:
    """Which meter has which mirror endpoint, and the event that configured it last."""

    peer: int
    endpoint: int
    issuer_event_id: int | None = None

    @property
    def configuration(self) -> ConfigureMirror | None:
        """The configuration as GB meters make it."""
        return None if self.issuer_event_id is None else ConfigureMirror(self.issuer_event_id)


class MirrorMemory:
    """Keeps the mirror; every method is one atomic unit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, values: Mapping[AttributeKey, Mirrored]) -> None:
        """Keep the values of one push."""
        with self._store.transaction() as unit:
            for (cluster_id, attribute_id), held in values.items():
                unit.put_json(f"{_VALUES}{cluster_id:04X}/{attribute_id:04X}", _to_json(held))

    def values(self) -> dict[AttributeKey, Mirrored]:
        """The values kept."""
        found: dict[AttributeKey, Mirrored] = {}
        with self._store.transaction() as unit:
            for key in unit.keys(_VALUES):
                cluster_id, attribute_id = key.removeprefix(_VALUES).split("/")
                held = unit.get_json(key)
                if isinstance(held, dict):
                    found[int(cluster_id, 16), int(attribute_id, 16)] = _from_json(held)
        return found

    def lend(self, lent: Lent) -> None:
        """Keep who has the mirror."""
        with self._store.transaction() as unit:
            unit.put_json(_LENT, [lent.peer, lent.endpoint, lent.issuer_event_id])

    def lent(self) -> Lent | None:
        """Who had the mirror."""
        with self._store.transaction() as unit:
            held = unit.get_json(_LENT)
        match held:
            case [int() as peer, int() as endpoint, int() | None as event_id]:
                return Lent(peer, endpoint, event_id)
        return None

    def forget(self) -> None:
        """Drop everything: the meter has left."""
        with self._store.transaction() as unit:
            for key in [*unit.keys(_VALUES), _LENT]:
                unit.delete(key)


def _to_json(held: Mirrored) -> Json:
    taken_at = held.provenance.taken_at
    return {
        "type": held.type,
        "value": encode(held.type, held.value).hex(),
        "taken_at": None if taken_at is None else taken_at.isoformat(),
        "source": held.provenance.source.value,
        "reliability": held.provenance.reliability.value,
    }


def _from_json(held: dict[str, Json]) -> Mirrored:
    type_ = DataType(int(str(held["type"])))
    value, _ = decode(type_, bytes.fromhex(str(held["value"])))
    taken_at = held["taken_at"]
    provenance = Provenance(
        None if taken_at is None else datetime.fromisoformat(str(taken_at)),
        Source(held["source"]),
        Reliability(held["reliability"]),
    )
    return Mirrored(type_, value, provenance)

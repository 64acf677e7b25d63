"""Servers that answer by publishing: Price, Calendar, Device Management.

Whoever holds tariffs says what it would publish now; what a display asks for is chosen from that by
the same rules for every Get command. Each of its fields asks for something by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Final

from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_seconds
from han.commands import payload_class
from han.commands.price import GetCurrentPrice
from han.zcl.payload import decode, encode
from han.zcl.tables import (
    Access,
    Answer,
    Cluster,
    ClusterDefinition,
    Command,
    CommandDefinition,
    Reply,
    Served,
    Side,
)

Held = Callable[[Access], Sequence[object]]
"""What this asker would be published now: payloads of one class, in force or to come."""
Publications = Mapping[type, Held]
"""By the class of the payload: what a device can publish at all."""

NO_ISSUER_EVENT: Final = 0xFFFFFFFF
"""A least issuer event that leaves nothing out."""
IN_FORCE: Final = (0xFFFFFFFF, 0xFFFFFFFE)
"""Calendar identifiers that mean whatever switches tariffs, or protects the supply, now."""
EVERY_CALENDAR: Final = 0xFF
BOTH_WAYS: Final = 2
"""Tariff type: delivered (0) and received (1)."""
_TYPE: Final = 0x0F
_STARTS: Final = ("earliest_start_time", "start_time")
_IDENTIFIERS: Final = ("issuer_tariff_id", "issuer_calendar_id")
_FROM_NUMBER: Final = (("start_day_id", "day_id"), ("start_week_id", "week_id"))


def published(definition: ClusterDefinition, publications: Publications) -> Served:
    """The Get commands of a cluster that are answered with one of these publications."""
    table: Cluster[Publications] = Cluster(
        definition, commands=tuple(_gets(definition, publications))
    )
    return table.on(publications)


def _gets(definition: ClusterDefinition, publications: Publications) -> list[Command[Publications]]:
    found = []
    for command in definition.to_server:
        for answer_id in command.answered_by:
            kind = payload_class(definition.cluster_id, Side.CLIENT, answer_id)
            if kind is not None and kind in publications:
                found.append(_get(definition, command, kind, answer_id))
    return found


def _get(
    definition: ClusterDefinition, command: CommandDefinition, kind: type, answer_id: int
) -> Command[Publications]:
    question = payload_class(definition.cluster_id, Side.SERVER, command.id)

    def handle(publications: Publications, payload: bytes, access: Access) -> Answer:
        asked = None if question is None else decode(question, payload)
        chosen = choose(asked, publications[kind](access), access)
        if not chosen:
            return Status.NOT_FOUND
        return tuple(Reply(answer_id, encode(each)) for each in chosen)

    return Command(command, handle)


def choose(asked: object, held: Sequence[object], access: Access) -> list[object]:
    """Which of the publications held a Get command asks for, in the order of their start."""
    question = _Question.of(asked, access)
    found = [each for each in held if question.fits(each)]
    if question.start is not None:
        found = _from_start(found, question.start)
    return found[: question.count] if question.count else found


@dataclass(frozen=True, slots=True)
class _Question:
    """What the fields of a Get command ask for. ``count`` 0: all."""

    values: Mapping[str, int]
    start: int | None = None
    count: int = 0

    @classmethod
    def of(cls, asked: object, access: Access) -> _Question:
        if isinstance(asked, GetCurrentPrice):
            return cls({}, zcl_seconds(access.now), 1)
        values = _numbers(asked)
        start = next((values[name] for name in _STARTS if name in values), None)
        return cls(values, start, values.get("count", 0))

    def fits(self, publication: object) -> bool:
        """Whether a publication is one of those asked for, whenever it starts."""
        has = _numbers(publication)
        return (
            all(self._same(name, has) for name in _IDENTIFIERS)
            and all(self.values.get(ask, 0) <= has.get(name, 0) for ask, name in _FROM_NUMBER)
            and self._is_recent(has)
            and self._has_type(has)
        )

    def _same(self, name: str, has: Mapping[str, int]) -> bool:
        wanted = self.values.get(name)
        return wanted is None or wanted in IN_FORCE or has.get(name, wanted) == wanted

    def _is_recent(self, has: Mapping[str, int]) -> bool:
        least = self.values.get("min_issuer_event_id", NO_ISSUER_EVENT)
        return least == NO_ISSUER_EVENT or has.get("issuer_event_id", least) >= least

    def _has_type(self, has: Mapping[str, int]) -> bool:
        calendar = self.values.get("calendar_type", EVERY_CALENDAR)
        if calendar not in (EVERY_CALENDAR, has.get("calendar_type", calendar)):
            return False
        tariff = self.values.get("tariff_type", BOTH_WAYS) & _TYPE
        its = has.get("tariff_type", has.get("type_and_charging_scheme", tariff)) & _TYPE
        return tariff in (BOTH_WAYS, its)


def _from_start(held: list[object], start: int) -> list[object]:
    """The one in force at a moment, and what starts later."""
    ordered = sorted(held, key=_start)
    begun = [each for each in ordered if _start(each) <= start]
    return begun[-1:] + ordered[len(begun) :]


def _start(publication: object) -> int:
    return _numbers(publication).get("start_time", 0)


def _numbers(payload: object) -> dict[str, int]:
    """The fields of a payload that are numbers, by name."""
    if not is_dataclass(payload):
        return {}
    values = ((each.name, getattr(payload, each.name)) for each in fields(payload))
    return {name: value for name, value in values if isinstance(value, int)}

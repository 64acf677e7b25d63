"""The parties of ``chub demo control``: a supplier and a load controller with one meter.

Whatever they know comes out of Responses and alerts that were checked and decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bench.home import Home
from bench.remote_party import RemoteParty
from gbcs.catalogue import by_name
from gbcs.dlms.apdu import AccessResponse, DataNotification, Result, ResultItem
from gbcs.dlms.data import CompactArray, Data
from gbcs.envelope import Cra, Message
from gbcs.errors import RemoteError
from gbcs.eui64 import format_eui64
from gbcs.party import Role
from gbcs.plain import Plain, moment_to_text
from gbcs.protection import verify
from gbcs.stamp import Stamp
from gbcs.zcl.types import zcl_moment

WITHIN: Final = timedelta(minutes=10)
HCALCS_KIND, ESME_KIND = 4, 1
METHOD_A_INITIATOR, METHOD_A_RESPONDER = 0, 1
_SCRIPTS: Final = "0x00000A0067FF"
_ALWAYS: Final = "0xFFFFFFFFFF"
_STATE: Final = "controllerNumberAndCommandedState"


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the auxiliary controller event log (ECS35g)."""

    at: datetime
    number: int
    outcome: int
    han_command_id: int


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert that arrived, under the meter's own time."""

    at: datetime | None
    code: int
    message_code: int


def entry(selector: int, clock: str, weekdays: str = "1111111") -> Plain:
    """An entry of the auxiliary calendar; weekdays from Monday on, and no special days."""
    hour, minute = (int(part) for part in clock.split(":"))
    at = f"0x{hour:02X}{minute:02X}0000"
    return [1, True, _SCRIPTS, selector, at, 0xFFFF, weekdays, "000", _ALWAYS, _ALWAYS]


@dataclass(slots=True)
class ControlParties:
    """A supplier and a load controller; ``heard`` are the alerts that came."""

    home: Home
    meter: int
    hcalcs: int
    heard: list[Heard] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    """Alerts that do not verify."""
    _counter: int = 0

    def listen(self) -> None:
        """Take the alerts that come up the WAN side from now on."""
        self.home.upward.append(self._hear)

    async def join_hcalcs(self) -> None:
        """Join the HCALCS and the meter by method A, each with its own command."""
        await self._ask("CS03A1", self._join(METHOD_A_INITIATOR, self.hcalcs, HCALCS_KIND))
        joined = self._join(METHOD_A_RESPONDER, self.meter, ESME_KIND)
        await self._ask("CS03A2", joined, to=self.hcalcs)

    async def set_offset_limit(self, limit_s: int) -> None:
        """Set the limit of the randomised offset (ECS38)."""
        await self._ask("ECS38", {"RandomisedOffsetLimit.value": limit_s})

    async def set_calendar(self, entries: tuple[Plain, ...]) -> None:
        """Put a calendar of the auxiliary controllers into force at once (ECS46d)."""
        calendar = "AuxiliaryControllerCalendar"
        await self._ask(
            "ECS46d",
            {
                f"{calendar}SpecialDays.entries": [],
                f"{calendar}.entries": list(entries),
                f"{calendar}.activateNextDateTime": "now",
                f"{calendar}SpecialDays.activateNextDateTime": "now",
            },
        )

    async def associate_boost(self, *controllers: int) -> None:
        """Say which controllers the boost key switches on (ECS62)."""
        values: dict[str, Plain] = {
            f"BoostFunctionControl[{n}].value": n in controllers for n in range(1, 6)
        }
        await self._ask("ECS62", values)

    async def command(self, number: int, start: datetime, end: datetime) -> None:
        """The supplier sets a controller for a time (ECS47a)."""
        name = f"AuxiliaryController[{number >> 8 & 0x0F}].settingPeriod"
        values = _period(name, start, end)
        await self._ask("ECS47a", {**values, f"AuxiliaryController[n].{_STATE}": number})

    async def limit(self, number: int, start: datetime, end: datetime) -> None:
        """The load controller limits a proportional controller for a time (ECS47e)."""
        name = f"AuxiliaryProportionalController[{number >> 8 & 0x0F}].limitPeriod"
        values = _period(name, start, end)
        number_of = f"AuxiliaryProportionalController[n].{_STATE}"
        await self._ask("ECS47e", {**values, number_of: number}, role=Role.LOAD_CONTROLLER)

    async def controller_log(self) -> tuple[Logged, ...]:
        """Everything in the auxiliary controller event log (ECS35g)."""
        answer = await self._ask("ECS35g", self._limits("AuxiliaryControllerEventLog.buffer"))
        rows = _rows(_results(answer)[0].data)
        return tuple(Logged(zcl_moment(at), *rest) for at, *rest in rows)

    async def boosts(self) -> tuple[tuple[datetime, datetime], ...]:
        """Everything in the boost log (ECS61c)."""
        answer = await self._ask("ECS61c", self._limits("BoostFunctionEventLog.buffer"))
        rows = _rows(_results(answer)[1].data)
        return tuple((zcl_moment(start), zcl_moment(end)) for start, end in rows)

    # -- parts -----------------------------------------------------------------------------------

    def _join(self, method: int, peer: int, kind: int) -> dict[str, Plain]:
        return {"method_and_role": method, "peer": format_eui64(peer), "peer_kind": kind}

    def _limits(self, name: str) -> dict[str, Plain]:
        timeline = self.home.timeline
        return {
            f"{name}.from": moment_to_text(timeline.start - timedelta(days=1)),
            f"{name}.to": moment_to_text(timeline.now()),
        }

    async def _ask(
        self,
        use_case: str,
        values: Mapping[str, Plain],
        *,
        to: int | None = None,
        role: Role = Role.SUPPLIER,
    ) -> Message:
        self._counter += 1
        party = RemoteParty(self.home.rig.parties.by_role()[role], self.home.keys)
        command = party.command(by_name(use_case), to or self.meter, self._counter, values)
        answer = party.open(await self.home.ask(command, WITHIN))
        if not answer.verification.is_authentic:
            raise RemoteError(f"the answer to {use_case} does not verify")
        _expect_success(use_case, answer.message)
        return answer.message

    def _hear(self, octets: bytes) -> None:
        message = Message.parse(octets)
        if message.cra is not Cra.ALERT or message.originator != self.meter:
            return
        if not verify(message, self.home.keys).is_authentic:
            self.unproven.append(f"an alert {message.message_code:04X} does not verify")
            return
        try:
            body = DataNotification.parse(message.payload).body.value
        except ValueError:
            return  # of a kind that has no such body
        match body:
            case (Data(value=int(code)), Data(value=bytes(time)), *_):
                at = Stamp.from_bytes(time).at
                self.heard.append(Heard(at, code, message.message_code))


def _period(name: str, start: datetime, end: datetime) -> dict[str, Plain]:
    return {
        f"{name}StartDateTime": moment_to_text(start),
        f"{name}EndDateTime": moment_to_text(end),
    }


def _results(answer: Message) -> tuple[ResultItem, ...]:
    return AccessResponse.parse(answer.payload).results


def _expect_success(use_case: str, answer: Message) -> None:
    if not use_case.startswith("ECS"):
        return
    failed = [one.result for one in _results(answer) if one.result != Result.SUCCESS]
    if failed:
        raise RemoteError(f"{use_case} was answered with result {failed[0]}")


def _rows(data: Data) -> Iterator[tuple[int, ...]]:
    match data.value:
        case CompactArray(entries=entries):
            for row in entries:
                if isinstance(row.value, tuple):
                    yield tuple(cell.value for cell in row.value if isinstance(cell.value, int))

"""Components of GBZ commands that take effect later (GCS01a, GCS01b, GCS02, GCS03, GCS05).

A component whose start lies ahead is kept and answered; at its time it is executed on the device's
clusters, and an alert says how that went. A component of the same kind that comes later takes its
place, or calls it off. Parts of a calendar, which say no start, go with their calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gbcs.alerts import ExecutedCommand
from gbcs.catalogue import by_code
from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import DefaultResponse
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment, zcl_seconds
from han.commands import payload_class
from han.commands.calendar import PublishCalendar
from han.commands.start import AT_ONCE, CANCELS, calendar_of, kind_of, start_of
from han.zcl.payload import decode
from han.zcl.server import ZclServer, answer_frames
from han.zcl.tables import Access, Answer, Order, Party, Side

ACTIONED: Final = 0x8F66
NOT_ACTIONED: Final = 0x8F67


@dataclass(frozen=True, slots=True)
class KeptComponent:
    """One component as it came."""

    cluster_id: int
    frame_control: int
    sequence: int
    command_id: int
    payload: bytes
    from_date_time: int | None = None

    @classmethod
    def of(cls, cluster_id: int, frame: Frame, from_date_time: int | None) -> KeptComponent:
        """Keep a frame."""
        return cls(
            cluster_id,
            frame.frame_control,
            frame.sequence,
            frame.command_id,
            frame.payload,
            from_date_time,
        )

    @property
    def frame(self) -> Frame:
        """The frame again."""
        return Frame(self.frame_control, self.sequence, self.command_id, self.payload)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What is to be done, and when (UTCTime seconds on the device's clock), for which command.

    ``parts`` are what belongs to a calendar.
    """

    at_s: int
    message_code: int
    originator: int
    counter: int
    kind: tuple[str, int]
    component: KeptComponent
    parts: tuple[KeptComponent, ...] = ()

    def is_due(self, own: datetime) -> bool:
        """Whether its time has come."""
        return self.at_s <= zcl_seconds(own)

    @property
    def order(self) -> Order:
        """The command that asked for it."""
        return Order(self.message_code, self.originator, self.counter)


@dataclass(frozen=True, slots=True)
class Executed:
    """An instruction that was due, whether it could be done, and what its alert carries."""

    instruction: Instruction
    done: bool
    details: ExecutedCommand

    @property
    def alert_code(self) -> int:
        """What the alert says."""
        return ACTIONED if self.done else NOT_ACTIONED


Acknowledged = Mapping[tuple[int, int], Callable[[Access], Answer]]


class Instructions:
    """Executes components on a server, those that start later at their time.

    ``pending`` is the device's list of what waits, part of its state. ``acknowledged`` says what
    answers a command that waits, where that is not a Default Response.
    """

    def __init__(
        self,
        server: ZclServer,
        pending: Callable[[], list[Instruction]],
        acknowledged: Acknowledged | None = None,
    ) -> None:
        self._server, self._pending = server, pending
        self._acknowledged = acknowledged or {}
        self._order: Order | None = None
        self._led: dict[int, Instruction | None] = {}

    @property
    def next_due(self) -> datetime | None:
        """When the first one is due, by the device's own clock."""
        due = min((each.at_s for each in self._pending()), default=None)
        return None if due is None else zcl_moment(due)

    def execute(self, cluster_id: int, frame: Frame, access: Access) -> tuple[Frame, ...]:
        """Execute a component, or keep it until its start."""
        if access.order != self._order:
            self._order, self._led = access.order, {}
        if not _may_wait(frame, access) or self._server.refusal(cluster_id, frame) is not None:
            return self._server.execute(cluster_id, frame, access)
        try:
            message = _message(cluster_id, frame)
            if message is None or not self._waits(cluster_id, frame, message, access):
                return self._server.execute(cluster_id, frame, access)
        except MalformedMessage:
            return answer_frames(frame, Status.MALFORMED_COMMAND, access)
        self._server.passed(cluster_id, frame.command_id)
        acknowledge = self._acknowledged.get((cluster_id, frame.command_id))
        answer = Status.SUCCESS if acknowledge is None else acknowledge(access)
        return answer_frames(frame, answer, access)

    def take_due(self, own: datetime) -> list[Executed]:
        """Execute what is due, in the order in which it was asked for."""
        pending = self._pending()
        due = [each for each in pending if each.is_due(own)]
        pending[:] = [each for each in pending if not each.is_due(own)]
        return [self._executed(each, own) for each in due]

    def conclude(self, told: ExecutedCommand, now: datetime, *, done: bool) -> bool:
        """Execute or drop what another device says to have done; False when nothing waits."""
        pending = self._pending()
        for each in pending:
            asked = (each.message_code, each.counter)
            where = (each.component.cluster_id, each.component.command_id)
            same = asked == (told.message_code, told.originator_counter)
            if same and where == (told.cluster_id, told.command_id):
                pending.remove(each)
                if done:
                    self._executed(each, now)
                return True
        return False

    def _executed(self, instruction: Instruction, own: datetime) -> Executed:
        access = Access(instruction.originator, own, Party.REMOTE, order=instruction.order)
        component = instruction.component
        results = [self._run(one, access) for one in (component, *instruction.parts)]
        details = ExecutedCommand(
            instruction.message_code,
            instruction.counter,
            component.cluster_id,
            component.frame_control,
            component.command_id,
        )
        return Executed(instruction, all(results), details)

    def _run(self, component: KeptComponent, access: Access) -> bool:
        asked = replace(access, from_date_time=component.from_date_time)
        answers = self._server.execute(component.cluster_id, component.frame, asked)
        return all(
            one.is_cluster_command or DefaultResponse.parse(one.payload).status == Status.SUCCESS
            for one in answers
        )

    def _waits(self, cluster_id: int, frame: Frame, message: object, access: Access) -> bool:
        """Whether a component is not to be executed now, because it waits or calls off."""
        start = start_of(message, access.from_date_time)
        kept = KeptComponent.of(cluster_id, frame, access.from_date_time)
        if start is None:
            return self._joins(kept, calendar_of(message))
        kind, pending = kind_of(message), self._pending()
        pending[:] = [each for each in pending if each.kind != kind]
        if start == AT_ONCE or (start not in CANCELS and start <= zcl_seconds(access.now)):
            return False
        instruction = None
        if start not in CANCELS and access.order is not None:
            order = access.order
            instruction = Instruction(
                start, order.message_code, order.originator, order.counter, kind, kept
            )
            pending.append(instruction)
        if isinstance(message, PublishCalendar):
            self._led[message.issuer_calendar_id] = instruction
        return True

    def _joins(self, kept: KeptComponent, calendar: int | None) -> bool:
        """Put a part to its calendar; False when that is in force already."""
        if calendar is None or calendar not in self._led:
            return False
        leader = self._led[calendar]
        if leader is not None:
            pending = self._pending()
            whole = replace(leader, parts=(*leader.parts, kept))
            pending[pending.index(leader)] = whole
            self._led[calendar] = whole
        return True


def _may_wait(frame: Frame, access: Access) -> bool:
    """A cluster command of a use case that can be future-dated."""
    if not frame.is_cluster_command or access.order is None:
        return False
    use_case = by_code(access.order.message_code)
    return use_case is not None and use_case.future_datable


def _message(cluster_id: int, frame: Frame) -> object | None:
    side = Side.CLIENT if frame.from_server else Side.SERVER
    kind = payload_class(cluster_id, side, frame.command_id)
    return None if kind is None else decode(kind, frame.payload)

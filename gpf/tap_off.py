"""Buffered commands: the GPF applies to itself what the gas meter has executed (GBCS 10.3.4).

Each component counts only with the component that answered it: same cluster and sequence number,
opposite direction, and SUCCESS. What starts later is kept until the meter alerts that it has done
it. Of GCS05 only the calendar is the proxy's: for the rest it has no cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from device.instructions import ACTIONED, Instructions
from gbcs.alerts import ExecutedCommand, gbz_details
from gbcs.envelope import Message
from gbcs.errors import MalformedMessage
from gbcs.gbz import Component, Gbz, GbzAlert
from gbcs.zcl.general import DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from gpf.state import ProxyState
from han.clusters import EVENTS
from han.clusters.events import EventLog
from han.commands.events import ClearEventLogRequest, ClearEventLogResponse
from han.zcl.payload import decode, encode
from han.zcl.server import ZclServer
from han.zcl.tables import Access, Order, Party

FAILURE: Final = 0x819E
"""Tap off message response or alert failure."""
_EXECUTION: Final = 0x00CD


class TapFailure(Enum):
    """Why nothing of a buffered command was applied."""

    MALFORMED = "command or Response is no GBZ payload"
    COUNT = "command and Response have different numbers of components"


class TapOff:
    """Applies buffered commands to the proxy's ``server``, a client of what suppliers publish.

    ``failed`` is told why one could not be applied.
    """

    def __init__(
        self, state: ProxyState, server: ZclServer, failed: Callable[[TapFailure], object]
    ) -> None:
        self._state, self._server, self._failed = state, server, failed
        self._instructions = Instructions(server, lambda: state.waiting)

    def take(self, command: Message, response: Message, now: datetime) -> int:
        """Apply a command that the meter answered; how many components took effect or wait."""
        try:
            asked, answered = Gbz.parse(command.payload), Gbz.parse(response.payload)
        except MalformedMessage:
            self._failed(TapFailure.MALFORMED)
            return 0
        if len(asked.components) != len(answered.components):
            self._failed(TapFailure.COUNT)
            return 0
        order = Order(command.message_code, command.originator, command.originator_counter)
        both = zip(asked.components, answered.components, strict=True)
        return sum(self._apply(*pair, order, now) for pair in both)

    def overhear(self, alert: Message, now: datetime) -> bool:
        """Act on a meter's alert that it executed something later; False if it is none such."""
        if alert.message_code != _EXECUTION:
            return False
        try:
            told = GbzAlert.parse(alert.payload)
            details = gbz_details(alert.message_code, told)
        except MalformedMessage:
            self._failed(TapFailure.MALFORMED)
            return False
        if not isinstance(details, ExecutedCommand):
            return False
        return self._instructions.conclude(details, now, done=told.alert_code == ACTIONED)

    def _apply(self, asked: Component, answered: Component, order: Order, now: datetime) -> bool:
        asked = _redirected(asked)
        frame = asked.frame
        if not _succeeded(asked, answered):
            return False
        if self._server.refusal(asked.cluster_id, frame) is not None:
            return False
        access = Access(
            order.originator, now, Party.REMOTE, from_date_time=asked.from_date_time, order=order
        )
        self._instructions.execute(asked.cluster_id, frame, access)
        return True


def _succeeded(asked: Component, answered: Component) -> bool:
    """Whether this is the answer to the component, and says that it was executed."""
    question, answer = asked.frame, answered.frame
    matches = (
        asked.cluster_id == answered.cluster_id
        and question.sequence == answer.sequence
        and question.from_server != answer.from_server
    )
    if not matches:
        return False
    try:
        if answer.is_cluster_command:
            cleared = decode(ClearEventLogResponse, answer.payload).cleared
            return asked.cluster_id != EVENTS.cluster_id or bool(cleared)
        if answer.command_id != GeneralCommand.DEFAULT_RESPONSE:
            return False
        response = DefaultResponse.parse(answer.payload)
    except MalformedMessage:
        return False
    return (response.command_id, response.status) == (question.command_id, Status.SUCCESS)


def _redirected(asked: Component) -> Component:
    """CS11 clears the meter's log: here, the copy of it."""
    if asked.cluster_id != EVENTS.cluster_id:
        return asked
    payload = encode(ClearEventLogRequest(EventLog.GSME_GENERAL))
    return replace(asked, frame=replace(asked.frame, payload=payload))

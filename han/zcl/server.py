"""The ZCL engine: executes one frame against the clusters of an endpoint and says the answers.

The same engine serves frames of the HAN and components of a GBZ payload. It does no I/O and keeps
no values; what it cannot do it says with the ZCL status for it, never with SUCCESS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.frame import Frame, frame_control
from gbcs.zcl.general import AttributeValues, DefaultResponse, GeneralCommand
from gbcs.zcl.status import Status
from han.zcl import attributes
from han.zcl.attributes import GeneralReply, Target
from han.zcl.reporting import ReportingTable
from han.zcl.tables import Access, Answer, Party, Served, Side

Answered = Answer | GeneralReply | None
Executor = Callable[[Target, bytes, Access], Answered]


class ZclServer:
    """The clusters of one endpoint, server and client sides, and how they answer.

    ``faults`` makes attributes fail and ``command_faults`` makes commands fail, both with the
    status given; ``good_for`` lets so many commands of a kind pass before they fail. All may change
    while the server runs.
    """

    def __init__(
        self, served: Iterable[Served] = (), reporting: ReportingTable | None = None
    ) -> None:
        self.clusters: dict[tuple[int, Side], Served] = {}
        self.faults: dict[tuple[int, int], Status] = {}
        self.command_faults: dict[tuple[int, int], Status] = {}
        self.good_for: dict[tuple[int, int], int] = {}
        self.reporting = reporting if reporting is not None else ReportingTable()
        for each in served:
            self.add(each)

    def add(self, served: Served) -> None:
        """Serve one more cluster, or more of one; ValueError when something is served twice."""
        key = (served.cluster_id, served.side)
        known = self.clusters.get(key)
        self.clusters[key] = served if known is None else known.joined(served)

    def execute(self, cluster_id: int, frame: Frame, access: Access) -> tuple[Frame, ...]:
        """Execute one frame and return its answers, in order; none when silence is the rule."""
        if not frame.is_cluster_command and frame.command_id in _ANSWERS:
            return ()
        try:
            answer = self._answer(cluster_id, frame, access)
        except MalformedMessage:
            answer = Status.MALFORMED_COMMAND
        return answer_frames(frame, answer, access)

    def refusal(self, cluster_id: int, frame: Frame) -> Status | None:
        """Why a cluster command would not be executed; None when it would.

        What it says is not looked at.
        """
        side = Side.CLIENT if frame.from_server else Side.SERVER
        served = self.clusters.get((cluster_id, side))
        if served is None:
            return Status.UNSUPPORTED_CLUSTER
        if frame.manufacturer is not None or frame.command_id not in served.commands:
            return _unsupported(frame)
        key = cluster_id, frame.command_id
        return None if self.good_for.get(key, 0) > 0 else self.command_faults.get(key)

    def passed(self, cluster_id: int, command_id: int) -> None:
        """Count a command that was not refused."""
        key = cluster_id, command_id
        if key in self.good_for:
            self.good_for[key] -= 1

    def _answer(self, cluster_id: int, frame: Frame, access: Access) -> Answered:
        side = Side.CLIENT if frame.from_server else Side.SERVER
        served = self.clusters.get((cluster_id, side))
        if served is None:
            return Status.UNSUPPORTED_CLUSTER
        if frame.is_cluster_command:
            return self._cluster_command(served, frame, access)
        executor = _GENERAL.get(frame.command_id)
        if executor is None:
            return _unsupported(frame)
        faults = {a: status for (c, a), status in self.faults.items() if c == cluster_id}
        target = Target(served, frame.manufacturer, faults, self.reporting)
        return executor(target, frame.payload, access)

    def _cluster_command(self, served: Served, frame: Frame, access: Access) -> Answer:
        refusal = self.refusal(served.cluster_id, frame)
        if refusal is not None:
            return refusal
        self.passed(served.cluster_id, frame.command_id)
        return served.commands[frame.command_id](frame.payload, access)


def answer_frames(request: Frame, answer: Answered, access: Access) -> tuple[Frame, ...]:
    """The frames that carry an answer: same sequence number, opposite direction."""
    if answer is None:
        return ()
    if isinstance(answer, Status):
        if access.broadcast or (answer is Status.SUCCESS and request.disable_default_response):
            return ()
        payload = DefaultResponse(request.command_id, answer).to_bytes()
        answer = GeneralReply(GeneralCommand.DEFAULT_RESPONSE, payload)
    if isinstance(answer, GeneralReply):
        return (_frame(request, answer.command_id, answer.payload, access, cluster=False),)
    replies = answer if isinstance(answer, tuple) else (answer,)
    return tuple(_frame(request, r.command_id, r.payload, access, cluster=True) for r in replies)


def _frame(
    request: Frame, command_id: int, payload: bytes, access: Access, *, cluster: bool
) -> Frame:
    """One answering frame; on the HAN an answer asks for no Default Response of its own."""
    return Frame(
        frame_control=frame_control(
            cluster_command=cluster,
            from_server=not request.from_server,
            disable_default_response=access.party is Party.HAN,
            manufacturer_specific=request.manufacturer is not None,
        ),
        sequence=request.sequence,
        command_id=command_id,
        payload=payload,
        manufacturer=request.manufacturer,
    )


def _unsupported(frame: Frame) -> Status:
    if frame.manufacturer is None:
        cluster, general = Status.UNSUP_CLUSTER_COMMAND, Status.UNSUP_GENERAL_COMMAND
    else:
        cluster, general = Status.UNSUP_MANUF_CLUSTER_COMMAND, Status.UNSUP_MANUF_GENERAL_COMMAND
    return cluster if frame.is_cluster_command else general


def _report(target: Target, payload: bytes, access: Access) -> Answered:
    """Report Attributes: for clients that listen to reports."""
    records = AttributeValues.parse(payload).records
    if target.served.reported is None:
        return Status.UNSUP_GENERAL_COMMAND
    return target.served.reported(records, access)


def _configure_reporting(target: Target, payload: bytes, access: Access) -> Answered:
    del access
    if target.reporting is None:
        return Status.UNSUP_GENERAL_COMMAND
    message = target.reporting.configure(target.served, payload)
    return GeneralReply.of(GeneralCommand.CONFIGURE_REPORTING_RESPONSE, message)


def _read_reporting(target: Target, payload: bytes, access: Access) -> Answered:
    del access
    if target.reporting is None:
        return Status.UNSUP_GENERAL_COMMAND
    message = target.reporting.read(target.served, payload)
    return GeneralReply.of(GeneralCommand.READ_REPORTING_CONFIGURATION_RESPONSE, message)


_GENERAL: Final[dict[int, Executor]] = {
    GeneralCommand.READ_ATTRIBUTES: attributes.read,
    GeneralCommand.WRITE_ATTRIBUTES: attributes.write,
    GeneralCommand.WRITE_ATTRIBUTES_UNDIVIDED: attributes.write_undivided,
    GeneralCommand.WRITE_ATTRIBUTES_NO_RESPONSE: attributes.write_no_response,
    GeneralCommand.CONFIGURE_REPORTING: _configure_reporting,
    GeneralCommand.READ_REPORTING_CONFIGURATION: _read_reporting,
    GeneralCommand.REPORT_ATTRIBUTES: _report,
    GeneralCommand.DISCOVER_ATTRIBUTES: attributes.discover,
    GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED: attributes.discover_extended,
    GeneralCommand.DISCOVER_COMMANDS_RECEIVED: attributes.discover_received,
    GeneralCommand.DISCOVER_COMMANDS_GENERATED: attributes.discover_generated,
}
_ANSWERS: Final = frozenset(
    {
        GeneralCommand.READ_ATTRIBUTES_RESPONSE,
        GeneralCommand.WRITE_ATTRIBUTES_RESPONSE,
        GeneralCommand.CONFIGURE_REPORTING_RESPONSE,
        GeneralCommand.READ_REPORTING_CONFIGURATION_RESPONSE,
        GeneralCommand.DEFAULT_RESPONSE,
        GeneralCommand.DISCOVER_ATTRIBUTES_RESPONSE,
        GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED_RESPONSE,
        GeneralCommand.DISCOVER_COMMANDS_RECEIVED_RESPONSE,
        GeneralCommand.DISCOVER_COMMANDS_GENERATED_RESPONSE,
    }
)

"""Executes the components of a GBZ command on the device's clusters.

A component that is not found leaves the others alone; after a hard fault every later component is
answered with a Default Response FF 01 and not executed. Inside one read each attribute has its own
status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, Protocol

from device.command import Command, Outcome, Returned
from device.refusal import Refusal, RefusedError
from gbcs.catalogue import ComponentSpec, by_code, gbz_components
from gbcs.envelope import Cra
from gbcs.gbz import Component, Gbz
from gbcs.zcl.frame import FROM_SERVER, Frame
from gbcs.zcl.general import DefaultResponse, GeneralCommand, ReadAttributesResponse
from gbcs.zcl.status import Status
from han.zcl.tables import Access, Order, Party


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which statuses leave later components alone; every other one stops them.

    Reference messages show NOT_FOUND (goes on) and HARDWARE_FAILURE (stops); that an unsupported
    attribute goes on is unverified.
    """

    harmless: frozenset[int] = frozenset({Status.SUCCESS, Status.NOT_FOUND})
    harmless_in_read: frozenset[int] = frozenset(
        {Status.SUCCESS, Status.NOT_FOUND, Status.UNSUPPORTED_ATTRIBUTE}
    )


class Executor(Protocol):
    """Whatever executes ZCL frames: the server of one endpoint, or a choice among several."""

    def execute(self, cluster_id: int, frame: Frame, access: Access) -> tuple[Frame, ...]:
        """Execute one frame; the answers, in order."""
        ...


_UNLISTED: Final = FROM_SERVER
"""Frame control of a general answer that the catalogue does not list for its use case, whatever the
direction of the command (reference message: GCS20r, error)."""
_NOT_EXECUTED: Final = DefaultResponse(0xFF, Status.FAILURE).to_bytes()


class GbzEngine:
    """Handler for every use case whose payload is GBZ."""

    def __init__(self, executor: Executor, settings: EngineSettings | None = None) -> None:
        self._executor = executor
        self._settings = settings or EngineSettings()

    def __call__(self, command: Command) -> Outcome:
        """Execute the components in order."""
        if command.gbz is None:
            raise RefusedError(Refusal.TEMPLATE, "no GBZ components to execute")
        specs = _response_specs(command.message.message_code)
        message = command.message
        order = Order(message.message_code, message.originator, message.originator_counter)
        access = Access(command.consumer, command.now, Party.REMOTE, order=order)
        answers: list[Component] = []
        returned: list[Returned] = []
        failed = 0
        for component in command.gbz.components:
            if failed:
                failed += 1
                frames: tuple[Frame, ...] = (_refuse(component.frame),)
            else:
                asked = replace(access, from_date_time=component.from_date_time)
                frames = self._executor.execute(component.cluster_id, component.frame, asked)
                failed += self._examine(component.cluster_id, frames, returned)
            answers += [_component(component.cluster_id, frame, specs) for frame in frames]
        return Outcome(Gbz(tuple(answers)), tuple(returned), failed)

    def _examine(
        self, cluster_id: int, frames: tuple[Frame, ...], returned: list[Returned]
    ) -> bool:
        """Note what was read; True when a hard fault stops the rest."""
        stop = False
        for frame in frames:
            if frame.is_cluster_command:
                continue
            if frame.command_id == GeneralCommand.READ_ATTRIBUTES_RESPONSE:
                for record in ReadAttributesResponse.parse(frame.payload).records:
                    returned.append(
                        Returned(cluster_id, record.attribute_id, record.status, record.value)
                    )
                    stop |= record.status not in self._settings.harmless_in_read
            elif frame.command_id == GeneralCommand.DEFAULT_RESPONSE:
                status = DefaultResponse.parse(frame.payload).status
                stop |= status not in self._settings.harmless
        return stop


def _refuse(request: Frame) -> Frame:
    return Frame(_UNLISTED, request.sequence, GeneralCommand.DEFAULT_RESPONSE, _NOT_EXECUTED)


_Key = tuple[int, int, bool]


@cache
def _response_specs(message_code: int) -> Mapping[_Key, ComponentSpec]:
    """What the catalogue says of each kind of answering component."""
    use_case = by_code(message_code)
    specs = gbz_components(use_case.name, Cra.RESPONSE) if use_case else ()
    return {(s.cluster_id, s.command_id, s.is_cluster_command): s for s in reversed(specs)}


def _component(cluster_id: int, frame: Frame, specs: Mapping[_Key, ComponentSpec]) -> Component:
    """The answer with the frame control and encryption that its use case has."""
    spec = specs.get((cluster_id, frame.command_id, frame.is_cluster_command))
    if spec is not None:
        control = spec.frame_control
    else:
        control = frame.frame_control if frame.is_cluster_command else _UNLISTED
    if frame.manufacturer is None and frame.frame_control != control:
        frame = replace(frame, frame_control=control)
    return Component(cluster_id, frame, encrypted=spec is not None and spec.encrypted)

"""What passes between the pipeline and whatever executes a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from device.refusal import Refusal
from device.store import Transaction
from gbcs.catalogue import UseCase
from gbcs.envelope import Message
from gbcs.gbz import Gbz
from gbcs.party import Role
from gbcs.stamp import Stamp
from gbcs.zcl.status import Status
from gbcs.zcl.types import Value


@dataclass(frozen=True, slots=True)
class Command:
    """A command that passed every check, ready to be executed.

    ``now`` is the device's own time. ``gbz`` holds the components when the payload is GBZ. What the
    execution keeps goes into ``unit``, which ends before the Response leaves; a model in memory is
    put back with ``unit.on_rollback``.
    """

    message: Message
    use_case: UseCase
    role: Role | None
    now: datetime
    unit: Transaction
    gbz: Gbz | None = None

    @property
    def consumer(self) -> int:
        """Who gets the answer in the end: the unknown remote party if there is one."""
        supplementary = self.message.supplementary_id
        return self.message.originator if supplementary is None else supplementary


@dataclass(frozen=True, slots=True)
class Returned:
    """One attribute of a read answer, as it was returned."""

    cluster_id: int
    attribute_id: int
    status: int
    value: Value = None

    @property
    def ok(self) -> bool:
        """Whether it came with a value."""
        return self.status == Status.SUCCESS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution answers: plain GBZ components, or the octets of another technology.

    ``returned`` are the attributes that were read; ``failed`` counts components or items that
    failed, for the trace. ``own_counter`` is the device's own originator counter where the
    execution encrypted something with it, for an unknown remote party.
    """

    payload: Gbz | bytes
    returned: tuple[Returned, ...] = ()
    failed: int = 0
    own_counter: int | None = None


Handler = Callable[[Command], Outcome]
"""Executes a command. GbcsError says that its payload is not what the use case prescribes."""


@dataclass(frozen=True, slots=True)
class Executed:
    """A command with its outcome: what the stamp of the Response is derived from."""

    command: Command
    outcome: Outcome


StampRule = Callable[[Executed], Stamp | None]
"""Says the date-time of a Response whose use case carries one."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The command was executed and what it changed is kept: here is the Response to send."""

    octets: bytes
    executed: Executed


@dataclass(frozen=True, slots=True)
class Refused:
    """The message had no effect and is not answered. ``message`` is None when it was unreadable."""

    refusal: Refusal
    detail: str
    message: Message | None = None

"""What the GPF asks a gas meter to catch up, on the air: a flag, the question, its answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.status import Status
from gpf.catch_up import Answer, CatchUp, Question, cluster_of
from gpf.pushed import PushIntake
from han.commands import payload_class
from han.commands.metering import GetSampledData, GetSampledDataResponse
from han.exchange import Outcome, Replied, Request
from han.mirror.flags import Flag, FunctionalFlag, PrepaymentFlag, word_of
from han.mirror.host import MirrorHost, Notified
from han.requests import Far, command_of
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Side

_FLAGS: Final[tuple[Flag, ...]] = (
    FunctionalFlag.GET_SAMPLED_DATA,
    FunctionalFlag.GET_SNAPSHOT,
    PrepaymentFlag.GET_PREPAY_SNAPSHOT,
    PrepaymentFlag.GET_TOP_UP_LOG,
    PrepaymentFlag.GET_DEBT_REPAYMENT_LOG,
)


class Questions:
    """Asks the meter behind a mirror what is missing; a service of the hub's node.

    ``now`` is the GPF's own clock, ``endpoint`` the mirror's.
    """

    deadline: datetime | None = None
    """It asks when the meter says that it listens, never by the clock."""

    def __init__(
        self,
        catch_up: CatchUp,
        pushed: PushIntake,
        mirrors: MirrorHost,
        now: Callable[[], datetime],
        endpoint: int,
    ) -> None:
        self._catch_up, self._pushed, self._mirrors = catch_up, pushed, mirrors
        self._now, self._endpoint = now, endpoint
        self._asked: list[tuple[Request, Question]] = []
        self._requests: list[Request] = []

    def flag(self, peer: int) -> None:
        """Tell the meter at its next wake what is missing."""
        wanted = self._catch_up.wanted(self._now())
        for flag in _FLAGS:
            self._mirrors.set_flag(peer, flag, to=flag in wanted)

    def answer(self, event: Notified) -> None:
        """The meter asks what is wanted: send the questions behind the flags it names."""
        for flag, question in self._catch_up.wanted(self._now()).items():
            if word_of(flag) == event.word and int(flag) & event.flags:
                self._ask(event.peer, event.destination_endpoint, question)

    # -- service ---------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Nothing is ever due."""

    def requests(self) -> list[Request]:
        """Take the questions that the meter is to answer."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Take the answer to one, and go on asking while there is more."""
        del now  # what counts is the GPF's own clock
        request = outcome.request
        asked = next((each for each in self._asked if each[0] is request), None)
        if asked is None or not isinstance(request.peer, int):
            return
        self._asked.remove(asked)
        question, answer = asked[1], _answer_in(outcome)
        if isinstance(question, GetSampledData):
            self._fill(question, answer, found=not _is_not_found(outcome))
        else:
            self._learn(question, answer, Far(request.peer, request.endpoint, request.cluster_id))
        self.flag(request.peer)

    # -- parts -----------------------------------------------------------------------------------

    def _ask(self, peer: int, endpoint: int, question: Question) -> None:
        definition = cluster_of(question)
        far = Far(peer, endpoint, definition.cluster_id, self._endpoint)
        request = far.command(command_of(definition, type(question).__name__), encode(question))
        self._asked.append((request, question))
        self._requests.append(request)

    def _fill(self, question: Question, answer: Answer | None, *, found: bool) -> None:
        """Fill gaps with samples; without any answer the next wake asks again."""
        if answer is not None or not found:
            samples = answer if isinstance(answer, GetSampledDataResponse) else None
            self._catch_up.fill(question, samples)

    def _learn(self, question: Question, answer: Answer | None, far: Far) -> None:
        """Take an answer as if it had been pushed, and ask for what follows it."""
        following = None
        if answer is not None:
            self._pushed.take(answer, Access(far.peer, self._now()))
            following = self._catch_up.following(question, answer)
        if following is None:
            self._catch_up.ended(question, self._now())
        else:
            self._ask(far.peer, far.endpoint, following)


def _answer_in(outcome: Outcome) -> Answer | None:
    """The message that answers a question; None when there is none, or none that is known."""
    if not isinstance(outcome, Replied) or not outcome.frame.is_cluster_command:
        return None
    kind = payload_class(outcome.request.cluster_id, Side.CLIENT, outcome.frame.command_id)
    try:
        message: object = None if kind is None else decode(kind, outcome.frame.payload)
    except MalformedMessage:
        return None
    return message if isinstance(message, Answer) else None


def _is_not_found(outcome: Outcome) -> bool:
    return isinstance(outcome, Replied) and outcome.status is Status.NOT_FOUND

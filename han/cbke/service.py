"""Key establishment over the HAN: initiates exchanges, answers those of others, times them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gbcs.errors import MalformedMessage
from gbcs.zcl.general import GeneralCommand, ReadAttributes, ReadAttributesResponse
from gbcs.zcl.status import Status
from han.cbke.agreement import KeyPair
from han.cbke.authority import Credentials, RandomOctets
from han.cbke.certificate import Suite
from han.cbke.exchange import Exchange, State
from han.cbke.messages import Initiate, KeyStatus, RefusalError, Step, Terminate, parse_initiate
from han.cbke.outcomes import KeyEstablished as KeyEstablished
from han.cbke.outcomes import KeyEvent as KeyEvent
from han.cbke.outcomes import KeyNotEstablished as KeyNotEstablished
from han.cbke.outcomes import KeySettings as KeySettings
from han.cbke.outcomes import KeyStep as KeyStep
from han.cbke.outcomes import Role as Role
from han.clusters import KEY_ESTABLISHMENT
from han.deadlines import first_due
from han.exchange import Outcome, Replied, Request, Undelivered
from han.zcl.payload import decode, encode
from han.zcl.tables import Access, Answer, Attribute, Cluster, Command, Reply, Served, Side

_SUITE_ATTRIBUTE: Final = 0x0000


@dataclass(slots=True)
class _Running:
    exchange: Exchange
    partner_ephemeral_s: int = 0
    partner_confirm_s: int = 0
    deadline: datetime | None = None
    answered: tuple[Step, bytes, bytes] | None = None  # the last step, its payload, our answer

    @property
    def established(self) -> bool:
        """Whether it is kept only for an initiator that repeats itself."""
        return self.exchange.state is State.ESTABLISHED


class KeyEstablishment:
    """One node's key establishment on one endpoint; a service of the node.

    ``credentials`` are what the node has, one for each suite it supports; ``random`` gives the
    ephemeral keys. Results are events; the owner installs the key.
    """

    def __init__(
        self,
        eui64: int,
        endpoint: int,
        credentials: Iterable[Credentials],
        random: RandomOctets,
        settings: KeySettings | None = None,
    ) -> None:
        self.eui64 = eui64
        self.endpoint = endpoint
        self.credentials = {c.suite: c for c in credentials}
        self.settings = settings or KeySettings()
        self._random = random
        self._initiated: dict[int, tuple[int, _Running | None]] = {}  # partner: its endpoint
        self._answered: dict[int, _Running] = {}
        self._requests: list[Request] = []
        self._events: list[KeyEvent] = []
        self._steps: list[KeyStep] = []

    @property
    def suites(self) -> Suite:
        """The suites this node has credentials for."""
        return Suite(sum(self.credentials))

    def served(self) -> tuple[Served, Served]:
        """Server and client side of the cluster, for the endpoint's table."""
        return _SERVER.on(self), _CLIENT.on(self)

    def events(self) -> list[KeyEvent]:
        """Take what happened, in order."""
        events, self._events = self._events, []
        return events

    def steps(self) -> list[KeyStep]:
        """Take the steps that were done, in order: for those who watch."""
        steps, self._steps = self._steps, []
        return steps

    def start(self, partner: int, partner_endpoint: int) -> None:
        """Initiate an exchange: read the partner's suites first, then go by the best in common.

        Nothing happens while one that was initiated with this partner is under way.
        """
        if partner in self._initiated:
            return
        self._initiated[partner] = (partner_endpoint, None)
        self._ask(
            partner,
            GeneralCommand.READ_ATTRIBUTES,
            ReadAttributes((_SUITE_ATTRIBUTE,)).to_bytes(),
            self.settings.first_reply,
            general=True,
        )

    # -- service -------------------------------------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the first partner that we answer has been silent for too long."""
        return first_due(self._answered.values(), lambda running: running.deadline)

    def poll(self, now: datetime) -> None:
        """Give up on silent partners."""
        for partner, running in list(self._answered.items()):
            if running.deadline is not None and running.deadline <= now:
                del self._answered[partner]
                if not running.established:
                    self._fail(partner, Role.RESPONDER, None, "the partner stopped")

    def requests(self) -> list[Request]:
        """Take the commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Learn the partner's answer to a step of ours."""
        del now
        partner = outcome.request.peer
        if outcome.request.command_id == Step.TERMINATE and not outcome.request.general:
            return
        if partner not in self._initiated:
            return
        if not isinstance(outcome, Replied):
            lost = outcome.reason.value if isinstance(outcome, Undelivered) else "no answer"
            self._give_up(partner, None, lost)
            return
        try:
            self._proceed(partner, outcome)
        except RefusalError as refusal:
            self._terminate(partner, refusal.status)
        except MalformedMessage:
            self._terminate(partner, KeyStatus.BAD_MESSAGE)

    # -- initiator -----------------------------------------------------------------------------

    def _proceed(self, partner: int, outcome: Replied) -> None:
        frame, running = outcome.frame, self._initiated[partner][1]
        if running is None:
            self._begin(partner, outcome)
            return
        if not frame.is_cluster_command:
            self._give_up(partner, None, f"the partner answered {outcome.status}")
            return
        if frame.command_id == Step.TERMINATE:
            self._terminated(partner, frame.payload)
            return
        exchange, step = running.exchange, Step(frame.command_id)
        if step is Step.INITIATE:
            message, _ = parse_initiate(frame.payload, exchange.suite)
            running.partner_ephemeral_s = message.ephemeral_s
            running.partner_confirm_s = message.confirm_s
            self._advance(exchange, step, message.certificate)
            self._step(running, Step.EPHEMERAL_DATA, exchange.ephemeral_point)
            return
        self._advance(exchange, step, frame.payload)
        if exchange.state is State.ESTABLISHED:
            del self._initiated[partner]
            self._establish(exchange, Role.INITIATOR)
        else:
            self._step(running, Step.CONFIRM_KEY, exchange.confirmation)

    def _begin(self, partner: int, outcome: Replied) -> None:
        suites = Suite(0)
        if not outcome.frame.is_cluster_command and outcome.status is None:
            for record in ReadAttributesResponse.parse(outcome.frame.payload).records:
                if record.status == Status.SUCCESS and isinstance(record.value, int):
                    suites = self.suites & Suite(record.value & (Suite.SUITE_1 | Suite.SUITE_2))
        if not suites:
            self._give_up(partner, KeyStatus.UNSUPPORTED_SUITE, "no suite in common")
            return
        best = Suite.SUITE_2 if Suite.SUITE_2 in suites else Suite.SUITE_1
        exchange = self._exchange(partner, best, initiator=True)
        running = _Running(exchange)
        self._initiated[partner] = (self._initiated[partner][0], running)
        self._step(running, Step.INITIATE, self._initiate(exchange))

    def _step(self, running: _Running, step: Step, payload: bytes) -> None:
        within = self.settings.first_reply
        if step is Step.EPHEMERAL_DATA:
            within = self._within(running.partner_ephemeral_s)
        elif step is Step.CONFIRM_KEY:
            within = self._within(running.partner_confirm_s)
        self._ask(running.exchange.partner, step, payload, within)

    def _within(self, announced_s: int) -> timedelta:
        return timedelta(seconds=announced_s) + self.settings.allowance

    def _terminate(self, partner: int, status: KeyStatus) -> None:
        """Tell the partner why we stop."""
        payload = encode(Terminate(status, 0, self.suites))
        self._ask(partner, Step.TERMINATE, payload, None)
        self._give_up(partner, status, f"we refused: {status.name}")

    def _terminated(self, partner: int, payload: bytes) -> None:
        message = decode(Terminate, payload)
        known = message.status in set(KeyStatus)
        status = KeyStatus(message.status) if known else None
        self._give_up(partner, status, "the partner refused", message.wait_s)

    def _give_up(
        self, partner: int, status: KeyStatus | None, reason: str, wait_s: int = 0
    ) -> None:
        del self._initiated[partner]
        self._fail(partner, Role.INITIATOR, status, reason, wait_s)

    def _ask(
        self,
        partner: int,
        command: int,
        payload: bytes,
        within: timedelta | None,
        *,
        general: bool = False,
    ) -> None:
        self._requests.append(
            Request(
                partner,
                self._initiated[partner][0],
                KEY_ESTABLISHMENT.cluster_id,
                command,
                payload,
                self.endpoint,
                general=general,
                answered_by=frozenset() if general else frozenset({command, Step.TERMINATE}),
                reply_within=within,
                encrypted=False,
            )
        )

    # -- responder -----------------------------------------------------------------------------

    def answer(self, step: Step, payload: bytes, access: Access) -> Answer:
        """One message of an initiator; what is wrong with it is answered with Terminate."""
        partner = access.peer
        running = self._answered.get(partner)
        if running is not None and running.answered is not None:
            last, repeated, reply = running.answered
            if (step, payload) == (last, repeated):
                return Reply(step, reply)
        try:
            if step is Step.INITIATE:
                reply = self._accept(payload, access)
            else:
                reply = self._continue(step, payload, access)
        except RefusalError as refusal:
            known = self._answered.pop(partner, None)
            if (known is not None and not known.established) or step is Step.INITIATE:
                self._fail(partner, Role.RESPONDER, refusal.status, "we refused")
            busy = refusal.status is KeyStatus.NO_RESOURCES
            wait_s = self.settings.busy_wait_s if busy else 0
            terminate = Terminate(refusal.status, wait_s, self.suites)
            return Reply(Step.TERMINATE, encode(terminate))
        self._answered[partner].answered = (step, payload, reply)
        return Reply(step, reply)

    def _accept(self, payload: bytes, access: Access) -> bytes:
        """An Initiate begins anew, also when an exchange with this partner is under way.

        When both ends began at once, the exchange of the lower EUI-64 goes on.
        """
        if access.peer in self._initiated:
            if self.eui64 < access.peer:
                raise RefusalError(KeyStatus.NO_RESOURCES)
            self._give_up(access.peer, None, "the partner began as well")
        self._answered.pop(access.peer, None)
        under_way = [one for one in self._answered.values() if not one.established]
        if len(under_way) >= self.settings.capacity:
            raise RefusalError(KeyStatus.NO_RESOURCES)
        message, suite = parse_initiate(payload, self.suites)
        exchange = self._exchange(access.peer, suite, initiator=False)
        self._advance(exchange, Step.INITIATE, message.certificate)
        running = _Running(exchange, message.ephemeral_s, message.confirm_s)
        running.deadline = access.now + self._within(message.ephemeral_s)
        self._answered[access.peer] = running
        return self._initiate(exchange)

    def _continue(self, step: Step, payload: bytes, access: Access) -> bytes:
        running = self._answered.get(access.peer)
        if running is None:
            raise RefusalError(KeyStatus.BAD_MESSAGE)
        exchange = running.exchange
        self._advance(exchange, step, payload)
        if step is Step.EPHEMERAL_DATA:
            running.deadline = access.now + self._within(running.partner_confirm_s)
            return exchange.ephemeral_point
        running.deadline = access.now + self.settings.repeat_hold
        self._establish(exchange, Role.RESPONDER)
        return exchange.confirmation

    def terminated(self, payload: bytes, access: Access) -> Answer:
        """Terminate from an initiator that we answer."""
        message = decode(Terminate, payload)
        known = self._answered.pop(access.peer, None)
        if known is not None and not known.established:
            status = KeyStatus(message.status) if message.status in set(KeyStatus) else None
            self._fail(access.peer, Role.RESPONDER, status, "the partner refused", message.wait_s)
        return Status.SUCCESS

    def refused(self, payload: bytes, access: Access) -> Answer:
        """Terminate from a responder, outside the answer to a step of ours."""
        if access.peer in self._initiated:
            self._terminated(access.peer, payload)
        return Status.SUCCESS

    # -- both ----------------------------------------------------------------------------------

    def _exchange(self, partner: int, suite: Suite, *, initiator: bool) -> Exchange:
        credentials, curve = self.credentials[suite], suite.curve
        scalar = int.from_bytes(self._random(curve.octets + 8))
        return Exchange(self.eui64, partner, credentials, KeyPair.of(curve, scalar), initiator)

    def _advance(self, exchange: Exchange, step: Step, payload: bytes) -> None:
        exchange.advance(step, payload)
        role = Role.INITIATOR if exchange.initiator else Role.RESPONDER
        self._steps.append(KeyStep(exchange.partner, role, step, exchange.suite))

    def _initiate(self, exchange: Exchange) -> bytes:
        octets = exchange.credentials.certificate.octets
        times = self.settings.ephemeral_s, self.settings.confirm_s
        return encode(Initiate(exchange.suite, *times, octets))

    def _establish(self, exchange: Exchange, role: Role) -> None:
        key = exchange.link_key
        self._events.append(KeyEstablished(exchange.partner, role, exchange.suite, key))

    def _fail(
        self, partner: int, role: Role, status: KeyStatus | None, reason: str, wait_s: int = 0
    ) -> None:
        self._events.append(KeyNotEstablished(partner, role, status, reason, wait_s))


def _answering(step: Step) -> Command[KeyEstablishment]:
    definition = KEY_ESTABLISHMENT.to_server[step]
    return Command(definition, lambda service, p, a: service.answer(step, p, a))


_SUITES: Final[Attribute[KeyEstablishment]] = Attribute(
    KEY_ESTABLISHMENT.server_attributes[0], lambda service: int(service.suites)
)
_SERVER: Final[Cluster[KeyEstablishment]] = Cluster(
    KEY_ESTABLISHMENT,
    Side.SERVER,
    attributes=(_SUITES,),
    commands=(
        _answering(Step.INITIATE),
        _answering(Step.EPHEMERAL_DATA),
        _answering(Step.CONFIRM_KEY),
        Command(KEY_ESTABLISHMENT.to_server[Step.TERMINATE], KeyEstablishment.terminated),
    ),
)
_CLIENT: Final[Cluster[KeyEstablishment]] = Cluster(
    KEY_ESTABLISHMENT,
    Side.CLIENT,
    attributes=(_SUITES,),
    commands=(Command(KEY_ESTABLISHMENT.to_client[Step.TERMINATE], KeyEstablishment.refused),),
    generated=tuple(Step),
)

"""The command pipeline: octets of a command in, octets of its Response out, or a named refusal.

Called with whatever a gateway or a tunnel brought. What a command changes, its counter and its log
entries are kept as one unit before the Response is handed back. The stamp is derived last, from the
values that are returned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from device.answering import Answering, own_stamp
from device.chassis import Chassis
from device.checks import CommandChecks, Incoming
from device.command import Answered, Command, Executed, Handler, Refused, StampRule
from device.events import CommandAnswered, CommandReceived, CommandRefused, StorageCommitted
from device.refusal import (
    SECURITY_LOG_CODES,
    UNUSUAL_NUMBER,
    Refusal,
    RefusalBurst,
    RefusedError,
)
from device.settings import PipelineSettings as PipelineSettings
from device.store import StoreError
from gbcs.catalogue import Technology, UseCase, by_code, by_name
from gbcs.envelope import Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage, MissingKey
from gbcs.party import Role

_LOG: Final = logging.getLogger(__name__)


class Pipeline:
    """The commands of one device.

    ``use_cases`` are the names of those that the ``engines`` execute, by technology; ``handlers``
    executes single ones, by name. ``authority`` says for single use cases which roles the device
    obeys, where that is narrower than the catalogue (a GSME obeys its supplier). ``stamp`` gives
    the date-time of stamped Responses. ``alert`` is told of alert codes to raise.
    """

    def __init__(
        self,
        chassis: Chassis,
        *,
        use_cases: Iterable[str] = (),
        engines: Mapping[Technology, Handler] | None = None,
        handlers: Mapping[str, Handler] | None = None,
        authority: Mapping[str, frozenset[Role]] | None = None,
        stamp: StampRule = own_stamp,
        alert: Callable[[int], object] = lambda _: None,
        settings: PipelineSettings | None = None,
    ) -> None:
        self.settings = settings or PipelineSettings()
        self._chassis = chassis
        self._handlers = _handlers(use_cases, engines or {}, handlers or {})
        obeyed = {by_name(name).message_code: roles for name, roles in (authority or {}).items()}
        self._checks = CommandChecks(
            chassis.credentials, self.settings, self._handlers.keys(), obeyed
        )
        self._answering = Answering(
            chassis.credentials.keys, chassis.own_counter, self.settings, stamp
        )
        self._alert = alert
        self._burst = RefusalBurst(self.settings.unusual_threshold, self.settings.unusual_window_s)

    @property
    def use_cases(self) -> tuple[UseCase, ...]:
        """What this device answers, ordered by message code."""
        found = (by_code(code) for code in sorted(self._handlers))
        return tuple(use_case for use_case in found if use_case is not None)

    def receive(self, octets: bytes) -> Answered | Refused:
        """Check and execute one command. Never raises, whatever the octets are."""
        message: Message | None = None
        try:
            message = Message.parse(octets)
            self._announce(message)
            return self._execute(message)
        except RefusedError as refused:
            return self._refuse(refused.refusal, refused.detail, message)
        except MalformedMessage as exc:
            return self._refuse(Refusal.MALFORMED, str(exc), message)
        except StoreError as exc:
            return self._refuse(Refusal.STORAGE, str(exc), message)
        except Exception as exc:  # noqa: BLE001 - whatever a command brings about, the device lives on
            _LOG.exception("%016X failed on a command", self._chassis.eui64)
            return self._refuse(Refusal.FAULT, f"{type(exc).__name__}: {exc}", message)

    def _execute(self, message: Message) -> Answered:
        with self._chassis.store.transaction() as unit:
            incoming = Incoming(message, self._chassis.clock.now(), unit)
            self._checks.run(incoming)
            self._checks.accept_counter(incoming)
            executed = self._run(incoming)
            response = self._answering.respond(executed)
            octets = response.to_bytes()
            unit.on_commit(lambda: self._conclude(executed, response, len(octets)))
        return Answered(octets, executed)

    def _run(self, incoming: Incoming) -> Executed:
        message, use_case = incoming.message, incoming.use_case
        command = Command(
            message, use_case, incoming.role, incoming.now, incoming.unit, incoming.gbz
        )
        try:
            outcome = self._handlers[message.message_code](command)
        except MissingKey as exc:
            raise RefusedError(Refusal.NO_KEY, str(exc)) from exc
        except GbcsError as exc:
            raise RefusedError(Refusal.TEMPLATE, str(exc)) from exc
        return Executed(command, outcome)

    def _announce(self, message: Message) -> None:
        use_case = by_code(message.message_code)
        self._chassis.events.publish(
            CommandReceived(
                **self._chassis.here(),
                use_case=use_case.name if use_case else "",
                message_code=message.message_code,
                originator=message.originator,
                originator_counter=message.originator_counter,
                supplementary_id=message.supplementary_id,
            )
        )

    def _conclude(self, executed: Executed, response: Message, octets: int) -> None:
        here, code = self._chassis.here(), response.message_code
        counter = response.originator_counter
        self._chassis.events.publish(
            StorageCommitted(**here, message_code=code, originator_counter=counter)
        )
        self._chassis.events.publish(
            CommandAnswered(
                **here,
                use_case=executed.command.use_case.name,
                message_code=code,
                originator=response.recipient,
                originator_counter=counter,
                stamp=None if response.date_time is None else str(response.date_time),
                failed_components=executed.outcome.failed,
                octets=octets,
            )
        )

    def _refuse(self, refusal: Refusal, detail: str, message: Message | None) -> Refused:
        code = SECURITY_LOG_CODES[refusal]
        self._chassis.events.publish(
            CommandRefused(
                **self._chassis.here(),
                refusal=refusal,
                detail=detail,
                security_log_code=code,
                message_code=message.message_code if message else None,
                originator=message.originator if message else None,
                originator_counter=message.originator_counter if message else None,
            )
        )
        try:
            self._log_refusal(code)
        except (StoreError, GbcsError) as exc:
            _LOG.warning("%016X could not log or alert: %s", self._chassis.eui64, exc)
        return Refused(refusal, detail, message)

    def _log_refusal(self, code: int | None) -> None:
        if code is None:
            return
        self._chassis.security_log.add(code)
        if self._burst.count(self._chassis.true_time().timestamp()):
            self._chassis.security_log.add(UNUSUAL_NUMBER)
            self._alert(UNUSUAL_NUMBER)


def _handlers(
    use_cases: Iterable[str],
    engines: Mapping[Technology, Handler],
    handlers: Mapping[str, Handler],
) -> dict[int, Handler]:
    """Who executes which message code; LocalError when nobody would."""
    found: dict[int, Handler] = {}
    for name in use_cases:
        use_case = by_name(name)
        engine = engines.get(use_case.technology)
        if engine is None:
            raise LocalError(f"no engine executes {use_case.name} ({use_case.technology.value})")
        found[use_case.message_code] = engine
    return found | {by_name(name).message_code: handler for name, handler in handlers.items()}

"""The checks of a command between its arrival and its execution; each one refuses by name."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.counters import ReplayCounters
from device.credentials import Credentials
from device.refusal import Refusal, RefusedError
from device.settings import Check, PipelineSettings
from device.store import Transaction
from device.template import check_template
from gbcs.catalogue import Category, Technology, UseCase, by_code
from gbcs.catalogue.use_case import Kind
from gbcs.crypto import TAG_OCTETS, signature_is_valid
from gbcs.envelope import Cra, Message
from gbcs.errors import GbcsError, MalformedMessage
from gbcs.gbz import Gbz
from gbcs.party import DeviceType, Role
from gbcs.protection import carried_protection, compute_mac


@dataclass(slots=True)
class Incoming:
    """A command on its way through the checks; they fill in what they find."""

    message: Message
    now: datetime
    unit: Transaction
    role: Role | None = None
    gbz: Gbz | None = None

    @property
    def use_case(self) -> UseCase:
        """Its use case, whichever check asks first."""
        use_case = by_code(self.message.message_code)
        if use_case is None:
            code = self.message.message_code
            raise RefusedError(Refusal.UNKNOWN_USE_CASE, f"message code {code:04X}")
        return use_case


class CommandChecks:
    """The checks of one device.

    ``supported`` are the message codes it has; ``authority`` the roles it obeys for some of them,
    where that is narrower than the catalogue.
    """

    def __init__(
        self,
        credentials: Credentials,
        settings: PipelineSettings,
        supported: Container[int],
        authority: Mapping[int, frozenset[Role]],
    ) -> None:
        self._credentials = credentials
        self._settings = settings
        self._supported = supported
        self._authority = authority
        self._replay = ReplayCounters()
        self._checks = tuple(_CHECKS[check] for check in settings.order)

    def run(self, incoming: Incoming) -> None:
        """Make every check in the order of the settings; RefusedError at the first that fails."""
        for check in self._checks:
            check(self, incoming)

    def accept_counter(self, incoming: Incoming) -> None:
        """Remember the command's counter, so that it is not executed again."""
        message, use_case = incoming.message, incoming.use_case
        if self._is_replay_protected(use_case):
            kind = self._counter_class(use_case)
            counter = message.originator_counter
            self._replay.accept(incoming.unit, message.originator, kind, counter)

    def recipient(self, incoming: Incoming) -> None:
        """Addressed to this device."""
        if incoming.message.recipient != self._credentials.eui64:
            raise RefusedError(Refusal.WRONG_RECIPIENT, f"for {incoming.message.recipient:016X}")

    def use_case(self, incoming: Incoming) -> None:
        """A command of a use case that this device has."""
        message, use_case = incoming.message, incoming.use_case
        if message.cra is not Cra.COMMAND or use_case.kind is not Kind.COMMAND:
            raise RefusedError(Refusal.NOT_A_COMMAND, f"{use_case.name} {message.cra.name}")
        targets = use_case.targets
        if message.message_code not in self._supported or (
            targets and self._credentials.device_type not in targets
        ):
            raise RefusedError(Refusal.NOT_SUPPORTED, use_case.name)

    def originator(self, incoming: Incoming) -> None:
        """Trusted, in a role that has authority for the use case."""
        use_case, originator = incoming.use_case, incoming.message.originator
        if use_case.category is Category.PPMID_TO_GSME:
            if self._credentials.devices.get(originator) is not DeviceType.PPMID:
                raise RefusedError(Refusal.UNKNOWN_ORIGINATOR, f"{originator:016X} is no PPMID")
            return
        held = self._credentials.roles(originator)
        if not held:
            raise RefusedError(Refusal.UNKNOWN_ORIGINATOR, f"{originator:016X} is not trusted")
        roles = self._authority.get(use_case.message_code, use_case.roles)
        fitting = held.intersection(roles) if roles else held
        names = " and ".join(role.name for role in sorted(held))
        if not fitting:
            raise RefusedError(Refusal.NOT_AUTHORISED, f"{names} may not {use_case.name}")
        if incoming.message.supplementary_id is not None and _BROKER not in held:
            raise RefusedError(Refusal.NOT_AUTHORISED, f"{names} may not speak for others")
        incoming.role = min(fitting)

    def protection(self, incoming: Incoming) -> None:
        """MAC and signature present as the use case has them."""
        carried = carried_protection(incoming.message)
        if carried not in incoming.use_case.protections(Cra.COMMAND):
            raise RefusedError(Refusal.WRONG_PROTECTION, f"carries {carried.name or 'nothing'}")

    def signature(self, incoming: Incoming) -> None:
        """The signature verifies, if there is one."""
        message = incoming.message
        if not message.signature:
            return
        try:
            keys = self._credentials.signing_keys(message.originator)
        except GbcsError as exc:
            raise RefusedError(Refusal.NO_KEY, str(exc)) from exc
        signed = message.signed_octets
        if not any(signature_is_valid(key, message.signature, signed) for key in keys):
            raise RefusedError(Refusal.SIGNATURE_INVALID)

    def mac(self, incoming: Incoming) -> None:
        """The MAC verifies, if there is one."""
        message = incoming.message
        if message.mac is None:
            return
        try:
            expected = compute_mac(message, self._credentials.keys)[:TAG_OCTETS]
        except GbcsError as exc:
            raise RefusedError(Refusal.NO_KEY, str(exc)) from exc
        if not hmac.compare_digest(expected, message.mac):
            raise RefusedError(Refusal.MAC_INVALID)

    def counter(self, incoming: Incoming) -> None:
        """The originator counter is fresh, where the use case needs that."""
        message, use_case = incoming.message, incoming.use_case
        if not self._is_replay_protected(use_case):
            return
        kind, counter = self._counter_class(use_case), message.originator_counter
        last = self._replay.last(incoming.unit, message.originator, kind)
        if last is not None and counter <= last:
            raise RefusedError(Refusal.REPLAYED, f"counter {counter}, the last one was {last}")

    def template(self, incoming: Incoming) -> None:
        """The payload is what the use case prescribes.

        DLMS and ASN.1 payloads are read by what executes them.
        """
        use_case = incoming.use_case
        if use_case.technology is not Technology.GBZ:
            return
        try:
            incoming.gbz = Gbz.parse(incoming.message.payload)
        except MalformedMessage as exc:
            raise RefusedError(Refusal.TEMPLATE, str(exc)) from exc
        exact = self._settings.exact_attributes
        check_template(use_case, incoming.gbz, exact_attributes=exact)

    def _is_replay_protected(self, use_case: UseCase) -> bool:
        if use_case.replay_protection is None:
            return use_case.critical and self._settings.protect_unlisted
        return use_case.replay_protection

    def _counter_class(self, use_case: UseCase) -> str:
        if self._settings.counter_classes == "code":
            return f"{use_case.message_code:04X}"
        return "top-up" if use_case.token else "command"


_BROKER: Final = Role.ACCESS_CONTROL_BROKER
_CHECKS: Final[Mapping[Check, Callable[[CommandChecks, Incoming], None]]] = {
    Check.RECIPIENT: CommandChecks.recipient,
    Check.USE_CASE: CommandChecks.use_case,
    Check.ORIGINATOR: CommandChecks.originator,
    Check.PROTECTION: CommandChecks.protection,
    Check.SIGNATURE: CommandChecks.signature,
    Check.MAC: CommandChecks.mac,
    Check.COUNTER: CommandChecks.counter,
    Check.TEMPLATE: CommandChecks.template,
}

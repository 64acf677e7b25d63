"""Commands that every device shares: credentials (CS02), joins (CS03, CS04, CS07), firmware."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from device.alerts import Alerts
from device.chassis import Chassis
from device.command import Command, Handler, Outcome
from device.events import PartnerJoined, PartnerLeft
from device.firmware import VERSION_CHANGED, Firmware
from device.future import NEVER, FutureCommands
from device.joins import PARTNERS, Joins
from device.refusal import Refusal, RefusedError
from device.trust import certification, reports
from device.trust.replacement import authorising_cell, check, replace_anchors
from gbcs.asn1.credentials import (
    CredentialsUpdate,
    CredentialsUpdateAlert,
    CredentialsUpdateResponse,
    ReplacementOutcome,
)
from gbcs.asn1.devices import (
    ActivationAlert,
    ActivationOutcome,
    FirmwareActivation,
    Join,
)
from gbcs.asn1.names import ActivationCode, JoinCode, Kind, StoreCode, TampStatus, UnjoinCode
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import by_name
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType, Role
from han.exchange import Outcome as ExchangeOutcome
from han.exchange import Request

_LOG: Final = logging.getLogger(__name__)

ACTIONED: Final = 0x8F66
NOT_ACTIONED: Final = 0x8F67
CREDENTIALS_UPDATED: Final = 0x8F70
JOIN_FAILED, JOINED, UNJOIN_FAILED, UNJOINED = 0x8F48, 0x8F49, 0x8F4A, 0x8F4B
_FIRMWARE_ALERT: Final = 0x00CA
_CREDENTIALS_ALERT: Final = 0x00CB
_LOAD_CONTROLLER_ALERT: Final = 0x0124
_LOAD_CONTROLLER_CODES: Final = (0x0125, 0x0126)
_CS06: Final = by_name("CS06").message_code

ACTIVATING: Final = frozenset(
    {DeviceType.ESME, DeviceType.GSME, DeviceType.PPMID, DeviceType.HCALCS, DeviceType.SAPC}
)
"""Devices whose firmware CS06 activates."""
_REPORTS: Final = ("CS02a", "CS02f")
_UPDATES: Final = (
    "CS02b-rootBySupplier",
    "CS02b-rootByWanProvider",
    "CS02b-supplierBySupplier",
    "CS02b-networkOperatorByNetworkOperator",
    "CS02b-accessControlBrokerByACB",
    "CS02b-wanProviderByWanProvider",
    "CS02b-transCoSByTransCoS",
    "CS02b-supplierByTransCoS",
    "CS02b-anyExceptAbnormalRootByRecovery",
    "CS02g-loadControllerByLoadController",
    "CS02g-loadControllerBySupplier",
)
_JOINS: Final = ("CS03A1", "CS03A2", "CS03B", "CS03C")
_UNJOINS: Final = ("CS04AC", "CS04B")
_ANYBODY: Final = frozenset(
    {
        Role.RECOVERY,
        Role.SUPPLIER,
        Role.NETWORK_OPERATOR,
        Role.ACCESS_CONTROL_BROKER,
        Role.TRANSITIONAL_COS,
        Role.WAN_PROVIDER,
        Role.LOAD_CONTROLLER,
    }
)
_OWNERS: Final = frozenset({Role.SUPPLIER, Role.ACCESS_CONTROL_BROKER})
AUTHORITY: Final[Mapping[str, frozenset[Role]]] = {
    "CS02a": _ANYBODY,
    "CS02f": _ANYBODY,
    "CS02c": _OWNERS,
    "CS02d": _OWNERS,
    "CS02e": _OWNERS,
    **dict.fromkeys((*_JOINS, *_UNJOINS, "CS06", "CS07"), _OWNERS),
    **dict.fromkeys(_UPDATES, _ANYBODY),
}
"""Who is obeyed; of credentials, whoever holds the cell that the command names."""

PartnerChanged = Callable[[int, int | None], object]


def _nobody_cares(peer: int, kind: int | None) -> None:
    del peer, kind


_Execute = Callable[[Command, object], object]


def common_use_cases(kind: DeviceType) -> tuple[str, ...]:
    """Names of the shared use cases that a type of device answers, in their usual order."""
    names = [*_REPORTS, *_UPDATES, "CS02c", "CS02d", "CS02e"]
    if kind in PARTNERS:
        names += [*_JOINS, *_UNJOINS, "CS07"]
    if kind in ACTIVATING:
        names += ["CS06", "CS08"]
    targets = {name: by_name(name).targets for name in names}
    return tuple(name for name in names if not targets[name] or kind in targets[name])


class CommonCommands:
    """The shared commands of one device.

    ``tell`` logs a code that is worth an event, and alerts of it in the
    manner of the device. ``firmware`` is left out where no image is ever activated by CS06 (GPF,
    CHF). ``partner_changed`` learns, inside the unit, of a device that was joined (with its kind)
    or unjoined (with None). :meth:`advance` is to be called when :attr:`next_due` is there.
    """

    def __init__(
        self,
        chassis: Chassis,
        tell: Callable[[int], object],
        firmware: Firmware | None = None,
        partner_changed: PartnerChanged = _nobody_cares,
    ) -> None:
        self._chassis = chassis
        self._alerts = Alerts(chassis)
        self._tell = tell
        self.firmware = firmware
        self._partner_changed = partner_changed
        self.joins = Joins(chassis.credentials, chassis.store, chassis.common, chassis.broken)
        self._future = FutureCommands(chassis.store)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """For the pipeline: who executes which use case."""
        kind, table = self._chassis.credentials.device_type, self._table()
        return {name: _handler(table[name]) for name in common_use_cases(kind)}

    @property
    def next_due(self) -> datetime | None:
        """When a command that waits is due, by the device's own clock."""
        return self._future.next_due

    def advance(self, own: datetime) -> None:
        """Execute what is due; each leaves the store in one unit with what it changes."""
        while (due := self.next_due) is not None and due <= own:
            with self._chassis.store.transaction():
                message = self._future.take_due(own)
                if message is None:
                    return
                self._execute_due(message, own)

    # -- service of a node, for its deadline -----------------------------------------------------

    @property
    def deadline(self) -> datetime | None:
        """When the first command that waits is due, in true time."""
        due = self.next_due
        return None if due is None else self._chassis.clock.true_time_of(due)

    def poll(self, now: datetime) -> None:
        """Execute what is due."""
        del now  # what counts is the device's own clock
        self.advance(self._chassis.clock.now())

    def requests(self) -> list[Request]:
        """None: it has nothing to say on the HAN."""
        return []

    def concluded(self, outcome: ExchangeOutcome, now: datetime) -> None:
        """Nothing to learn from requests that are not made."""

    # -- parts -----------------------------------------------------------------------------------

    def _table(self) -> dict[str, _Execute]:
        return {
            **dict.fromkeys(_REPORTS, self._report),
            **dict.fromkeys(_UPDATES, self._update),
            "CS02c": self._issue,
            "CS02d": self._store,
            "CS02e": self._retrieve,
            **dict.fromkeys(_JOINS, self._join),
            **dict.fromkeys(_UNJOINS, self._unjoin),
            "CS07": lambda command, asked: self.joins.details(),
            "CS06": self._order_firmware,
            "CS08": self._read_firmware,
        }

    # -- credentials -----------------------------------------------------------------------------

    def _report(self, command: Command, asked: object) -> object:
        chassis = self._chassis
        return reports.report(command, asked, chassis.credentials.anchors, chassis.broken)

    def _update(self, command: Command, asked: object) -> object:
        message = command.message
        if not isinstance(asked, CredentialsUpdate):
            raise MalformedMessage("not an update of credentials")
        check(asked, message.message_code, message.originator_counter)
        anchor = self._chassis.credentials.anchors.get(authorising_cell(asked.control))
        if anchor is None or anchor.entity != message.originator:
            name = format_eui64(message.originator)
            raise RefusedError(Refusal.NOT_AUTHORISED, f"{name} does not hold the authorising cell")
        if self._waits(message, asked.execute_at, command.now):
            return CredentialsUpdateResponse()
        return CredentialsUpdateResponse(self._replace(asked, command.now))

    def _replace(self, update: CredentialsUpdate, own: datetime) -> ReplacementOutcome:
        chassis = self._chassis
        with chassis.store.transaction() as unit:
            outcome = replace_anchors(
                update, chassis.credentials.anchors, unit, own, chassis.common, chassis.broken
            )
            if any(one.status == TampStatus.SUCCESS for one in outcome.cells):
                chassis.security_log.add(CREDENTIALS_UPDATED)
        return outcome

    def _issue(self, _: Command, asked: object) -> object:
        chassis = self._chassis
        own = chassis.credentials.own
        return certification.issue(asked, own, chassis.random_octets, chassis.broken)

    def _store(self, _: Command, asked: object) -> object:
        chassis = self._chassis
        own = chassis.credentials.own
        code, usage = certification.store(asked, own, chassis.eui64, chassis.broken)
        if usage is not None:
            failed, replaced = certification.REPLACED[usage]
            chassis.security_log.add(replaced if code is StoreCode.SUCCESS else failed)
        return code

    def _retrieve(self, _: Command, asked: object) -> object:
        return certification.retrieve(asked, self._chassis.credentials.own, self._chassis.broken)

    # -- joins -----------------------------------------------------------------------------------

    def _join(self, command: Command, asked: object) -> object:
        if not isinstance(asked, Join):
            raise MalformedMessage("not a join")
        code = self.joins.join(command.message.message_code, asked)
        here = self._chassis.here()
        kind = Kind(asked.peer_kind).name if asked.peer_kind in list(Kind) else "unknown"
        joined = PartnerJoined(**here, peer=asked.peer, kind=kind, outcome=JoinCode(code))
        command.unit.on_commit(lambda: self._chassis.events.publish(joined))
        if code is JoinCode.SUCCESS:
            self._partner_changed(asked.peer, asked.peer_kind)
        self._notice(JOINED if code is JoinCode.SUCCESS else JOIN_FAILED)
        return code

    def _unjoin(self, command: Command, asked: object) -> object:
        if not isinstance(asked, int):
            raise MalformedMessage("not an unjoin")
        code = self.joins.unjoin(asked)
        left = PartnerLeft(**self._chassis.here(), peer=asked, outcome=code)
        command.unit.on_commit(lambda: self._chassis.events.publish(left))
        if code is UnjoinCode.SUCCESS:
            self._partner_changed(asked, None)
        self._notice(UNJOINED if code is UnjoinCode.SUCCESS else UNJOIN_FAILED)
        return code

    def _notice(self, code: int) -> None:
        if self._chassis.common.alert_joins:
            self._tell(code)
        else:
            self._chassis.event_log.add(code)

    # -- firmware --------------------------------------------------------------------------------

    def _order_firmware(self, command: Command, asked: object) -> object:
        message = command.message
        if not isinstance(asked, FirmwareActivation):
            raise MalformedMessage("not a firmware activation")
        if asked.counter != message.originator_counter:
            raise MalformedMessage("the counter inside is not the message's")
        if self._waits(message, asked.execute_at, command.now):
            return None
        return self._activate(asked)

    def _read_firmware(self, _command: Command, _asked: object) -> object:
        return self._held_firmware().read()

    def _held_firmware(self) -> Firmware:
        if self.firmware is None:
            raise LookupError("the device has no firmware of its own")
        return self.firmware

    def _activate(self, asked: FirmwareActivation) -> ActivationOutcome:
        firmware = self._held_firmware()
        before = firmware.running
        outcome = firmware.activate(asked.image_hash)
        if firmware.running != before:
            self._chassis.security_log.add(VERSION_CHANGED)
        return outcome

    # -- later -----------------------------------------------------------------------------------

    def _waits(self, message: Message, execute_at: datetime | None, own: datetime) -> bool:
        """Whether a command is not to be executed now, because it waits or cancels.

        In any case it takes the place of one that waits.
        """
        self._future.cancel(message.message_code)
        if execute_at is None or execute_at <= own:
            return False
        if execute_at < NEVER:
            self._future.schedule(message, execute_at)
        return True

    def _execute_due(self, message: Message, own: datetime) -> None:
        code = message.message_code
        when = own.replace(microsecond=0)
        asked = decode(code, Cra.COMMAND, message.payload)
        if isinstance(asked, CredentialsUpdate):
            alert = _LOAD_CONTROLLER_ALERT if code in _LOAD_CONTROLLER_CODES else _CREDENTIALS_ALERT
            replaced = self._replace(asked, own)
            good = all(one.status == TampStatus.SUCCESS for one in replaced.cells)
            told: object = CredentialsUpdateAlert(_alert_code(good), when, replaced)
        elif isinstance(asked, FirmwareActivation):
            alert, activated = _FIRMWARE_ALERT, self._activate(asked)
            good = activated.result == ActivationCode.SUCCESS
            told = ActivationAlert(_alert_code(good), when, asked.counter, activated)
        else:
            raise MalformedMessage(f"{code:04X} is not executed later")
        self._chassis.event_log.add(_alert_code(good))
        self._raise(alert, _alert_code(good), told, message.originator)

    def _raise(self, message_code: int, alert_code: int, told: object, recipient: int) -> None:
        payload = encode(message_code, Cra.ALERT, told)
        try:
            self._alerts.raise_alert(message_code, alert_code, payload, recipient)
        except MissingKey as exc:
            _LOG.warning("%016X: no alert %04X: %s", self._chassis.eui64, alert_code, exc)


def _alert_code(good: bool) -> int:
    return ACTIONED if good else NOT_ACTIONED


def _handler(execute: _Execute) -> Handler:
    def handle(command: Command) -> Outcome:
        message = command.message
        asked = decode(message.message_code, message.cra, message.payload)
        answer = execute(command, asked)
        return Outcome(encode(message.message_code, Cra.RESPONSE, answer))

    return handle

"""The Response to an executed command: stamp, encryption, own counter, signature, MAC."""

from __future__ import annotations

from dataclasses import replace

from device.command import Executed, StampRule
from device.counters import OwnCounter
from device.refusal import Refusal, RefusedError
from device.settings import PipelineSettings
from gbcs.catalogue import Protection, Technology, by_code
from gbcs.envelope import Cra, Message
from gbcs.errors import MalformedMessage, MissingKey
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher, carried_protection, protect
from gbcs.stamp import Stamp


def own_stamp(executed: Executed) -> Stamp:
    """The device's own time with status "not specified", as most stamped Responses carry it."""
    return Stamp.of(executed.command.now)


class Answering:
    """Builds the Responses of one device."""

    def __init__(
        self,
        keys: KeyStore,
        own_counter: OwnCounter,
        settings: PipelineSettings,
        stamp: StampRule = own_stamp,
    ) -> None:
        self._keys = keys
        self._own_counter = own_counter
        self._settings = settings
        self._stamp = stamp

    def respond(self, executed: Executed) -> Message:
        """Build and protect the Response; NO_KEY when a key for it is not held."""
        command = executed.command.message
        try:
            response = command.answer(b"", self._date_time(executed))
            own = executed.outcome.own_counter
            if own is None and self._carries_own_counter(executed):
                own = self._own_counter.next()
            if own is not None:
                response = replace(response, supplementary_originator_counter=own)
            response = replace(response, payload=self._payload(executed, response))
            return protect(response, self._keys, answering_protection(command))
        except (MissingKey, MalformedMessage) as exc:  # no key, or a certificate without one
            raise RefusedError(Refusal.NO_KEY, str(exc)) from exc

    def _date_time(self, executed: Executed) -> Stamp | None:
        use_case = executed.command.use_case
        if not use_case.stamped or use_case.name in self._settings.never_stamped:
            return None
        if use_case.technology is Technology.ASN1:
            return own_stamp(executed)  # tells of no values, whatever the device's rule for these
        return self._stamp(executed)

    def _payload(self, executed: Executed, response: Message) -> bytes:
        payload = executed.outcome.payload
        if isinstance(payload, bytes):
            return payload
        if not _has_encrypted(payload):
            return payload.to_bytes()
        certificate = executed.command.message.certificate
        return payload.to_bytes(attribute_cipher(response, self._keys, certificate))

    def _carries_own_counter(self, executed: Executed) -> bool:
        command, payload = executed.command, executed.outcome.payload
        return (
            command.message.certificate is not None
            and isinstance(payload, Gbz)
            and _has_encrypted(payload)
            and command.use_case.name not in self._settings.no_own_counter
        )


def _has_encrypted(gbz: Gbz) -> bool:
    return any(component.encrypted for component in gbz.components)


def answering_protection(command: Message) -> Protection | None:
    """How a Response is protected; of use cases with two forms, in the form of the command."""
    use_case = by_code(command.message_code)
    if use_case is None:
        return None
    asked, answered = use_case.protections(Cra.COMMAND), use_case.protections(Cra.RESPONSE)
    if len(asked) != len(answered) or len(asked) < 2:
        return answered[0] if answered else None
    carried = carried_protection(command)
    return answered[asked.index(carried)] if carried in asked else answered[0]

"""Executes DLMS commands of the pipeline on a device's COSEM objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from device.command import Command, Outcome
from device.cosem.server import CosemServer
from device.cosem.table import Access
from device.cosem.template import check_items
from device.counters import OwnCounter
from gbcs.dlms.apdu import AccessRequest, Result
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher

M = TypeVar("M")


class CosemEngine(Generic[M]):
    """A handler for the pipeline. ``save`` keeps what a command changed, inside its unit.

    ``undo_point`` gives what takes the model back, should the command have to be undone.
    """

    def __init__(
        self,
        server: CosemServer[M],
        keys: KeyStore,
        own_counter: OwnCounter,
        save: Callable[[], object],
        undo_point: Callable[[], Callable[[], None]],
    ) -> None:
        self._server = server
        self._keys = keys
        self._own_counter = own_counter
        self._save = save
        self._undo_point = undo_point

    def __call__(self, command: Command) -> Outcome:
        """Execute the items; MalformedMessage when they are not those of the use case."""
        request = AccessRequest.parse(command.message.payload)
        check_items(command.use_case.name, request)
        command.unit.on_rollback(self._undo_point())
        sealer = _Sealer(command, self._keys, self._own_counter)
        response = self._server.execute(request, _access(command, sealer))
        self._save()
        failed = sum(result.result != Result.SUCCESS for result in response.results)
        return Outcome(response.to_bytes(), failed=failed, own_counter=sealer.own_counter)


def _access(command: Command, sealer: _Sealer) -> Access:
    message = command.message
    return Access(
        now=command.now,
        device=message.recipient,
        requester=message.originator,
        message_code=message.message_code,
        originator_counter=message.originator_counter,
        seal=sealer.seal,
    )


class _Sealer:
    """Encrypts the protected attributes of one Response for whoever consumes them.

    For an unknown remote party that brought its certificate the key takes the device's own counter,
    which the Response then carries.
    """

    def __init__(self, command: Command, keys: KeyStore, own_counter: OwnCounter) -> None:
        self.own_counter: int | None = None
        self._command, self._keys, self._counter = command, keys, own_counter

    def seal(self, octets: bytes) -> bytes:
        """Encrypt one part."""
        message = self._command.message
        if message.certificate is not None and self.own_counter is None:
            self.own_counter = self._counter.next()
        answer = replace(message.answer(b""), supplementary_originator_counter=self.own_counter)
        return attribute_cipher(answer, self._keys, message.certificate).seal(octets)

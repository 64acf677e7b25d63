"""Executes DLMS commands of the pipeline on the meter's COSEM objects."""

from __future__ import annotations

from collections.abc import Callable

from device.command import Command, Outcome
from esme.cosem.server import CosemServer
from esme.cosem.table import Access
from esme.cosem.template import check_items
from esme.meter import ElectricityMeter
from gbcs.dlms.apdu import AccessRequest, Result
from gbcs.errors import LocalError
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher


class CosemEngine:
    """A handler for the pipeline. ``save`` keeps what a command changed, inside its unit."""

    def __init__(
        self,
        server: CosemServer[ElectricityMeter],
        keys: KeyStore,
        save: Callable[[], object],
    ) -> None:
        self._server = server
        self._keys = keys
        self._save = save

    def __call__(self, command: Command) -> Outcome:
        """Execute the items; MalformedMessage when they are not those of the use case."""
        request = AccessRequest.parse(command.message.payload)
        check_items(command.use_case.name, request)
        command.unit.on_rollback(self._server.model.undo_point())
        response = self._server.execute(request, self._access(command))
        self._save()
        failed = sum(result.result != Result.SUCCESS for result in response.results)
        return Outcome(response.to_bytes(), failed=failed)

    def _access(self, command: Command) -> Access:
        message = command.message
        return Access(
            now=command.now,
            device=message.recipient,
            requester=message.originator,
            message_code=message.message_code,
            originator_counter=message.originator_counter,
            seal=lambda octets: self._seal(command, octets),
        )

    def _seal(self, command: Command, octets: bytes) -> bytes:
        """Encrypt for the requester.

        For an unknown remote party the key takes the meter's own counter, which the pipeline gives
        to GBZ Responses only: rather no answer than one that nobody can open.
        """
        if command.message.certificate is not None:
            raise LocalError("no own counter for the Response to an unknown remote party")
        answer = command.message.answer(b"")
        cipher = attribute_cipher(answer, self._keys, command.message.certificate)
        return cipher.seal(octets)

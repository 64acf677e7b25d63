"""CS02a and CS02f: what the trust anchor cells hold, role by role."""

from __future__ import annotations

from typing import Final

from device.command import Command
from device.counters import ReplayCounters
from device.faults import Part
from device.refusal import Refusal, RefusedError
from device.trust.anchors import TrustAnchors
from gbcs.asn1.credentials import CellReport, CredentialsQuery, PartyReport
from gbcs.asn1.names import TampStatus
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64

COMMAND: Final = "command"
TOP_UP: Final = "top-up"
"""Classes of replay counters: top-ups count apart."""


def report(
    command: Command, asked: object, anchors: TrustAnchors, broken: set[Part]
) -> tuple[PartyReport, ...]:
    """Answer for each role asked about, in that order.

    The originator has to hold the cell that is said to verify the command.
    """
    if not isinstance(asked, CredentialsQuery):
        raise MalformedMessage("not a query for credentials")
    anchor = anchors.get(asked.authorising_cell)
    originator = command.message.originator
    if anchor is None or anchor.entity != originator:
        detail = f"{format_eui64(originator)} does not hold the cell named"
        raise RefusedError(Refusal.NOT_AUTHORISED, detail)
    return tuple(_report(role, command, anchors, broken) for role in asked.wanted)


def _report(role: int, command: Command, anchors: TrustAnchors, broken: set[Part]) -> PartyReport:
    if Part.ANCHOR_MEMORY in broken:
        return PartyReport(role, TampStatus.OTHER)
    held = list(anchors.of_role(role))
    if not held:
        return PartyReport(role, TampStatus.TRUST_ANCHOR_NOT_FOUND)
    counter = ReplayCounters().last(command.unit, held[0][1].entity, COMMAND)
    cells = (
        CellReport(cell.key_use, anchor.entity, anchor.key_id, cell.cell_use)
        for cell, anchor in held
    )
    return PartyReport(role, TampStatus.SUCCESS, counter or 0, tuple(cells))

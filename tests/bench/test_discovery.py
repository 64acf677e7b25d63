"""Discovery of what roles really have, read by zigpy's own types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from zigpy.zcl import foundation

from bench.roles import endpoints_by_role
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import GeneralCommand
from han.endpoint import Endpoint
from han.zcl.tables import Access, Served, Side

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = endpoints_by_role()
COMMANDS = foundation.GENERAL_COMMANDS
READ, WRITE, REPORT = 1, 2, 4


def ask(endpoint: Endpoint, served: Served, command: GeneralCommand, payload: bytes) -> Any:  # noqa: ANN401 - zigpy makes the class of each answer
    """The answer to a question of discovery, as zigpy reads it to the last octet."""
    control = 0x08 if served.side is Side.CLIENT else 0x00
    frame = Frame(control, 7, command, payload)
    (answer,) = endpoint.server.execute(served.cluster_id, frame, Access(1, NOW))
    schema = COMMANDS[foundation.GeneralCommand(answer.command_id)].schema
    read, rest = schema.deserialize(answer.payload)
    assert rest == b""
    return read


def pages(endpoint: Endpoint, served: Served, extended: bool) -> Iterator[Any]:
    """Every attribute, five at a time."""
    first = 0
    command = (
        GeneralCommand.DISCOVER_ATTRIBUTES_EXTENDED
        if extended
        else GeneralCommand.DISCOVER_ATTRIBUTES
    )
    while True:
        answer = ask(endpoint, served, command, first.to_bytes(2, "little") + b"\x05")
        found = answer.extended_attr_info if extended else answer.attribute_info
        assert len(found) <= 5
        yield from found
        if answer.discovery_complete:
            return
        first = found[-1].attrid + 1


@pytest.mark.parametrize("role", ["ESME", "IHD", "PPMID", "GPF", "CHF"])
def test_attributes_and_their_types_are_discovered_as_they_are(role: str) -> None:
    for endpoint in ROLES[role]:
        for served in endpoint.server.clusters.values():
            plain = {one.attrid: one.datatype for one in pages(endpoint, served, extended=False)}
            types = {number: one.definition.type for number, one in served.attributes.items()}
            assert plain == types
            for one in pages(endpoint, served, extended=True):
                attribute = served.attributes[one.attrid]
                access = READ | (WRITE if attribute.write else 0)
                access |= REPORT if attribute.reportable else 0
                assert (one.datatype, int(one.acl)) == (attribute.definition.type, access)


@pytest.mark.parametrize("role", ["ESME", "IHD", "PPMID", "GPF", "CHF"])
def test_commands_are_discovered_as_they_are(role: str) -> None:
    for endpoint in ROLES[role]:
        for served in endpoint.server.clusters.values():
            for command, held in (
                (GeneralCommand.DISCOVER_COMMANDS_RECEIVED, set(served.commands)),
                (GeneralCommand.DISCOVER_COMMANDS_GENERATED, set(served.generated)),
            ):
                answer = ask(endpoint, served, command, b"\x00\xff")
                assert set(answer.command_ids) == held
                assert bool(answer.discovery_complete)

"""The general ZCL commands as requests of a node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from gbcs.zcl.general import (
    AttributeValue,
    AttributeValues,
    ConfigureReporting,
    General,
    GeneralCommand,
    ReadAttributes,
    ReportingRecord,
)
from han.exchange import REPLY_TIMEOUT, Request
from han.zcl.tables import ClusterDefinition, CommandDefinition, Side


@dataclass(frozen=True, slots=True)
class Far:
    """One side of a cluster at a peer's endpoint, as seen from an endpoint of ours."""

    peer: int
    endpoint: int
    cluster_id: int
    source_endpoint: int = 1
    side: Side = Side.SERVER
    """Which side the peer has; commands go towards it."""

    def general(
        self, command: GeneralCommand, message: General, within: timedelta | None = REPLY_TIMEOUT
    ) -> Request:
        """Any general command."""
        return Request(
            self.peer,
            self.endpoint,
            self.cluster_id,
            command,
            message.to_bytes(),
            self.source_endpoint,
            general=True,
            from_server=self.side is Side.CLIENT,
            reply_within=within,
        )

    def read(self, attribute_ids: Iterable[int]) -> Request:
        """Read Attributes."""
        return self.general(GeneralCommand.READ_ATTRIBUTES, ReadAttributes(tuple(attribute_ids)))

    def write(self, values: Iterable[AttributeValue], *, undivided: bool = False) -> Request:
        """Write Attributes, each for itself or all or none."""
        each, all_or_none = (
            GeneralCommand.WRITE_ATTRIBUTES,
            GeneralCommand.WRITE_ATTRIBUTES_UNDIVIDED,
        )
        return self.general(all_or_none if undivided else each, AttributeValues(tuple(values)))

    def report(self, values: Iterable[AttributeValue]) -> Request:
        """Report Attributes; the peer must have the client side."""
        return self.general(GeneralCommand.REPORT_ATTRIBUTES, AttributeValues(tuple(values)))

    def configure_reporting(self, records: Iterable[ReportingRecord]) -> Request:
        """Configure Reporting."""
        message = ConfigureReporting(tuple(records))
        return self.general(GeneralCommand.CONFIGURE_REPORTING, message)

    def command(
        self,
        definition: CommandDefinition,
        payload: bytes = b"",
        within: timedelta | None = REPLY_TIMEOUT,
    ) -> Request:
        """A cluster command, which its own answers or a Default Response end."""
        return Request(
            self.peer,
            self.endpoint,
            self.cluster_id,
            definition.id,
            payload,
            self.source_endpoint,
            from_server=self.side is Side.CLIENT,
            answered_by=frozenset(definition.answered_by),
            reply_within=within,
        )


def command_of(
    definition: ClusterDefinition, name: str, side: Side = Side.SERVER
) -> CommandDefinition:
    """The command with this name that ``side`` receives; KeyError when there is none."""
    for command in definition.received(side):
        if command.name == name:
            return command
    raise KeyError(f"{definition.name} has no command {name}")

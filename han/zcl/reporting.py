"""Reporting configuration of one endpoint: which attributes report, how often, on what change.

The table keeps what a peer configured; :class:`han.reporter.Reporter` sends the reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gbcs.zcl.general import (
    ConfigureReporting,
    ConfigureReportingResponse,
    ReadReportingConfiguration,
    ReadReportingConfigurationResponse,
    ReportingRecord,
    ReportingStatus,
)
from gbcs.zcl.status import Status
from han.zcl.tables import Served, ServedAttribute, Side

NEVER_S: Final = 0xFFFF
"""Maximum interval that ends reporting of an attribute."""

Reported = tuple[int, Side, int]  # cluster, side, attribute


@dataclass(slots=True)
class ReportingTable:
    """What is reported from one endpoint; empty until a peer configures it."""

    records: dict[Reported, ReportingRecord] = field(default_factory=dict)

    def configure(self, served: Served, payload: bytes) -> ConfigureReportingResponse:
        """Take a Configure Reporting; each record for itself."""
        failures = []
        for record in ConfigureReporting.parse(payload).records:
            status = self._take(served, record)
            if status is not Status.SUCCESS:
                failures.append((int(status), int(record.is_timeout), record.attribute_id))
        return ConfigureReportingResponse(tuple(failures))

    def _take(self, served: Served, record: ReportingRecord) -> Status:
        refusal = _refusal(served.attributes.get(record.attribute_id), record)
        if refusal is not None:
            return refusal
        key = (served.cluster_id, served.side, record.attribute_id)
        if record.max_interval_s == NEVER_S:
            self.records.pop(key, None)
        else:
            self.records[key] = record
        return Status.SUCCESS

    def read(self, served: Served, payload: bytes) -> ReadReportingConfigurationResponse:
        """Answer a Read Reporting Configuration; NOT_FOUND for what is not configured."""
        asked = ReadReportingConfiguration.parse(payload).attributes
        return ReadReportingConfigurationResponse(
            tuple(self._status(served, direction, i) for direction, i in asked)
        )

    def _status(self, served: Served, direction: int, attribute_id: int) -> ReportingStatus:
        empty = ReportingRecord(attribute_id, is_timeout=direction != 0)
        attribute = served.attributes.get(attribute_id)
        if attribute is None:
            return ReportingStatus(Status.UNSUPPORTED_ATTRIBUTE, empty)
        if not attribute.reportable:
            return ReportingStatus(Status.UNREPORTABLE_ATTRIBUTE, empty)
        record = self.records.get((served.cluster_id, served.side, attribute_id))
        if record is None or direction:
            return ReportingStatus(Status.NOT_FOUND, empty)
        return ReportingStatus(Status.SUCCESS, record)


def _refusal(attribute: ServedAttribute | None, record: ReportingRecord) -> Status | None:
    """Why this record cannot be configured; None when it can."""
    if attribute is None:
        return Status.UNSUPPORTED_ATTRIBUTE
    if record.is_timeout or not attribute.reportable:
        return Status.UNREPORTABLE_ATTRIBUTE
    if record.type_id != attribute.definition.type:
        return Status.INVALID_DATA_TYPE
    if record.max_interval_s and record.max_interval_s < record.min_interval_s:
        return Status.INVALID_VALUE
    return None

"""Events 0x0709, Messaging 0x0703, Demand Response 0x0701, Sub-GHz 0x070B: definitions."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from gbcs.zcl.types import DataType as T
from han.clusters.rows import attributes, commands
from han.zcl.tables import ClusterDefinition


class EventLog(IntEnum):
    """Logs by identifier; 6 and 7 are the GPF's copies of the GSME's."""

    ALL = 0
    TAMPER = 1
    FAULT = 2
    GENERAL = 3
    SECURITY = 4
    NETWORK = 5
    GSME_GENERAL = 6
    GSME_SECURITY = 7


EVENTS: Final = ClusterDefinition(
    0x0709,
    "Events",
    to_server=commands((0x00, "GetEventLog", (0x01,)), (0x01, "ClearEventLogRequest", (0x02,))),
    to_client=commands(
        (0x00, "PublishEvent"), (0x01, "PublishEventLog"), (0x02, "ClearEventLogResponse")
    ),
)

MESSAGING: Final = ClusterDefinition(
    0x0703,
    "Messaging",
    to_server=commands(
        (0x00, "GetLastMessage", (0x00,)),
        (0x01, "MessageConfirmation"),
        (0x02, "GetMessageCancellation", (0x03,)),
    ),
    to_client=commands(
        (0x00, "DisplayMessage"),
        (0x01, "CancelMessage"),
        (0x02, "DisplayProtectedMessage"),
        (0x03, "CancelAllMessages"),
    ),
)

DEMAND_RESPONSE: Final = ClusterDefinition(
    0x0701,
    "DemandResponseAndLoadControl",
    client_attributes=attributes(
        (0x0000, "UtilityEnrolmentGroup", T.UINT8),
        (0x0001, "StartRandomisationMinutes", T.UINT8),
        (0x0002, "DurationRandomisationMinutes", T.UINT8),
        (0x0003, "DeviceClassValue", T.UINT16),
    ),
    to_server=commands((0x00, "ReportEventStatus"), (0x01, "GetScheduledEvents", (0x00,))),
    to_client=commands(
        (0x00, "LoadControlEvent", (0x00,)),
        (0x01, "CancelLoadControlEvent", (0x00,)),
        (0x02, "CancelAllLoadControlEvents"),
    ),
)

SUB_GHZ: Final = ClusterDefinition(
    0x070B,
    "SubGHz",
    server_attributes=attributes(
        (0x0000, "ChannelChange", T.BITMAP32),
        (0x0001, "Page28ChannelMask", T.BITMAP32),
        (0x0002, "Page29ChannelMask", T.BITMAP32),
        (0x0003, "Page30ChannelMask", T.BITMAP32),
        (0x0004, "Page31ChannelMask", T.BITMAP32),
    ),
    to_server=commands((0x00, "GetSuspendZclMessagesStatus", (0x00,))),
    to_client=commands((0x00, "SuspendZclMessages")),
)

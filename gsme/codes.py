"""Event codes of a gas meter, and what it does about those the supplier may configure."""

from __future__ import annotations

from typing import Final

LOW_CREDIT: Final = 0x810D
ADDED_LOCALLY: Final = 0x810E
EMERGENCY_AVAILABLE: Final = 0x8119
COMMAND_ACTIONED: Final = 0x8154
COMMAND_NOT_ACTIONED: Final = 0x8155
TIME_DEBT_COLLECTED: Final = (0x81A7, 0x81A8)
EMERGENCY_EXHAUSTED: Final = 0x81AA
EMERGENCY_ACTIVATED: Final = 0x81AB
UNCONTROLLED_FLOW: Final = 0x81BF
ENTRY_SUSPENDED, LOCKED_OUT = 0x81C4, 0x81C5
BILLING_LOG_UPDATED: Final = 0x8F0A
CLOCK_NOT_ADJUSTED: Final = 0x8F0C
DISABLED: Final = 0x8F0F
ARMED: Final = 0x8F32
EVENT_LOG_CLEARED: Final = 0x8F52
DISABLEMENT_SUSPENDED: Final = 0x8F83

FIRST_CRITICAL: Final = 0x8F00
"""From here on codes are critical: always logged and alerted, and not to be configured."""

LOG: Final = 0x07
GENERAL_LOG, SECURITY_LOG = 3, 4
TELL_WAN: Final = 0x08
TELL_HAN: Final = 0x10
_LOGGED_AND_TOLD: Final = GENERAL_LOG | TELL_WAN
AT_FIRST: Final[dict[int, int]] = {
    LOW_CREDIT: TELL_WAN | TELL_HAN,
    ADDED_LOCALLY: TELL_WAN,
    EMERGENCY_AVAILABLE: TELL_WAN | TELL_HAN,
    COMMAND_ACTIONED: GENERAL_LOG,
    COMMAND_NOT_ACTIONED: GENERAL_LOG,
    TIME_DEBT_COLLECTED[0]: _LOGGED_AND_TOLD,
    TIME_DEBT_COLLECTED[1]: _LOGGED_AND_TOLD,
    EMERGENCY_EXHAUSTED: _LOGGED_AND_TOLD | TELL_HAN,
    EMERGENCY_ACTIVATED: _LOGGED_AND_TOLD | TELL_HAN,
    UNCONTROLLED_FLOW: _LOGGED_AND_TOLD,
    ENTRY_SUSPENDED: _LOGGED_AND_TOLD,
    LOCKED_OUT: _LOGGED_AND_TOLD,
}
"""Event configuration of a new meter: bits 0 to 2 say which log, bit 3 alerts, bit 4 the HAN.

The reading of the bits is unverified; it fits every value of the reference messages (GCS20r).
"""
EVERY_SUPPLIER_EVENT: Final = 0x81FF
"""Group of the events a supplier configures."""

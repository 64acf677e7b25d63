"""Who takes part: remote party roles and device types."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Role(IntEnum):
    """Remote party role, the number found in certificates (OU) and in trust anchor cells."""

    ROOT = 0
    RECOVERY = 1
    SUPPLIER = 2
    NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER = 4
    TRANSITIONAL_COS = 5
    WAN_PROVIDER = 6
    ISSUING_AUTHORITY = 7
    LOAD_CONTROLLER = 8
    OTHER = 127


class DeviceType(StrEnum):
    """Devices of a home area network, as CHTS and SMETS abbreviate them."""

    ESME = "ESME"
    GSME = "GSME"
    CHF = "CHF"
    GPF = "GPF"
    HCALCS = "HCALCS"
    PPMID = "PPMID"
    SAPC = "SAPC"
    IHD = "IHD"
    CAD = "CAD"
    TYPE2 = "TYPE2"

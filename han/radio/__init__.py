"""The radio port: what a Zigbee node offers so that every device runs on it, dongle or virtual air.

Nothing here does I/O. ``hw/`` fills :class:`HanRadio`; ``han/`` and ``device/`` use it. EUI-64 are
integers (most significant octet first when printed); short (NWK) addresses stay below this port,
except where a ZDO payload must quote them.
"""

from __future__ import annotations

from han.radio.keys import (
    aes_mmo,
    hmac_mmo,
    key_load_key,
    key_transport_key,
    link_key_of_install_code,
)
from han.radio.port import (
    PARTNER_KEY_TIMEOUT_S,
    POWER_CUT,
    ApsFrame,
    ApsReceived,
    Beacon,
    Block,
    BlockAck,
    Broadcast,
    ChildPolled,
    DeliveryReport,
    DeliveryStatus,
    DeviceJoined,
    DeviceLeft,
    HanRadio,
    JoinKind,
    NetworkDown,
    NetworkKeySwitched,
    NetworkParameters,
    NetworkUp,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioError,
    RadioEvent,
    RadioLost,
    Role,
    SimpleDescriptor,
)

__all__ = [
    "PARTNER_KEY_TIMEOUT_S",
    "POWER_CUT",
    "ApsFrame",
    "ApsReceived",
    "Beacon",
    "Block",
    "BlockAck",
    "Broadcast",
    "ChildPolled",
    "DeliveryReport",
    "DeliveryStatus",
    "DeviceJoined",
    "DeviceLeft",
    "HanRadio",
    "JoinKind",
    "NetworkDown",
    "NetworkKeySwitched",
    "NetworkParameters",
    "NetworkUp",
    "PartnerKeyAsked",
    "PartnerKeySet",
    "RadioError",
    "RadioEvent",
    "RadioLost",
    "Role",
    "SimpleDescriptor",
    "aes_mmo",
    "hmac_mmo",
    "key_load_key",
    "key_transport_key",
    "link_key_of_install_code",
]

"""The radio port: what a Zigbee node offers so that every device runs on it, dongle or virtual air.

Nothing here does I/O. ``hw/`` fills :class:`HanRadio`; ``han/`` and ``device/`` use it. EUI-64 are
integers (most significant octet first when printed); short (NWK) addresses stay below this port,
except where a ZDO payload must quote them.
"""

from __future__ import annotations

from han.radio.events import (
    ApsReceived,
    ChildPolled,
    DeviceJoined,
    DeviceLeft,
    JoinKind,
    NetworkDown,
    NetworkKeySwitched,
    NetworkUp,
    PartnerKeyAsked,
    PartnerKeySet,
    RadioEvent,
    RadioLost,
)
from han.radio.frames import (
    ApsFrame,
    Beacon,
    Block,
    BlockAck,
    Broadcast,
    DeliveryReport,
    DeliveryStatus,
    NetworkParameters,
    Role,
    SimpleDescriptor,
)
from han.radio.keys import (
    aes_mmo,
    hmac_mmo,
    install_code_crc,
    key_load_key,
    key_transport_key,
    link_key_of_install_code,
    without_crc,
)
from han.radio.port import (
    AWAKE_POLL_S,
    PARTNER_KEY_TIMEOUT_S,
    POWER_CUT,
    HanRadio,
    OtherRole,
    RadioError,
)

__all__ = [
    "AWAKE_POLL_S",
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
    "OtherRole",
    "PartnerKeyAsked",
    "PartnerKeySet",
    "RadioError",
    "RadioEvent",
    "RadioLost",
    "Role",
    "SimpleDescriptor",
    "aes_mmo",
    "hmac_mmo",
    "install_code_crc",
    "key_load_key",
    "key_transport_key",
    "link_key_of_install_code",
    "without_crc",
]

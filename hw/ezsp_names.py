"""One name for each field of EZSP frames whose name changed between versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    "type": "message_type",
    "indexOrDestination": "node",
    "nwk": "node",
    "sender": "node",
    "apsFrame": "aps_frame",
    "messageTag": "message_tag",
    "messageContents": "message",
    "lastHopLqi": "lqi",
    "lastHopRssi": "rssi",
    "bindingIndex": "binding_index",
    "addressIndex": "address_index",
    "keyStruct": "key_struct",
    "childData": "child_data",
    "plaintext_key": "key",
    "keyData": "key",
    "transientKey": "key",
    "partner": "eui64",
    "address": "eui64",
    "remoteEui64": "eui64",
    "nodeId": "node",
}

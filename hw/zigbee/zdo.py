"""The few ZDO messages a radio itself must understand: who has which address."""

from __future__ import annotations

from struct import Struct
from typing import Final

NWK_ADDR_REQ: Final = 0x0000
IEEE_ADDR_REQ: Final = 0x0001
DEVICE_ANNCE: Final = 0x0013
RESPONSE: Final = 0x8000
_ANNOUNCE: Final = Struct("<BHQ")
_ADDRESS_RESPONSE: Final = Struct("<BBQH")
_NWK_ADDR_REQUEST: Final = Struct("<BQBB")
SUCCESS: Final = 0


def told_addresses(cluster_id: int, payload: bytes) -> list[tuple[int, int]]:
    """(EUI-64, short address) that a Device_annce, NWK_addr_rsp or IEEE_addr_rsp tells.

    Else nothing.
    """
    if cluster_id == DEVICE_ANNCE and len(payload) >= _ANNOUNCE.size:
        _, short, eui64 = _ANNOUNCE.unpack_from(payload)
        return [(eui64, short)]
    answers = (NWK_ADDR_REQ | RESPONSE, IEEE_ADDR_REQ | RESPONSE)
    if cluster_id in answers and len(payload) >= _ADDRESS_RESPONSE.size:
        _, status, eui64, short = _ADDRESS_RESPONSE.unpack_from(payload)
        return [(eui64, short)] if status == SUCCESS else []
    return []


def nwk_addr_request(sequence: int, eui64: int) -> bytes:
    """NWK_addr_req for one device, single-device response."""
    return _NWK_ADDR_REQUEST.pack(sequence, eui64, 0, 0)

"""Zigbee PRO frames as octets.

802.15.4 MAC, NWK, APS, and the AES-CCM* that protects them. No I/O, no state.
"""

from __future__ import annotations

from hw.zigbee.errors import MalformedFrame, NotAuthentic

__all__ = ["MalformedFrame", "NotAuthentic"]

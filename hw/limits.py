"""How many octets fit one frame.

127 octets of PSDU less MAC 11, NWK header 8, NWK security 18, APS header 8 leave 82; the sender's
EUI-64, which relayed frames carry in the NWK header, takes 8, the extended header of
fragmentation 2, APS link-key security 9.
"""

from __future__ import annotations

from typing import Final

APS_PAYLOAD_OCTETS: Final = 82
SENDER_ADDRESS_OCTETS: Final = 8
EXTENDED_HEADER_OCTETS: Final = 2
APS_SECURITY_OCTETS: Final = 9
NCP_PAYLOAD_OCTETS: Final = APS_PAYLOAD_OCTETS - SENDER_ADDRESS_OCTETS


def max_payload(*, encrypted: bool, ncp_octets: int = NCP_PAYLOAD_OCTETS) -> int:
    """APS payload of one frame, fragment or not; ``ncp_octets`` is the NCP's own maximum."""
    return ncp_octets - EXTENDED_HEADER_OCTETS - (APS_SECURITY_OCTETS if encrypted else 0)

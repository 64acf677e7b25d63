"""The arithmetic of key establishment: ECMQV, key derivation, key confirmation (ZSE Annex C).

U is the initiator, V the responder. Nothing here keeps state or knows messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gbcs.errors import NotAuthentic
from han.cbke.curve import Curve, Point
from han.radio import aes_mmo, hmac_mmo

_INITIATOR_TAG = b"\x02"
_RESPONDER_TAG = b"\x03"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private scalar and its point; the scalar never prints."""

    private: int = field(repr=False)
    public: Point

    @classmethod
    def of(cls, curve: Curve, private: int) -> KeyPair:
        """The pair of a private scalar, taken modulo the order; ValueError when that is 0."""
        private %= curve.order
        public = curve.multiply(private, curve.base)
        if public is None:
            raise ValueError("0 is no private key")
        return cls(private, public)


def shared_point(
    curve: Curve, own: KeyPair, own_ephemeral: KeyPair, peer: Point, peer_ephemeral: Point
) -> bytes:
    """ECMQV: the x coordinate Z both sides reach; NotAuthentic when they would reach infinity."""
    s = own_ephemeral.private + _half(curve, own_ephemeral.public) * own.private
    s = curve.cofactor * (s % curve.order)
    shared = curve.combine((s, peer_ephemeral), (s * _half(curve, peer_ephemeral), peer))
    if shared is None:
        raise NotAuthentic("the peer's keys lead to no shared secret")
    return shared.x.to_bytes(curve.octets)


def _half(curve: Curve, point: Point) -> int:
    """The associate value of a point: the low half of x with a one in front."""
    bits = (curve.order.bit_length() + 1) // 2
    return point.x & ((1 << bits) - 1) | 1 << bits


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides derive: the key that confirms, and the new link key. Neither prints."""

    mac_key: bytes = field(repr=False)
    link_key: bytes = field(repr=False)

    @classmethod
    def of(cls, shared: bytes) -> Agreement:
        """Derive both keys from Z."""
        keys = (aes_mmo(shared + counter.to_bytes(4)) for counter in (1, 2))
        return cls(*keys)

    def initiator_mac(self, identities: tuple[int, int], ephemerals: tuple[bytes, bytes]) -> bytes:
        """MACU, over (U, V) identities and compressed ephemeral points."""
        return self._mac(_INITIATOR_TAG, identities, ephemerals)

    def responder_mac(self, identities: tuple[int, int], ephemerals: tuple[bytes, bytes]) -> bytes:
        """MACV, over the same (U, V) pairs."""
        return self._mac(_RESPONDER_TAG, identities[::-1], ephemerals[::-1])

    def _mac(self, tag: bytes, identities: tuple[int, ...], points: tuple[bytes, ...]) -> bytes:
        parts = (tag, *(i.to_bytes(8) for i in identities), *points)
        return hmac_mmo(self.mac_key, b"".join(parts))

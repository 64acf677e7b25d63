"""The two binary curves of Smart Energy key establishment, in plain integers.

sect163k1 (suite 1) and sect283k1 (suite 2); parameters from SEC 2. A field element is an integer
whose bit i is the coefficient of x^i. Fast enough for the protocol's budget of seconds, and not
constant-time: it is meant for test keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gbcs.errors import MalformedMessage

_COMPRESSED: Final = (0x02, 0x03)


@dataclass(frozen=True, slots=True)
class Field:
    """GF(2^degree) modulo x^degree + the sum of x^t over ``taps``."""

    degree: int
    taps: tuple[int, ...]

    def reduce(self, a: int) -> int:
        """The remainder modulo the field polynomial."""
        mask = (1 << self.degree) - 1
        while high := a >> self.degree:
            a &= mask
            for tap in self.taps:
                a ^= high << tap
        return a

    def multiply(self, a: int, b: int) -> int:
        """The product, by windows of four bits, two to an octet."""
        by = [0, b, b << 1, 0, b << 2, 0, 0, 0, b << 3]  # by[n] is n times b, without carries
        by[3], by[5], by[6] = by[2] ^ b, by[4] ^ b, by[4] ^ by[2]
        by[7] = by[6] ^ b
        by += [by[8] ^ low for low in by[1:8]]
        product = 0
        for octet in a.to_bytes((self.degree + 7) // 8):
            product = product << 8 ^ by[octet >> 4] << 4 ^ by[octet & 15]
        return self.reduce(product)

    def square(self, a: int) -> int:
        """The square: a zero between every two bits, which is a reading of the bits in base 4."""
        return self.reduce(int(f"{a:b}", 4))

    def invert(self, a: int) -> int:
        """The inverse, by the extended Euclidean algorithm; ``a`` is not 0."""
        u, v = a, 1 << self.degree
        for tap in self.taps:
            v ^= 1 << tap
        g, h = 1, 0
        while u != 1:
            shift = u.bit_length() - v.bit_length()
            if shift < 0:
                u, v, g, h, shift = v, u, h, g, -shift
            u ^= v << shift
            g ^= h << shift
        return self.reduce(g)

    def half_trace(self, a: int) -> int:
        """The solution z of z^2 + z = a when there is one (the degree is odd)."""
        total = a
        for _ in range(self.degree // 2):
            a = self.square(self.square(a))
            total ^= a
        return total


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve other than infinity."""

    x: int
    y: int


Infinity = None
MaybePoint = Point | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The Koblitz curve y^2 + xy = x^3 + a x^2 + 1 with a base point of prime order."""

    name: str
    field: Field
    a: int
    order: int
    cofactor: int
    base: Point

    @property
    def octets(self) -> int:
        """Octets of one coordinate; scalars are as long."""
        return (self.field.degree + 7) // 8

    def contains(self, point: Point) -> bool:
        """Whether the point's coordinates satisfy the curve's equation."""
        f, x, y = self.field, point.x, point.y
        square = f.square(x)
        right = f.multiply(square, x) ^ (square if self.a else 0) ^ 1
        return f.square(y) ^ f.multiply(x, y) == right

    def add(self, p: MaybePoint, q: MaybePoint) -> MaybePoint:
        """The sum of two points; None is infinity."""
        if p is None or q is None:
            return p or q
        f = self.field
        if p.x == q.x:
            if p.y != q.y or p.x == 0:
                return Infinity
            slope = p.x ^ f.multiply(p.y, f.invert(p.x))
            x = f.square(slope) ^ slope ^ self.a
            return Point(x, f.square(p.x) ^ f.multiply(slope ^ 1, x))
        slope = f.multiply(p.y ^ q.y, f.invert(p.x ^ q.x))
        x = f.square(slope) ^ slope ^ p.x ^ q.x ^ self.a
        return Point(x, f.multiply(slope, p.x ^ x) ^ x ^ p.y)

    def multiply(self, scalar: int, point: MaybePoint) -> MaybePoint:
        """``scalar`` times a point: Lopez and Dahab's x-only ladder, then y from the two x."""
        if point is None or scalar == 0:
            return Infinity
        if point.x == 0:  # the point of order two
            return point if scalar & 1 else Infinity
        f, x = self.field, point.x
        x1, z1 = x, 1
        z2 = f.square(x)
        x2 = f.square(z2) ^ 1
        for bit in f"{scalar:b}"[1:]:
            if bit == "1":
                (x1, z1), (x2, z2) = self._sum(x1, z1, x2, z2, x), self._double(x2, z2)
            else:
                (x2, z2), (x1, z1) = self._sum(x2, z2, x1, z1, x), self._double(x1, z1)
        return self._with_y(point, (x1, z1), (x2, z2))

    def _sum(self, x1: int, z1: int, x2: int, z2: int, x: int) -> tuple[int, int]:
        f = self.field
        left, right = f.multiply(x1, z2), f.multiply(x2, z1)
        z = f.square(left ^ right)
        return f.multiply(x, z) ^ f.multiply(left, right), z

    def _double(self, x: int, z: int) -> tuple[int, int]:
        f = self.field
        xx, zz = f.square(x), f.square(z)
        return f.square(xx) ^ f.square(zz), f.multiply(xx, zz)

    def _with_y(self, p: Point, first: tuple[int, int], second: tuple[int, int]) -> MaybePoint:
        """The affine k times P, from the ladder's k and k + 1 times P."""
        (x1, z1), (x2, z2) = first, second
        if z1 == 0:
            return Infinity
        f = self.field
        if z2 == 0:
            return Point(p.x, p.x ^ p.y)
        x = f.multiply(x1, f.invert(z1))
        next_x = f.multiply(x2, f.invert(z2))
        # Lopez and Dahab 1999: y = (x + px) ((x + px)(x' + px) + px^2 + py) / px + py
        t = f.multiply(x ^ p.x, next_x ^ p.x) ^ f.square(p.x) ^ p.y
        y = f.multiply(f.multiply(x ^ p.x, t), f.invert(p.x)) ^ p.y
        return Point(x, y)

    def compress(self, point: Point) -> bytes:
        """02 or 03 and the x coordinate; the low bit is that of y / x."""
        f = self.field
        bit = f.multiply(point.y, f.invert(point.x)) & 1 if point.x else 0
        return bytes([_COMPRESSED[bit]]) + point.x.to_bytes(self.octets)

    def decompress(self, octets: bytes) -> Point:
        """Read a compressed point; MalformedMessage when it names no point of the curve."""
        if len(octets) != self.octets + 1 or octets[0] not in _COMPRESSED:
            raise MalformedMessage(f"not a compressed point of {self.name}", offset=0)
        f, x = self.field, int.from_bytes(octets[1:])
        if x.bit_length() > f.degree or x == 0:
            raise MalformedMessage(f"no such coordinate on {self.name}", offset=1)
        c = x ^ self.a ^ f.invert(f.square(x))
        z = f.half_trace(c)
        if f.square(z) ^ z != c:
            raise MalformedMessage(f"no point of {self.name} has this coordinate", offset=1)
        z ^= (z & 1) ^ (octets[0] & 1)
        return Point(x, f.multiply(x, z))


SECT163K1: Final = Curve(
    name="sect163k1",
    field=Field(163, (7, 6, 3, 0)),
    a=1,
    order=0x04000000000000000000020108A2E0CC0D99F8A5EF,
    cofactor=2,
    base=Point(
        0x02FE13C0537BBC11ACAA07D793DE4E6D5E5C94EEE8,
        0x0289070FB05D38FF58321F2E800536D538CCDAA3D9,
    ),
)
SECT283K1: Final = Curve(
    name="sect283k1",
    field=Field(283, (12, 7, 5, 0)),
    a=0,
    order=0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE9AE2ED07577265DFF7F94451E061E163C61,
    cofactor=4,
    base=Point(
        0x0503213F78CA44883F1A3B8162F188E553CD265F23C1567A16876913B0C2AC2458492836,
        0x01CCDA380F1C9E318D90F95D07E5426FE87E45C0E8184698E45962364E34116177DD2259,
    ),
)

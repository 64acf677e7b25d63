"""The two binary curves of Smart Energy key establishment, in plain integers.

sect163k1 (suite 1) and sect283k1 (suite 2); parameters from SEC 2. A field element is an integer
whose bit i is the coefficient of x^i. Fast enough for the protocol's budget of seconds, and not
constant-time: it is meant for test keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gbcs.errors import MalformedMessage
from han.cbke.koblitz import Tau

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
_Projective = tuple[int, int, int]
"""Lopez and Dahab's coordinates X, Y, Z of the point (X / Z, Y / Z^2)."""


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

    def negative(self, p: Point) -> Point:
        """The point that adds up to infinity with this one."""
        return Point(p.x, p.x ^ p.y)

    def multiply(self, scalar: int, point: MaybePoint) -> MaybePoint:
        """``scalar`` times a point."""
        return self.combine((scalar, point))

    def combine(self, *terms: tuple[int, MaybePoint]) -> MaybePoint:
        """The sum of scalars times points, digit by digit in base tau for all of them at once."""
        f, tau = self.field, self._tau
        written = [
            (tau.digits(scalar), self._multiples(point))
            for scalar, point in terms
            if point is not None
        ]
        total: _Projective | None = None
        for place in reversed(range(max((len(digits) for digits, _ in written), default=0))):
            if total is not None:
                x, y, z = total
                total = f.square(x), f.square(y), f.square(z)
            for digits, multiples in written:
                if place < len(digits) and digits[place]:
                    total = self._plus(total, multiples[digits[place]])
        return self._affine(total)

    @property
    def _tau(self) -> Tau:
        return Tau(self.field.degree, 1 if self.a else -1, self.cofactor * self.order)

    def _multiples(self, p: Point) -> dict[int, MaybePoint]:
        """A point times what the digits of base tau stand for."""
        squared = self._squared(self._squared(p))
        cubed = self._squared(squared)
        minus = self.negative(p)
        odd = {
            1: p,
            3: self.add(squared, minus),
            5: self.add(squared, p),
            7: self.add(self.negative(cubed) if self.a else cubed, minus),
        }
        negative = {-n: q and self.negative(q) for n, q in odd.items()}
        return odd | negative

    def _squared(self, p: Point) -> Point:
        """Tau times a point."""
        return Point(self.field.square(p.x), self.field.square(p.y))

    def _plus(self, p: _Projective | None, q: MaybePoint) -> _Projective | None:
        """The sum of a projective and an affine point (Al-Daoud and others, 2002)."""
        if q is None:
            return p
        if p is None:
            return q.x, q.y, 1
        f, (x, y, z) = self.field, p
        a = y ^ f.multiply(q.y, f.square(z))
        b = x ^ f.multiply(q.x, z)
        if b == 0:
            twice = self.add(q, q) if a == 0 else Infinity
            return None if twice is None else (twice.x, twice.y, 1)
        c = f.multiply(b, z)
        sum_z = f.square(c)
        inner = a ^ f.square(b) ^ (c if self.a else 0)
        sum_x = f.square(a) ^ f.multiply(c, inner)
        sum_y = f.multiply(f.multiply(q.x, sum_z) ^ sum_x, f.multiply(a, c) ^ sum_z)
        return sum_x, sum_y ^ f.multiply(q.x ^ q.y, f.square(sum_z)), sum_z

    def _affine(self, p: _Projective | None) -> MaybePoint:
        if p is None:
            return Infinity
        f, (x, y, z) = self.field, p
        inverse = f.invert(z)
        return Point(f.multiply(x, inverse), f.multiply(y, f.square(inverse)))

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

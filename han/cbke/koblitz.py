"""Scalars in base tau, for the curves that allow it (Solinas 2000).

On a Koblitz curve squaring both coordinates of a point is a multiplication by the complex number
tau, with tau^2 + 2 = mu tau. A scalar written in powers of tau, most of whose digits are 0, needs
squarings where others need doublings, and one addition for five digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW: Final = 16
"""Digits are odd and below half of this in size, or 0: a window of four."""


@dataclass(frozen=True, slots=True)
class Tau:
    """Base tau for a field of this degree; ``mu`` is 1 for curves with a = 1, -1 for a = 0.

    ``curve_order`` is the number of all points of the curve.
    """

    degree: int
    mu: int
    curve_order: int

    @property
    def remainders(self) -> dict[int, tuple[int, int]]:
        """What each odd digit stands for, as (b, c) of b + c tau.

        That is tau^2 - 1 for 3, tau^2 + 1 for 5, -mu tau^3 - 1 for 7.
        """
        return {1: (1, 0), 3: (-3, self.mu), 5: (-1, self.mu), 7: (1, self.mu)}

    def digits(self, scalar: int) -> list[int]:
        """Digits of a scalar, the lowest first; valid for every point of the curve."""
        r0, r1 = self._reduced(scalar)
        mu, root, remainders = self.mu, 6 if self.mu == 1 else 10, self.remainders
        digits = []
        while r0 or r1:
            digit = 0
            if r0 & 1:
                digit = (r0 + r1 * root) % WINDOW
                if digit > WINDOW // 2:
                    digit -= WINDOW
                sign = 1 if digit > 0 else -1
                b, c = remainders[sign * digit]
                r0, r1 = r0 - sign * b, r1 - sign * c
            digits.append(digit)
            half = r0 >> 1
            r0, r1 = r1 + mu * half, -half
        return digits

    def _reduced(self, scalar: int) -> tuple[int, int]:
        """A short b + c tau that does what the scalar does.

        It is the remainder modulo tau^degree - 1, which takes every point to infinity.
        """
        d0, d1 = self._power()
        d0 -= 1
        q0 = _rounded(scalar * (d0 + self.mu * d1), self.curve_order)
        q1 = _rounded(-scalar * d1, self.curve_order)
        r0 = scalar - (q0 * d0 - 2 * q1 * d1)
        return r0, -(q0 * d1 + q1 * d0 + self.mu * q1 * d1)

    def _power(self) -> tuple[int, int]:
        """tau^degree."""
        b, c = 1, 0
        for _ in range(self.degree):
            b, c = -2 * c, b + self.mu * c
        return b, c


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)

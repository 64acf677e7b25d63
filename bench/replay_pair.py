"""What every replay has in common: a recorded pair, and the comparison of two Responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gbcs.envelope import Message
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher

ESME, GSME, CHF, GPF = 0xA0, 0xA1, 0xA2, 0xA3
"""Last octets of the reference devices' identifiers."""


QUICK_JOINING: Final = {"chf": {"suites": 1}, "join": {"suites": 1}}
"""Settings of a home for one message: it joins by the suite that costs less arithmetic."""


class Unsupported(Exception):
    """No device or behaviour of the bench answers this pair; the message says which."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A recorded command and its Response; ``expected`` is a GBZ Response's payload in clear."""

    name: str
    command: Message
    response: Message
    expected: Gbz | None
    sent: bytes

    @property
    def device(self) -> int:
        """The emulated device that answers."""
        return self.response.originator

    @property
    def family(self) -> int:
        """What the identifiers of the pair's home have in common."""
        return self.device & ~0xFF


_HEADER: Final[tuple[tuple[str, Callable[[Message], object]], ...]] = (
    ("CRA flag", lambda m: m.cra),
    ("originator counter", lambda m: m.originator_counter),
    ("originator", lambda m: m.originator),
    ("recipient", lambda m: m.recipient),
    ("date-time", lambda m: m.date_time),
    ("message code", lambda m: m.message_code),
    ("supplementary remote party ID", lambda m: m.supplementary_id),
    ("supplementary remote party counter", lambda m: m.supplementary_counter),
    ("supplementary originator counter", lambda m: m.supplementary_originator_counter),
)


def difference_of(pair: Pair, answer: Message, keys: KeyStore) -> str | None:
    """What differs between the recorded Response and ours; None when nothing does."""
    for name, of in _HEADER:
        if of(answer) != of(pair.response):
            return f"{name}: {of(answer)} instead of {of(pair.response)}"
    if pair.expected is None:
        return None if answer.payload == pair.response.payload else _payloads(pair, answer)
    ours = Gbz.parse(answer.payload)
    if ours.has_sealed:
        ours = ours.opened(attribute_cipher(answer, keys))
    if len(ours.components) != len(pair.expected.components):
        return f"{len(ours.components)} components instead of {len(pair.expected.components)}"
    both = zip(ours.components, pair.expected.components, strict=True)
    for number, (mine, theirs) in enumerate(both):
        if mine != theirs:
            return f"component {number}: {mine} instead of {theirs}"
    return None


def _payloads(pair: Pair, answer: Message) -> str:
    ours, theirs = answer.payload, pair.response.payload
    both = zip(ours, theirs, strict=False)
    first = next((n for n, (a, b) in enumerate(both) if a != b), min(len(ours), len(theirs)))
    mine, other = ours[first : first + 16].hex(), theirs[first : first + 16].hex()
    return f"payload from octet {first}: {mine} instead of {other}"

"""GBZ payloads: ZCL frames inside a GBCS message, and GBZ alerts.

Byte order: everything of the component around the ZCL frame is big-endian, the ZCL frame itself is
little-endian. Only the ZCL payload of a component is encrypted; its ZCL header stays in clear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import Struct
from struct import error as StructError
from typing import Final, Protocol, Self

from gbcs.errors import LocalError, MalformedMessage
from gbcs.zcl.frame import Frame

PROFILE_ID: Final = 0x0109
IMMEDIATE: Final = 0x00000000
CANCEL: Final = 0xFFFFFFFF
"""From Date Time that cancels a stored future-dated change."""
_LAST: Final = 0x01
_ENCRYPTED: Final = 0x02
_FROM_DATE_TIME: Final = 0x10
_KNOWN_CONTROL: Final = _LAST | _ENCRYPTED | _FROM_DATE_TIME
_HEAD: Final = Struct(">HB")
_COMPONENT: Final = Struct(">BHH")
_ALERT: Final = Struct(">HBHI")
_U16: Final = Struct(">H")
_U32: Final = Struct(">I")
_LEAST_SEALED: Final = 17  # security header and tag


class Cipher(Protocol):
    """Seals and opens the encrypted parts of one message."""

    def seal(self, plaintext: bytes) -> bytes:
        """Encrypt one part."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Decrypt one part; NotAuthentic when it does not verify."""
        ...


@dataclass(frozen=True, slots=True)
class Component:
    """One ZCL frame to or from one cluster.

    ``from_date_time`` is in seconds since 2000-01-01 UTC (``IMMEDIATE``, ``CANCEL``, or a moment).
    An ``encrypted`` component that has not been opened keeps its octets in ``sealed`` and an empty
    ZCL payload; one that shall be sealed has its plaintext as ZCL payload.
    """

    cluster_id: int
    frame: Frame
    from_date_time: int | None = None
    encrypted: bool = False
    sealed: bytes | None = None

    def opened(self, cipher: Cipher) -> Component:
        """Open it: the component with its plaintext; unchanged when nothing is sealed."""
        if self.sealed is None:
            return self
        return replace(
            self, frame=replace(self.frame, payload=cipher.open(self.sealed)), sealed=None
        )

    def closed(self, cipher: Cipher) -> Component:
        """Close it: the component with its payload sealed, if it shall be encrypted."""
        if not self.encrypted or self.sealed is not None:
            return self
        sealed = cipher.seal(self.frame.payload)
        return replace(self, frame=replace(self.frame, payload=b""), sealed=sealed)

    def _body(self, frame_counter: int) -> bytes:
        if not self.encrypted:
            time = b"" if self.from_date_time is None else _U32.pack(self.from_date_time)
            return time + self.frame.to_bytes()
        if self.sealed is None:
            raise LocalError("an encrypted component must be closed with a cipher first")
        if self.from_date_time is not None:
            raise LocalError("encryption and From Date Time exclude each other")
        head = bytes((0, frame_counter)) + self.frame.to_bytes()
        return head + _U16.pack(len(self.sealed)) + self.sealed


@dataclass(frozen=True, slots=True)
class Gbz:
    """The components of a command or response, in order."""

    components: tuple[Component, ...]

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode every octet; MalformedMessage otherwise."""
        if len(payload) < _HEAD.size:
            raise MalformedMessage("GBZ payload is cut short", 0)
        profile, count = _HEAD.unpack_from(payload)
        if profile != PROFILE_ID:
            raise MalformedMessage(f"profile {profile:04X} is not {PROFILE_ID:04X}", 0)
        return cls(_read_components(payload, _HEAD.size, count))

    def to_bytes(self, cipher: Cipher | None = None) -> bytes:
        """Encode; with a cipher, components that shall be encrypted are sealed first."""
        components = self.components
        if cipher is not None:
            components = tuple(component.closed(cipher) for component in components)
        if len(components) > 0xFF:
            raise LocalError("a GBZ payload counts at most 255 components")
        return _HEAD.pack(PROFILE_ID, len(components)) + _write_components(components)

    def opened(self, cipher: Cipher) -> Gbz:
        """All components with their plaintext; NotAuthentic when one does not verify."""
        return Gbz(tuple(component.opened(cipher) for component in self.components))

    @property
    def has_sealed(self) -> bool:
        """Whether some component is still encrypted."""
        return any(component.sealed is not None for component in self.components)


@dataclass(frozen=True, slots=True)
class GbzAlert:
    """An alert: code, time in seconds since 2000-01-01 UTC, and what the use case adds.

    ``count`` is the octet in front of the code: how many parts the use case adds (0 or 1).
    """

    alert_code: int
    time_s: int
    count: int = 0
    body: bytes = b""

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Decode; the body is kept as it is, its form depends on the message code."""
        if len(payload) < _ALERT.size:
            raise MalformedMessage("GBZ alert is cut short", 0)
        profile, count, alert_code, time_s = _ALERT.unpack_from(payload)
        if profile != PROFILE_ID:
            raise MalformedMessage(f"profile {profile:04X} is not {PROFILE_ID:04X}", 0)
        body = bytes(payload[_ALERT.size :])
        if bool(count) != bool(body):
            raise MalformedMessage(f"alert counts {count} parts, {len(body)} octets follow", 2)
        return cls(alert_code, time_s, count, body)

    def to_bytes(self) -> bytes:
        """Encode."""
        return _ALERT.pack(PROFILE_ID, self.count, self.alert_code, self.time_s) + self.body

    def components(self) -> tuple[Component, ...]:
        """The body read as components (the billing data log alert)."""
        return _read_components(self.body, 0, self.count)

    @classmethod
    def with_components(
        cls, alert_code: int, time_s: int, components: tuple[Component, ...]
    ) -> Self:
        """An alert whose body is components, sealed already where they are encrypted."""
        return cls(alert_code, time_s, len(components), _write_components(components))


def _write_components(components: tuple[Component, ...]) -> bytes:
    octets = bytearray()
    counter = 0
    for index, component in enumerate(components):
        control = _LAST * (index == len(components) - 1)
        control |= _ENCRYPTED * component.encrypted
        control |= _FROM_DATE_TIME * (component.from_date_time is not None)
        try:
            body = component._body(counter)  # noqa: SLF001 - same module
            octets += _COMPONENT.pack(control, component.cluster_id, len(body)) + body
        except StructError as exc:
            raise LocalError(f"component {index} does not fit its place: {exc}") from exc
        counter += component.encrypted
    return bytes(octets)


def _read_components(octets: bytes, at: int, count: int) -> tuple[Component, ...]:
    components = []
    sealed = 0
    for index in range(count):
        if at + _COMPONENT.size > len(octets):
            raise MalformedMessage(f"component {index} is cut short", at)
        control, cluster_id, length = _COMPONENT.unpack_from(octets, at)
        start = at + _COMPONENT.size
        if start + length > len(octets):
            raise MalformedMessage(f"component {index} runs past the end", at)
        if control & ~_KNOWN_CONTROL or bool(control & _LAST) != (index == count - 1):
            raise MalformedMessage(f"extended header control {control:02X}", at)
        body = octets[start : start + length]
        if control & _ENCRYPTED:
            components.append(_read_encrypted(cluster_id, body, control, sealed, start))
            sealed += 1
        else:
            components.append(_read_clear(cluster_id, body, control, start))
        at = start + length
    if at != len(octets):
        raise MalformedMessage("octets follow the last component", at)
    return tuple(components)


def _read_clear(cluster_id: int, body: bytes, control: int, offset: int) -> Component:
    time: int | None = None
    if control & _FROM_DATE_TIME:
        if len(body) < _U32.size:
            raise MalformedMessage("From Date Time is cut short", offset)
        (time,) = _U32.unpack_from(body)
        body = body[_U32.size :]
    return Component(cluster_id, Frame.parse(body), time)


def _read_encrypted(
    cluster_id: int, body: bytes, control: int, counter: int, offset: int
) -> Component:
    if control & _FROM_DATE_TIME:
        raise MalformedMessage("encryption and From Date Time exclude each other", offset)
    if body[:2] != bytes((0, counter)):
        raise MalformedMessage(f"additional header is not 00 {counter:02X}", offset)
    header = 5 if body[2:3] and body[2] & 0x04 else 3
    clear, rest = body[2 : 2 + header], body[2 + header :]
    if len(rest) < _U16.size or _U16.unpack_from(rest)[0] != len(rest) - _U16.size:
        raise MalformedMessage("length of ciphered information does not fit", offset + 2 + header)
    sealed = bytes(rest[_U16.size :])
    if len(sealed) < _LEAST_SEALED:
        raise MalformedMessage("ciphered information is shorter than header and tag", offset)
    return Component(cluster_id, Frame.parse(clear), encrypted=True, sealed=sealed)

"""A look into a frame of the air with the keys that are known: which cluster, which command."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from hw.stack.application import protected_by
from hw.zigbee import MalformedFrame, NotAuthentic, aps, mac, nwk
from hw.zigbee.security import KeyId


@dataclass(frozen=True, slots=True)
class FrameView:
    """What could be seen; None where there is no such thing, or no key for it."""

    kind: aps.FrameType | None = None
    cluster_id: int | None = None
    aps_command: int | None = None
    block: int | None = None


NOTHING = FrameView()


def look(frame: mac.MacFrame | None, keys: Iterable[bytes]) -> FrameView:
    """Open a frame as far as these keys open it."""
    if frame is None or frame.kind is not mac.FrameType.DATA:
        return NOTHING
    try:
        payload = _network_payload(frame.payload, keys)
        if payload is None:
            return NOTHING
        envelope = aps.parse(payload)
    except MalformedFrame:
        return NOTHING
    header = envelope.header
    if header.kind is aps.FrameType.COMMAND:
        return FrameView(header.kind, aps_command=_command(envelope, keys))
    block = None
    if header.block is not None:
        block = 0 if header.block.first else header.block.number
    return FrameView(header.kind, header.cluster_id, None, block)


def _network_payload(octets: bytes, keys: Iterable[bytes]) -> bytes | None:
    envelope = nwk.parse(octets)
    if envelope.frame.kind is not nwk.FrameType.DATA:
        return None
    if envelope.auxiliary is None:
        return envelope.frame.payload
    for key in keys:
        with suppress(NotAuthentic):
            return envelope.open(key).payload
    return None


def _command(envelope: aps.ApsEnvelope, keys: Iterable[bytes]) -> int | None:
    clear = envelope.payload
    if envelope.auxiliary is not None:
        key_id, source = envelope.auxiliary.key_id, envelope.auxiliary.source or 0
        for key in keys:
            with suppress(NotAuthentic):
                clear = envelope.open(protected_by(key, KeyId(key_id)), source)
                break
        else:
            return None
    return clear[0] if clear else None

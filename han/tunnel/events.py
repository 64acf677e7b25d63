"""What both ends of a tunnel tell their owner, and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from han.clusters.tunneling import TRANSFER_OCTETS
from han.fragmentation import MessageTooLong

_FRAME_OVERHEAD: Final = 5  # ZCL header and tunnel identifier, inside the 1500 octets of APS
_SILENCES: Final = 2
NOT_CONFIRMED: Final = "it was not confirmed"
MAX_OCTETS: Final = TRANSFER_OCTETS - _FRAME_OVERHEAD


@dataclass(frozen=True, slots=True)
class TunnelSettings:
    """How both ends of a tunnel behave."""

    capacity: int = 16
    """Tunnels a server holds; one more is refused with NO_MORE_IDS."""
    close_timeout_s: int = 0xFFFF
    """CloseTunnelTimeout: a tunnel idle for this long is closed by its server."""
    reply_timeout: timedelta = timedelta(seconds=5)
    """How long a client waits for the RequestTunnelResponse, and for a transfer's answer."""
    retry_after: timedelta = timedelta(seconds=10)
    """A client asks again this long after a busy server or silence."""
    attempts: int = 5
    """How often a client asks for a tunnel before it gives up."""


@dataclass(slots=True)
class Confirmations:
    """What one end knows of the other's habit to confirm transfers (with a Default Response).

    A radio acknowledges what its host, which may just have been killed, never takes. So silence
    means that a transfer has failed, unless the other end is known to confirm nothing at all.
    """

    _given: bool = False
    _missed: int = 0

    @property
    def none_expected(self) -> bool:
        """Whether the other end was silent twice and never confirmed anything."""
        return not self._given and self._missed >= _SILENCES

    def given(self) -> None:
        """A transfer was confirmed; a refusal says nothing of how successes are answered."""
        self._given = True

    def missed(self) -> bool:
        """One was not; whether it has failed by that."""
        self._missed += 1
        return not self.none_expected


@dataclass(frozen=True, slots=True)
class TunnelOpened:
    """The tunnel can be used."""

    peer: int
    tunnel_id: int


@dataclass(frozen=True, slots=True)
class TunnelClosed:
    """The tunnel is gone."""

    peer: int
    reason: str


@dataclass(frozen=True, slots=True)
class TunnelRefused:
    """The server gave no tunnel and the client gave up; what was queued has failed."""

    peer: int
    reason: str


@dataclass(frozen=True, slots=True)
class TunnelMessage:
    """Octets came through the tunnel."""

    peer: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class TransferDone:
    """The peer has what was sent under this reference."""

    peer: int
    ref: int


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """The peer does not have it (``refused``: nor want it), and it will not be tried again."""

    peer: int
    ref: int
    reason: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """A RequestTunnel was answered with another status than success, here or by the peer."""

    peer: int
    status: int


@dataclass(frozen=True, slots=True)
class CloseRejected:
    """A CloseTunnel of a peer was rejected: it has no such tunnel."""

    peer: int


TunnelEvent = (
    TunnelOpened
    | TunnelClosed
    | TunnelRefused
    | TunnelMessage
    | TransferDone
    | TransferFailed
    | RequestRejected
    | CloseRejected
)


def check_length(octets: bytes) -> None:
    """MessageTooLong when the octets cannot travel in one TransferData."""
    if len(octets) > MAX_OCTETS:
        raise MessageTooLong(f"{len(octets)} octets do not fit a TransferData of {MAX_OCTETS}")

"""What a radio reports: frames that arrived, who comes and goes, keys, its own state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from han.radio.frames import Block


@dataclass(frozen=True, slots=True)
class ApsReceived:
    """An APS data frame that arrived for one of our endpoints, already decrypted."""

    peer: int
    profile_id: int
    cluster_id: int
    source_endpoint: int
    destination_endpoint: int
    payload: bytes
    encrypted: bool
    aps_counter: int
    peer_nwk: int
    broadcast: bool = False
    block: Block | None = None
    lqi: int = 255
    rssi_dbm: int = -40


class JoinKind(Enum):
    """How a device came to the network."""

    ASSOCIATED = "associated"
    SECURED_REJOIN = "secured rejoin"
    UNSECURED_REJOIN = "unsecured rejoin"


@dataclass(frozen=True, slots=True)
class DeviceJoined:
    """The trust centre met a device; ``admitted`` is false when it was turned away."""

    eui64: int
    kind: JoinKind
    admitted: bool


@dataclass(frozen=True, slots=True)
class DeviceLeft:
    """A device left, or was removed."""

    eui64: int


@dataclass(frozen=True, slots=True)
class ChildPolled:
    """A sleepy child asked for its waiting frames."""

    eui64: int


@dataclass(frozen=True, slots=True)
class NetworkUp:
    """The node is on the network: formed, joined, resumed, or its lost radio came back."""


@dataclass(frozen=True, slots=True)
class NetworkDown:
    """The node is no longer on the network."""

    reason: str


@dataclass(frozen=True, slots=True)
class RadioLost:
    """The radio stopped answering, or has no supply; ``NetworkUp`` follows when it is back."""

    reason: str


@dataclass(frozen=True, slots=True)
class PartnerKeySet:
    """The trust centre gave this node a link key shared with ``partner``, asked for or not."""

    partner: int


@dataclass(frozen=True, slots=True)
class PartnerKeyAsked:
    """A device asked this trust centre for a key shared with ``partner``.

    ``partner`` is None where a dongle does not tell it. What is not granted is not answered.
    """

    eui64: int
    partner: int | None
    granted: bool


@dataclass(frozen=True, slots=True)
class NetworkKeySwitched:
    """The node uses the network key of this sequence number from now on."""

    key_sequence: int


RadioEvent = (
    ApsReceived
    | DeviceJoined
    | DeviceLeft
    | ChildPolled
    | NetworkUp
    | NetworkDown
    | RadioLost
    | PartnerKeySet
    | PartnerKeyAsked
    | NetworkKeySwitched
)

"""The events of a bench: everything observable, typed, in one stream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from device.event import Code as Code
from device.event import Eui64 as Eui64
from device.event import Event as Event
from device.event import EventStream as EventStream
from device.event import Shape as Shape
from device.event import Status8 as Status8
from device.event import to_json as to_json
from device.event import to_json_line as to_json_line


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReceived(Event):
    """A message reached the command pipeline and could be read."""

    use_case: str
    message_code: Code
    originator: Eui64
    originator_counter: int
    supplementary_id: Eui64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused(Event):
    """A message was not executed; nobody is answered."""

    refusal: Enum
    detail: str
    security_log_code: Code | None = None
    message_code: Code | None = None
    originator: Eui64 | None = None
    originator_counter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered(Event):
    """A command was executed and its Response, with this stamp, is on its way."""

    use_case: str
    message_code: Code
    originator: Eui64
    originator_counter: int
    stamp: str | None
    failed_components: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStamped(Event):
    """A mirrored value got a new provenance: whose clock, when, how reliable."""

    cluster_id: Code
    attribute_id: Code
    value: int | str | bytes | None
    taken_at: datetime | None
    source: Enum
    reliability: Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Event):
    """A node came to this device's network; ``admitted`` is false when it was turned away."""

    peer: Eui64
    kind: str
    admitted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Event):
    """A node left this device's network."""

    peer: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerJoined(Event):
    """A command told this device to work with another one (CS03); ``outcome`` says how it went."""

    peer: Eui64
    kind: str
    outcome: Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerLeft(Event):
    """A command told this device to work with another one no longer (CS04)."""

    peer: Eui64
    outcome: Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareReceived(Event):
    """A device has a whole firmware image; ``trouble`` says why it discarded it."""

    version: bytes
    image_hash: bytes
    octets: int
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareOffered(Event):
    """The hub offers a firmware image to these devices."""

    version: bytes
    image_hash: bytes
    targets: tuple[Eui64, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareTransferEnded(Event):
    """A device told the hub how its download ended (ZCL status)."""

    peer: Eui64
    version: bytes
    status: Status8


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareUnfit(Event):
    """A device asked for firmware, and none that is meant for it is of its type and hardware."""

    peer: Eui64
    manufacturer: Code
    image_type: Code
    hardware: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadBroken(Event):
    """A device stopped downloading an image; it will go on behind what it has."""

    held_octets: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed(Event):
    """A device reported its values to another one."""

    peer: Eui64
    cluster_id: Code
    attributes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRefused(Event):
    """A device reported a value that does not fit its attribute; the rest of the report counts."""

    peer: Eui64
    cluster_id: Code
    attribute_id: Code
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry(Event):
    """A log of the device got an entry; ``at`` is the device's own time, None while invalid."""

    log: str
    code: Code
    at: datetime | None
    other: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """A device raised an alert, which is kept until it has arrived."""

    alert_code: Code
    message_code: Code
    recipient: Eui64
    originator_counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped(Event):
    """Something happened to the device's clock."""

    occurrence: Enum
    before: datetime
    after: datetime
    status_before: Enum
    status: Enum
    adjusted: bool
    alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDelivered(Event):
    """The peer acknowledged a request of this device."""

    peer: Eui64
    cluster_id: Code
    command_id: Status8


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFailed(Event):
    """A request was not delivered, not answered in time or not wanted, or an answer got lost.

    With ``zdo`` the cluster is that of a request of the Zigbee Device Profile.
    """

    peer: Eui64
    cluster_id: Code
    reason: str
    command_id: Status8 | None = None
    zdo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameServed(Event):
    """The device executed a frame of a peer, or refused it because it came without APS security."""

    peer: Eui64
    cluster_id: Code
    command_id: Status8
    answers: int
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameIgnored(Event):
    """The device dropped octets of a peer."""

    peer: Eui64
    cluster_id: Code
    reason: str
    octets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioLost(Event):
    """The radio stopped answering, or the node is off its network."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioUp(Event):
    """The node is on the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerKeyShared(Event):
    """The trust centre gave the node a link key shared with ``peer``."""

    peer: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerKeyRequested(Event):
    """``peer`` asked this trust centre for a link key with ``partner``, if that is known."""

    peer: Eui64
    partner: Eui64 | None
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKeyChanged(Event):
    """The node uses the network key of this sequence number from now on."""

    key_sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCommitted(Event):
    """What a command changed is on disk, before its Response leaves."""

    message_code: Code
    originator_counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQueued(Event):
    """The hub keeps a message for a sleeping device; so many wait for it now."""

    peer: Eui64
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTunnelled(Event):
    """A message of a HAN device came to the hub, on its way to the WAN."""

    peer: Eui64
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageExpired(Event):
    """The hub gave up a message that its device did not fetch."""

    peer: Eui64
    reason: str
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDropped(Event):
    """A device gave up a message: its outbox is full, or its hub does not want the message."""

    message_code: Code
    recipient: Eui64
    originator_counter: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPutOff(Event):
    """The hub could not deliver a message to a device, and tries again until then."""

    peer: Eui64
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelChanged(Event):
    """The tunnel between the hub and a device was opened or closed."""

    peer: Eui64
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorChanged(Event):
    """The GPF lent a meter a mirror endpoint, or took it back."""

    peer: Eui64
    endpoint: int
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinFailed(Event):
    """A device tried to come to a network and did not; it will try again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinProgress(Event):
    """A device did one more step on its way onto the HAN."""

    step: Enum
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEstablished(Event):
    """A link key was established by certificates (CBKE) and is in the radio.

    ``role`` is "initiator" or "responder", ``suite`` 1 or 2.
    """

    peer: Eui64
    role: str
    suite: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyNotEstablished(Event):
    """Key establishment failed; ``status`` is the one sent or received, None when nobody spoke."""

    peer: Eui64
    role: str
    status: Enum | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustCentreWatched(Event):
    """The device's trust centre does not answer any more, or does again."""

    peer: Eui64
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expelled(Event):
    """The trust centre made a device leave; it may join again, for it is in the device log."""

    peer: Eui64
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FastPolling(Event):
    """A peer has a sleepy device poll fast until then; without a peer, nobody does any more."""

    peer: Eui64 | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollIntervalsChanged(Event):
    """A peer changed how often a sleepy device polls, in quarter seconds (Poll Control)."""

    check_in: int
    long_poll: int
    short_poll: int
    fast_poll_timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeEnded(Event):
    """A sleepy device goes back to sleep; ``trouble`` says what went wrong while it was awake."""

    trouble: str | None = None

"""Settings of the command pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Check(Enum):
    """Checks of a command, in the usual order.

    The order is known but for its details, so it is a setting; each check refuses by name.
    """

    RECIPIENT = "addressed to this device"
    USE_CASE = "a command of a use case that this device has"
    ORIGINATOR = "trusted, in a role that may"
    PROTECTION = "MAC and signature present as the use case has them"
    SIGNATURE = "signature verifies"
    MAC = "MAC verifies"
    COUNTER = "originator counter is fresh"
    TEMPLATE = "payload is what the use case prescribes"


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """What the specification leaves open, or a test wants otherwise.

    A default is unverified unless a reference message is named for it.

    ``order``: the checks, all of them, in the order they are made. ``counter_classes``: "kind"
    counts top-ups apart from everything else, "code" every message code apart.
    ``protect_unlisted``: critical commands need a fresh counter even where the catalogue does not
    say. ``exact_attributes``: a read must ask for the attributes of the catalogue.
    ``no_own_counter``: use cases whose Response to an unknown remote party carries no supplementary
    originator counter although the command brought a certificate (reference message: GCS61).
    ``never_stamped``: use cases whose Response carries no date-time although the catalogue says so
    (older devices). ``unusual_threshold``: how many refusals within the window make one 0x8F60.
    ``unusual_window_s``: how long that window is.
    """

    order: tuple[Check, ...] = tuple(Check)
    counter_classes: str = "kind"
    protect_unlisted: bool = True
    exact_attributes: bool = True
    no_own_counter: frozenset[str] = frozenset({"GCS61"})
    never_stamped: frozenset[str] = frozenset()
    unusual_threshold: int = 10
    unusual_window_s: int = 3600

    def __post_init__(self) -> None:
        """Refuse an order that forgets a check."""
        if sorted(self.order, key=list(Check).index) != list(Check):
            raise ValueError("the order of checks names each check once")
        if self.counter_classes not in ("kind", "code"):
            raise ValueError(f"no counter classes {self.counter_classes!r}")


@dataclass(frozen=True, slots=True)
class CommonSettings:
    """Open readings of the commands that every device shares: credentials, joins, firmware.

    ``check_not_before``: a certificate that is not valid yet is refused where time checks apply
    (off, since reference messages are answered in 2015 with certificates of 2016).
    ``certificate_role_matches_cell``: a certificate goes into cells of its own role only (off: in
    reference messages a supplier's goes into a load controller's cell). ``certificate_names_peer``:
    the certificate of a CS03C names the device that is joined (off: reference message CS03C).
    ``alert_joins``: joins and unjoins are told to the supplier as alerts, not only logged.
    ``allow_downgrade``: a firmware image older than the running one is accepted.
    ``firmware_manufacturer``: manufacturer code with which emulated devices ask for images (the
    image type is 1 for an ESME, 2 GSME, 3 PPMID, 4 HCALCS). ``firmware_hardware``: their hardware
    version. ``firmware_block_octets``: octets asked for in one block. ``firmware_retry_s``: how
    soon a device goes on with a download that stopped. ``firmware_awake_s``: how long a sleeping
    meter downloads at one wake. ``outbox_places``: how many alerts and Responses a device keeps
    until they are delivered (the CHF: until the WAN has them); of more the oldest is dropped, by a
    named event. ``outbox_tries``: how often a hub may refuse one of them before it is given up.
    """

    check_not_before: bool = False
    certificate_role_matches_cell: bool = False
    certificate_names_peer: bool = False
    alert_joins: bool = True
    allow_downgrade: bool = True
    firmware_manufacturer: int = 0x4348
    firmware_hardware: int = 1
    firmware_block_octets: int = 48
    firmware_retry_s: int = 900
    firmware_awake_s: int = 60
    outbox_places: int = 1_000
    outbox_tries: int = 5

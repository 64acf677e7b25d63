"""Named settings of the CHF: readings that no published text or vector settles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChfSettings:
    """Each field is a choice; the default is the one the bench believes in.

    mailbox_capacity: most messages that wait for one gas meter; one more is refused by name.
    mailbox_lifetime_s: how long a message waits for the gas meter before it is given up (0x819D).
    mailbox_offers: how often a gas meter that opens its tunnel anew is offered a message that it
        has fetched and never answered.
    join_timeout_s: how long joining stays open after a device was added to the device log by the
    rig; a CCS01 brings its own join timeout.
    esme_delivery_timeout_s: how long a message for a tunnel server may take (0x8F84).
    network_key_settle_s: time between sending a new network key and switching to it: longer than a
        gas meter sleeps.
    device_log_places: how many devices the device log holds: 16 in GBCS.
    suites: key establishment suites the hub advertises (1, 2, or 3 for both).
    require_key_establishment: whether a device that holds only the key of its install code may use
        nothing but the clusters that need no APS security.
    expel_after_s: a device that has not established its key by then is made to leave; 0 lets it
        stay (ZSE allows 60 minutes or more).
    keep_alive_base_min: how often devices are to ask whether the hub is there.
    keep_alive_jitter_s: what they may add to that at random.
    refresh_retry_s: time between two tries of a fresh key for a device; there are ten of them.
    bind_poll_control: whether the hub binds the Poll Control server of a sleepy device, so that it
        checks in. Off, for no GB role table has Poll Control, and a gas meter learns at its own
        wakes what waits for it. A device that checks in unbidden is answered all the same.
    long_poll_s: LongPollInterval that the hub sets where it binds; 0 leaves the device's.
    check_in_s: CheckInInterval that the hub sets where it binds; 0 leaves the device's. A device
        takes none shorter than its LongPollInterval.
    fast_poll_s: how long a device that checks in is to poll fast when something waits for it. It
        is told to stop once nothing waits any more.
    restore_pan: a CCS03 makes the hub form its network anew when the backup has another extended
    PAN identifier, so that the devices find the hub in the place of the old one.
    alerted_events: codes of events (0x81nn) that leave the hub as generic alerts too; 0x819D goes
    to the originator of the lost message, all others to the access control broker.
    logged_commands: every command and whether it was actioned goes into the event log (0x8154,
    0x8155 with its message code, as in reference message ECS35c).
    dual_band: the hub has a sub-GHz radio, emulated as far as its configuration and logs go.
    scan_outcome: the two octets of a sub-GHz channel scan's alert (0x8F28), whose meaning is not
    public; zeros are those of the reference message.
    """

    mailbox_capacity: int = 32
    mailbox_lifetime_s: int = 86_400
    mailbox_offers: int = 3
    join_timeout_s: int = 3_600
    esme_delivery_timeout_s: int = 3_600
    network_key_settle_s: int = 2_100
    device_log_places: int = 16
    suites: int = 2
    require_key_establishment: bool = True
    expel_after_s: int = 0
    keep_alive_base_min: int = 10
    keep_alive_jitter_s: int = 300
    refresh_retry_s: int = 60
    bind_poll_control: bool = False
    long_poll_s: int = 0
    check_in_s: int = 0
    fast_poll_s: int = 60
    restore_pan: bool = True
    alerted_events: frozenset[int] = frozenset({0x819D})
    logged_commands: bool = True
    dual_band: bool = True
    scan_outcome: tuple[int, int] = (0, 0)

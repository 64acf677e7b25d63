"""Alerts: what reference alerts look like, numbers that never repeat, nothing sent too early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.alerts import Alerts
from device.events import AlertRaised
from gbcs.catalogue import Technology, by_code
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MissingKey
from gbcs.gbz import GbzAlert
from gbcs.keys import Usage
from gbcs.protection import verify
from gbcs.rtds import RtdsFile, find_keystore
from tests.device.rig import GSME, OPERATOR, SUPPLIER, Rig


def alerts_of(rig: Rig) -> tuple[Alerts, list[bytes]]:
    sent: list[bytes] = []
    rig.chassis.outbox.hand_to(sent.append)
    return Alerts(rig.chassis), sent


def test_reference_alerts_are_raised_again_octet_for_octet(
    rtds_files: list[RtdsFile], rtds_dir: Path
) -> None:
    keys, own_key = find_keystore(rtds_dir), ec.derive_private_key(7, ec.SECP256R1())
    equal = signed = 0
    for file in rtds_files:
        expected = Message.parse(file.octets)
        if expected.cra is not Cra.ALERT or expected.supplementary_id is not None:
            continue
        keys.add_private(expected.originator, Usage.DIGITAL_SIGNATURE, own_key)
        rig = Rig(eui64=expected.originator, keys=keys)
        rig.chassis.own_counter._first = expected.originator_counter
        alerts, sent = alerts_of(rig)
        message = alerts.raise_alert(expected.message_code, 0, expected.payload, expected.recipient)
        if expected.signature:
            assert verify(message, keys).is_authentic
            assert replace(message, signature=expected.signature) == expected, file.name
            signed += 1
        else:
            assert sent == [file.octets], file.name
            equal += 1
    assert signed > 30
    assert equal > 3


def test_the_payload_of_a_generic_alert() -> None:
    rig = Rig()
    # reference alerts of GBZ devices start 0109 .. code .. 1C374A80 for 2015-01-01 00:00:00
    assert alerts_of(rig)[0].generic(0x8F0C).payload.hex() == "0109008f0c1c374a80"


@pytest.mark.parametrize(("code", "message_code"), [(0x8F0C, 0x1000), (0x81A0, 0x1001)])
def test_a_generic_alert_is_authentic_and_sent(code: int, message_code: int) -> None:
    rig = Rig()
    alerts, sent = alerts_of(rig)
    alerts.generic(code)
    (octets,) = sent
    message = Message.parse(octets)
    assert (message.cra, message.message_code) == (Cra.ALERT, message_code)
    assert (message.originator, message.recipient) == (rig.eui64, SUPPLIER)
    assert verify(message, rig.keys).is_authentic
    (event,) = rig.events_of(AlertRaised)
    assert isinstance(event, AlertRaised)
    assert (event.alert_code, event.originator_counter) == (code, 1)


def test_numbers_never_repeat_even_after_a_restart() -> None:
    rig = Rig()
    alerts, _ = alerts_of(rig)
    numbers = [alerts.generic(0x8F0C).originator_counter for _ in range(3)]
    again = Rig(store=rig.store)
    numbers.append(alerts_of(again)[0].generic(0x8F0C, OPERATOR).originator_counter)
    other = Rig(eui64=GSME, store=rig.store)
    assert alerts_of(other)[0].generic(0x8F0C).originator_counter == 1
    assert numbers == [1, 2, 3, 4]


def test_an_alert_that_cannot_be_protected_uses_no_number_up() -> None:
    rig = Rig()
    alerts, sent = alerts_of(rig)
    key = rig.keys.private_key(rig.eui64, Usage.DIGITAL_SIGNATURE)
    rig.keys.remove(rig.eui64, Usage.DIGITAL_SIGNATURE)
    with pytest.raises(MissingKey):
        alerts.generic(0x8F0C)
    assert sent == []
    rig.keys.add_private(rig.eui64, Usage.DIGITAL_SIGNATURE, key)
    assert alerts.generic(0x8F0C).originator_counter == 1


def test_an_alert_raised_inside_a_unit_waits_for_it() -> None:
    rig = Rig()
    alerts, sent = alerts_of(rig)
    with rig.chassis.store.transaction():
        alerts.generic(0x8F0C)
        assert sent == []
    assert len(sent) == 1


def test_a_device_without_time_says_so() -> None:
    rig = Rig()
    rig.clock.power_loss(backup_held=False)
    payload = alerts_of(rig)[0].generic(0x8F0C).payload
    assert GbzAlert.parse(payload).time_s == 0xFFFFFFFF


def test_only_messages_of_the_catalogue_are_raised() -> None:
    with pytest.raises(LocalError, match="7777"):
        alerts_of(Rig())[0].raise_alert(0x7777, 0x8F0C, b"")
    use_case = by_code(0x1000)
    assert use_case is not None
    assert use_case.technology in (Technology.ANY, Technology.GBZ)

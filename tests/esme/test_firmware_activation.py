"""Firmware activation (CS06) of an electricity meter that loses its supply."""

from __future__ import annotations

from datetime import datetime, timedelta

from gbcs.asn1.devices import ActivationAlert, FirmwareActivation
from gbcs.asn1.payload import decode, encode
from gbcs.envelope import Cra, Message
from tests.device.rig import MIDNIGHT, SUPPLIER, command
from tests.esme.bench import mains, volts
from tests.esme.test_device import Bench, get

NEW, HASH = bytes.fromhex("0123ABCE"), bytes(range(32))


def activation(bench: Bench, counter: int, inner: int, at: datetime | None = None) -> bytes:
    payload = encode(0x0012, Cra.COMMAND, FirmwareActivation(HASH, inner, at))
    return command(bench.rig, "CS06", counter=counter, originator=SUPPLIER, payload=payload)


def test_a_power_cut_over_the_time_delays_the_activation() -> None:
    off, on = MIDNIGHT + timedelta(minutes=50), MIDNIGHT + timedelta(minutes=80)
    bench = Bench(mains(volts(230, (off, 0), (on, 230))))
    bench.device.meter.firmware.hold(NEW, HASH)
    due = MIDNIGHT + timedelta(hours=1)
    octets = bench.device.answer(activation(bench, 1000, 1000, due))
    assert octets is not None
    assert Message.parse(octets).payload == bytes.fromhex("0500")
    assert bench.device.meter.deadline is not None
    bench.pass_(hours=2)
    told = [alert for alert in bench.sent if alert.message_code == 0x00CA]
    (alert,) = (decode(0x00CA, Cra.ALERT, each.payload) for each in told)
    assert isinstance(alert, ActivationAlert)
    assert (alert.when, alert.counter, alert.outcome.running) == (on, 1000, NEW)
    bench.counter = 2000
    _, response = bench.ask("ECS52", SUPPLIER, get("1/0-0:0.2.1.255/2"))
    assert response.results[0].data.value == NEW

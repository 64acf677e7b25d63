"""Every published reference command passes every check, and no bit of it can be flipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from device.chassis import Chassis
from device.clock import DeviceClock
from device.command import Answered, Command, Outcome, Refused
from device.credentials import Credentials
from device.events import EventStream
from device.pipeline import Pipeline
from device.store import MemoryStore
from gbcs.catalogue import Category, by_code
from gbcs.envelope import Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import DeviceType
from gbcs.rtds import RtdsFile, find_keystore
from gbcs.stamp import Reliability
from tests.device.rig import TrueTime

FLIPS = 24
"""Bits flipped in each of some 500 commands, spread over its length."""
TYPES = {
    0xA0: DeviceType.ESME,
    0xA1: DeviceType.GSME,
    0xA2: DeviceType.CHF,
    0xA3: DeviceType.GPF,
    0xA4: DeviceType.PPMID,
    0xA5: DeviceType.HCALCS,
    0xA6: DeviceType.SAPC,
}


def done(command: Command) -> Outcome:
    return Outcome(b"\x05\x00")


@pytest.fixture(scope="module")
def keys(rtds_dir: Path) -> KeyStore:
    """The published keys, and signing keys of ours for the devices."""
    keys = find_keystore(rtds_dir)
    for number in TYPES:
        device = 0x00DB123456789000 | number
        own = ec.derive_private_key(number, ec.SECP256R1())
        keys.add_private(device, Usage.DIGITAL_SIGNATURE, own)
    return keys


def commands(files: list[RtdsFile]) -> Iterator[tuple[RtdsFile, Message]]:
    for file in files:
        if file.kind == "COMMAND":
            message = Message.parse(file.octets)
            use_case = by_code(message.message_code)
            assert use_case is not None, file.name
            if use_case.category is not Category.PPMID_TO_GSME:  # no key of either is published
                yield file, message


def pipeline_for(message: Message, keys: KeyStore) -> Pipeline:
    use_case = by_code(message.message_code)
    assert use_case is not None
    true_time = TrueTime()
    chassis = Chassis(
        Credentials(message.recipient, TYPES[message.recipient & 0xFF], keys),
        true_time=true_time,
        clock=DeviceClock(true_time, status=Reliability.RELIABLE),
        store=MemoryStore(),
        events=EventStream(),
    )
    return Pipeline(chassis, handlers={use_case.name: done})


def test_every_reference_command_passes_every_check_once(
    rtds_files: list[RtdsFile], keys: KeyStore
) -> None:
    passed = replayed = 0
    for file, message in commands(rtds_files):
        pipeline = pipeline_for(message, keys)
        result = pipeline.receive(file.octets)
        assert isinstance(result, Answered), (file.name, result)
        passed += 1
        again = pipeline.receive(file.octets)
        use_case = by_code(message.message_code)
        assert use_case is not None
        if use_case.replay_protection or use_case.critical:
            replayed += isinstance(again, Refused)
    assert passed > 200
    assert replayed > 50


def test_no_bit_of_a_reference_command_can_be_flipped_unnoticed(
    rtds_files: list[RtdsFile], keys: KeyStore
) -> None:
    for number, (file, message) in enumerate(commands(rtds_files)):
        pipeline = pipeline_for(message, keys)
        bits = 8 * len(file.octets)
        for flip in range(FLIPS):
            bit = (flip * bits // FLIPS + 7 * number) % bits
            flipped = bytearray(file.octets)
            flipped[bit // 8] ^= 1 << bit % 8
            assert isinstance(pipeline.receive(bytes(flipped)), Refused), (file.name, bit)
        assert isinstance(pipeline.receive(file.octets), Answered), file.name

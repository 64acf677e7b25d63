"""Replaying what all devices share: every outcome a recorded Response can report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.replay import replay, replay_directory
from bench.replay_pair import Pair, only_in_part
from bench.root_key import learn_root, signer_of
from device.trust.certification import issue
from device.trust.own import OwnKeys
from gbcs.asn1.credentials import (
    CellId,
    CellReport,
    CredentialsQuery,
    CredentialsUpdate,
    KeyUseQuery,
    PartyReport,
)
from gbcs.asn1.devices import (
    ActivationOutcome,
    DeviceLogEntry,
    FirmwareActivation,
    Join,
    JoinDetails,
    RunningFirmware,
)
from gbcs.asn1.names import KeyUse, Kind
from gbcs.asn1.payload import decode, encode
from gbcs.catalogue import Protection, by_name
from gbcs.certificate_path import key_identifier, read_issued
from gbcs.envelope import Cra, Message
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.protection import protect
from gbcs.rtds import RtdsFile
from gbcs.stamp import Stamp

SUPPLIER, BROKER = 0x90B3D51F30010000, 0x90B3D51F30000002
ESME, GSME, GPF = 0x00DB1234567890A0, 0x00DB1234567890A1, 0x00DB1234567890A3
PPMID, HCALCS = 0x00DB1234567890A4, 0x00DB1234567890A5
HASH = bytes(range(32))
VERSION = bytes.fromhex("0123ABCE")
ANSWERED_AT = datetime(2015, 1, 1, tzinfo=UTC)
AGREEMENT = KeyUse.KEY_AGREEMENT


def made(
    keys: KeyStore,
    name: str,
    asked: object,
    answered: object,
    device: int = ESME,
    originator: int = SUPPLIER,
    counter: int = 3000,
) -> Pair:
    """A pair as another device would have recorded it."""
    use_case = by_name(name)
    code = use_case.message_code
    command = Message(
        cra=Cra.COMMAND,
        originator_counter=counter,
        originator=originator,
        recipient=device,
        message_code=code,
        payload=encode(code, Cra.COMMAND, asked),
    )
    forms = use_case.protections(Cra.COMMAND)
    form = Protection.MAC if Protection.MAC in forms else forms[0]
    command = protect(command, keys, form)
    stamp = Stamp.of(ANSWERED_AT) if use_case.stamped else None
    response = replace(command.answer(b"", stamp), payload=encode(code, Cra.RESPONSE, answered))
    return Pair(name, command, response, None, command.to_bytes())


def join(method: int, kind: int) -> Join:
    return Join(method, 0x00DB123456789001, kind)


OUTCOMES = [
    *(("CS03A1", join(0, Kind.PPMID), code, ESME) for code in (0, 2, 3, 4, 5, 6, 10, 12, 13)),
    ("CS03A2", join(1, Kind.HCALCS), 2, ESME),
    ("CS03A1", join(1, Kind.PPMID), 1, ESME),
    *(("CS03B", join(2, Kind.GPF), code, GSME) for code in (2, 3, 4, 5)),
    ("CS03B", join(2, Kind.TYPE2), 0, GPF),
    ("CS03C", join(3, Kind.PPMID), 11, GSME),
    *(("CS04AC", 0x1234, code, ESME) for code in (0, 1, 2)),
    *(("CS04B", 0x1234, code, GPF) for code in (0, 1, 2)),
    *(("CS02c", KeyUseQuery(AGREEMENT), code, ESME) for code in (2, 3)),
    ("CS02c", KeyUseQuery(KeyUse.CRL_SIGN), 1, GSME),
    *(("CS02e", KeyUseQuery(AGREEMENT), code, GPF) for code in (2, 3)),
    ("CS07", None, JoinDetails(0, (DeviceLogEntry(7, Kind.PPMID),)), ESME),
    ("CS07", None, JoinDetails(1), GSME),
    *(
        ("CS06", FirmwareActivation(HASH, 3000), ActivationOutcome(code, VERSION), device)
        for code, device in ((0, ESME), (1, GSME), (2, ESME), (3, GSME))
    ),
]


PARTNERS = [
    ("CS08", None, RunningFirmware(VERSION, 0), PPMID),
    ("CS08", None, RunningFirmware(bytes(4), 1), HCALCS),
    ("CS03A2", join(1, Kind.ESME), 3, PPMID),
    ("CS03A2", join(1, Kind.ESME), 2, HCALCS),
    ("CS03B", join(2, Kind.GPF), 0, PPMID),
    ("CS04B", 0x1234, 1, PPMID),
    ("CS06", FirmwareActivation(HASH, 3000), ActivationOutcome(0, VERSION), HCALCS),
]
"""What displays and controllers answer to the access control broker, who signs what is critical."""


@pytest.mark.parametrize(("name", "asked", "answered", "device"), PARTNERS)
def test_displays_and_controllers_come_to_every_outcome_too(
    name: str, asked: object, answered: object, device: int, rtds_keys: KeyStore
) -> None:
    pair = made(rtds_keys, name, asked, answered, device, BROKER)
    assert replay(pair, rtds_keys) is None


@pytest.mark.parametrize(("name", "asked", "answered", "device"), OUTCOMES)
def test_every_outcome_on_record_is_one_that_a_device_comes_to(
    name: str, asked: object, answered: object, device: int, rtds_keys: KeyStore
) -> None:
    assert replay(made(rtds_keys, name, asked, answered, device), rtds_keys) is None


def test_another_outcome_than_the_state_calls_for_is_a_mismatch(rtds_keys: KeyStore) -> None:
    wrong = made(rtds_keys, "CS03C", join(3, Kind.PPMID), 0, GSME)
    assert str(replay(wrong, rtds_keys)).endswith("11 instead of 0")


def test_credentials_are_reported_as_they_were(rtds_keys: KeyStore) -> None:
    certificate = rtds_keys.certificate(SUPPLIER, Usage.DIGITAL_SIGNATURE)
    assert certificate.key_id is not None
    asked = CredentialsQuery(CellId(Role.ACCESS_CONTROL_BROKER, AGREEMENT), (2, 6, 3))
    cell = CellReport(KeyUse.DIGITAL_SIGNATURE, SUPPLIER, certificate.key_id)
    answered = (PartyReport(2, 0, 77, (cell,)), PartyReport(6, 25), PartyReport(3, 25))
    pair = made(rtds_keys, "CS02a", asked, answered, originator=BROKER)
    assert replay(pair, rtds_keys) is None


def test_a_device_gives_the_certificate_on_record(rtds_keys: KeyStore) -> None:
    certificate = rtds_keys.certificate(GSME, Usage.KEY_AGREEMENT).der
    pair = made(rtds_keys, "CS02e", KeyUseQuery(AGREEMENT), certificate, GSME)
    assert replay(pair, rtds_keys) is None


def test_a_certification_request_is_compared_but_for_its_key(rtds_keys: KeyStore) -> None:
    request = issue(KeyUseQuery(), OwnKeys(ESME, KeyStore()), lambda n: bytes(n), set())
    pair = made(rtds_keys, "CS02c", KeyUseQuery(), request)
    assert replay(pair, rtds_keys) is None
    assert "key pair" in str(only_in_part(pair))
    other = issue(KeyUseQuery(), OwnKeys(GSME, KeyStore()), lambda n: bytes(n), set())
    assert replay(made(rtds_keys, "CS02c", KeyUseQuery(), other), rtds_keys) is not None


def test_the_root_is_found_by_a_signature_it_made(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    keys = KeyStore()
    messages = [Message.parse(one.octets) for one in rtds_files if one.name.startswith("CS02b")]
    learn_root(keys, messages)
    assert keys.root is not None
    commands = [one for one in messages if one.cra is Cra.COMMAND]
    updates = [decode(one.message_code, one.cra, one.payload) for one in commands]
    paths = [one.path_certificates for one in updates if isinstance(one, CredentialsUpdate)]
    issuing = read_issued(paths[0][0])
    assert key_identifier(keys.root.public) == issuing.authority_key_id
    assert issuing.is_signed_by(keys.root.public)
    spoilt = replace(issuing, signed=issuing.signed + b"\0")
    assert signer_of(spoilt) is None


@pytest.mark.parametrize("use_case", ["CS02bSupplierBySupplier", "CS02gLoadControllerBySupplier"])
def test_recorded_replacements_match(use_case: str, rtds_dir: object) -> None:
    outcome = replay_directory(rtds_dir, only=use_case)  # type: ignore[arg-type]  # a path
    assert outcome.pairs > 2
    assert (outcome.matched, outcome.mismatched) == (outcome.pairs, [])

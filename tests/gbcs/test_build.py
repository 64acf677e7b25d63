"""Commands built from parameters alone."""

import json

import pytest

from gbcs.build import Address, address_of, arguments_of, as_pre_command, build, parameters
from gbcs.catalogue import Protection, all_use_cases, by_code, by_name
from gbcs.catalogue.use_case import Kind
from gbcs.envelope import Message
from gbcs.errors import LocalError, MissingKey
from gbcs.keys import KeyStore, Usage
from gbcs.plain import Plain
from gbcs.protection import carried_protection, verify
from gbcs.rtds import RtdsFile
from tests.gbcs.samples import BROKER, COMMAND, GPF, SUPPLIER

ESME = 0x00DB1234567890A0
ADDRESS = Address(originator=SUPPLIER, recipient=GPF, originator_counter=1001)


def test_gcs13a_needs_no_parameter() -> None:
    built = build(by_name("GCS13a"), {}, ADDRESS)
    assert built.payload == Message.parse(COMMAND).payload
    assert built.is_pre_command


def test_every_reference_command_is_rebuilt_from_its_parameters(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    rebuilt = 0
    for file in rtds_files:
        if not file.kind.endswith("COMMAND"):
            continue
        message = Message.parse(file.octets)
        use_case = by_code(message.message_code)
        assert use_case is not None
        given = json.loads(json.dumps(arguments_of(message)))  # plain values survive JSON
        if file.kind == "PRECOMMAND":
            assert build(use_case, given, address_of(message)).to_bytes() == file.octets, file.name
            continue
        try:
            built = build(use_case, given, address_of(message), rtds_keys)
        except MissingKey:
            assert message.message_code in (0x0090, 0x009B), file.name
            continue
        assert carried_protection(built) == carried_protection(message), file.name
        if message.signature:
            assert built.signed_octets == message.signed_octets, file.name
            assert verify(built, rtds_keys).is_authentic, file.name
        else:
            assert built.to_bytes() == file.octets, file.name
        rebuilt += 1
    assert rebuilt > 300


def test_every_command_of_the_catalogue_lists_its_parameters() -> None:
    for use_case in all_use_cases():
        if use_case.kind is Kind.COMMAND:
            names = [info.name for info in parameters(use_case)]
            assert len(names) == len(set(names)), use_case.name


def test_one_name_without_number_stands_for_all() -> None:
    given: dict[str, Plain] = {"EarliestStartTime": 0, "latest end time": "2030-01-15T09:00:00Z"}
    built = build(by_name("GCS16a"), given, ADDRESS)
    plain = arguments_of(built)
    assert plain["GetSnapshot[31].SnapshotOffset"] == 30
    assert plain["GetSnapshot[7].LatestEndTime"] == "2030-01-15T09:00:00Z"


def test_items_can_be_named_by_reference() -> None:
    address = Address(originator=SUPPLIER, recipient=ESME, originator_counter=5)
    by_reference = build(by_name("ECS12"), {"1/0-0:94.44.3.2/2": "2030-01-15T09:00:00Z"}, address)
    named = build(by_name("ECS12"), {"restrictDataDateTime.value": "2030-01-15T09:00:00Z"}, address)
    assert by_reference == named
    as_in_smets = build(
        by_name("ECS12"), {"restrictDataDateTime: value": "2030-01-15T09:00:00Z"}, address
    )
    assert as_in_smets == named


def limits(first: str) -> dict[str, Plain]:
    """For whichever log a use case reads."""
    profiles = (
        "ProfileDataLogActiveEnergyImportedInPeriod.get_protected_attributes",
        "Phase[1].AverageRMSVoltageProfileDataLog.buffer",
    )
    ends = {".from": first, ".to": "2026-01-05T12:00:00Z"}
    return {log + end: text for log in profiles for end, text in ends.items()}


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("GCS16a", {}, r"GetSnapshot\[1\].EarliestStartTime is missing"),
        ("GCS13a", {"Nonsense": 1}, "no parameter 'Nonsense'"),
        ("ECS12", {"restrictDataDateTime.value": 5}, "restrictDataDateTime.value: "),
        ("ECS12", {"restrictDataDateTime.value": "07EA0105FF0B1E0000000000"}, "a date-time is"),
        ("ECS22b", limits("2026-01-05T10:00:00+01:00"), r"InPeriod.*\.from: a date-time is"),
        ("ECS22b", limits("0x07EA0231FF0C000000FF88FF"), r"\.from: impossible day"),
        ("ECS23", limits("yesterday"), r"AverageRMSVoltage.*\.from: not an integer: 'yesterday'"),
        ("GCS31", {"IssuerEventID": -1}, "does not fit"),
        ("CS04AC", {}, "parameter value is missing"),
        ("CS03B", {"peer": "00DB12345678909C", "peer_kind": "gpf"}, "method_and_role is missing"),
        ("PECS01", {}, "structure of PECS01 is not known"),
    ],
)
def test_what_is_wrong_is_named(name: str, given: dict[str, Plain], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        build(by_name(name), given, ADDRESS)


def test_a_top_up_and_an_unknown_remote_party() -> None:
    address = Address(
        originator=BROKER,
        recipient=GPF,
        originator_counter=0x514,
        supplementary_id=SUPPLIER,
        supplementary_counter=0x44C,
    )
    built = build(by_name("GCS13a"), {}, address)
    parsed = Message.parse(built.to_bytes())
    assert (parsed.supplementary_id, parsed.supplementary_counter) == (SUPPLIER, 0x44C)
    token: dict[str, Plain] = {
        "ConsumerTopUp.TopUpCode": "73950067887105178605",
        "OriginatingDevice": 0,
    }
    built = build(by_name("CS01b"), token, ADDRESS)
    assert built.payload.endswith(b"\x1473950067887105178605")


def test_the_broker_macs_where_others_sign() -> None:
    keys = KeyStore(access_control_broker=BROKER)
    keys.add_private(BROKER, Usage.KEY_AGREEMENT, 3)
    keys.add_private(ESME, Usage.KEY_AGREEMENT, 4)
    keys.add_private(SUPPLIER, Usage.DIGITAL_SIGNATURE, 5)
    cell: dict[str, Plain] = {"role": "supplier", "key_use": "digital-signature"}
    given: dict[str, Plain] = {"authorising_cell": cell, "wanted": ["supplier"]}
    for originator, expected in (
        (BROKER, Protection.MAC),
        (SUPPLIER, Protection.SIGNATURE),
    ):
        address = Address(originator=originator, recipient=ESME, originator_counter=9)
        built = build(by_name("CS02a"), given, address, keys)
        assert carried_protection(built) == expected


def test_both_forms_of_a_pre_command() -> None:
    built = build(by_name("GCS13a"), {}, ADDRESS)
    assert as_pre_command(built, with_length=True).to_bytes() == built.to_bytes() + b"\x00"


def test_a_firmware_activation_repeats_the_counter() -> None:
    built = build(by_name("CS06"), {"image_hash": "0x" + "AA" * 32}, ADDRESS)
    assert arguments_of(built)["counter"] == 1001

"""MAC, signature and encryption against published numbers."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.catalogue import Protection
from gbcs.crypto import (
    Mode,
    Secret,
    decrypt,
    derive_key,
    encrypt,
    gmac,
    initialization_vector,
    mac_additional_data,
    other_information,
    sign,
    signature_is_valid,
)
from gbcs.envelope import Cra, Message
from gbcs.errors import LocalError, MissingKey, NotAuthentic
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.protection import (
    Verdict,
    attribute_cipher,
    carried_protection,
    compute_mac,
    expected_protection,
    mac_parties,
    protect,
    verify,
)
from gbcs.rtds import RtdsFile
from tests.gbcs.samples import BROKER, COMMAND, GPF, RESPONSE, SUPPLIER

# GBCS section 18.4, cryptographic test vectors: ECS04b from supplier A to device A
SUPPLIER_A, DEVICE_A, BROKER_A = 0x123456789ABCDEF0, 0xFFFFFFFFFFFFFFFE, 0xABABABABABABABAB
VECTOR = bytes.fromhex(
    "DD00000000000081A91100000000DF0901000000000000000108123456789ABCDEF008FFFFFFFFFFFFFFFE"
    "000200B335D92000000100030300700000130A00FF020300700000130A01FF020300700000130A02FF0203"
    "0500000000050000000005000000004059045AB0F554622B0360340B9D87B5A23ED5723B41DE3F206E58CD"
    "D10F915B9FE2E12E2DA3632478A8DF678E418895869AC1E55318CCE04D120D2D6B44DC167B5D832D15B57A"
    "56D620F198B3"
)


def _public(xy: str) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex("04" + xy))


@pytest.fixture
def vector_keys() -> KeyStore:
    keys = KeyStore(access_control_broker=BROKER_A)
    broker = 0xE4A6CFB431471CFCAE491FD566D19C87082CF9FA7722D7FA24B2B3F5669DBEFB
    signing = 0x3A6B2EAA0D9F25A9E455983FEB5BB947528121911BF3B76BE5661C89DBF24B26
    keys.add_private(BROKER_A, Usage.KEY_AGREEMENT, broker)
    keys.add_private(SUPPLIER_A, Usage.DIGITAL_SIGNATURE, signing)
    device = _public(
        "2DB45A3F21889438B42C8F464C75292BACF5FDDB5DA0B492501B299CBFE92D8F"
        "DB90FC8FF4026129838B1BCAD1402CAE47FE7D8084E409A41AFCE16D63579C5F"
    )
    keys.add_public(DEVICE_A, Usage.KEY_AGREEMENT, device)
    return keys


def test_the_published_critical_command_verifies(vector_keys: KeyStore) -> None:
    message = Message.parse(VECTOR)
    found = verify(message, vector_keys)
    assert (found.mac, found.signature) == (Verdict.VALID, Verdict.VALID)
    assert found.is_authentic
    assert carried_protection(message) in expected_protection(0x00B3, Cra.COMMAND)


def test_the_published_critical_command_is_rebuilt_up_to_its_signature(
    vector_keys: KeyStore,
) -> None:
    published = Message.parse(VECTOR)
    rebuilt = protect(published, vector_keys)
    assert verify(rebuilt, vector_keys).is_authentic
    assert replace(rebuilt, signature=b"", mac=None) == replace(published, signature=b"", mac=None)


@pytest.mark.parametrize(
    ("secret", "originator", "mode", "recipient", "key", "tag", "octets"),
    [  # GCS13a command and response, SUCCESS_RELIABLE_GPF
        (
            "0B405F35956DFE76FD9D3985B9F6222D686D09F5167B80DBC1302474366F369A",
            SUPPLIER,
            Mode.COMMAND,
            GPF,
            "F6CF46FF3D0D5FA19FB40A133E8889EE",
            "B2F465180BED930984BE78C0AC37D0A8",
            COMMAND,
        ),
        (
            "AFA16A4D1A999876856E9F073127D4AD518C095CB8DF47404B9351C0BABA3E06",
            GPF,
            Mode.RESPONSE,
            SUPPLIER,
            "710DE7A60A4A8F53326F3D79C61E3EB0",
            "D1232B311E9E76979F4A6FB95DE2C042",
            RESPONSE,
        ),
    ],
)
def test_key_and_tag_walk_through(
    secret: str, originator: int, mode: Mode, recipient: int, key: str, tag: str, octets: bytes
) -> None:
    information = other_information(originator, mode, 0x3E9, recipient)
    assert len(information) == 33
    derived = derive_key(Secret(bytes.fromhex(secret)), information)
    assert derived.hex().upper() == key
    additional = mac_additional_data(Message.parse(octets).mac_octets)
    assert gmac(derived, initialization_vector(originator), additional).hex().upper() == tag


def test_encrypted_attributes_of_the_walk_through() -> None:
    keys = KeyStore()
    z = "AFA16A4D1A999876856E9F073127D4AD518C095CB8DF47404B9351C0BABA3E06"
    keys.add_secret(SUPPLIER, GPF, bytes.fromhex(z))
    message = Message.parse(RESPONSE)
    cipher = attribute_cipher(message, keys)
    assert cipher.key.octets.hex().upper() == "22064A3C6E3F1A25F090993BBCB598B9"
    opened = Gbz.parse(message.payload).opened(cipher)
    assert opened.components[0].frame.payload.hex().upper() == (
        "02030022E8030001030022010000000300300100000025393000000000"
    )
    assert opened.to_bytes(cipher) == message.payload
    assert verify(message, keys).mac is Verdict.VALID


# URP answers: the consumer is not the recipient, the counter may be the device's own.
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("GCS16b_4.14_URP_SUCCESS_RESPONSE", "1037578053ADBF6716D7FC5095481CF3"),
        ("ECS21b_4.14_URP_SUCCESS_RESPONSE", "61685F7F7BDDAA7E251C2A4A1FD4085D"),
        ("GCS61_4.17_SUCCESS_RESPONSE", "44B45972906D0EBF308398FEA69E99DE"),
        ("GCS53_NA_8F0A_ALERT", "96536C7A50E94BD6500036B38ABC37D4"),
        ("ECS17b_4.1.1_SINGLE_SUCCESS_RESPONSE", "12CB821C471EC2144C68E12A5657F9FD"),
    ],
)
def test_attribute_keys_of_the_walk_throughs(
    name: str, key: str, rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    found = [file for file in rtds_files if file.name == name]
    if not found:
        pytest.skip(f"{name} is not in this part of the reference messages")
    cipher = attribute_cipher(Message.parse(found[0].octets), rtds_keys)
    assert cipher.key.octets.hex().upper() == key


@pytest.mark.parametrize(
    ("name", "key", "tag"),
    [  # message, MAC key, all 16 octets of the tag
        (
            "GCS13a_4.1.1_SUCCESS_UNRELIABLE_RESPONSE",
            "7F52FD35BDDE2478818637F0C89D3369",
            "27B4DB9A3DB0931264BFFAD42E387261",
        ),
        (
            "ECS70_6.11_SUCCESS_COMMAND",
            "EC1D51BD8F8BF0CDD2314CF396CC12C0",
            "41AE3BAEC5C4CFDD34087718735FF6DF",
        ),
        (
            "ECS17b_4.1.1_SINGLE_SUCCESS_RESPONSE",
            "D288091F13F120DA8D2649C3AA543058",
            "486AF3DF46ACBC45A5217E084FD25465",
        ),
        (
            "GCS16b_4.14_URP_SUCCESS_COMMAND",
            "57EC003E8FBDE451446C113AF83626A5",
            "B40F95173777BB65993F5F73F7A8410A",
        ),
        (
            "GCS16b_4.14_URP_SUCCESS_RESPONSE",
            "4247657CB96D77493028A2995F39F3A5",
            "79093E6FB00B0284CA3FFCB5EBB09FD0",
        ),
        (
            "ECS21b_4.14_URP_SUCCESS_RESPONSE",
            "151ABCA3BE2346FEE4FFAF25D0759A17",
            "7A347DA86F533A4E513EDD2263D1F63F",
        ),
        (
            "GNCA-ZigBee_NA_810E_ALERT",
            "8B070257716131CD8FD5AD9D8202A8CF",
            "E98AEAF368B0BD02D9AA55929EA3D3D5",
        ),
    ],
)
def test_mac_keys_and_tags_of_the_walk_throughs(
    name: str, key: str, tag: str, rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    found = [file for file in rtds_files if file.name == name]
    if not found:
        pytest.skip(f"{name} is not in this part of the reference messages")
    message = Message.parse(found[0].octets)
    information = other_information(
        message.originator, Mode(message.cra), message.originator_counter, message.recipient
    )
    secret = rtds_keys.shared_secret(*mac_parties(message, rtds_keys))
    assert derive_key(secret, information).hex().upper() == key
    assert compute_mac(message, rtds_keys).hex().upper() == tag


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        (
            "ECS70_6.11_SUCCESS_COMMAND",
            "D4A4AE5E90C28F0B37AF4C0C7A3360A674AAEBFBA22A828EE05C9239FA82B150",
        ),
        (
            "ECS70_6.11_SUCCESS_RESPONSE",
            "3200BD9F3B68DA2959D694291297DFB07AE5D8C4175EDF11E4B80A49B03DEB81",
        ),
        (
            "GCS53_NA_8F0A_ALERT",
            "AC043471B4797C75F019D67CF507838A983F29DD0FBAFECB6D28CEDCC6BF0030",
        ),
    ],
)
def test_what_is_signed_in_the_walk_throughs(
    name: str, digest: str, rtds_files: list[RtdsFile]
) -> None:
    found = [file for file in rtds_files if file.name == name]
    if not found:
        pytest.skip(f"{name} is not in this part of the reference messages")
    signed = Message.parse(found[0].octets).signed_octets
    assert hashlib.sha256(signed).hexdigest().upper() == digest


def test_reference_messages_verify_and_carry_what_their_category_says(
    rtds_files: list[RtdsFile], rtds_keys: KeyStore
) -> None:
    for file in rtds_files:
        message = Message.parse(file.octets)
        found = verify(message, rtds_keys)
        assert Verdict.INVALID not in (found.mac, found.signature), file.name
        if found.missing:
            assert message.message_code in (0x0090, 0x009B), file.name  # PPMID to GSME
        if not message.is_pre_command:
            allowed = expected_protection(message.message_code, message.cra)
            assert carried_protection(message) in allowed, file.name


def test_a_pre_command_becomes_its_command(rtds_files: list[RtdsFile], rtds_keys: KeyStore) -> None:
    by_name = {file.name: file for file in rtds_files}
    for file in rtds_files:
        if file.kind == "PRECOMMAND":
            command = Message.parse(by_name[file.name.replace("PRECOMMAND", "COMMAND")].octets)
            built = protect(Message.parse(file.octets), rtds_keys, carried_protection(command))
            assert verify(built, rtds_keys).is_authentic, file.name
            assert built.signed_octets == command.signed_octets, file.name


def test_one_changed_octet_breaks_mac_and_signature(vector_keys: KeyStore) -> None:
    message = Message.parse(VECTOR)
    changed = Message.parse(VECTOR.replace(bytes.fromhex("0013"), bytes.fromhex("0014"), 1))
    assert changed != message
    found = verify(changed, vector_keys)
    assert (found.mac, found.signature) == (Verdict.INVALID, Verdict.INVALID)
    assert not found.is_authentic


def test_a_missing_key_is_named() -> None:
    found = verify(Message.parse(VECTOR), KeyStore(access_control_broker=BROKER_A))
    assert (found.mac, found.signature) == (Verdict.NO_KEY, Verdict.NO_KEY)
    assert [error.eui64 for error in found.missing] == [BROKER_A, SUPPLIER_A]
    assert "123456789ABCDEF0" in str(found.missing[1])
    assert "digital signature" in str(found.missing[1])


def test_an_unprotected_message_is_not_authentic() -> None:
    bare = replace(Message.parse(COMMAND), mac=None)
    assert not verify(bare, KeyStore()).is_authentic


def test_an_unknown_message_code_needs_to_be_told_its_protection() -> None:
    message = replace(Message.parse(COMMAND), message_code=0x7FFF)
    with pytest.raises(LocalError, match="7FFF"):
        protect(message, KeyStore())


def test_a_device_verifies_what_a_remote_party_and_the_broker_protect() -> None:
    remote, device = KeyStore(), KeyStore()
    remote.add_private(SUPPLIER, Usage.DIGITAL_SIGNATURE, 11, Role.SUPPLIER)
    remote.add_private(SUPPLIER, Usage.KEY_AGREEMENT, 12, Role.SUPPLIER)
    remote.add_private(BROKER, Usage.KEY_AGREEMENT, 13, Role.ACCESS_CONTROL_BROKER)
    device.add_private(GPF, Usage.KEY_AGREEMENT, 14)
    device.add_private(GPF, Usage.DIGITAL_SIGNATURE, 15)
    for store, other in ((remote, device), (device, remote)):
        for entity, usage in list(store.cells()):
            if store.has_private(entity, usage) and not other.has_public(entity, usage):
                other.add_public(entity, usage, store.public_key(entity, usage), store.role(entity))
    command = protect(replace(Message.parse(COMMAND), message_code=0x001A), remote)
    received = Message.parse(command.to_bytes())
    assert carried_protection(received) == Protection.MAC | Protection.SIGNATURE
    assert verify(received, device).is_authentic
    answer = protect(received.answer(b"\x01\x09\x00"), device)
    assert carried_protection(answer) == Protection.SIGNATURE
    assert verify(Message.parse(answer.to_bytes()), remote).is_authentic


def test_a_changed_tag_is_not_authentic() -> None:
    key, iv = bytes(range(16)), bytes(12)
    sealed = encrypt(key, iv, b"meter reading")
    assert decrypt(key, iv, sealed) == b"meter reading"
    with pytest.raises(NotAuthentic):
        decrypt(key, iv, sealed[:-1] + bytes((sealed[-1] ^ 1,)))


def test_a_secret_shows_length_and_fingerprint_only() -> None:
    secret = Secret(bytes.fromhex("00112233445566778899AABBCCDDEEFF"))
    assert "00112233" not in repr(secret)
    assert "16-octet" in repr(secret)


@given(st.binary(min_size=64, max_size=64))
@settings(max_examples=30)
def test_arbitrary_signatures_are_simply_invalid(signature: bytes) -> None:
    key = ec.derive_private_key(5, ec.SECP256R1())
    assert not signature_is_valid(key.public_key(), signature, b"command")


def test_signing_is_deterministic() -> None:
    key = ec.derive_private_key(5, ec.SECP256R1())
    signature = sign(key, b"command")
    assert signature == sign(key, b"command")
    assert signature_is_valid(key.public_key(), signature, b"command")


def test_no_broker_is_a_missing_key() -> None:
    with pytest.raises(MissingKey, match="access control broker"):
        _ = KeyStore().access_control_broker

"""The key store: reference directory, memory, and what it says when a key is missing."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gbcs.errors import LocalError, MalformedMessage, MissingKey, NoKeys
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role

SUPPLIER, BROKER = 0x90B3D51F30010000, 0x90B3D51F30000002
ESME, GSME = 0x00DB1234567890A0, 0x00DB1234567890A1


@pytest.mark.parametrize(
    "text",
    [
        "00DB1234567890A0",
        "00-db-12-34-56-78-90-a0",
        "00:DB:12:34:56:78:90:A0",
        " 0x00db1234567890a0",
    ],
)
def test_an_eui64_is_read_in_every_usual_spelling(text: str) -> None:
    assert parse_eui64(text) == ESME
    assert format_eui64(ESME) == "00DB1234567890A0"


@pytest.mark.parametrize("text", ["", "00DB", "00DB1234567890A0A0", "00DB1234567890AG", "+1"])
def test_what_is_no_eui64_is_quoted(text: str) -> None:
    with pytest.raises(LocalError, match="not an EUI-64"):
        parse_eui64(text)


def test_an_identifier_beyond_64_bits_is_refused() -> None:
    with pytest.raises(LocalError):
        format_eui64(1 << 64)


@pytest.mark.parametrize(
    ("one", "other", "z"),
    [
        (BROKER, ESME, "ED342441DF01551A6BEAFF3B54ADC981F4C6A7E71DFF4C3E1CC80B3C9F4E5AC0"),
        (GSME, SUPPLIER, "A55D27741E5688A9F124483365EB28789248717890D0B5353035B80980D4B40B"),
    ],
)
def test_published_secrets_from_either_side(
    rtds_keys: KeyStore, one: int, other: int, z: str
) -> None:
    assert rtds_keys.shared_secret(one, other).octets.hex().upper() == z
    assert rtds_keys.shared_secret(other, one).octets.hex().upper() == z


def test_the_prepayment_secret_is_another_one(rtds_keys: KeyStore) -> None:
    secret = rtds_keys.shared_secret(SUPPLIER, ESME, Usage.PREPAYMENT_KEY_AGREEMENT)
    z = "5C00001AE96494FEDFD740C4679D346E913D89B978BEEFF76577BE69C92BF3CE"
    assert secret.octets.hex().upper() == z


def test_roles_come_from_the_certificates(rtds_keys: KeyStore) -> None:
    assert rtds_keys.access_control_broker == BROKER
    assert rtds_keys.role(SUPPLIER) is Role.SUPPLIER
    assert rtds_keys.role(0x90B3D51F30010008) is Role.LOAD_CONTROLLER
    assert rtds_keys.role(0x90B3D51F30000007) is Role.WAN_PROVIDER
    assert rtds_keys.role(ESME) is None
    assert rtds_keys.role(0xFFFF) is None


def test_a_certificate_names_its_entity_and_key(rtds_keys: KeyStore) -> None:
    organisation = rtds_keys.certificate(SUPPLIER, Usage.KEY_AGREEMENT)
    assert organisation.entity == SUPPLIER
    assert organisation.key_id == bytes.fromhex("405B8C62687D8F70")
    device = rtds_keys.certificate(ESME, Usage.DIGITAL_SIGNATURE)
    assert (device.entity, device.role) == (ESME, None)


def test_a_bare_public_key_file_is_a_key_without_certificate(rtds_keys: KeyStore) -> None:
    vector_device = 0xFFFFFFFFFFFFFFFE
    assert rtds_keys.has_public(vector_device, Usage.KEY_AGREEMENT)
    with pytest.raises(MissingKey, match="certificate"):
        rtds_keys.certificate(vector_device, Usage.KEY_AGREEMENT)


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "00db1234567890a0-ka.pem").write_text("not a certificate")
    keys = KeyStore.from_directory(tmp_path)
    with pytest.raises(MalformedMessage, match=r"00db1234567890a0-ka\.pem"):
        keys.public_key(ESME, Usage.KEY_AGREEMENT)


def test_a_directory_without_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoKeys, match=str(tmp_path)):
        KeyStore.from_directory(tmp_path)
    with pytest.raises(NoKeys, match="nowhere"):
        KeyStore.from_directory(tmp_path / "nowhere")


def test_a_secret_needs_one_private_and_the_other_public_key() -> None:
    keys = KeyStore()
    keys.add_public(
        ESME, Usage.KEY_AGREEMENT, ec.derive_private_key(7, ec.SECP256R1()).public_key()
    )
    with pytest.raises(MissingKey) as raised:
        keys.shared_secret(ESME, SUPPLIER)
    assert raised.value.eui64 == SUPPLIER
    assert "key agreement key" in str(raised.value)
    other = ec.derive_private_key(8, ec.SECP256R1()).public_key()
    keys.add_public(SUPPLIER, Usage.KEY_AGREEMENT, other)
    with pytest.raises(MissingKey, match="key agreement private key for 00DB1234567890A0"):
        keys.shared_secret(ESME, SUPPLIER)


def test_a_replaced_key_replaces_its_secrets() -> None:
    keys = KeyStore()
    keys.add_private(ESME, Usage.KEY_AGREEMENT, 7)
    keys.add_private(SUPPLIER, Usage.KEY_AGREEMENT, 8, Role.SUPPLIER)
    before = keys.shared_secret(ESME, SUPPLIER)
    keys.add_private(SUPPLIER, Usage.KEY_AGREEMENT, 9, Role.SUPPLIER)
    assert keys.shared_secret(ESME, SUPPLIER) != before
    keys.remove(SUPPLIER, Usage.KEY_AGREEMENT)
    with pytest.raises(MissingKey):
        keys.shared_secret(ESME, SUPPLIER)


def test_representations_show_no_key_material(rtds_keys: KeyStore) -> None:
    keys = KeyStore()
    keys.add_private(ESME, Usage.KEY_AGREEMENT, 0x123456789)
    assert "123456789" not in repr(keys)
    assert repr(keys) == "<KeyStore with 1 keys>"


def test_a_secret_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(LocalError, match="32 octets"):
        KeyStore().add_secret(ESME, SUPPLIER, bytes(16))


def test_a_new_broker_is_found_when_the_old_one_goes() -> None:
    keys = KeyStore()
    keys.add_private(1, Usage.KEY_AGREEMENT, 7, Role.ACCESS_CONTROL_BROKER)
    assert keys.access_control_broker == 1
    keys.remove(1, Usage.KEY_AGREEMENT)
    keys.add_private(2, Usage.KEY_AGREEMENT, 8, Role.ACCESS_CONTROL_BROKER)
    assert keys.access_control_broker == 2
    keys.access_control_broker = 5
    assert keys.access_control_broker == 5

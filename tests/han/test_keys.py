"""Install codes and the keys made from them: the published answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.util import aes_mmo_hash

from han.radio import (
    aes_mmo,
    hmac_mmo,
    key_load_key,
    key_transport_key,
    link_key_of_install_code,
)

LINK_KEY = "66b6900981e1ee3ca4206b6b861c02bb"


@pytest.mark.parametrize(
    ("code", "crc", "key"),
    [
        ("83fed3407a93", "2b70", "cd4fa064773f46941ec986c09963d1a8"),
        ("83fed3407a939723", "97fc", "850be0bf5b369ac441280a53265db167"),
        ("83fed3407a939723a5c639b2", "ad8b", "c2b323efc9fca1d9657e32a0e5c2aaf3"),
        ("83fed3407a939723a5c639b26916d505", "c3b5", LINK_KEY),
    ],
)
def test_install_codes_of_every_length_with_and_without_crc(code: str, crc: str, key: str) -> None:
    assert link_key_of_install_code(bytes.fromhex(code)).hex() == key
    assert link_key_of_install_code(bytes.fromhex(code + crc)).hex() == key


def test_a_wrong_crc_and_a_wrong_length_are_named() -> None:
    with pytest.raises(ValueError, match="CRC"):
        link_key_of_install_code(bytes.fromhex("83fed3407a939723a5c639b26916d5050000"))
    with pytest.raises(ValueError, match="not 7"):
        link_key_of_install_code(bytes(7))


def test_derived_keys() -> None:
    key = bytes.fromhex(LINK_KEY)
    assert key_transport_key(key).hex() == "3c6cca8977eb189efd1614c3e7f75989"
    assert key_load_key(key).hex() == "1177a0ee2600d0020dba82d7049f53bc"
    assert hmac_mmo(key, b"\x00") == key_transport_key(key)


def test_hash_of_a_trust_centre_link_key() -> None:
    assert aes_mmo(bytes(range(0xC0, 0xD0))).hex() == "a7977e88bc0b61e8210827109a228f2d"


@given(st.binary(max_size=200))
def test_hash_agrees_with_zigpy(octets: bytes) -> None:
    assert aes_mmo(octets) == bytes(aes_mmo_hash(octets))

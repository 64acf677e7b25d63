"""Reading and verifying a directory of reference messages."""

from pathlib import Path

import pytest

from gbcs.errors import LocalError, MalformedMessage
from gbcs.keys import KeyStore
from gbcs.rtds import find_keystore, read_directory, read_hex, verify
from tests.gbcs.samples import COMMAND


def test_the_reference_set_verifies(rtds_dir: Path) -> None:
    report = verify(rtds_dir)
    assert report["messages"] == report["parsed"] == report["rebuilt"] > 900
    assert report["mac"]["invalid"] == report["signature"]["invalid"] == 0
    assert report["signature"]["no_key"] == 0
    assert report["mac"]["no_key"] <= 4  # PPMID to GSME: no private key is published
    assert report["reencoded"] == report["messages"]
    assert report["dlms"] + report["gbz"] + report["asn1"] == report["messages"]
    assert report["parts"]["total"] == report["parts"]["decrypted"] > 30
    assert report["gbz_parts"]["total"] == report["gbz_parts"]["decrypted"] > 20


@pytest.mark.parametrize("text", ["dd 00\r\n00", "\ufeffDD0000", " 0xdd0000\n", "DD\n00\n00\n"])
def test_white_space_case_and_prefixes_do_not_matter(text: str) -> None:
    assert read_hex(text) == bytes.fromhex("DD0000")


def test_what_is_not_hexadecimal_is_malformed(tmp_path: Path) -> None:
    (tmp_path / "broken.HEX").write_text("DD0")
    with pytest.raises(MalformedMessage, match=r"broken\.HEX"):
        list(read_directory(tmp_path))


def test_a_directory_without_messages_or_keys_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=str(tmp_path)):
        list(read_directory(tmp_path))
    with pytest.raises(LocalError, match="keystore"):
        find_keystore(tmp_path)


def test_damaged_messages_are_counted_apart(tmp_path: Path) -> None:
    good, cut, changed = COMMAND, COMMAND[:-1], COMMAND[:-1] + b"\x00"
    for number, octets in enumerate((good, cut, changed)):
        (tmp_path / f"{number}_COMMAND_GBCS.HEX").write_text(octets.hex())
    keys = KeyStore(access_control_broker=0x90B3D51F30000002)
    z = "0B405F35956DFE76FD9D3985B9F6222D686D09F5167B80DBC1302474366F369A"
    keys.add_secret(0x90B3D51F30000002, 0x00DB1234567890A3, bytes.fromhex(z))
    report = verify(tmp_path, keys)
    assert (report["messages"], report["parsed"], report["rebuilt"]) == (3, 2, 2)
    assert report["reencoded"] == 2
    assert report["mac"] == {"valid": 1, "invalid": 1, "no_key": 0}

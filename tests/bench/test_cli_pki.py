"""``chub pki issue`` and ``certify``: new certificates by the authority of a key store."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli.main import group
from bench.rig import load_rig
from device.trust.certification import issue
from device.trust.own import OwnKeys
from gbcs.asn1.credentials import KeyUseQuery
from gbcs.certificate_path import key_identifier, leads_to, read_issued
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role

ESME, NEXT = 0x00DB1234567890A0, 0x90B3D51F30030000


def chub(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["pki", *arguments])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "keystore"
    assert chub("new", str(directory), "--device", f"{ESME:016X}").exit_code == 0
    return directory


def is_trusted(store: Path, certificate: bytes) -> bool:
    root = KeyStore.from_directory(store).root
    assert root is not None
    issuing = read_issued((store / "test-issuing.pem").read_bytes())
    public = root.public
    return leads_to(read_issued(certificate), [issuing], public, key_identifier(public))


def test_a_new_supplier_gets_certificates_that_the_devices_trust(store: Path) -> None:
    out = store.parent / "next"
    made = chub(
        "issue", str(store), "--entity", f"{NEXT:016X}", "--role", "supplier", "--out", str(out)
    )
    assert made.exit_code == 0
    keys = KeyStore.from_directory(out)
    assert keys.role(NEXT) is Role.SUPPLIER
    for usage in Usage:
        assert keys.has_private(NEXT, usage)
        assert is_trusted(store, keys.certificate(NEXT, usage).der)


def test_a_devices_request_is_certified(store: Path) -> None:
    request = issue(KeyUseQuery(), OwnKeys(ESME, KeyStore()), bytes, set())
    asked, out = store.parent / "request.der", store.parent / "certificate.der"
    asked.write_bytes(request if isinstance(request, bytes) else b"")
    assert chub("certify", str(store), str(asked), "--out", str(out)).exit_code == 0
    assert read_issued(out.read_bytes()).certificate.entity == ESME
    assert is_trusted(store, out.read_bytes())
    asked.write_bytes(b"no request")
    assert chub("certify", str(store), str(asked), "--out", str(out)).exit_code != 0


def test_what_is_printed_of_new_keys_is_what_a_rig_says_of_them(tmp_path: Path) -> None:
    directory, rig = tmp_path / 'keys of "the" \U0001f511', tmp_path / "rig.toml"
    rig.write_text(chub("new", str(directory)).stdout, encoding="utf-8")
    read = load_rig(rig)
    assert read.keys.directory == directory
    assert KeyStore.from_directory(directory).role(read.parties.supplier) is Role.SUPPLIER


def test_a_directory_without_an_authority_is_named(tmp_path: Path) -> None:
    options = ("--entity", f"{NEXT:016X}", "--role", "supplier", "--out", str(tmp_path / "out"))
    failed = chub("issue", str(tmp_path), *options)
    assert failed.exit_code != 0
    assert "no issuing authority" in str(failed.exception)

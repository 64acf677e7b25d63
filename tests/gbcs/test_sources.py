"""Where messages, keys and use cases come from."""

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gbcs.build import Address, build, parameters
from gbcs.catalogue import Protection
from gbcs.catalogue.extension import load_use_cases, read_use_cases
from gbcs.envelope import Cra, Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage, NoKeys
from gbcs.gbt import split
from gbcs.gfi import to_gfi
from gbcs.key_sources import open_keys, read_keystore_json
from gbcs.keys import KeyStore, Usage
from gbcs.party import Role
from gbcs.pki import TestPki, make_test_pki
from gbcs.sources import messages_in
from tests.gbcs.samples import BROKER, COMMAND, GPF, RESPONSE, SUPPLIER

ESME = 0x00DB1234567890A0


class _Octets:
    """Repeatable randomness."""

    def __init__(self) -> None:
        self._counter = 0

    def __call__(self, count: int) -> bytes:
        self._counter += 1
        return bytes((self._counter * 7 + i * 13) % 256 for i in range(count))


@pytest.fixture(scope="module")
def pki() -> TestPki:
    organisations = {
        Role.SUPPLIER: SUPPLIER,
        Role.ACCESS_CONTROL_BROKER: BROKER,
        Role.RECOVERY: 0x90B3D51F30000001,
    }
    return make_test_pki(organisations, (ESME, GPF), datetime(2026, 1, 1, tzinfo=UTC), _Octets())


@pytest.mark.parametrize(
    "data",
    [
        COMMAND.hex().encode(),
        COMMAND.hex(" ").upper().encode() + b"\r\n",
        b"\xef\xbb\xbf0x" + COMMAND.hex().encode(),
        COMMAND.hex(":").encode(),
        base64.b64encode(COMMAND),
        COMMAND,
        to_gfi(COMMAND),
        "\n".join(COMMAND.hex()[i : i + 32] for i in range(0, 158, 32)).encode(),
        b"# a comment\n\n" + COMMAND.hex().encode(),
        COMMAND.hex().encode("utf-16"),
    ],
    ids=range(10),
)
def test_one_message_in_every_spelling(data: bytes) -> None:
    assert messages_in(data) == (COMMAND,)


def test_many_messages_in_one_file() -> None:
    both = COMMAND.hex() + "\n" + RESPONSE.hex() + "\n"
    assert messages_in(both.encode()) == (COMMAND, RESPONSE)
    assert messages_in(COMMAND + RESPONSE) == (COMMAND, RESPONSE)
    assert messages_in(to_gfi(COMMAND) + b"\r\n" + to_gfi(RESPONSE)) == (COMMAND, RESPONSE)


def test_blocks_are_cut_apart_as_well() -> None:
    blocks = [block.to_bytes() for block in split(RESPONSE, 50)]
    assert messages_in(b"".join(blocks)) == tuple(blocks)


def test_a_truncated_last_line_costs_only_itself() -> None:
    first, second = messages_in((COMMAND.hex() + "\n" + RESPONSE.hex()[:-3]).encode())
    assert first == COMMAND
    assert isinstance(second, MalformedMessage)
    assert "end is missing" in str(second)


def test_a_damaged_message_is_handed_on_to_be_refused_by_who_reads_it() -> None:
    sound, damaged = messages_in((COMMAND.hex() + "\n" + COMMAND.hex()[:-2]).encode())
    assert (sound, damaged) == (COMMAND, COMMAND[:-1])
    with pytest.raises(MalformedMessage):
        Message.parse(COMMAND[:-1])


@given(st.binary(max_size=80) | st.text(max_size=60).map(str.encode))
@settings(max_examples=200)
def test_any_input_is_messages_or_errors(data: bytes) -> None:
    for start in (b"", b"\xdd\x00", b"DD00", b"GBCS:DATA#0:"):
        found = messages_in(start + data)
        assert all(isinstance(one, bytes | MalformedMessage) for one in found)


def test_certificates_look_as_published_ones_do(pki: TestPki, rtds_keys: KeyStore) -> None:
    keys = pki.key_store()
    for entity, usage in ((SUPPLIER, Usage.KEY_AGREEMENT), (ESME, Usage.DIGITAL_SIGNATURE)):
        made, published = keys.certificate(entity, usage), rtds_keys.certificate(entity, usage)
        assert (made.entity, made.role) == (published.entity, published.role)
        assert abs(len(made.der) - len(published.der)) < 30
    assert keys.access_control_broker == BROKER
    assert not keys.has_public(0x90B3D51F30000001, Usage.KEY_AGREEMENT)


def test_openssl_accepts_the_chain(pki: TestPki, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    names = []
    for holder in (pki.root, pki.issuing, *pki.holders.values()):
        path = tmp_path / f"{holder.name}.pem"
        path.write_bytes(holder.certificate_pem())
        names.append(str(path))
    chain = ["-no_check_time", "-CAfile", names[0], "-untrusted", names[1]]
    done = subprocess.run(
        [openssl, "verify", *chain, *names[2:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    subprocess.run([openssl, "x509", "-noout", "-text", "-in", names[2]], check=True,
                   capture_output=True)  # fmt: skip


def test_a_pki_serves_a_whole_exchange(pki: TestPki) -> None:
    keys = pki.key_store()
    address = Address(originator=SUPPLIER, recipient=ESME, originator_counter=7)
    from gbcs.catalogue import by_name
    from gbcs.protection import verify

    command = build(by_name("ECS04b"), {}, address, keys)
    assert verify(Message.parse(command.to_bytes()), keys).is_authentic


def test_a_device_is_not_an_organisation() -> None:
    with pytest.raises(LocalError, match="organisation and a device"):
        make_test_pki({Role.SUPPLIER: ESME}, (ESME,), datetime(2026, 1, 1, tzinfo=UTC), _Octets())


def _json(pki: TestPki) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    document: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for number, ((entity, usage), holder) in enumerate(pki.holders.items()):
        use = "digitalSignature" if usage is Usage.DIGITAL_SIGNATURE else "keyAgreement"
        suffix = {"pp-ka": "PP-ka"}.get(holder.name[17:], "-" + holder.name[17:])
        fields: dict[str, object] = {
            "certificate": holder.certificate_pem().decode(),
            "privateKey": holder.key_pem().decode(),
            "name": f"Z1-party{suffix}",
        }
        if entity in pki.roles:
            fields["role"] = int(pki.roles[entity])
        document.setdefault(f"{entity:016x}", {}).setdefault(use, {})[str(number)] = fields
    return document


def test_a_json_key_store(pki: TestPki, tmp_path: Path) -> None:
    path = tmp_path / "keystore.json"
    path.write_text(json.dumps(_json(pki)))
    for place in (path, tmp_path):
        keys = open_keys(place)
        assert keys.access_control_broker == BROKER
        assert keys.role(SUPPLIER) is Role.SUPPLIER
        made = pki.key_store()
        for usage in (Usage.KEY_AGREEMENT, Usage.PREPAYMENT_KEY_AGREEMENT):
            assert keys.shared_secret(SUPPLIER, ESME, usage) == made.shared_secret(
                SUPPLIER, ESME, usage
            )


def test_generations_and_other_roles_of_a_json_key_store(pki: TestPki) -> None:
    document = _json(pki)
    [(_, first)] = document[f"{BROKER:016x}"]["digitalSignature"].items()
    other = {**first, "name": "Z1b-broker-ds"}
    other["certificate"] = pki.holders[SUPPLIER, Usage.DIGITAL_SIGNATURE].certificate_pem().decode()
    del other["privateKey"]
    xml = {**first, "name": "xml-sign-ds", "role": 137}
    document[f"{BROKER:016x}"]["digitalSignature"] = {"1": other, "2": first, "3": xml}
    text = json.dumps(document)
    assert read_keystore_json(text).has_private(BROKER, Usage.DIGITAL_SIGNATURE)
    taken = read_keystore_json(text, "Z1b")
    assert not taken.has_private(BROKER, Usage.DIGITAL_SIGNATURE)
    with pytest.raises(NoKeys, match="generations: Z1, Z1b"):
        read_keystore_json(text, "Z2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"00db1234567890a0": 1}',
        '{"00db1234567890a0": {"keyAgreement": 1}}',
        '{"00db1234567890a0": {"signing": {}}}',
        '{"00db1234567890a0": {"keyAgreement": {"1": {"certificate": "???"}}}}',
        '{"00db1234567890a0": {"keyAgreement": {"1": {"certificate": 5}}}}',
        '{"00db1234567890a0": {"keyAgreement": {"1": {"certificate": "AAAA"}}}}',
        '{"meter": {"keyAgreement": {"1": {"certificate": "AAAA"}}}}',
        "{}",
        "[" * 100_000,
    ],
    ids=range(11),
)
def test_what_is_no_key_store_is_named(text: str) -> None:
    with pytest.raises(GbcsError):
        read_keystore_json(text)


def test_no_key_store_at_all(tmp_path: Path) -> None:
    with pytest.raises(NoKeys):
        open_keys(tmp_path / "nowhere.json")
    with pytest.raises(NoKeys):
        open_keys(tmp_path)


USE_CASES = """
[[use_case]]
name = "GCS13a-short"
like = "GCS13a"
[[use_case.command]]
cluster = "0702"
command = "00"
control = "00"
attributes = ["0000"]

[[use_case]]
name = "ReadClock"
like = "ECS82"
title = "Read the clock"
[[use_case.item]]
do = "get"
at = "8/0-0:1.0.0.255/2"

[[use_case]]
name = "SetLabel"
code = "7F01"
category = "SME.C.NC"
technology = "DLMS"
targets = ["ESME"]
roles = ["SUPPLIER"]
[[use_case.item]]
do = "set"
at = "1/0-0:94.44.0.11/2"
name = "Label"
command = ["vs"]
fixed = "hall"
"""


def test_use_cases_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(USE_CASES)
    own = load_use_cases(tmp_path)
    address = Address(originator=SUPPLIER, recipient=GPF, originator_counter=1001)
    short = build(own["gcs13a-short"], {}, address)
    assert short.message_code == 0x0074
    assert short.payload.hex() == "010901010702000500000000" + "00"
    clock = build(own["readclock"], {}, address)
    assert clock.payload[7:17].hex() == "0100080000010000ff02"
    label = own["setlabel"]
    assert label.protections(Cra.COMMAND) == (Protection.MAC,)
    keys = KeyStore(access_control_broker=BROKER)
    keys.add_private(BROKER, Usage.KEY_AGREEMENT, 5)
    keys.add_private(GPF, Usage.KEY_AGREEMENT, 6)
    assert build(label, {}, address, keys).mac is not None
    [info] = parameters(label)
    assert (info.name, info.type, info.default) == ("Label", "vs", "hall")
    assert build(label, {"Label": "loft"}, address).payload.endswith(b"\x0a\x04loft")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "only"),
        ("[[use_case]]\nname = 'A'", "A: 'code'"),
        ("[[use_case]]\nname = 'A'\nlike = 'nothing'", "nothing"),
        ("[[use_case]]\nname = 'A'\nlike = 'GCS13a'\ncolour = 1", "unknown key 'colour'"),
        ("[[use_case]]\nname='A'\nlike='ECS82'\nitem=[{do='fly', at='1/0-0:1.0.0.255/2'}]", "fly"),
        ("[[use_case]]\nname='A'\nlike='ECS82'\nitem=[{do='get', at='1', x=1}]", "key 'x'"),
        ("[[use_case]]\nname='A'\nlike='ECS82'\nitem=5", "tables"),
        ("[[use_case", "use cases:"),
    ],
)
def test_a_mistake_in_a_use_case_file_is_named(text: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        read_use_cases(text)


def test_a_directory_without_use_cases(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="no use cases"):
        load_use_cases(tmp_path)

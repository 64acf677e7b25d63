"""The Reference Test Data Set: published messages and keys, as outside evidence.

``verify`` reads a directory of ``*.HEX`` files with a ``keystore`` beside or inside it and counts
what this package makes of every message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypedDict

from gbcs.alerts import DlmsAlert
from gbcs.body import Asn1Body, GbzAlertBody, decode_body, sealed_parts
from gbcs.dlms.apdu import AccessRequest, AccessResponse
from gbcs.envelope import Cra, Message
from gbcs.errors import GbcsError, LocalError, MalformedMessage
from gbcs.gbz import Gbz
from gbcs.keys import KeyStore
from gbcs.protection import Verdict, attribute_cipher
from gbcs.protection import verify as verify_message

_SUFFIX: Final = "_GBCS"
KEYSTORE: Final = "keystore"


class Verdicts(TypedDict):
    """How many checks came out how."""

    valid: int
    invalid: int
    no_key: int


class Parts(TypedDict):
    """Encrypted parts found, and opened."""

    total: int
    decrypted: int


class Report(TypedDict):
    """What became of the messages of a directory."""

    messages: int
    parsed: int
    rebuilt: int
    """Written again from the fields of the envelope alone, octet for octet."""
    mac: Verdicts
    signature: Verdicts
    gbz_parts: Parts
    dlms: int
    """Payloads read as DLMS; likewise below."""
    gbz: int
    asn1: int
    alerts: int
    """Alerts of any technology, counted among the three above as well."""
    reencoded: int
    """Payloads written again from their typed values alone, octet for octet."""
    parts: Parts
    """Encrypted parts of GBZ and DLMS together."""


@dataclass(frozen=True, slots=True)
class RtdsFile:
    """One file: its name without suffix says use case, service request, scenario and kind."""

    path: Path
    octets: bytes

    @property
    def name(self) -> str:
        """Name without directory and suffix, such as GCS13a_4.1.1_ERROR_COMMAND."""
        return self.path.stem.removesuffix(_SUFFIX)

    @property
    def kind(self) -> str:
        """PRECOMMAND, COMMAND, RESPONSE or ALERT; the last of these words in the name."""
        words = [w for w in self.name.split("_") if w in _KINDS]
        return words[-1] if words else ""


_KINDS: Final = frozenset({"PRECOMMAND", "COMMAND", "RESPONSE", "ALERT"})


def read_hex(text: str) -> bytes:
    """Octets of a text of hexadecimal digits; white space anywhere, a BOM and 0x are accepted."""
    digits = "".join(text.removeprefix("\ufeff").split())
    digits = digits.removeprefix("0x").removeprefix("0X")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise MalformedMessage("not a text of hexadecimal digits") from None


def read_directory(directory: Path) -> Iterator[RtdsFile]:
    """Every ``*.HEX`` file below a directory, in the order of their paths.

    LocalError when there is none.
    """
    paths = sorted(p for p in directory.rglob("*") if p.suffix.upper() == ".HEX")
    if not paths:
        raise LocalError(f"no .HEX files below {directory}")
    for path in paths:
        try:
            yield RtdsFile(path, read_hex(path.read_text("utf-8")))
        except (MalformedMessage, UnicodeDecodeError) as exc:
            raise MalformedMessage(f"{path.name}: {exc}") from exc


def find_keystore(directory: Path) -> KeyStore:
    """The key store that belongs to a directory of messages: inside it, or beside it."""
    for place in (directory / KEYSTORE, directory.parent / KEYSTORE, directory):
        if place.is_dir() and any(place.glob("*.pem")):
            return KeyStore.from_directory(place)
    raise LocalError(f"no {KEYSTORE} directory in or beside {directory}")


def pairs(files: list[RtdsFile]) -> Iterator[tuple[RtdsFile, RtdsFile]]:
    """Commands with the response that stands beside them."""
    by_path = {file.path: file for file in files}
    for file in files:
        if file.kind != "COMMAND":
            continue
        name = file.path.name.replace("_COMMAND", "_RESPONSE")
        if answer := by_path.get(file.path.with_name(name)):
            yield file, answer


def verify(directory: Path, keys: KeyStore | None = None) -> Report:
    """Parse, rebuild, verify and decrypt every message below a directory; count the outcomes."""
    keys = keys or find_keystore(directory)
    report = Report(
        messages=0,
        parsed=0,
        rebuilt=0,
        mac=Verdicts(valid=0, invalid=0, no_key=0),
        signature=Verdicts(valid=0, invalid=0, no_key=0),
        gbz_parts=Parts(total=0, decrypted=0),
        dlms=0,
        gbz=0,
        asn1=0,
        alerts=0,
        reencoded=0,
        parts=Parts(total=0, decrypted=0),
    )
    for file in read_directory(directory):
        report["messages"] += 1
        try:
            message = Message.parse(file.octets)
            _examine_envelope(message, file.octets, keys, report)
            _examine_body(message, keys, report)
        except MalformedMessage:
            continue
    return report


def _examine_envelope(message: Message, octets: bytes, keys: KeyStore, report: Report) -> None:
    report["parsed"] += 1
    # replace() drops the octets received: what is compared is built from the fields alone.
    report["rebuilt"] += replace(message).to_bytes() == octets
    found = verify_message(message, keys)
    _count(report["mac"], found.mac)
    _count(report["signature"], found.signature)


def _examine_body(message: Message, keys: KeyStore, report: Report) -> None:
    body = decode_body(message)
    is_gbz = isinstance(body, (Gbz, GbzAlertBody))
    report["gbz"] += is_gbz
    report["asn1"] += isinstance(body, Asn1Body)
    report["dlms"] += isinstance(body, (AccessRequest, AccessResponse, DlmsAlert))
    report["alerts"] += message.cra is Cra.ALERT
    report["reencoded"] += body.to_bytes() == message.payload
    for sealed in sealed_parts(body):
        opened = _opens(message, sealed, keys)
        for parts in (report["parts"], report["gbz_parts"]) if is_gbz else (report["parts"],):
            parts["total"] += 1
            parts["decrypted"] += opened


def _opens(message: Message, sealed: bytes, keys: KeyStore) -> bool:
    try:
        attribute_cipher(message, keys).open(sealed)
    except GbcsError:
        return False
    return True


def _count(verdicts: Verdicts, verdict: Verdict) -> None:
    if verdict is Verdict.VALID:
        verdicts["valid"] += 1
    elif verdict is Verdict.INVALID:
        verdicts["invalid"] += 1
    elif verdict is Verdict.NO_KEY:
        verdicts["no_key"] += 1

"""GBCS messages out of captures of the HAN, with tshark doing the radio's decryption.

tshark knows MAC, network and APS security, reassembles APS fragments, and finds GBCS inside the
tunnels; it is started as a program and need not be installed for anything else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gbcs.errors import LocalError, MalformedMessage

_MAGIC: Final = (
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x0a\x0d\x0d\x0a",
)
_LAYER: Final = "gbcs_message_raw"
_BARE_MESSAGES: Final = 'uat:user_dlts:"User 0 (DLT=147)","gbcs_message","0","","0",""'
_TIMEOUT_S: Final = 120.0


def is_capture(octets: bytes) -> bool:
    """Whether octets start like a pcap or pcapng file."""
    return octets[:4] in _MAGIC


def messages_in_capture(octets: bytes, keys: Sequence[str] = ()) -> tuple[bytes, ...]:
    """Every GBCS message of a capture, in the order of the frames.

    ``keys`` are network and link keys, 32 hexadecimal digits with or without colons. LocalError
    when tshark is missing or a key is no key, MalformedMessage when tshark cannot read the
    capture, or finds no message in it with these keys.
    """
    program = shutil.which("tshark")
    if program is None:
        raise LocalError("reading captures needs tshark, which is not installed")
    command = [program, "-r", "-", "-o", _BARE_MESSAGES]
    try:
        with _knowing([_key_row(key) for key in keys]) as environment:
            done = subprocess.run(
                [*command, "-Y", "gbcs_message", "-T", "jsonraw", "-J", "gbcs_message"],
                input=octets,
                capture_output=True,
                check=False,
                timeout=_TIMEOUT_S,
                env=environment,
            )
    except subprocess.TimeoutExpired:
        raise LocalError(f"tshark took more than {_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        raise MalformedMessage(f"tshark: {done.stderr.decode(errors='replace').strip()}")
    messages = tuple(_raw_layers(json.loads(done.stdout or b"[]")))
    if not messages:
        raise MalformedMessage(f"no GBCS message in the capture (keys given: {len(keys)})")
    return messages


@contextmanager
def _knowing(key_rows: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The environment of a tshark that knows keys, which its command line would show to others.

    Without keys it is the user's own tshark, with those of his settings.
    """
    if not key_rows:
        yield os.environ
        return
    with TemporaryDirectory(prefix="chub-") as folder:  # only its owner can look into it
        Path(folder, "zigbee_pc_keys").write_text("\n".join(key_rows) + "\n")
        yield {**os.environ, "WIRESHARK_CONFIG_DIR": folder}


def _key_row(key: str) -> str:
    digits = key.replace(":", "").replace("-", "").removeprefix("0x")
    if len(digits) != 32 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise LocalError("a network or link key is 32 hexadecimal digits")
    return f'"{digits}","Normal","chub"'


def _raw_layers(document: object) -> Iterator[bytes]:
    if isinstance(document, list):
        for part in document:
            yield from _raw_layers(part)
    elif isinstance(document, dict):
        for name, part in document.items():
            if name == _LAYER:
                yield from _raw_octets(part)
            else:
                yield from _raw_layers(part)


def _raw_octets(layer: object) -> Iterator[bytes]:
    """A layer is [digits, place, length, ...]; several of them are a list of such."""
    if isinstance(layer, list) and layer and isinstance(layer[0], str):
        yield bytes.fromhex(layer[0])
    elif isinstance(layer, list):
        for part in layer:
            yield from _raw_octets(part)

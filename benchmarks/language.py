"""The language: messages per second over the reference messages, and what an import costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from gbcs.body import decode_body, open_body, sealed_parts
from gbcs.envelope import Message
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher, verify
from gbcs.rtds import find_keystore, read_directory

Figure = tuple[str, float, str]
ROUNDS = 5
_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "rtds"


def figures() -> Iterator[Figure]:
    """Best of some rounds, one thread."""
    yield "import gbcs", _import_ms("gbcs"), "ms"
    yield (
        "import envelope, keys, protection, bodies",
        _import_ms("gbcs.body, gbcs.protection"),
        "ms",
    )
    place = Path(os.environ.get("CHUB_RTDS") or _BESIDE_THE_PROJECT)
    if not place.is_dir():
        return
    messages = [file.octets for file in read_directory(place)]
    keys = find_keystore(place)
    yield "decode envelope", _rate(messages, Message.parse), "messages/s"
    yield "decode envelope and body", _rate(messages, _decode), "messages/s"
    parsed = [Message.parse(octets) for octets in messages]
    yield "verify, secrets cached", _rate(parsed, lambda m: verify(m, keys)), "messages/s"
    unsigned = [message for message in parsed if not message.signature]
    yield "verify MAC only", _rate(unsigned, lambda m: verify(m, keys)), "messages/s"
    yield "decode, verify, decrypt", _rate(messages, lambda o: _everything(o, keys)), "messages/s"


def _decode(octets: bytes) -> None:
    decode_body(Message.parse(octets))


def _everything(octets: bytes, keys: KeyStore) -> None:
    message = Message.parse(octets)
    verify(message, keys)
    body = decode_body(message)
    if sealed_parts(body):
        open_body(body, attribute_cipher(message, keys))


T = TypeVar("T")


def _rate(items: list[T], action: Callable[[T], object]) -> float:
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for item in items:
            action(item)
        best = max(best, len(items) / (time.perf_counter() - start))
    return best


def _import_ms(names: str) -> float:
    """Time of an import in a fresh interpreter, less that of an empty one; best of some."""

    def run(script: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", script], check=True)
        return time.perf_counter() - start

    empty = min(run("pass") for _ in range(ROUNDS))
    return 1000 * (min(run(f"import {names}") for _ in range(ROUNDS)) - empty)

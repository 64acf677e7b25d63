"""Mutated messages through every decoder: nothing but GbcsError escapes, nothing takes long.

    python -m tests.gbcs.fuzz [--seconds 30] [--seed 1] [--count 0]

Starts from reference messages when they are at hand, else from commands built here. Prints what it
did; ends with 1 when something broke a rule, together with the octets that did it.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gbcs.body import decode_body, open_body
from gbcs.build import Address, arguments_of, build
from gbcs.catalogue import all_use_cases
from gbcs.catalogue.use_case import Kind
from gbcs.envelope import Message
from gbcs.errors import GbcsError, LocalError
from gbcs.explain import explain
from gbcs.gbt import Block, split
from gbcs.keys import KeyStore
from gbcs.protection import attribute_cipher, protect, verify
from gbcs.rtds import find_keystore, read_directory
from gbcs.sources import messages_in
from tests.gbcs.samples import COMMAND, RESPONSE

LIMIT_MS = 50.0
"""Longest time one input may take, of this process, best of three tries."""
LIMIT_OCTETS = 64 << 20
"""Most memory one input may make this process allocate."""
_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[3] / "shared" / "rtds"


def corpus() -> tuple[list[bytes], KeyStore]:
    """Messages to start from, and keys for them."""
    place = Path(os.environ.get("CHUB_RTDS") or _BESIDE_THE_PROJECT)
    if place.is_dir():
        return [file.octets for file in read_directory(place)], find_keystore(place)
    built = [COMMAND, RESPONSE]
    address = Address(originator=1, recipient=2, originator_counter=3)
    for use_case in all_use_cases():
        if use_case.kind is Kind.COMMAND:
            with contextlib.suppress(LocalError):  # it needs parameters
                built.append(build(use_case, {}, address).to_bytes())
    return built, KeyStore(access_control_broker=1)


def mutate(octets: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change a message: flip, cut, repeat, insert, splice, or set a length to an extreme."""
    out = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(8)
        if kind < 3 and at < len(out):
            out[at] = chance.choice((0, 1, 0x7F, 0x80, 0x81, 0x82, 0xFF, chance.randrange(256)))
        elif kind == 3:
            del out[at : at + chance.randrange(1, 9)]
        elif kind == 4:
            out[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 5:
            out[at:at] = out[at : at + 32] * chance.randrange(1, 40)
        elif kind == 6:
            start = chance.randrange(len(other))
            out[at:] = other[start:]
        else:
            out[at:at] = bytes.fromhex(chance.choice(("82FFFF", "83FFFFFF", "0182FFFF", "30" * 40)))
        if not out:
            out = bytearray(b"\xdf")
    return bytes(out)


def reseal(octets: bytes, changed: bytes) -> bytes:
    """Put a changed payload into a sound envelope, so that the inner decoders see it."""
    message = Message.parse(octets)
    return replace(message, payload=changed).to_bytes()


def check(octets: bytes, keys: KeyStore) -> None:
    """Everything the language can do with octets from outside."""
    _allow(lambda: Block.parse(octets))
    _allow(lambda: messages_in(octets))
    _allow(lambda: json.dumps(explain(octets, keys).to_plain(), ensure_ascii=False).encode())
    try:
        message = Message.parse(octets)
    except GbcsError:
        return
    _allow(lambda: verify(message, keys))
    _allow(lambda: protect(message, keys))
    _allow(lambda: arguments_of(message))
    _allow(lambda: split(octets, 700))
    _allow(lambda: open_body(decode_body(message), attribute_cipher(message, keys)))
    _allow(lambda: decode_body(message).to_bytes())


def _allow(action: Callable[[], object]) -> None:
    with contextlib.suppress(GbcsError):
        action()


def _milliseconds(octets: bytes, keys: KeyStore) -> float:
    start = time.process_time()
    check(octets, keys)
    return (time.process_time() - start) * 1000


def run(seconds: float, seed: int, count: int) -> int:
    """Mutate until the time is over, or for ``count`` inputs; 0 when every rule held."""
    messages, keys = corpus()
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    done, slowest = 0, 0.0
    while done < count if count else time.monotonic() < end:
        octets, other = chance.choice(messages), chance.choice(messages)
        if chance.random() < 0.5:
            changed = mutate(octets, other, chance)
        else:
            changed = reseal(octets, mutate(Message.parse(octets).payload, other, chance))
        try:
            taken = _milliseconds(changed, keys)
            if taken > LIMIT_MS:
                taken = min(_milliseconds(changed, keys) for _ in range(3))
            if taken > LIMIT_MS:
                raise TimeoutError(f"took {taken:.0f} ms")
        except Exception as exc:  # noqa: BLE001 - any escape is the finding
            print(f"seed {seed}, input {done}: {exc!r}\n{changed.hex()}")
            return 1
        slowest = max(slowest, taken)
        done += 1
    print(f"{done} inputs, seed {seed}, slowest {slowest:.1f} ms, {_memory(messages, keys)}")
    return 0


def _memory(messages: list[bytes], keys: KeyStore) -> str:
    """Peak allocation over a few nasty inputs."""
    head = Message.parse(messages[0])
    nasty = (
        b"\xd9\x20\x00\x00\x00\x00\x83\xff\xff\xff",
        b"\x0f\x20\x00\x00\x00\x00" + b"\x01\x01" * 60000,
    )
    tracemalloc.start()
    for payload in nasty:
        check(replace(head, payload=payload).to_bytes(), keys)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if peak > LIMIT_OCTETS:
        raise MemoryError(f"{peak} octets for a nasty input")
    return f"peak {peak / 1e6:.1f} MB"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    options = parser.parse_args()
    sys.exit(run(options.seconds, options.seed, options.count))


if __name__ == "__main__":
    main()

"""``chub rtds replay``: recorded commands sent to fresh emulated devices, Responses compared.

For each pair a home with the recorded identities is booted on the ether, its devices are brought
into the state that the recorded Response reports (a failing item is made to fail), the command goes
in on the WAN side, and what comes back is compared: grouping header and decrypted payload.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.errors import innermost
from bench.replay_chf import replay_at_chf
from bench.replay_controller import replay_at_controller
from bench.replay_esme import replay_at_esme
from bench.replay_gas import replay_at_gas
from bench.replay_pair import (
    CHF,
    ESME,
    GPF,
    GSME,
    HCALCS,
    PPMID,
    SAPC,
    TYPES,
    Pair,
    Unsupported,
    only_in_part,
    type_of,
)
from bench.root_key import learn_root
from chub.own_commands import use_cases as chf_use_cases
from device.common import common_use_cases
from esme.device import use_cases as esme_use_cases
from esme.sapc.device import CONTROL_USE_CASES
from gbcs.catalogue import by_code
from gbcs.envelope import Message
from gbcs.eui64 import format_eui64
from gbcs.gbz import PROFILE_ID, Gbz
from gbcs.keys import KeyStore, Usage
from gbcs.protection import attribute_cipher
from gbcs.rtds import RtdsFile, find_keystore, pairs, read_directory
from gpf.device import use_cases as gpf_use_cases
from gsme.meter import use_cases as gsme_use_cases

_DEVICE_USE_CASES: Final[dict[int, Callable[[], tuple[str, ...]]]] = {
    ESME: esme_use_cases,
    GSME: gsme_use_cases,
    GPF: gpf_use_cases,
    CHF: chf_use_cases,
    SAPC: lambda: CONTROL_USE_CASES,
}
_SHARING: Final = frozenset(TYPES.values())
"""Devices that are emulated and answer the commands that all share."""
_SIGNING_KEY: Final = 0x2A
"""Stands in for the devices' private signing keys, which nobody has; no signature is compared."""


@dataclass(slots=True)
class Outcome:
    """What became of every pair."""

    pairs: int = 0
    matched: int = 0
    mismatched: list[dict[str, str]] = field(default_factory=list)
    unsupported: list[dict[str, str]] = field(default_factory=list)
    in_part: list[dict[str, str]] = field(default_factory=list)
    """Pairs that match, of which a part cannot be compared."""

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "pairs": self.pairs,
            "matched": self.matched,
            "mismatched": self.mismatched,
            "unsupported": self.unsupported,
            "in_part": self.in_part,
        }


def replay_directory(
    directory: Path, keys: KeyStore | None = None, only: str | None = None
) -> Outcome:
    """Replay every pair below a directory, or those of one use case."""
    store = keys or find_keystore(directory)
    outcome = Outcome()
    files = list(read_directory(directory))
    learn_root(store, (Message.parse(file.octets) for file in files if file.kind == "COMMAND"))
    for recorded, answer in pairs(files):
        if only is not None and not recorded.name.startswith(f"{only}_"):
            continue
        outcome.pairs += 1
        _replay_one(recorded, answer, store, outcome)
    return outcome


def _replay_one(recorded: RtdsFile, answer: RtdsFile, keys: KeyStore, outcome: Outcome) -> None:
    entry = {"pair": recorded.name}
    try:
        pair = pair_of(recorded, answer, keys)
        difference = replay(pair, keys)
    except Exception as raised:  # noqa: BLE001 - a fault of ours at one pair must not hide the rest
        cause = innermost(raised)
        if isinstance(cause, Unsupported):
            outcome.unsupported.append(entry | {"reason": str(cause)})
        else:
            outcome.mismatched.append(entry | {"reason": f"{type(cause).__name__}: {cause}"})
        return
    if difference is None:
        outcome.matched += 1
        if (part := only_in_part(pair)) is not None:
            outcome.in_part.append(entry | {"reason": part})
    else:
        outcome.mismatched.append(entry | {"reason": difference})


def pair_of(recorded: RtdsFile, answer: RtdsFile, keys: KeyStore) -> Pair:
    """The pair of two files; Unsupported when no device of the bench answers it."""
    command, response = Message.parse(recorded.octets), Message.parse(answer.octets)
    use_case = by_code(response.message_code)
    known = _DEVICE_USE_CASES.get(response.originator & 0xFF, tuple)
    kind = type_of(response.originator)
    shared = common_use_cases(kind) if kind in _SHARING else ()
    if use_case is None or use_case.name not in (*known(), *shared):
        name = use_case.name if use_case else f"message code {response.message_code:04X}"
        raise Unsupported(f"{name} at {format_eui64(response.originator)} is not emulated")
    expected: Gbz | None = None
    if response.payload[:2] == PROFILE_ID.to_bytes(2):
        expected = Gbz.parse(response.payload)
        if expected.has_sealed:
            expected = expected.opened(attribute_cipher(response, keys))
    return Pair(recorded.name, command, response, expected, recorded.octets)


def replay(pair: Pair, keys: KeyStore) -> str | None:
    """Replay one pair on a fresh home; None when it matches, else what differs."""
    learn_root(keys, [pair.command])
    usage = Usage.DIGITAL_SIGNATURE
    if not keys.has_private(pair.device, usage):
        held = (
            keys.certificate(pair.device, usage).der
            if keys.has_public(pair.device, usage)
            else None
        )
        keys.add_private(pair.device, usage, _SIGNING_KEY, certificate=held)
    if pair.device & 0xFF == ESME:
        return replay_at_esme(pair, keys)
    if pair.device & 0xFF == CHF:
        return replay_at_chf(pair, keys)
    if pair.device & 0xFF in (PPMID, HCALCS, SAPC):
        return replay_at_controller(pair, keys)
    return replay_at_gas(pair, keys)

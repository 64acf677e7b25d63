"""What a node must remember: network, keys, counters, children, addresses; and where it is kept.

Frame counters are reserved in steps: the stored value is the end of the step, so a node that dies
at any moment comes back with a counter it has never used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

from han.radio import RadioError, Role
from hw.key_ring import NO_KEY, KeyRing

COUNTER_STEP: Final = 4096
_BETWEEN: Final = "/"  # the name of a radio and that of a part, in a file of several
SEQUENCE_STEP: Final = 61
"""How far apart the short sequence numbers of two lives begin: beyond what peers remember."""


class Store(Protocol):
    """Non-volatile memory, by named part. The octets hold keys in clear: keep them as secrets."""

    def load(self, part: str) -> bytes | None:
        """The last octets saved under this name."""
        ...

    def save(self, part: str, octets: bytes) -> None:
        """Replace them; durable when the call returns."""
        ...


class MemoryStore:
    """Survives resets of the radio, not the end of the process; ``parts`` may be handed on."""

    def __init__(self, parts: dict[str, bytes] | None = None) -> None:
        self.parts = {} if parts is None else parts

    def load(self, part: str) -> bytes | None:
        """See :class:`Store`."""
        return self.parts.get(part)

    def save(self, part: str, octets: bytes) -> None:
        """See :class:`Store`."""
        self.parts[part] = octets


class FileStore:
    """One JSON file, replaced as a whole, readable by its owner only.

    It is the memory of one radio, or of several, each with a scope of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: dict[str, str] = {}
        if path.exists():
            try:
                self._parts = dict(json.loads(path.read_text()))
            except (ValueError, TypeError) as exc:
                raise RadioError(f"{path} is not a radio memory file: {exc}") from exc

    def scope(self, name: str) -> Store:
        """The memory of the radio of this name.

        What the file holds of a radio without a name becomes that of the first that is asked for.
        """
        if all(_BETWEEN not in part for part in self._parts):
            self._parts = {f"{name}{_BETWEEN}{part}": kept for part, kept in self._parts.items()}
        return _Scope(self, name)

    def load(self, part: str) -> bytes | None:
        """See :class:`Store`."""
        return self._parts[part].encode() if part in self._parts else None

    def save(self, part: str, octets: bytes) -> None:
        """See :class:`Store`."""
        self._parts[part] = octets.decode()
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(self._parts))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The parts of one radio in a file of several."""

    file: FileStore
    name: str

    def load(self, part: str) -> bytes | None:
        """See :class:`Store`."""
        return self.file.load(f"{self.name}{_BETWEEN}{part}")

    def save(self, part: str, octets: bytes) -> None:
        """See :class:`Store`."""
        self.file.save(f"{self.name}{_BETWEEN}{part}", octets)


@dataclass(slots=True)
class LinkKey:
    """The APS link key shared with one peer, and the last frame counter accepted under it."""

    key: bytes = field(repr=False)
    incoming: int = -1


@dataclass(slots=True)
class Child:
    """A device whose parent this node is."""

    nwk: int
    rx_on_when_idle: bool
    authenticated: bool = False
    router: bool = False
    associating: bool = field(default=False, compare=False)  # it has not fetched its answer yet
    heard_s: float = field(default=0.0, compare=False)
    last_poll_s: float = field(default=float("-inf"), compare=False)

    @property
    def role(self) -> Role:
        """What it is on the network."""
        if self.router:
            return Role.ROUTER
        return Role.END_DEVICE if self.rx_on_when_idle else Role.SLEEPY_END_DEVICE


@dataclass(frozen=True, slots=True)
class Membership:
    """The network this node is on, or was on when it last ran."""

    role: Role
    channel: int
    pan_id: int
    extended_pan_id: int
    network_key: bytes = field(repr=False)
    key_sequence: int = 0
    nwk: int = 0
    trust_centre: int = 0
    update_id: int = 0
    other_key: bytes = field(default=NO_KEY, repr=False)
    other_sequence: int = 0

    @property
    def next_key(self) -> bytes | None:
        """The other key, if it is the one to be used next and not the one used before."""
        ahead = self.other_sequence - self.key_sequence & 0xFF
        return self.other_key if self.other_key != NO_KEY and 0 < ahead < 0x80 else None

    def key_of(self, sequence: int) -> bytes | None:
        """The key of this sequence number, if it is one of the two."""
        if sequence == self.key_sequence:
            return self.network_key
        known = sequence == self.other_sequence and self.other_key != NO_KEY
        return self.other_key if known else None

    def switched(self) -> Membership:
        """The same with the two keys changed round."""
        return replace(
            self,
            network_key=self.other_key,
            key_sequence=self.other_sequence,
            other_key=self.network_key,
            other_sequence=self.key_sequence,
        )


class NodeState:
    """The non-volatile state of one node; every change that matters is saved at once."""

    PART: Final = "stack"

    def __init__(self, store: Store, ring: KeyRing | None = None) -> None:
        self._store = store
        self._ring = KeyRing() if ring is None else ring
        self.membership: Membership | None = None
        self.link_keys: dict[int, LinkKey] = {}
        self.addresses: dict[int, int] = {}
        self.children: dict[int, Child] = {}
        self.expelled: set[int] = set()
        self.nwk_incoming: dict[int, int] = {}
        self._eui64_by_nwk: dict[int, int] = {}
        self.nwk_counter = FrameCounter(self.save)
        self.aps_counter = FrameCounter(self.save)
        octets = store.load(self.PART)
        if octets is not None:
            self._restore(octets)

    @property
    def first_sequence(self) -> int:
        """Where the 8-bit sequence numbers of a life begin.

        Each life has another, for peers remember those of the last seconds, and what comes again
        under one of them is acknowledged and dropped.
        """
        return self.nwk_counter.reserved // COUNTER_STEP * SEQUENCE_STEP & 0xFF

    def save(self) -> None:
        """Write everything, with both counters at the end of their reserved step."""
        membership = None
        if self.membership is not None:
            membership = asdict(self.membership)
            membership["role"] = self.membership.role.value
            for name, key in (
                ("network_key", self.membership.network_key),
                ("other_key", self.membership.other_key),
            ):
                membership[name] = key.hex()
                self._ring.note(key)
        record = {
            "membership": membership,
            "link_keys": {
                f"{e:016X}": [k.key.hex(), k.incoming] for e, k in self.link_keys.items()
            },
            "addresses": {f"{e:016X}": nwk for e, nwk in self.addresses.items()},
            "children": {
                f"{e:016X}": [c.nwk, c.rx_on_when_idle, c.authenticated, c.router]
                for e, c in self.children.items()
            },
            "expelled": [f"{e:016X}" for e in sorted(self.expelled)],
            "nwk_incoming": {f"{e:016X}": n for e, n in self.nwk_incoming.items()},
            "nwk_counter": self.nwk_counter.reserved,
            "aps_counter": self.aps_counter.reserved,
        }
        self._store.save(self.PART, json.dumps(record).encode())

    def _restore(self, octets: bytes) -> None:
        try:
            record = json.loads(octets)
            kept = record["membership"]
            if kept is not None:
                kept["role"] = Role(kept["role"])
                for name in {"network_key", "other_key"} & set(kept):
                    kept[name] = bytes.fromhex(kept[name])
                    self._ring.note(kept[name])
                self.membership = Membership(**kept)
            for name, (key, incoming) in record["link_keys"].items():
                self.link_keys[int(name, 16)] = LinkKey(bytes.fromhex(key), incoming)
                self._ring.note(bytes.fromhex(key))
            for name, nwk in record["addresses"].items():
                self._map(int(name, 16), nwk)
            for name, child in record["children"].items():
                self.children[int(name, 16)] = Child(*child)
            self.expelled = {int(name, 16) for name in record["expelled"]}
            self.nwk_incoming = {int(k, 16): n for k, n in record["nwk_incoming"].items()}
            self.nwk_counter.resume(record["nwk_counter"])
            self.aps_counter.resume(record["aps_counter"])
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise RadioError(f"stored radio state cannot be read: {exc!r}") from exc

    def learn(self, eui64: int, nwk: int) -> None:
        """Remember where a node is; saved when it is news."""
        if self.addresses.get(eui64) != nwk:
            self._map(eui64, nwk)
            self.save()

    def _map(self, eui64: int, nwk: int) -> None:
        former = self._eui64_by_nwk.pop(nwk, None)
        if former is not None:
            self.addresses.pop(former, None)
        self._eui64_by_nwk.pop(self.addresses.get(eui64, -1), None)
        self.addresses[eui64] = nwk
        self._eui64_by_nwk[nwk] = eui64

    def eui64_of(self, nwk: int) -> int | None:
        """Who has this short address."""
        return self._eui64_by_nwk.get(nwk)

    def set_link_key(self, eui64: int, key: bytes) -> None:
        """Use this key with this peer; the old key's counter means nothing for the new one."""
        known = self.link_keys.get(eui64)
        if known is None or known.key != key:
            self.link_keys[eui64] = LinkKey(key)
            self._ring.note(key)
            self.save()

    def forget_peer(self, eui64: int) -> None:
        """Drop key, address, child entry and counters of a device that is gone for good."""
        self.link_keys.pop(eui64, None)
        self.children.pop(eui64, None)
        self.nwk_incoming.pop(eui64, None)
        nwk = self.addresses.pop(eui64, None)
        if nwk is not None:
            self._eui64_by_nwk.pop(nwk, None)
        self.save()

    def forget_network(self) -> None:
        """Back to factory state, but for the frame counters, which only ever grow."""
        self.membership = None
        self.link_keys.clear()
        self.addresses.clear()
        self._eui64_by_nwk.clear()
        self.children.clear()
        self.expelled.clear()
        self.nwk_incoming.clear()
        self.save()


class FrameCounter:
    """An outgoing frame counter that never repeats, not even over a power cut."""

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._next = 0
        self.reserved = 0

    @property
    def value(self) -> int:
        """The counter the next frame will carry."""
        return self._next

    def resume(self, reserved: int) -> None:
        """Go on behind everything that may have been used."""
        self._next = self.reserved = reserved

    def take(self) -> int:
        """The counter for one frame."""
        value = self._next
        if value >= self.reserved:
            self.reserved = value + COUNTER_STEP
            self._save()
        self._next = value + 1
        return value

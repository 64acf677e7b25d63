"""EZSP commands on keys: initial security, transient keys, the link key table, exports.

And who may join.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from han.radio import JoinKind
from hw.ezsp_layout import Fields, Value
from hw.ezsp_status import Status
from hw.vncp import memory
from hw.vncp.ezsp import Command
from hw.vncp.memory import SecurityState, TableKey, TransientKey
from hw.vncp.networking import GLOBAL_LINK_KEY, HASHED_LINK_KEY, HAVE_TRUST_CENTRE_LINK_KEY

if TYPE_CHECKING:
    from hw.vncp.ncp import VirtualNcp

OK: Final[Fields] = {"status": Status.OK}
WILDCARD: Final = (1 << 64) - 1
TRUST_CENTRE_POLICY: Final = 0x00
ALLOW_JOINS: Final = 0x01
ALLOW_UNSECURED_REJOINS: Final = 0x02
JOINS_USE_INSTALL_CODE_KEY: Final = 0x10
NO_INDEX: Final = 0xFF
NO_KEY: Final = bytes(16)
KEY_TYPE_NETWORK: Final = 1
KEY_TYPE_TRUST_CENTRE_LINK: Final = 2
KEY_TYPE_APPLICATION_LINK: Final = 4
LEGACY_TRUST_CENTRE_LINK_KEY: Final = 1
LEGACY_CURRENT_NETWORK_KEY: Final = 3
HAS_SEQUENCE: Final = 0x01
HAS_OUTGOING: Final = 0x02
HAS_INCOMING: Final = 0x04
HAS_PARTNER: Final = 0x08
HAS_KEY_DATA: Final = 0x100


def preconfigured(ncp: VirtualNcp, eui64: int, kind: JoinKind) -> bytes | None:
    """The key that admits a device under the present policy; None turns it away."""
    policy = ncp.ram.policies[TRUST_CENTRE_POLICY]
    if kind is JoinKind.UNSECURED_REJOIN and not policy & ALLOW_UNSECURED_REJOINS:
        return None
    if kind is JoinKind.ASSOCIATED and not policy & ALLOW_JOINS:
        return None
    own = _transient(ncp, eui64)
    if own is None and ncp.key_table_admits:
        own = next((k.key for k in ncp.tokens.key_table.values() if k.eui64 == eui64), None)
    if own is not None or policy & JOINS_USE_INSTALL_CODE_KEY:
        return own
    return _transient(ncp, WILDCARD)


def _transient(ncp: VirtualNcp, eui64: int) -> bytes | None:
    entry = ncp.ram.transient_keys.get(eui64)
    if entry is None:
        return None
    if entry.expires_s <= asyncio.get_running_loop().time():
        del ncp.ram.transient_keys[eui64]
        return None
    return entry.key


def set_initial_security(ncp: VirtualNcp, command: Command) -> Fields:
    """Keys for the next form or join."""
    state = command.structure("state")
    bitmask, sequence = state["bitmask"], state["networkKeySequenceNumber"]
    preconfigured_key, network_key = state["preconfiguredKey"], state["networkKey"]
    if ncp.stack.on_network:
        return {"status": Status.INVALID_CALL}
    if not (isinstance(bitmask, int) and isinstance(sequence, int)):
        return {"status": Status.INVALID_PARAMETER}
    if not (isinstance(preconfigured_key, bytes) and isinstance(network_key, bytes)):
        return {"status": Status.INVALID_PARAMETER}
    ncp.ram.security = SecurityState(bitmask, preconfigured_key, network_key, sequence)
    return OK


def current_security(ncp: VirtualNcp, command: Command) -> Fields:
    """How the present network is secured, and who its trust centre is."""
    membership = ncp.stack.state.membership
    bitmask = HAVE_TRUST_CENTRE_LINK_KEY
    if ncp.tokens.hashed_link_key is not None:
        bitmask |= GLOBAL_LINK_KEY | HASHED_LINK_KEY
    trust_centre = membership.trust_centre if membership is not None else 0
    status = Status.OK if membership is not None else Status.NOT_JOINED
    return {
        "status": status,
        "state": {"bitmask": bitmask, "trustCenterLongAddress": trust_centre},
    }


def import_transient_key(ncp: VirtualNcp, command: Command) -> Fields:
    """A link key for one joiner (all-ones: any), for a limited time."""
    timeout_s = ncp.ram.configuration[memory.CONFIG_TRANSIENT_KEY_TIMEOUT]
    expires_s = asyncio.get_running_loop().time() + timeout_s
    ncp.ram.transient_keys[command.number("eui64")] = TransientKey(command.octets("key"), expires_s)
    return OK


def clear_transient_keys(ncp: VirtualNcp, command: Command) -> Fields:
    """Forget all transient keys."""
    ncp.ram.transient_keys.clear()
    return {}


# -- the link key table -------------------------------------------------------------------------


def import_link_key(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 12+: write one entry; 0xFF takes the entry of this address, or a free one."""
    return {"status": _write(ncp, command.number("index"), command)}


def set_key_entry(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 12: write one entry."""
    return {"status": _write(ncp, command.number("index"), command)}


def add_or_update_key(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 12: write the entry of this address, or a free one."""
    return {"status": _write(ncp, NO_INDEX, command)}


def _write(ncp: VirtualNcp, index: int, command: Command) -> Status:
    return store(ncp, index, command.number("eui64"), command.octets("key"))


def store(ncp: VirtualNcp, index: int, eui64: int, key: bytes) -> Status:
    """Write one entry; NO_INDEX takes the entry of this address, or a free one."""
    if eui64 in (0, WILDCARD):
        return Status.INVALID_PARAMETER
    if index == NO_INDEX:
        place = place_of(ncp, eui64)
        if place is None:
            return Status.TABLE_FULL
        index = place
    if index >= ncp.ram.configuration[memory.CONFIG_KEY_TABLE_SIZE]:
        return Status.INDEX_OUT_OF_RANGE
    ncp.tokens.key_table[index] = TableKey(eui64, key)
    ncp.tokens.save()
    if ncp.stack.on_network:
        ncp.stack.state.set_link_key(eui64, key)
    return Status.OK


def place_of(ncp: VirtualNcp, eui64: int) -> int | None:
    """The entry of this address, else a free one; None in a full table."""
    known = _index_of(ncp, eui64)
    if known is not None:
        return known
    size = ncp.ram.configuration[memory.CONFIG_KEY_TABLE_SIZE]
    return next((slot for slot in range(size) if slot not in ncp.tokens.key_table), None)


def _index_of(ncp: VirtualNcp, eui64: int) -> int | None:
    return next((i for i, k in ncp.tokens.key_table.items() if k.eui64 == eui64), None)


def find_key(ncp: VirtualNcp, command: Command) -> Fields:
    """Index of the entry of this address; all-zero finds a free one."""
    eui64 = command.number("eui64")
    if eui64:
        index = _index_of(ncp, eui64)
    else:
        size = ncp.ram.configuration[memory.CONFIG_KEY_TABLE_SIZE]
        index = next((slot for slot in range(size) if slot not in ncp.tokens.key_table), None)
    return {"index": NO_INDEX if index is None else index}


def erase_key(ncp: VirtualNcp, command: Command) -> Fields:
    """Erase one entry; the peer's link key is gone."""
    entry = ncp.tokens.key_table.pop(command.number("index"), None)
    if entry is None:
        return {"status": Status.TABLE_ENTRY_ERASED}
    ncp.tokens.save()
    ncp.stack.forget_link_key(entry.eui64)
    return OK


def clear_key_table(ncp: VirtualNcp, command: Command) -> Fields:
    """Erase every entry."""
    for entry in ncp.tokens.key_table.values():
        ncp.stack.forget_link_key(entry.eui64)
    ncp.tokens.key_table.clear()
    ncp.tokens.save()
    return OK


# -- exports ------------------------------------------------------------------------------------


def export_by_index(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 12+: one entry of the table."""
    return _export(ncp, command.number("index"), ncp.tokens.key_table.get(command.number("index")))


def export_by_eui64(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 12+: the entry of this address."""
    index = _index_of(ncp, command.number("eui64"))
    entry = None if index is None else ncp.tokens.key_table[index]
    return _export(ncp, NO_INDEX if index is None else index, entry)


def _export(ncp: VirtualNcp, index: int, entry: TableKey | None) -> Fields:
    eui64 = 0 if entry is None else entry.eui64
    return {
        "status": Status.NOT_FOUND if entry is None else Status.OK,
        "eui64": eui64,
        "index": index,
        "key": NO_KEY if entry is None else entry.key,
        "context": _context(KEY_TYPE_APPLICATION_LINK, index, eui64),
        "key_data": {
            "bitmask": 0 if entry is None else HAS_OUTGOING | HAS_INCOMING | HAS_KEY_DATA,
            "outgoing_frame_counter": ncp.stack.state.aps_counter.value,
            "incoming_frame_counter": _incoming(ncp, eui64),
            "ttl_in_seconds": 0,
        },
    }


def _incoming(ncp: VirtualNcp, eui64: int) -> int:
    known = ncp.stack.state.link_keys.get(eui64)
    return max(known.incoming, 0) if known is not None else 0


def _context(kind: int, index: int, eui64: int) -> dict[str, Value]:
    return {
        "core_key_type": kind, "key_index": index, "derived_type": 0, "eui64": eui64,
        "multi_network_index": 0, "flags": 0, "psa_key_alg_permission": 0,
    }  # fmt: skip


def key_entry(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 12: one entry of the table."""
    index = command.number("index")
    if index >= ncp.ram.configuration[memory.CONFIG_KEY_TABLE_SIZE]:
        status = Status.INDEX_OUT_OF_RANGE
    else:
        status = Status.OK if index in ncp.tokens.key_table else Status.TABLE_ENTRY_ERASED
    entry = ncp.tokens.key_table.get(index, TableKey(0, NO_KEY))
    bitmask = HAS_OUTGOING | HAS_INCOMING | HAS_PARTNER
    return {"status": status, "key_struct": _legacy(ncp, bitmask, 5, entry.key, 0, entry.eui64)}


def get_key(ncp: VirtualNcp, command: Command) -> Fields:
    """Up to EZSP 12: the network key, or the trust centre link key."""
    kind = command.number("keyType")
    membership = ncp.stack.state.membership
    if membership is None or kind not in (LEGACY_TRUST_CENTRE_LINK_KEY, LEGACY_CURRENT_NETWORK_KEY):
        return {"status": Status.NOT_FOUND, "key_struct": _legacy(ncp, 0, kind, NO_KEY, 0, 0)}
    if kind == LEGACY_CURRENT_NETWORK_KEY:
        bitmask = HAS_SEQUENCE | HAS_OUTGOING
        sequence = membership.key_sequence
        struct = _legacy(ncp, bitmask, kind, membership.network_key, sequence, 0)
        struct["outgoingFrameCounter"] = ncp.stack.state.nwk_counter.value
    else:
        bitmask = HAS_OUTGOING | HAS_PARTNER
        key = _trust_centre_link_key(ncp)
        struct = _legacy(ncp, bitmask, kind, key, 0, membership.trust_centre)
    return {"status": Status.OK, "key_struct": struct}


def _legacy(
    ncp: VirtualNcp, bitmask: int, kind: int, key: bytes, sequence: int, partner: int
) -> dict[str, Value]:
    return {
        "bitmask": bitmask, "type": kind, "key": key,
        "outgoingFrameCounter": ncp.stack.state.aps_counter.value,
        "incomingFrameCounter": _incoming(ncp, partner), "sequenceNumber": sequence,
        "partnerEUI64": partner,
    }  # fmt: skip


def _trust_centre_link_key(ncp: VirtualNcp) -> bytes:
    if ncp.tokens.hashed_link_key is not None:
        return ncp.tokens.hashed_link_key
    membership = ncp.stack.state.membership
    known = ncp.stack.state.link_keys.get(membership.trust_centre) if membership else None
    return known.key if known is not None else NO_KEY


def export_key(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 12+: a key by context."""
    context = command.structure("context")
    membership = ncp.stack.state.membership
    key: bytes | None = None
    if membership is not None and context["core_key_type"] == KEY_TYPE_NETWORK:
        key = membership.network_key
    elif membership is not None and context["core_key_type"] == KEY_TYPE_TRUST_CENTRE_LINK:
        key = _trust_centre_link_key(ncp)
    status = Status.OK if key is not None else Status.NOT_FOUND
    return {"status": status, "key": key or NO_KEY, "context": context}


def import_key(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 12+: replace the trust centre link key of a joined device."""
    context, membership = command.structure("context"), ncp.stack.state.membership
    wanted = context["core_key_type"] == KEY_TYPE_TRUST_CENTRE_LINK
    if not wanted or membership is None or membership.trust_centre == ncp.eui64:
        return {"status": Status.INVALID_CALL, "context": context}
    ncp.stack.state.set_link_key(membership.trust_centre, command.octets("key"))
    return {"status": Status.OK, "context": context}


def network_key_info(ncp: VirtualNcp, command: Command) -> Fields:
    """EZSP 13+: sequence number and counter of the network key."""
    membership = ncp.stack.state.membership
    return {
        "status": Status.OK,
        "network_key_info": {
            "network_key_set": int(membership is not None),
            "alternate_network_key_set": int(bool(membership and membership.other_key != NO_KEY)),
            "network_key_sequence_number": membership.key_sequence if membership else 0,
            "alt_network_key_sequence_number": membership.other_sequence if membership else 0,
            "network_key_frame_counter": ncp.stack.state.nwk_counter.value,
        },
    }


HANDLERS: Final[Mapping[str, Callable[[VirtualNcp, Command], Fields]]] = {
    "setInitialSecurityState": set_initial_security,
    "getCurrentSecurityState": current_security,
    "importTransientKey": import_transient_key,
    "addTransientLinkKey": import_transient_key,
    "clearTransientLinkKeys": clear_transient_keys,
    "importLinkKey": import_link_key,
    "setKeyTableEntry": set_key_entry,
    "addOrUpdateKeyTableEntry": add_or_update_key,
    "findKeyTableEntry": find_key,
    "eraseKeyTableEntry": erase_key,
    "clearKeyTable": clear_key_table,
    "exportLinkKeyByIndex": export_by_index,
    "exportLinkKeyByEui": export_by_eui64,
    "getKeyTableEntry": key_entry,
    "getKey": get_key,
    "exportKey": export_key,
    "importKey": import_key,
    "getNetworkKeyInfo": network_key_info,
}

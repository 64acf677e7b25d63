"""Which devices are to get a fresh link key, and how often that was tried, over restarts."""

from __future__ import annotations

from typing import Final

from device.store import Store
from gbcs.eui64 import format_eui64, parse_eui64

_KEY: Final = "fresh keys"


class FreshKeys:
    """The hub's list of devices whose link key it was asked to replace."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as unit:
            held = unit.get_json(_KEY)
        kept = held.items() if isinstance(held, dict) else ()
        self._tries = {parse_eui64(one): tries for one, tries in kept if isinstance(tries, int)}

    def __contains__(self, eui64: int) -> bool:
        return eui64 in self._tries

    def wanted(self) -> tuple[int, ...]:
        """Every device that is to get one."""
        return tuple(self._tries)

    def want(self, eui64: int) -> None:
        """Ask for a fresh key; tries are counted from here on."""
        self._keep({**self._tries, eui64: 0})

    def failed(self, eui64: int) -> int:
        """One more try was in vain; how many are now."""
        self._keep({**self._tries, eui64: self._tries[eui64] + 1})
        return self._tries[eui64]

    def settled(self, eui64: int) -> None:
        """The device has its key, or is not to get one any more."""
        if eui64 in self._tries:
            self._keep({one: n for one, n in self._tries.items() if one != eui64})

    def _keep(self, tries: dict[int, int]) -> None:
        with self._store.transaction() as unit:
            unit.put_json(_KEY, {format_eui64(one): n for one, n in tries.items()})
        self._tries = tries

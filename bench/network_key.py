"""New keys for a home, one after another: network keys, and link keys of its devices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from han.radio import RadioError

if TYPE_CHECKING:
    from bench.home import Home


async def keep_changing(home: Home, every: timedelta) -> None:
    """Change the network key again and again; after a failure the next turn is the next chance."""
    while True:
        await home.timeline.sleep(every)
        try:
            await home.change_network_key()
        except RadioError:
            continue


async def keep_refreshing(home: Home, every: timedelta) -> None:
    """Let the hub establish a fresh link key with each device of its log, again and again."""
    while True:
        await home.timeline.sleep(every)
        for entry in home.hub.device_log.entries():
            if entry.authorised:
                home.hub.trust_centre.refresh_key(entry.eui64)

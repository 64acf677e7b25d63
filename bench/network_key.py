"""New network keys for a home, one after another."""

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

"""One Zigbee PRO stack for every virtual node.

The HanRadio face and the EZSP face both stand on it.

A star network: the coordinator is trust centre, parent and relay of everyone. Multi-hop routing
is not modelled.
"""

from __future__ import annotations

from hw.stack.stack import Stack
from hw.stack.state import FileStore, MemoryStore, Store

__all__ = ["FileStore", "MemoryStore", "Stack", "Store"]

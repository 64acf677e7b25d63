"""Settings of a node: where peers differ, or no text settles a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from han.fragmentation import FragmentationSettings
from han.outbox import PayloadLimits
from han.zdo.messages import NodeDescription

CLEAR_CLUSTERS: Final = frozenset({0x0000, 0x0001, 0x0003, 0x000A, 0x0025, 0x0800})


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How the node behaves where peers or texts differ."""

    limits: PayloadLimits = field(default_factory=PayloadLimits)
    fragmentation: FragmentationSettings = field(default_factory=FragmentationSettings)
    description: NodeDescription = field(default_factory=NodeDescription)
    clear_clusters: frozenset[int] = CLEAR_CLUSTERS
    """Clusters that need no APS security (that 0x0001 and 0x0025 are exempt is unverified)."""
    refuse_unsecured: bool = True
    """Answer an unsecured frame of any other cluster with FAILURE instead of executing it."""

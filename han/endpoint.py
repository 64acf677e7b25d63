"""One endpoint: its clusters as tables, and the simple descriptor derived from them."""

from __future__ import annotations

from collections.abc import Iterable

from han.exchange import SMART_ENERGY
from han.radio import SimpleDescriptor
from han.zcl.reporting import ReportingTable
from han.zcl.server import ZclServer
from han.zcl.tables import Served, Side


class Endpoint:
    """An endpoint of a node.

    ``enabled`` may change while the node runs (a mirror is off until requested): a disabled
    endpoint neither answers nor is discovered. A ``hidden`` one is never discovered.
    """

    def __init__(
        self,
        number: int,
        device_id: int,
        served: Iterable[Served] = (),
        *,
        profile_id: int = SMART_ENERGY,
        enabled: bool = True,
        hidden: bool = False,
    ) -> None:
        if not 1 <= number <= 240:
            raise ValueError(f"an endpoint is numbered 1 to 240, not {number}")
        self.number = number
        self.device_id = device_id
        self.profile_id = profile_id
        self.enabled = enabled
        self.hidden = hidden
        self.reporting = ReportingTable()
        self.server = ZclServer(served, self.reporting)

    @property
    def descriptor(self) -> SimpleDescriptor:
        """What service discovery shows: served clusters in, used clusters out."""
        sides: dict[Side, list[int]] = {Side.SERVER: [], Side.CLIENT: []}
        for cluster_id, side in sorted(self.server.clusters, key=lambda key: key[0]):
            sides[side].append(cluster_id)
        return SimpleDescriptor(
            endpoint=self.number,
            profile_id=self.profile_id,
            device_id=self.device_id,
            input_clusters=tuple(sides[Side.SERVER]),
            output_clusters=tuple(sides[Side.CLIENT]),
        )

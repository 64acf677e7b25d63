"""A device's watch over its hub: is it there, and where is it when it is not.

A device that is always awake asks the hub's Keep-Alive server; one that sleeps counts the wakes in
which nobody answered. Three silences in a row, and the hub is looked for: the device rejoins.
"""

from __future__ import annotations

from collections.abc import Callable

from device.asking import HUB_NWK, NotProvided, find_endpoints, hub_of
from device.chassis import Chassis
from device.events import TrustCentreWatched
from device.host import Host
from device.timeline import Timeline
from han.clusters import KEEP_ALIVE
from han.keep_alive import KeepAlive, TrustCentre
from han.zcl.tables import Cluster, Served, Side


class HubWatch:
    """Watches the hub of one node. ``changed`` is called when it falls silent or speaks again."""

    def __init__(
        self,
        chassis: Chassis,
        timeline: Timeline,
        endpoint: int,
        random_below: Callable[[int], int],
        changed: Callable[[], object],
    ) -> None:
        self.lost = False
        self._chassis, self._timeline = chassis, timeline
        self._endpoint, self._random_below, self._changed = endpoint, random_below, changed
        self._keep_alive: KeepAlive | None = None
        self._silences = 0
        self._host: Host | None = None

    def served(self) -> Served:
        """The client side of Keep-Alive."""
        table: Cluster[None] = Cluster(KEEP_ALIVE, Side.CLIENT)
        return table.on(None)

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        host.on_progress(self._progress)

    async def begin(self) -> None:
        """Ask the hub where its Keep-Alive server is, and that server from now on.

        A hub without one is not watched. HostError when it does not answer.
        """
        host = self._running()
        hub = hub_of(host)
        try:
            found = await find_endpoints(host, hub, HUB_NWK, KEEP_ALIVE.cluster_id)
        except NotProvided:
            self.end()
            return
        self.end()
        self._keep_alive = KeepAlive(hub, found[0], self._endpoint, self._random_below)
        host.node.attach(self._keep_alive)
        self._keep_alive.start(self._timeline.now())
        host.kick()

    def end(self) -> None:
        """Stop asking: the device is off the network, or about to ask another endpoint."""
        self.lost = False
        self._silences = 0
        if self._keep_alive is not None:
            self._running().node.detach(self._keep_alive)
            self._keep_alive = None

    @property
    def watched(self) -> bool:
        """Whether the hub is asked from time to time."""
        return self._keep_alive is not None

    def ask_now(self) -> None:
        """Ask without waiting for the next time: the device has just rejoined."""
        if self._keep_alive is not None:
            self._keep_alive.start(self._timeline.now())
            self._running().kick()

    def heard(self) -> None:
        """The hub answered something a sleepy device asked."""
        self._silences = 0
        self._become(lost=False)

    def silent(self) -> None:
        """The hub did not answer what a device asked before, or without, watching it."""
        self._silences += 1
        if self._silences >= KeepAlive.FAILURE_LIMIT:
            self._become(lost=True)

    def _progress(self) -> None:
        if self._keep_alive is not None:
            for known in self._keep_alive.events():
                self._become(lost=known is TrustCentre.LOST)

    def _become(self, *, lost: bool) -> None:
        if lost is self.lost:
            return
        self.lost = lost
        hub = self._running().radio.trust_centre or 0
        self._chassis.events.publish(
            TrustCentreWatched(**self._chassis.here(), peer=hub, present=not lost)
        )
        self._changed()

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the device's radio was not started")
        return self._host

"""The ``[air]`` of a rig file: how good its links are, and which faults happen when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bench.rig_section import Section
from han.clusters import every_cluster

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


def _station(name: str) -> str:
    if not name:
        raise ValueError("a station has a name of the rig (hub, gas_meter, ...) or an EUI-64")
    return name


def _cluster(value: object) -> object:
    """A cluster by number or by name."""
    if not isinstance(value, str):
        return value
    wanted = value.replace(" ", "").lower()
    for cluster in every_cluster():
        if cluster.name.replace(" ", "").lower() == wanted:
            return cluster.cluster_id
    known = ", ".join(cluster.name for cluster in every_cluster())
    raise ValueError(f"no cluster {value!r}; there are {known}")


Station = Annotated[str, AfterValidator(_station)]
Cluster = Annotated[int, BeforeValidator(_cluster), Field(ge=0, le=0xFFFF)]


_OF_FRAMES: Final = ("sender", "receiver", "cluster", "aps_command", "nth", "count")


def _check_between(between: tuple[str, ...], *, one_way: bool) -> None:
    if len(between) != len(set(between)):
        raise ValueError(f"between names {between[0]} twice: a link has two ends")
    if one_way and len(between) < len(("from", "to")):
        raise ValueError("one_way is from one station to another: between names both")


class LinkQuality(Section):
    """What a link does to frames, see :class:`hw.air_link.Link`; what is not said is as before."""

    loss: Probability | None = None
    repeat: Probability | None = None
    late: Probability | None = None
    late_s: Seconds | None = None
    corrupt: Probability | None = None
    garble: Probability | None = None
    latency_s: Seconds | None = None
    rssi_dbm: Annotated[int, Field(ge=-128, le=127)] | None = None
    lqi: Annotated[int, Field(ge=0, le=255)] | None = None

    @property
    def change(self) -> dict[str, float]:
        """What is said of the link, by field."""
        said = {name: getattr(self, name) for name in LinkQuality.model_fields}
        return {name: value for name, value in said.items() if value is not None}


class AirLink(LinkQuality):
    """One link (``[[air.links]]``): between two stations, or of one with all others.

    ``one_way`` is about what the second hears of the first alone.
    """

    between: tuple[Station, ...] = Field(min_length=1, max_length=2)
    one_way: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.change:
            raise ValueError(f"says nothing of the link: {', '.join(LinkQuality.model_fields)}")
        _check_between(self.between, one_way=self.one_way)
        return self


class AirFault(LinkQuality):
    """One fault (``[[air.faults]]``), ``at_s`` seconds after the start and for ``for_s`` of them.

    A link fault says what becomes of the links ``between`` two stations, of one, or (without
    ``between``) of all. ``dongle`` names a virtual dongle in ``trouble``. ``frames`` says what
    happens to the ``nth`` frame that fits ``sender``, ``receiver``, ``cluster`` and
    ``aps_command``, and to ``count`` of them (0: to all).
    """

    at_s: Seconds = 0.0
    for_s: Seconds | None = None
    between: tuple[Station, ...] = Field(default=(), max_length=2)
    one_way: bool = False
    dongle: Station | None = None
    trouble: Literal["mute", "crash", "unplug"] = "mute"
    frames: Literal["drop", "repeat", "delay", "corrupt", "garble"] | None = None
    sender: Station | None = None
    receiver: Station | None = None
    cluster: Cluster | None = None
    aps_command: Annotated[int, Field(ge=0, le=0xFF)] | None = None
    nth: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=0)] = 1
    delay_s: Seconds = 0.1

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        said = [bool(self.change), self.dongle is not None, self.frames is not None]
        if sum(said) != 1:
            raise ValueError(
                "a fault changes links (loss, corrupt, ...), or puts a dongle in trouble, "
                "or does something to frames: one of the three"
            )
        if self.between and not self.change:
            raise ValueError("between is for faults of links; frames have sender and receiver")
        for names, kind, meant in (
            (_OF_FRAMES, "frames", self.frames is not None),
            (("trouble",), "a dongle", self.dongle is not None),
            (("delay_s",), 'frames = "delay"', self.frames == "delay"),
        ):
            idle = self.model_fields_set.intersection(names)
            if idle and not meant:
                raise ValueError(f"{min(idle)} is for faults of {kind}")
        _check_between(self.between, one_way=self.one_way)
        return self

    def stations(self) -> Iterator[str]:
        """Every station it names."""
        yield from self.between
        yield from (one for one in (self.dongle, self.sender, self.receiver) if one is not None)


class Air(LinkQuality):
    """The virtual air. What is said here holds for every link without an own table.

    ``airtime`` makes frames take their time on the channel. ``indirect_limit_s`` is the longest a
    parent keeps a frame for a sleepy child. ``capture_rssi`` records RSSI, LQI and channel with
    each frame (link type 283, IEEE 802.15.4 TAP).
    """

    airtime: bool = True
    indirect_limit_s: Annotated[float, Field(gt=0)] | None = None
    capture_rssi: bool = False
    links: tuple[AirLink, ...] = ()
    faults: tuple[AirFault, ...] = ()

    def stations(self) -> Iterator[str]:
        """Every station that is named."""
        for one in self.links:
            yield from one.between
        for fault in self.faults:
            yield from fault.stations()

"""The rig file: which devices stand on the bench, on which radios, with which keys and settings.

A rig is TOML. Unknown keys are refused with their name, so a misspelt setting is never silence.
Everything has a default: an empty file is the built-in home (a hub on the virtual dongle, a gas
meter on the virtual air).
"""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import (
    AwareDatetime,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from bench.rig_air import Air
from bench.rig_partners import AccessDevice as AccessDevice
from bench.rig_partners import Admitted as Admitted
from bench.rig_partners import Controller, Press
from bench.rig_partners import Display as Display
from bench.rig_partners import LoadSwitch as LoadSwitch
from bench.rig_section import EndpointNumber, Eui64, InstallCode, Key128, Section, first_problems
from bench.rig_section import RigError as RigError
from esme.physics.series import MOST
from esme.physics.signal import DAY_S
from gbcs.errors import GbcsError
from gbcs.eui64 import format_eui64, parse_eui64
from gbcs.party import DeviceType, Role

S = TypeVar("S", bound=Section)
Measured = Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]


class Keys(Section):
    """Where keys come from: derived from a seed, or a directory of PEM files as RTDS has it.

    ``cbke_directory`` holds the certificates that hub and emulated devices join with (``*.cbke``),
    when they are not to be of the seed's own authority.
    """

    seed: str = Field(default="chub", repr=False)
    directory: Path | None = None
    cbke_directory: Path | None = None


class Parties(Section):
    """Entity identifiers of the remote parties."""

    supplier: Eui64 = 0x0243485542001000
    network_operator: Eui64 = 0x0243485542002000
    access_control_broker: Eui64 = 0x0243485542000002
    recovery: Eui64 = 0x0243485542000001
    transitional_cos: Eui64 = 0x0243485542000004
    wan_provider: Eui64 = 0x0243485542000007
    load_controller: Eui64 = 0x0243485542008000

    def by_role(self) -> dict[Role, int]:
        """The parties by their GBCS role."""
        return {
            Role.SUPPLIER: self.supplier,
            Role.NETWORK_OPERATOR: self.network_operator,
            Role.ACCESS_CONTROL_BROKER: self.access_control_broker,
            Role.RECOVERY: self.recovery,
            Role.TRANSITIONAL_COS: self.transitional_cos,
            Role.WAN_PROVIDER: self.wan_provider,
            Role.LOAD_CONTROLLER: self.load_controller,
        }


class Network(Section):
    """The HAN that the hub forms. The extended PAN ID is the hub's HAN IEEE address.

    ``new_key_every_s`` is how often it gets a new network key, ``new_link_keys_every_s`` how often
    the hub establishes fresh link keys with its devices; no published text says how often.
    """

    channel: int = Field(default=15, ge=11, le=26)
    pan_id: int = Field(default=0x4348, ge=1, le=0xFFFE)
    network_key: Key128 | None = Field(default=None, repr=False)
    new_key_every_s: int | None = Field(default=None, ge=1)
    new_link_keys_every_s: int | None = Field(default=None, ge=60)


class Hub(Section):
    """The Communications Hub: CHF and GPF on one coordinator.

    The GPF's entity identifier is the radio's EUI-64; a dongle brings its own. The CHF has another.
    GB fixes no endpoint numbers: other ones find the peers that assume them. ``admit`` says who
    lets devices in: the rig itself, when it is built, or commands alone (CCS01 from the WAN).
    """

    radio: str = "vncp:"
    gpf: Eui64 = 0x02434855420000A3
    chf: Eui64 = 0x02434855420000A2
    admit: Literal["rig", "commands"] = "rig"
    esi_endpoint: EndpointNumber = 1
    mirror_endpoint: EndpointNumber = 2
    chf_endpoint: EndpointNumber = 3

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({self.esi_endpoint, self.mirror_endpoint, self.chf_endpoint}) < 3:
            raise ValueError("the hub's three endpoints have three numbers")
        return self


class GasMeter(Section):
    """An emulated GSME."""

    eui64: Eui64 = 0x02434855420000A1
    radio: str = "ether:"
    install_code: InstallCode | None = Field(default=None, repr=False)
    volume_dm3: int = Field(default=12_345, ge=0, lt=1 << 48)
    flow_dm3_per_h: int = Field(default=1_200, ge=0)
    credit_remaining_millipence: int = 2_500_000
    emergency_credit_remaining_millipence: int = 500_000
    accumulated_debt_millipence: int = 0
    bill_to_date_millipence: int = 0
    clock: Literal["reliable", "unreliable", "invalid"] = "reliable"


class Step(Section):
    """From a moment on, a value on the named phases, or without one what the model says again."""

    at: AwareDatetime
    value: Measured | None = None
    phases: tuple[Literal[1, 2, 3], ...] = (1, 2, 3)


class Quantity(Section):
    """How a quantity at the meter's terminals goes: steady, by a file, or by the time of day.

    In V, W or var with up to three decimals. ``file`` is CSV or Parquet and holds each phase;
    before its first row what ``steady`` says holds. ``daily`` are equal slots from midnight UTC;
    ``noise`` is the largest departure from them. ``steps`` go over all that.
    """

    steady: Measured | None = None
    file: Path | None = None
    daily: tuple[Measured, ...] = ()
    noise: Measured = Field(default=0, ge=0)
    seed: int = 0
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.daily and (self.file or self.steady is not None):
            raise ValueError("daily goes neither with steady nor with file")
        if self.noise and not self.daily:
            raise ValueError("noise is that of daily")
        if self.daily and DAY_S % len(self.daily):
            raise ValueError(f"{len(self.daily)} slots do not divide a day into whole seconds")
        return self

    def least(self) -> float:
        """The least value that is written here; the noise and the file may go below it."""
        steps = (step.value for step in self.steps)
        said = (each for each in (self.steady, *steps) if each is not None)
        return min((*said, *self.daily), default=0)


class ElectricityMeter(Section):
    """An emulated ESME on one phase or three, and what happens at its terminals.

    ``voltage``, ``load`` (negative: exported), ``reactive`` and ``second_element`` say it in full;
    ``voltage_mv``, ``voltage_csv``, ``load_w`` and ``load_csv`` are short for the usual ones.
    ``controllers`` are its auxiliary controllers 1 to 5: none, ALCS, APC, or the EUI-64 of an
    HCALCS; ``controlled_w`` is the load behind each of them, in use as far as it is on.
    ``offset_number`` is the meter's number of the randomised offset; ``boosts`` are presses of the
    boost key. ``import_wh`` and ``export_wh`` are what the registers show at first.
    """

    eui64: Eui64 = 0x02434855420000A0
    radio: str = "ether:"
    install_code: InstallCode | None = Field(default=None, repr=False)
    voltage_mv: int = Field(default=240_000, ge=0)
    load_w: int = 500
    import_wh: int = Field(default=0, ge=0, lt=1 << 32)
    export_wh: int = Field(default=0, ge=0, lt=1 << 32)
    voltage_csv: Path | None = None
    load_csv: Path | None = None
    voltage: Quantity | None = None
    load: Quantity | None = None
    reactive: Quantity = Quantity()
    second_element: Quantity | None = None
    phases: Literal[1, 3] = 1
    twin_element: bool = False
    clock: Literal["reliable", "unreliable", "invalid"] = "reliable"
    controllers: tuple[Controller, ...] = Field(
        default=("ALCS", "ALCS", "APC", "none", "APC"), max_length=5
    )
    controlled_w: tuple[int, ...] = Field(default=(), max_length=5)
    offset_number: int = Field(default=1, ge=1, le=10_000)
    boost_key: bool = True
    boosts: tuple[Press, ...] = ()

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        for name, short in (("voltage", "voltage_mv"), ("load", "load_w")):
            twice = {short, f"{name}_csv"} & self.model_fields_set
            if getattr(self, name) is not None and twice:
                raise ValueError(f"{min(twice)} and {name} say the same thing twice")
        return self

    @field_validator("voltage")
    @classmethod
    def _not_below_zero(cls, voltage: Quantity | None) -> Quantity | None:
        if voltage is not None and voltage.least() < 0:
            raise ValueError("no voltage is below 0")
        return voltage


Emulated = GasMeter | ElectricityMeter | Display | LoadSwitch | AccessDevice


class FirmwareImage(Section):
    """A firmware image (GB OTA file) that the hub offers to devices."""

    file: Path
    targets: tuple[Eui64, ...] = Field(min_length=1)


class Wan(Section):
    """The WAN side: where commands come in."""

    listen: str = "127.0.0.1:23456"
    mqtt: str | None = Field(default=None, repr=False)


class Rig(Section):
    """One bench.

    ``pairs`` says who enters the devices in each other's own device logs: the rig itself, when it
    is built, or commands alone (CS03). Without it, whoever lets devices in (``hub.admit``).
    """

    name: str = "built-in home"
    time: str = "real"
    start: AwareDatetime | None = None
    seed: int = 0
    store: Path | None = None
    capture: Path | None = None
    keys: Keys = Keys()
    parties: Parties = Parties()
    network: Network = Network()
    hub: Hub = Hub()
    pairs: Literal["rig", "commands"] | None = None
    gas_meter: GasMeter | None = GasMeter()
    electricity_meter: ElectricityMeter | None = None
    displays: tuple[Display, ...] = ()
    controllers: tuple[LoadSwitch, ...] = ()
    access_devices: tuple[AccessDevice, ...] = ()
    admitted: tuple[Admitted, ...] = ()
    firmware: tuple[FirmwareImage, ...] = ()
    wan: Wan = Wan()
    air: Air = Air()
    settings: dict[str, dict[str, object]] = Field(default={})

    @field_validator("gas_meter", "electricity_meter", mode="before")
    @classmethod
    def _none(cls, value: object) -> object:
        """``gas_meter = false`` says that none is emulated: TOML has no null."""
        return None if value is False else value

    def emulated(self) -> list[tuple[str, Emulated]]:
        """Every device that is emulated, with its place in the file."""
        found: list[tuple[str, Emulated]] = []
        if self.gas_meter is not None:
            found.append(("gas_meter", self.gas_meter))
        if self.electricity_meter is not None:
            found.append(("electricity_meter", self.electricity_meter))
        found += [(f"displays.{number}", one) for number, one in enumerate(self.displays)]
        found += [(f"controllers.{n}", one) for n, one in enumerate(self.controllers)]
        return found + [(f"access_devices.{n}", one) for n, one in enumerate(self.access_devices)]

    @property
    def device_types(self) -> dict[int, DeviceType]:
        """Every meter and display of the home, emulated or real, and what it is."""
        found = {one.eui64: DeviceType(one.kind) for one in self.displays}
        found |= {one.eui64: DeviceType(one.kind) for one in self.controllers}
        found |= {one.eui64: DeviceType(one.kind) for one in self.access_devices}
        found |= {one.eui64: DeviceType(one.kind) for one in self.admitted}
        if self.gas_meter is not None:
            found[self.gas_meter.eui64] = DeviceType.GSME
        if self.electricity_meter is not None:
            found[self.electricity_meter.eui64] = DeviceType.ESME
        return found

    @model_validator(mode="after")
    def _stations_of_air(self) -> Self:
        for name in self.air.stations():
            self.station(name)
        return self

    def station(self, name: str) -> int:
        """EUI-64 of what the rig calls ``hub``, ``gas_meter``, ``electricity_meter``, or writes."""
        known = {"hub": self.hub.gpf}
        named: tuple[Admitted | Display | LoadSwitch | AccessDevice, ...] = (
            *self.admitted,
            *self.displays,
            *self.controllers,
            *self.access_devices,
        )
        known |= {one.kind: one.eui64 for one in named}
        if self.gas_meter is not None:
            known["gas_meter"] = self.gas_meter.eui64
        if self.electricity_meter is not None:
            known["electricity_meter"] = self.electricity_meter.eui64
        if name in known:
            return known[name]
        try:
            return parse_eui64(name)
        except GbcsError:
            raise ValueError(
                f"no station {name!r}: neither {', '.join(known)} nor an EUI-64"
            ) from None

    @model_validator(mode="after")
    def _own_identifiers(self) -> Self:
        places = [("hub.gpf", self.hub.gpf), ("hub.chf", self.hub.chf)]
        places += [(place, one.eui64) for place, one in self.emulated()]
        places += [(f"admitted.{n}", one.eui64) for n, one in enumerate(self.admitted)]
        owners: dict[int, str] = {}
        for place, eui64 in places:
            first = owners.setdefault(eui64, place)
            if first != place:
                raise ValueError(f"{first} and {place} are both {format_eui64(eui64)}")
        return self

    @field_validator("time")
    @classmethod
    def _runs_forward(cls, value: str) -> str:
        if not re.fullmatch(r"real|jump|x\d+(\.\d+)?", value):
            raise ValueError(f"{value!r} is none of real, jump, or a rate such as x60")
        if value.startswith("x") and float(value[1:]) == 0:
            raise ValueError(f"{value!r} is no rate: time runs forward")
        return value

    @field_validator("start")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    @property
    def rate(self) -> float:
        """Emulated seconds for each real one; infinite when time jumps."""
        return {"real": 1.0, "jump": float("inf")}.get(self.time) or float(self.time[1:])

    @property
    def has_own_time(self) -> bool:
        """Whether its time is another than that of the machine it runs on."""
        return self.time != "real" or self.start is not None


VIRTUAL_START: Final = datetime(2026, 1, 5, 9, 50, tzinfo=UTC)
"""Where virtual time begins when the rig does not say: a Monday morning in winter."""


def load_rig(path: Path) -> Rig:
    """Read a rig file; RigError names what is wrong and where.

    Relative paths in it are meant from where it lies. One without a name has that of its file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RigError(f"{path}: {error}") from error
    try:
        rig = Rig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RigError(f"{path}: {error}") from error
    except ValidationError as error:
        raise RigError(f"{path}: {first_problems(error)}") from error
    if "name" not in rig.model_fields_set:
        rig = rig.model_copy(update={"name": path.stem})
    return _placed(rig, path.parent)


def _placed(rig: Rig, folder: Path) -> Rig:
    """The rig with its relative paths beside its file."""
    placed = _beside(rig, folder, "store", "capture")
    meter = rig.electricity_meter
    return placed.model_copy(
        update={
            "keys": _beside(rig.keys, folder, "directory", "cbke_directory"),
            "electricity_meter": meter and _placed_meter(meter, folder),
            "firmware": tuple(_beside(one, folder, "file") for one in rig.firmware),
        }
    )


def _placed_meter(meter: ElectricityMeter, folder: Path) -> ElectricityMeter:
    quantities = {
        name: _beside(quantity, folder, "file")
        for name in ("voltage", "load", "reactive", "second_element")
        if (quantity := getattr(meter, name)) is not None
    }
    return _beside(meter, folder, "voltage_csv", "load_csv").model_copy(update=quantities)


def _beside(section: S, folder: Path, *names: str) -> S:
    """A section with the paths of these names beside its file."""
    return section.model_copy(
        update={name: folder / path for name in names if (path := getattr(section, name))}
    )


def checked_pace(text: str) -> str:
    """A ``time`` given beside a rig file; RigError says what is wrong with it."""
    try:
        return Rig(time=text).time
    except ValidationError as error:
        raise RigError(first_problems(error)) from error

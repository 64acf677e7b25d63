"""The devices that stand in a home, each built from the rig's parts."""

from __future__ import annotations

from bench.meter_identity import identity_of
from bench.parts import Joiner, Parts
from bench.rig import AccessDevice, LoadSwitch
from bench.rig import Display as DisplaySection
from bench.rig import ElectricityMeter as ElectricityMeterSection
from bench.rig import GasMeter as GasMeterSection
from bench.site import site_of
from device.gbz_engine import EngineSettings
from device.settings import PipelineSettings
from device.tokens import PrepaySettings
from esme.control.settings import ControlSettings
from esme.sapc.device import SapcStation
from esme.settings import EsmeSettings
from esme.station import ElectricityMeterStation
from gbcs.party import DeviceType
from gbcs.stamp import Reliability
from gsme.device import ENDPOINT, GasMeter
from gsme.model import Account, GasMeterModel
from gsme.settings import GsmeSettings
from han.radio import Role
from peers.cad import ConsumerAccessDevice
from peers.display import Display
from peers.hcalcs import LoadControlSwitch
from peers.ppmid import Ppmid
from peers.settings import CadSettings, DisplaySettings, HcalcsSettings


def gas_meter(parts: Parts, section: GasMeterSection) -> GasMeter:
    """The emulated GSME of a rig."""
    settings = parts.settings
    return GasMeter(
        parts.station(
            section,
            DeviceType.GSME,
            role=Role.SLEEPY_END_DEVICE,
            status=Reliability(section.clock),
            endpoint=ENDPOINT,
        ),
        model=_gas_model(section),
        settings=settings.of(GsmeSettings),
        pipeline_settings=settings.of(PipelineSettings),
        engine_settings=settings.of(EngineSettings),
        prepay_settings=settings.of(PrepaySettings),
        draw_jitter=lambda limit_s: parts.random.uniform(0, limit_s),
    )


def electricity_meter(parts: Parts, section: ElectricityMeterSection) -> ElectricityMeterStation:
    """The emulated ESME of a rig."""
    settings = parts.settings
    return ElectricityMeterStation(
        parts.station(section, DeviceType.ESME, status=Reliability(section.clock)),
        parts.site or site_of(section),
        identity=identity_of(section),
        settings=settings.of(EsmeSettings),
        control_settings=settings.of(ControlSettings),
        pipeline_settings=settings.of(PipelineSettings),
        token_settings=settings.of(PrepaySettings),
    )


def display(parts: Parts, section: DisplaySection) -> Display:
    """An emulated IHD or PPMID of a rig."""
    kind = DeviceType(section.kind)
    made: type[Display] = Ppmid if kind is DeviceType.PPMID else Display
    station = parts.station(section, kind, role=_role(section))
    return made(station, settings=parts.settings.of(DisplaySettings))


def controller(parts: Parts, section: LoadSwitch) -> LoadControlSwitch | SapcStation:
    """An emulated HCALCS or SAPC of a rig."""
    settings, kind = parts.settings, DeviceType(section.kind)
    station = parts.station(section, kind)
    if kind is DeviceType.SAPC:
        return SapcStation(
            station,
            firmware=section.firmware,
            settings=settings.of(EsmeSettings),
            control_settings=settings.of(ControlSettings),
            pipeline_settings=settings.of(PipelineSettings),
        )
    return LoadControlSwitch(
        station,
        firmware=section.firmware,
        settings=settings.of(HcalcsSettings),
        pipeline_settings=settings.of(PipelineSettings),
    )


def access_device(parts: Parts, section: AccessDevice) -> ConsumerAccessDevice:
    """An emulated CAD of a rig."""
    station = parts.station(section, DeviceType.CAD, role=_role(section))
    return ConsumerAccessDevice(station, settings=parts.settings.of(CadSettings))


def sections(parts: Parts) -> list[tuple[Joiner, DeviceType]]:
    """Every device that the hub lets join, emulated or real, and what it is."""
    rig = parts.rig
    found: list[tuple[Joiner, DeviceType]] = []
    if rig.gas_meter is not None:
        found.append((rig.gas_meter, DeviceType.GSME))
    if rig.electricity_meter is not None:
        found.append((rig.electricity_meter, DeviceType.ESME))
    found += [(one, DeviceType(one.kind)) for one in rig.displays]
    found += [(one, DeviceType(one.kind)) for one in rig.controllers]
    found += [(one, DeviceType(one.kind)) for one in rig.access_devices]
    return found + [(one, DeviceType(one.kind)) for one in rig.admitted]


def _role(section: DisplaySection | AccessDevice) -> Role:
    return Role.SLEEPY_END_DEVICE if section.sleepy else Role.ROUTER


def _gas_model(section: GasMeterSection) -> GasMeterModel:
    return GasMeterModel(
        volume_dm3=section.volume_dm3,
        flow_dm3_per_h=section.flow_dm3_per_h,
        account=Account(
            credit_remaining=section.credit_remaining_millipence,
            emergency_credit_remaining=section.emergency_credit_remaining_millipence,
            accumulated_debt=section.accumulated_debt_millipence,
            bill_to_date=section.bill_to_date_millipence,
        ),
    )

"""The hub of a home: CHF and GPF on one radio, and the network it forms or goes back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bench.keys import network_secret
from bench.parts import Parts
from bench.rig import FirmwareImage, RigError
from chub.hub import CommunicationsHub, HanIdentity
from chub.settings import ChfSettings
from device.bindings import KeptBindings
from device.gbz_engine import EngineSettings
from device.host import Host
from device.outbox import Offer
from device.settings import PipelineSettings
from device.station import start_station
from gbcs.errors import MalformedMessage
from gbcs.eui64 import format_eui64
from gbcs.party import DeviceType
from gpf.device import GasProxy
from gpf.han_side import HubEndpoints
from gpf.settings import GpfSettings
from han.node import NodeSettings
from han.radio import HanRadio, NetworkParameters, Role


async def start_hub(parts: Parts, upward: Offer) -> tuple[CommunicationsHub, GasProxy, Host]:
    """Build the hub and put it on its network; ``upward`` is offered what goes to the WAN."""
    hub = _chf(parts, upward)
    gpf = _gpf(parts, hub.device_log.__contains__)
    gpf.chassis.outbox.hand_to(hub.chassis.outbox.forward)
    hub.add_function(gpf.entity, gpf.answer)
    hub.pending_changed = gpf.han.set_tunnel_pending
    hub.device_removed = gpf.han.forget
    hub.tap_offs.tapped, hub.tap_offs.overheard = gpf.tapped, gpf.overheard
    hub.trust_centre.key_update_wanted = gpf.han.set_key_update_wanted
    hub.firmware.flag_meter = gpf.han.set_firmware_waiting
    hub.trust_centre.network_key_waiting = lambda waiting: _flag_network_key(hub, gpf, waiting)
    hub.device_log.watch(parts.air_keys.note)
    for entry in hub.device_log.entries():
        parts.air_keys.note(entry)
    host = await _host(parts, hub, gpf)
    await _network(parts, hub, host.radio)
    return hub, gpf, host


def offer_firmware(hub: CommunicationsHub, sections: Iterable[FirmwareImage]) -> None:
    """Let the hub distribute the images of a rig; RigError names what is no image."""
    for section in sections:
        try:
            hub.firmware.distribute(section.file.read_bytes(), section.targets)
        except OSError as error:
            raise RigError(f"firmware {section.file}: {error.strerror}") from error
        except MalformedMessage as error:
            raise RigError(f"firmware {section.file}: {error}") from error


def _flag_network_key(hub: CommunicationsHub, gpf: GasProxy, waiting: bool) -> None:
    for entry in hub.device_log.entries():
        if entry.device_type is DeviceType.GSME:
            gpf.han.set_network_key_waiting(entry.eui64, waiting)


def _chf(parts: Parts, upward: Offer) -> CommunicationsHub:
    section, settings = parts.rig.hub, parts.settings.of(ChfSettings)
    certified = parts.certified(section.gpf, settings.suites)
    return CommunicationsHub(
        parts.chassis(section.chf, DeviceType.CHF),
        upward,
        HanIdentity(section.gpf, certified, parts.octets(section.gpf)),
        settings=settings,
        pipeline_settings=parts.settings.of(PipelineSettings),
        endpoint=section.chf_endpoint,
    )


def _gpf(parts: Parts, admits: Callable[[int], bool]) -> GasProxy:
    section, settings = parts.rig.hub, parts.settings
    return GasProxy(
        parts.chassis(section.gpf, DeviceType.GPF),
        admits,
        endpoints=HubEndpoints(section.esi_endpoint, section.mirror_endpoint),
        settings=settings.of(GpfSettings),
        pipeline_settings=settings.of(PipelineSettings),
        engine_settings=settings.of(EngineSettings),
    )


async def _host(parts: Parts, hub: CommunicationsHub, gpf: GasProxy) -> Host:
    section = parts.rig.hub
    radio = parts.radio(section.radio, Role.COORDINATOR, section.gpf)
    host = await start_station(
        radio,
        [*gpf.han.endpoints, hub.endpoint],
        parts.timeline,
        parts.events,
        parts.settings.of(NodeSettings),
    )
    if radio.eui64 != section.gpf:
        raise RigError(
            f"radio {section.radio!r} has EUI-64 {format_eui64(radio.eui64)}: the GPF's "
            f"entity identifier is the same, so write it as hub.gpf in the rig"
        )
    KeptBindings(gpf.chassis.store).attach(host)
    gpf.attach(host)
    hub.attach(host)
    await parts.stack.enter_async_context(host.running())
    return host


async def _network(parts: Parts, hub: CommunicationsHub, radio: HanRadio) -> None:
    """Go back to the network, or form it; it is formed anew when a backup says which one it is."""

    async def form(radio: HanRadio, extended_pan_id: int) -> None:
        if radio.on_network:
            await radio.leave()
        await _form(parts, radio, extended_pan_id)
        hub.own.model.has_formed(extended_pan_id)

    key = _network_key(parts)
    parts.air_keys.add_network_key(key)
    if hub.own.model.must_form:
        await form(radio, hub.own.model.extended_pan_id)
    elif not await radio.resume():
        await _form(parts, radio, radio.eui64)
    else:
        _check_channel(parts, radio)
    hub.succession.form_network = form


def _check_channel(parts: Parts, radio: HanRadio) -> None:
    """A radio that is on a network stays on its channel: refuse a rig that says another."""
    network = parts.rig.network
    if "channel" in network.model_fields_set and radio.channel != network.channel:
        raise RigError(
            f"network.channel is {network.channel}, but the hub's radio {parts.rig.hub.radio!r} is "
            f"on a network on channel {radio.channel} already: write that, or have the radio leave"
        )


async def _form(parts: Parts, radio: HanRadio, extended_pan_id: int) -> None:
    network = parts.rig.network
    key = _network_key(parts)
    await radio.form(NetworkParameters(network.channel, network.pan_id, extended_pan_id, key))


def _network_key(parts: Parts) -> bytes:
    """The network key of a rig."""
    return parts.rig.network.network_key or network_secret(parts.rig.keys.seed, "network key")

"""Events as sentences, for people who watch a bench."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bench.air import FaultBegan, FaultEnded
from bench.control_line import ControlRefused
from bench.pace import BehindClock
from chub.event import AddressClaimed, AddressClaimFalse, CheckedIn, PollControlBound
from device.events import (
    AlertRaised,
    ClockStepped,
    CommandAnswered,
    CommandReceived,
    CommandRefused,
    DownloadBroken,
    Event,
    Expelled,
    FastPolling,
    FirmwareOffered,
    FirmwareReceived,
    FirmwareTransferEnded,
    FirmwareUnfit,
    FrameFailed,
    FrameIgnored,
    Joined,
    JoinFailed,
    JoinProgress,
    KeyEstablished,
    KeyNotEstablished,
    Left,
    LogEntry,
    MessageDropped,
    MessageExpired,
    MessageQueued,
    MessageTunnelled,
    MirrorChanged,
    NetworkKeyChanged,
    PartnerKeyRequested,
    PartnerKeyShared,
    PollIntervalsChanged,
    Pushed,
    RadioLost,
    RadioUp,
    ReportRefused,
    TrustCentreWatched,
    TunnelChanged,
    WakeEnded,
)
from device.trace import cluster_named
from esme.control.event import BoostEnded, ControllerActed, LimitChanged
from esme.control.happening import Outcome
from gbcs.eui64 import format_eui64
from gbcs.zcl.status import Status
from gpf.event import TenancyChanged
from han.zdo.messages import Command
from peers.event import (
    ButtonPressed,
    ConsumptionRead,
    ControlAsked,
    HistoryWiped,
    MeterFound,
    RelaySwitched,
    TenancyAsked,
)

Names = Mapping[int, str]


def _peer(names: Names, eui64: int | None) -> str:
    return "nobody" if eui64 is None else names.get(eui64, format_eui64(eui64))


def sentence(event: Event, names: Names) -> str | None:
    """One line about an event; None for those that only machines care about."""
    said = _say(event, names)
    if said is None:
        return None
    return f"{_clock(event.moment)} {_peer(names, event.device)}: {said}"


def _say(event: Event, names: Names) -> str | None:
    match event:
        case ButtonPressed():
            return f"button {event.button!r} for {event.fuel.value}: {event.result}"
        case RadioUp():
            return "on the network"
        case RadioLost(reason=reason):
            return f"radio lost: {reason}"
        case Joined(peer=peer, kind=kind, admitted=admitted):
            return f"{_peer(names, peer)} {kind}{'' if admitted else ', turned away'}"
        case Left(peer=peer):
            return f"{_peer(names, peer)} left"
        case MirrorChanged(peer=peer, endpoint=endpoint, present=present):
            gained = "mirrored on" if present else "no longer mirrored on"
            return f"{_peer(names, peer)} {gained} endpoint {endpoint}"
        case Pushed(peer=peer, attributes=attributes):
            return f"{_peer(names, peer)} pushed {attributes} attributes"
        case ReportRefused(peer=peer, cluster_id=cluster_id, attribute_id=attribute_id):
            what = f"attribute {attribute_id:04X} of cluster {cluster_id:04X}"
            return f"{_peer(names, peer)} reported {what} in vain: {event.reason}"
        case WakeEnded(trouble=trouble):
            return "back to sleep" if trouble is None else f"back to sleep; {trouble}"
        case ClockStepped(status=status, status_before=before) if event.alert or status != before:
            return f"clock: {event.occurrence.value}, {status.value}"
        case _:
            return _say_joining(event, names)


def _say_joining(event: Event, names: Names) -> str | None:
    match event:
        case JoinFailed(reason=reason):
            return f"not joined: {reason}"
        case JoinProgress(step=step, detail=detail):
            return f"joining: {step.value}" + (f": {detail}" if detail else "")
        case AddressClaimed(peer=peer, claimed=claimed, nwk=nwk):
            who, moves = _peer(names, peer), f"announced at {claimed:04X}, was {nwk:04X}"
            return f"SECURITY {who} is {moves}, and did not join anew"
        case AddressClaimFalse(peer=peer, claimed=claimed, nwk=nwk):
            who = _peer(names, peer)
            return f"SECURITY {who} still speaks from {nwk:04X}: {claimed:04X} is somebody else's"
        case KeyEstablished(peer=peer, suite=suite, role=role):
            return f"link key established with {_peer(names, peer)}, suite {suite}, as {role}"
        case KeyNotEstablished(peer=peer, status=status, reason=reason):
            why = reason if status is None else f"{status.name}, {reason}"
            return f"no link key established with {_peer(names, peer)}: {why}"
        case FaultBegan(what=what):
            return f"FAULT begins: {what}"
        case FaultEnded(what=what):
            return f"fault ends: {what}"
        case BehindClock(behind=behind, waits=waits):
            then = "which waits for this machine" if waits else "timeouts may run out"
            return f"BENCH runs behind its clock by {behind.total_seconds():.0f} s: {then}"
        case ControlRefused(refusal=refusal):
            return f"control port: a conversation was ended: {refusal.value}"
        case NetworkKeyChanged(key_sequence=sequence):
            return f"network key {sequence} in use"
        case TunnelChanged(peer=peer, open=is_open):
            return f"tunnel with {_peer(names, peer)} {'open' if is_open else 'closed'}"
        case TrustCentreWatched(present=present):
            return "the hub answers again" if present else "the hub does not answer: looking for it"
        case Expelled(peer=peer, reason=reason):
            return f"{_peer(names, peer)} made to leave: {reason}"
        case PartnerKeyShared(peer=peer):
            return f"shares a link key with {_peer(names, peer)}"
        case PartnerKeyRequested(peer=peer, granted=False):
            return f"{_peer(names, peer)} is refused a partner link key"
        case _:
            return _say_message(event, names)


def _say_message(event: Event, names: Names) -> str | None:
    match event:
        case CommandReceived(use_case=use_case, originator=originator, originator_counter=number):
            return f"{use_case or 'command'} {number} from {_peer(names, originator)}"
        case CommandAnswered(use_case=use_case, originator_counter=number, stamp=stamp):
            return f"{use_case} {number} answered" + (f", stamp {stamp}" if stamp else "")
        case CommandRefused(refusal=refusal, detail=detail):
            return f"REFUSED {refusal.name}: {detail}"
        case MessageQueued(peer=peer, waiting=waiting):
            return f"kept for {_peer(names, peer)}, {waiting} waiting"
        case MessageTunnelled(peer=peer, octets=octets):
            return f"{octets} octets from {_peer(names, peer)}"
        case MessageExpired(peer=peer, reason=reason):
            return f"message for {_peer(names, peer)} given up: {reason}"
        case MessageDropped(recipient=recipient, reason=reason):
            return f"message for {_peer(names, recipient)} dropped: {reason}"
        case AlertRaised(alert_code=code, recipient=recipient):
            return f"alert {code:04X} to {_peer(names, recipient)}"
        case LogEntry(log=log, code=code):
            return f"{log} log: {code:04X}"
        case FrameFailed(peer=peer, cluster_id=cluster_id, reason=reason, zdo=zdo):
            what = cluster_named(cluster_id, zdo=zdo)
            return f"{what} to {_peer(names, peer)} failed: {reason}"
        case FrameIgnored(cluster_id=Command.MATCH_DESC):
            return None  # a search for somebody else
        case FrameIgnored(peer=peer, cluster_id=cluster_id, reason=reason):
            return f"cluster {cluster_id:04X} from {_peer(names, peer)} ignored: {reason}"
        case _:
            return (
                _say_polling(event, names)
                or _say_firmware(event, names)
                or _say_control(event, names)
            )


def _say_firmware(event: Event, names: Names) -> str | None:
    match event:
        case FirmwareOffered(version=version, targets=targets):
            to = ", ".join(_peer(names, peer) for peer in targets)
            return f"firmware {version.hex().upper()} offered to {to}"
        case FirmwareReceived(version=version, octets=octets, trouble=trouble):
            end = "verified" if trouble is None else f"discarded: {trouble}"
            return f"firmware {version.hex().upper()} received, {octets} octets, {end}"
        case FirmwareTransferEnded(peer=peer, version=version, status=status):
            word = Status(status).name if status in list(Status) else f"0x{status:02X}"
            return f"{_peer(names, peer)} ended its download of {version.hex().upper()}: {word}"
        case FirmwareUnfit(peer=peer, manufacturer=maker, image_type=kind, hardware=hardware):
            what = f"manufacturer {maker:04X}, image type {kind:04X}, hardware {hardware}"
            return f"no firmware fits {_peer(names, peer)}, which asks for {what}"
        case DownloadBroken(held_octets=0, reason=reason):
            return f"no firmware yet, to be asked for again: {reason}"
        case DownloadBroken(held_octets=octets, reason=reason):
            return f"firmware download stopped at {octets} octets, to go on: {reason}"
        case _:
            return None


def _say_polling(event: Event, names: Names) -> str | None:
    match event:
        case FastPolling(peer=peer, until=until):
            if until is None:
                return "no longer asked to poll fast"
            return f"polls fast until {_clock(until)}, as {_peer(names, peer)} asks"
        case CheckedIn(peer=peer, fast_poll=fast):
            return f"{_peer(names, peer)} checked in{', is to poll fast' if fast else ''}"
        case PollControlBound(peer=peer, refused=refused):
            but = f", but refuses {', '.join(refused)}" if refused else ""
            return f"{_peer(names, peer)} checks in from now on{but}"
        case PollIntervalsChanged(check_in=check_in, long_poll=long_poll):
            return f"told to poll every {long_poll / 4:g} s, check in every {check_in / 4:g} s"
    return None


def _say_control(event: Event, names: Names) -> str | None:
    match event:
        case ControllerActed(controller=controller, action=action, outcome=outcome, level=level):
            ended = {Outcome.UNKNOWN: "asked over the HAN", Outcome.FAILURE: "FAILED"}
            result = ended.get(outcome, f"now {level} %")
            return f"controller {controller}: {action:04X}, {result}"
        case LimitChanged(side=side, level=level, begun=begun):
            return f"limit of {side:02X} {'begun' if begun else 'over'}, now {level} %"
        case BoostEnded(start=start, end=end):
            return f"boost from {_clock(start)} to {_clock(end)} is over"
        case ConsumptionRead(fuel=fuel, register=register, power_kw=power_kw):
            power = "" if power_kw is None else f", {power_kw:g} kW now"
            return f"{fuel.value} {register}{power}"
        case ControlAsked(peer=peer):
            return f"asked {_peer(names, peer)} for control"
        case RelaySwitched(on=on, reason=reason):
            return f"load {'on' if on else 'off'}: {reason}"
    return _say_tenancy(event, names)


def _say_tenancy(event: Event, names: Names) -> str | None:
    match event:
        case TenancyChanged(at=at):
            return (
                "change of tenancy cancelled"
                if at is None
                else f"change of tenancy {at:%Y-%m-%d %H:%M:%S}"
            )
        case MeterFound(fuel=fuel, peer=peer, endpoint=endpoint):
            return f"{fuel.value} at {_peer(names, peer)}, endpoint {endpoint}"
        case TenancyAsked(fuel=fuel, at=at):
            return f"asked for a change of tenancy on {fuel.value}: {_date(at)}"
        case HistoryWiped(fuel=fuel, entries_before=before, entries_after=after):
            return f"wiped the {fuel.value} history: {before} entries before, {after} after"
    return None


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S")


def _date(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"

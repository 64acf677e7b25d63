"""The hub as client of Poll Control: what a sleepy device is told when it checks in.

Whoever checks in is answered: it is to poll fast when something waits for it, and may sleep again
once it has it. Binding devices, which makes them check in, is a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chub.event import CheckedIn, PollControlBound
from chub.settings import ChfSettings
from device.asking import NotProvided, find_endpoints
from device.chassis import Chassis
from device.host import Host, HostError
from gbcs.zcl.frame import Frame
from gbcs.zcl.general import AttributeValue, GeneralCommand
from gbcs.zcl.status import Status, status_name
from gbcs.zcl.types import DataType
from han.clusters import POLL_CONTROL
from han.exchange import Outcome, Request
from han.poll_control import QUARTER_SECOND, CheckInResponse, SetLongPollInterval
from han.radio import ChildPolled, RadioEvent
from han.requests import Far, command_of
from han.zcl.payload import encode
from han.zcl.tables import Access, Answer, Cluster, Command, Reply, Served, Side
from han.zdo.client import bind
from han.zdo.messages import ZdoStatus

_QUARTERS: Final = 4
"""Quarter seconds in a second."""
_CHECK_IN_INTERVAL: Final = 0x0000


@dataclass(frozen=True, slots=True)
class _Fast:
    """A device that polls fast because the hub wants it to."""

    server: Far
    until: datetime


class PollClient:
    """The hub's side of Poll Control; a service of the node.

    ``waits`` says whether anything waits for a device at the hub, ``admitted`` whether it may use
    the HAN; ``listening`` is told which device polls fast from now on.
    """

    def __init__(
        self,
        chassis: Chassis,
        settings: ChfSettings,
        endpoint: int,
        *,
        waits: Callable[[int], bool],
        admitted: Callable[[int], bool],
        listening: Callable[[int], object],
    ) -> None:
        self.deadline: datetime | None = None
        self._chassis, self._settings, self._endpoint = chassis, settings, endpoint
        self._waits, self._admitted, self._listening = waits, admitted, listening
        self._fast: dict[int, _Fast] = {}
        self._asked: set[int] = set()  # devices that were asked whether they serve it, or are being
        self._requests: list[Request] = []
        self._host: Host | None = None

    def served(self) -> Served:
        """The client side of Poll Control, for the endpoint's table."""
        return _TABLE.on(self)

    def attach(self, host: Host) -> None:
        """Work on this node; before the host runs."""
        self._host = host
        host.node.attach(self)
        host.on_progress(self._progress)
        host.on_radio_event(self._radio_event)

    def forget(self, peer: int) -> None:
        """A device left, or joined anew: nothing is bound there."""
        self._fast.pop(peer, None)
        self._asked.discard(peer)

    # -- service ---------------------------------------------------------------------------------

    def poll(self, now: datetime) -> None:
        """Nothing is ever due."""

    def requests(self) -> list[Request]:
        """Take the FastPollStop commands to send."""
        requests, self._requests = self._requests, []
        return requests

    def concluded(self, outcome: Outcome, now: datetime) -> None:
        """Nothing to learn: a device that did not hear it stops by itself."""

    # -- a device checks in ----------------------------------------------------------------------

    def check_in(self, payload: bytes, access: Access) -> Answer:
        """CheckIn: whether to poll fast, and for how long."""
        del payload
        peer, wanted = access.peer, self._waits(access.peer)
        quarters = min(self._settings.fast_poll_s * _QUARTERS, 0xFFFF) if wanted else 0
        if wanted:
            place = (access.peer_endpoint, POLL_CONTROL.cluster_id, self._endpoint)
            until = access.now + quarters * QUARTER_SECOND
            self._fast[peer] = _Fast(Far(peer, *place), until)
            self._listening(peer)
        self._chassis.events.publish(CheckedIn(**self._chassis.here(), peer=peer, fast_poll=wanted))
        return Reply(_CHECK_IN_RESPONSE, encode(CheckInResponse(wanted, quarters)))

    def _progress(self) -> None:
        """Let devices sleep that have got everything."""
        now = self._chassis.true_time()
        for peer, fast in tuple(self._fast.items()):
            if fast.until <= now:
                del self._fast[peer]
            elif not self._waits(peer):
                del self._fast[peer]
                self._requests.append(fast.server.command(_FAST_POLL_STOP))

    # -- binding ---------------------------------------------------------------------------------

    def _radio_event(self, event: RadioEvent) -> None:
        if not self._settings.bind_poll_control or not isinstance(event, ChildPolled):
            return
        peer = event.eui64
        if peer not in self._asked and self._admitted(peer):
            self._asked.add(peer)
            self._running().start_task(self._bind(peer), "bind Poll Control")

    async def _bind(self, peer: int) -> None:
        """Have a device check in; one that does not answer is asked again when it polls again."""
        host = self._running()
        try:
            nwk = host.radio.nwk_of(peer)
            if nwk is None:
                raise HostError("it is not on the network")
            endpoint = (await find_endpoints(host, peer, nwk, POLL_CONTROL.cluster_id))[0]
            target = (host.node.eui64, self._endpoint)
            answer = await host.zdo(bind(peer, endpoint, POLL_CONTROL.cluster_id, target))
            if answer[:1] != bytes((ZdoStatus.SUCCESS,)):
                raise NotProvided(peer, f"Bind_rsp {answer[:1].hex()}")
            server = Far(peer, endpoint, POLL_CONTROL.cluster_id, self._endpoint)
            refused = await self._set_intervals(host, server)
        except NotProvided:
            return  # it has no Poll Control to bind
        except HostError:
            self._asked.discard(peer)
            return
        here = self._chassis.here()
        self._chassis.events.publish(
            PollControlBound(**here, peer=peer, endpoint=endpoint, refused=refused)
        )

    async def _set_intervals(self, host: Host, server: Far) -> tuple[str, ...]:
        """Set what the settings say; what was refused. A check-in is never shorter than a poll."""
        long_poll = self._settings.long_poll_s * _QUARTERS
        check_in = self._settings.check_in_s * _QUARTERS
        set_long = server.command(_SET_LONG_POLL, encode(SetLongPollInterval(long_poll)))
        write = server.write([AttributeValue(_CHECK_IN_INTERVAL, DataType.UINT32, check_in)])
        refused = {}
        if long_poll:
            refused["LongPollInterval"] = _status(await host.request(set_long))
        if check_in:
            refused["CheckInInterval"] = _status(await host.request(write))
            if refused.get("LongPollInterval"):  # longer than the check-in interval was before
                refused["LongPollInterval"] = _status(await host.request(set_long))
        return tuple(f"{name}: {status_name(status)}" for name, status in refused.items() if status)

    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError("the hub has no radio yet")
        return self._host


def _status(answer: Frame) -> int:
    """The outcome in a Default Response or a Write Attributes Response; FAILURE in any other."""
    place = 1 if answer.command_id == GeneralCommand.DEFAULT_RESPONSE else 0
    return answer.payload[place] if place < len(answer.payload) else Status.FAILURE


_CHECK_IN: Final = command_of(POLL_CONTROL, "CheckIn", Side.CLIENT)
_CHECK_IN_RESPONSE: Final = command_of(POLL_CONTROL, "CheckInResponse").id
_FAST_POLL_STOP: Final = command_of(POLL_CONTROL, "FastPollStop")
_SET_LONG_POLL: Final = command_of(POLL_CONTROL, "SetLongPollInterval")
_TABLE: Final[Cluster[PollClient]] = Cluster(
    POLL_CONTROL,
    Side.CLIENT,
    commands=(Command(_CHECK_IN, PollClient.check_in),),
    generated=(_FAST_POLL_STOP.id, _SET_LONG_POLL.id),
)

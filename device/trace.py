"""What a node reports, as events of the stream."""

from __future__ import annotations

from typing import Final, TypedDict

from device.chassis import Here
from device.events import Event, FrameDelivered, FrameFailed, FrameIgnored, FrameServed
from han.clusters import by_id
from han.exchange import (
    ZDO,
    AnswerLost,
    Delivered,
    Executed,
    Ignored,
    NodeEvent,
    Replied,
    Request,
    Unanswered,
    Undelivered,
)
from han.radio import Broadcast
from han.zdo.messages import Command

_ZDO_REQUESTS: Final = {int(each): f"ZDO {each.name}" for each in Command}
_ZDO_ANSWERS: Final = {each | 0x8000: f"ZDO answer to {each.name}" for each in Command}


def trace(event: NodeEvent, here: Here) -> Event | None:
    """What the event stream is told; None when that is nothing."""
    match event:
        case Delivered(request=request) | Replied(request=request):
            return FrameDelivered(**here, **_addressed(request))
        case Unanswered(request=request) if not isinstance(request.peer, Broadcast):
            return _failed(request, here, "not answered")
        case Undelivered(request=request, reason=status):
            return _failed(request, here, status.value)
        case AnswerLost(peer=peer, cluster_id=cluster_id, reason=status):
            return FrameFailed(**here, peer=int(peer), cluster_id=cluster_id, reason=status.value)
        case Executed(peer=peer, cluster_id=cluster_id, frame=frame, answers=answers, refused=no):
            return FrameServed(
                **here,
                peer=peer,
                cluster_id=cluster_id,
                command_id=frame.command_id,
                answers=len(answers),
                refused=no,
            )
        case Ignored(peer=peer, cluster_id=cluster_id, octets=octets, reason=why):
            return FrameIgnored(**here, peer=peer, cluster_id=cluster_id, octets=octets, reason=why)
        case _:
            return None


def cluster_named(cluster_id: int, *, zdo: bool) -> str:
    """A cluster as people know it; an answer of the ZDO also when nobody says that it is one."""
    if cluster_id in _ZDO_ANSWERS:
        return _ZDO_ANSWERS[cluster_id]
    if zdo:
        return _ZDO_REQUESTS.get(cluster_id, f"ZDO {cluster_id:04X}")
    return f"{by_id(cluster_id).name} ({cluster_id:04X})"


def _failed(request: Request, here: Here, reason: str) -> FrameFailed:
    zdo = request.profile_id == ZDO
    return FrameFailed(**here, **_addressed(request), reason=reason, zdo=zdo)


class _Addressed(TypedDict):
    peer: int
    cluster_id: int
    command_id: int


def _addressed(request: Request) -> _Addressed:
    return _Addressed(
        peer=int(request.peer), cluster_id=request.cluster_id, command_id=request.command_id
    )

"""What a node reports, as events of the stream."""

from __future__ import annotations

from typing import TypedDict

from device.chassis import Here
from device.events import Event, FrameDelivered, FrameFailed, FrameIgnored, FrameServed
from han.exchange import (
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


def trace(event: NodeEvent, here: Here) -> Event | None:
    """What the event stream is told; None when that is nothing."""
    match event:
        case Delivered(request=request) | Replied(request=request):
            return FrameDelivered(**here, **_addressed(request))
        case Unanswered(request=request) if not isinstance(request.peer, Broadcast):
            return FrameFailed(**here, **_addressed(request), reason="not answered")
        case Undelivered(request=request, reason=status):
            return FrameFailed(**here, **_addressed(request), reason=status.value)
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


class _Addressed(TypedDict):
    peer: int
    cluster_id: int
    command_id: int


def _addressed(request: Request) -> _Addressed:
    return _Addressed(
        peer=int(request.peer), cluster_id=request.cluster_id, command_id=request.command_id
    )

"""The first of several moments: when a state machine is to be polled next.

Asked after every frame, and mostly of things that wait for nothing: what is empty costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """The first of several moments; None when there is none."""
    first = None
    for moment in moments:
        if moment is not None and (first is None or moment < first):
            first = moment
    return first


def first_due(items: Iterable[T], due: Callable[[T], datetime | None]) -> datetime | None:
    """When the first of several things is due; None when none ever is."""
    first = None
    for item in items:
        moment = due(item)
        if moment is not None and (first is None or moment < first):
            first = moment
    return first

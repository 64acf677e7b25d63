"""Change of tenancy: what the supplier set (GCS09), and what the household may no longer see.

A change is executed on receipt, also when its date lies ahead. Remote parties keep full access;
devices of the home see no entry whose period began before the date (SECMP0056).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device.store import Json, Store
from gbcs.zcl.status import Status
from gbcs.zcl.types import zcl_moment, zcl_seconds
from gpf.settings import GpfSettings
from han.clusters.device_management import ChangeControl, PublishChangeOfTenancy

AT_ONCE: Final = 0
CANCEL: Final = 0xFFFFFFFF
_KEY: Final = "tenancy"


@dataclass(frozen=True, slots=True)
class ChangeOfTenancy:
    """One change as it was accepted; ``at`` is when the new tenancy begins."""

    provider_id: int
    issuer_event_id: int
    tariff_type: int
    at: datetime
    control: ChangeControl

    def published(self) -> PublishChangeOfTenancy:
        """The command that tells of it."""
        return PublishChangeOfTenancy(
            self.provider_id,
            self.issuer_event_id,
            self.tariff_type,
            zcl_seconds(self.at),
            int(self.control),
        )

    def is_meant_by(self, published: PublishChangeOfTenancy) -> bool:
        """Whether a cancellation means this change."""
        mine = (self.provider_id, self.issuer_event_id)
        return mine == (published.provider_id, published.issuer_event_id)


def _nobody(newest: ChangeOfTenancy | None, published: PublishChangeOfTenancy) -> None:
    """Nobody is told."""


class Tenancy:
    """The newest change, and the one in force while the newest lies ahead; kept in the store.

    ``changed`` gets the newest change, None when the only one was cancelled, and the command that
    tells displays what has happened.
    """

    def __init__(
        self,
        store: Store,
        settings: GpfSettings,
        changed: Callable[[ChangeOfTenancy | None, PublishChangeOfTenancy], object] = _nobody,
    ) -> None:
        self._store, self._settings, self._changed = store, settings, changed
        with store.transaction() as unit:
            self._changes = _from_json(unit.get_json(_KEY))

    @property
    def newest(self) -> ChangeOfTenancy | None:
        """What displays are told; None when no change is known."""
        return self._changes[-1] if self._changes else None

    def hidden_before(self, now: datetime) -> datetime | None:
        """Entries of periods that began before this moment are hidden from the household."""
        hides_now = self._settings.cot_future_policy == "hide_now"
        dates = [change.at for change in self._changes if hides_now or change.at <= now]
        return max(dates, default=None)

    def accept(self, published: PublishChangeOfTenancy, now: datetime) -> Status:
        """Execute one PublishChangeOfTenancy; FAILURE when the rules of acceptance refuse it."""
        if not self._acceptable(published):
            return Status.FAILURE
        if published.implementation_time == CANCEL:
            return self._cancel(published, now)
        at_once = published.implementation_time == AT_ONCE
        change = ChangeOfTenancy(
            published.provider_id,
            published.issuer_event_id,
            published.tariff_type,
            now.replace(microsecond=0) if at_once else zcl_moment(published.implementation_time),
            ChangeControl(published.control),
        )
        in_force = [held for held in self._changes if change.at > now >= held.at]
        self._keep((*in_force[-1:], change), change.published())
        return Status.SUCCESS

    def _acceptable(self, published: PublishChangeOfTenancy) -> bool:
        settings, newest = self._settings, self.newest
        stored = (settings.provider_id, settings.tariff_type)
        theirs = (published.provider_id, published.tariff_type)
        if settings.cot_check_provider and theirs != stored:
            return False
        is_older = newest is not None and published.issuer_event_id < newest.issuer_event_id
        return not (settings.cot_check_event_id and is_older)

    def _cancel(self, published: PublishChangeOfTenancy, now: datetime) -> Status:
        newest = self.newest
        if newest is None or newest.at <= now or not newest.is_meant_by(published):
            return Status.FAILURE
        self._keep(self._changes[:-1], published)
        return Status.SUCCESS

    def _keep(
        self, changes: tuple[ChangeOfTenancy, ...], published: PublishChangeOfTenancy
    ) -> None:
        before = self._changes
        with self._store.transaction() as unit:
            unit.on_rollback(lambda: self._put_back(before))
            unit.put_json(_KEY, [_to_json(change) for change in changes])
            self._changes = changes
            unit.on_commit(lambda: self._changed(changes[-1] if changes else None, published))

    def _put_back(self, changes: tuple[ChangeOfTenancy, ...]) -> None:
        self._changes = changes


def _to_json(change: ChangeOfTenancy) -> Json:
    told = change.published()
    return [
        told.provider_id,
        told.issuer_event_id,
        told.tariff_type,
        told.implementation_time,
        told.control,
    ]


def _from_json(held: Json) -> tuple[ChangeOfTenancy, ...]:
    changes = []
    for each in held if isinstance(held, list) else []:
        match each:
            case [int(provider), int(event), int(tariff), int(at_s), int(control)]:
                at = zcl_moment(at_s)
                changes.append(ChangeOfTenancy(provider, event, tariff, at, ChangeControl(control)))
    return tuple(changes)

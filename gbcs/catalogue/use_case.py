"""Use cases: one row per message code, with who may send it and how it is protected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, StrEnum
from functools import cache
from typing import Final, NotRequired, TypedDict

from gbcs.catalogue.dlms import ItemSpec, dlms_items
from gbcs.catalogue.gbz import ComponentSpec, gbz_components
from gbcs.catalogue.table import table_text
from gbcs.envelope import Cra
from gbcs.errors import LocalError
from gbcs.party import DeviceType, Role


class Protection(Flag):
    """What a message carries: a MAC, a signature, or both."""

    NONE = 0
    MAC = 1
    SIGNATURE = 2


class Category(StrEnum):
    """Message category: it decides protection, except for VARIANT."""

    CRITICAL_COMMAND = "SME.C.C"
    NON_CRITICAL_COMMAND = "SME.C.NC"
    CRITICAL_ALERT = "SME.A.C"
    NON_CRITICAL_ALERT = "SME.A.NC"
    PPMID_TO_GSME = "SME.C.PPMID-GSME"
    VARIANT = "variant"
    ZSE = "ZSE specified"


class Technology(StrEnum):
    """How the payload is written."""

    GBZ = "GBZ"
    DLMS = "DLMS"
    ASN1 = "ASN.1"
    ZSE = "ZSE"
    ANY = "any"
    """Generic alerts: DLMS or GBZ, whichever the device speaks."""


class Kind(Enum):
    """Whether a message code belongs to commands, to an alert, or never leaves the HAN."""

    COMMAND = "command"
    ALERT = "alert"
    HAN = "han"


@dataclass(frozen=True, slots=True)
class UseCase:
    """One use case; empty ``targets`` or ``roles`` mean the catalogue does not say."""

    name: str
    message_code: int
    title: str
    kind: Kind
    technology: Technology
    category: Category
    targets: tuple[DeviceType, ...]
    roles: tuple[Role, ...]
    future_datable: bool
    replay_protection: bool | None
    """Whether the originator counter must rise; None when no source says."""
    stamped: bool
    """Responses carry a date-time in the grouping header."""
    encrypted: bool
    """Some of the response or alert is encrypted."""
    tap_off: bool
    """A command to the GSME that the GPF processes too."""
    token: bool
    """Carries a prepayment token with a MAC of its own."""
    service_requests: tuple[str, ...]
    source: str
    """Edition of the catalogue with the structure, or "observed", or "none"."""
    variants: Mapping[Cra, tuple[Protection, ...]]
    own_components: Mapping[Cra, tuple[ComponentSpec, ...]] | None = None
    """Structure a user's file gives; None for the catalogue's own."""
    own_items: tuple[ItemSpec, ...] | None = None

    def components(self, cra: Cra) -> tuple[ComponentSpec, ...]:
        """Components of the GBZ payload; empty when it has none."""
        if self.own_components is not None:
            return self.own_components.get(cra, ())
        return gbz_components(self.name, cra)

    def items(self) -> tuple[ItemSpec, ...]:
        """Items of the access-request; empty when there is none."""
        return dlms_items(self.name) if self.own_items is None else self.own_items

    @property
    def critical(self) -> bool:
        """Whether this is a critical command or alert."""
        return self.category in (Category.CRITICAL_COMMAND, Category.CRITICAL_ALERT)

    def protections(self, cra: Cra) -> tuple[Protection, ...]:
        """Protection a message of this use case may carry, the usual one first."""
        return self.variants.get(cra) or _BY_CATEGORY[self.category].get(cra, ())


_S: Final = (Protection.SIGNATURE,)
_M: Final = (Protection.MAC,)
_SM: Final = (Protection.SIGNATURE | Protection.MAC,)
_BY_CATEGORY: Final[Mapping[Category, Mapping[Cra, tuple[Protection, ...]]]] = {
    Category.CRITICAL_COMMAND: {Cra.COMMAND: _SM, Cra.RESPONSE: _S},
    Category.NON_CRITICAL_COMMAND: {Cra.COMMAND: _M, Cra.RESPONSE: _M},
    Category.PPMID_TO_GSME: {Cra.COMMAND: _M, Cra.RESPONSE: _M},
    Category.CRITICAL_ALERT: {Cra.ALERT: _S},
    Category.NON_CRITICAL_ALERT: {Cra.ALERT: _M},
    Category.VARIANT: {},
    Category.ZSE: {},
}
_PROTECTION: Final = {"S": _S[0], "M": _M[0], "SM": _SM[0]}


class UseCaseRow(TypedDict):
    """One use case as the data file writes it."""

    name: str
    code: str
    title: str
    kind: str
    technology: str
    category: str
    source: str
    targets: NotRequired[list[str]]
    roles: NotRequired[list[str]]
    roles_source: NotRequired[str]
    future_datable: NotRequired[bool]
    replay_protection: NotRequired[bool]
    stamped: NotRequired[bool]
    encrypted: NotRequired[bool]
    tap_off: NotRequired[bool]
    token: NotRequired[bool]
    service_requests: NotRequired[list[str]]
    protection: NotRequired[dict[str, list[str]]]


def use_case_from(row: UseCaseRow) -> UseCase:
    """Read one row."""
    variants = row.get("protection", {})
    return UseCase(
        name=row["name"],
        message_code=int(row["code"], 16),
        title=row["title"],
        kind=Kind(row["kind"]),
        technology=Technology(row["technology"]),
        category=Category(row["category"]),
        targets=tuple(DeviceType(name) for name in row.get("targets", ())),
        roles=tuple(Role[name] for name in row.get("roles", ())),
        future_datable=row.get("future_datable", False),
        replay_protection=row.get("replay_protection"),
        stamped=row.get("stamped", False),
        encrypted=row.get("encrypted", False),
        tap_off=row.get("tap_off", False),
        token=row.get("token", False),
        service_requests=tuple(row.get("service_requests", ())),
        source=row["source"],
        variants={
            Cra[cra.upper()]: tuple(_PROTECTION[letters] for letters in forms)
            for cra, forms in variants.items()
        },
    )


@cache
def _use_cases() -> tuple[UseCase, ...]:
    rows: list[UseCaseRow] = json.loads(table_text("use_cases.json"))
    return tuple(use_case_from(row) for row in rows)


@cache
def _by_code() -> dict[int, UseCase]:
    return {use_case.message_code: use_case for use_case in _use_cases()}


@cache
def _by_name() -> dict[str, UseCase]:
    return {use_case.name.lower(): use_case for use_case in _use_cases()}


def all_use_cases() -> tuple[UseCase, ...]:
    """Every use case, ordered by message code."""
    return _use_cases()


def by_code(message_code: int) -> UseCase | None:
    """The use case of a message code; None when it is unknown."""
    return _by_code().get(message_code)


def by_name(name: str) -> UseCase:
    """The use case of a name such as GCS13a, in any case; LocalError when there is none."""
    try:
        return _by_name()[name.lower()]
    except KeyError:
        near = [case.name for case in _use_cases() if case.name.lower().startswith(name.lower())]
        hint = f"; there are {', '.join(near[:12])}" if near and name else ""
        raise LocalError(f"no use case is called {name!r}{hint}") from None

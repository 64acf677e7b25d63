"""Every named setting in one place: where it belongs, its default, and what a rig changed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from bench.rig import RigError
from chub.settings import ChfSettings
from device.clock import ClockSettings
from device.commissioning import JoinSettings
from device.gbz_engine import EngineSettings
from device.polling import PollSettings
from device.settings import CommonSettings, PipelineSettings
from device.tokens import PrepaySettings
from esme.control.settings import ControlSettings
from esme.settings import EsmeSettings
from gpf.settings import GpfSettings
from gsme.settings import GsmeSettings
from han.node import NodeSettings
from hw.settings import ParentSettings
from peers.settings import CadSettings, DisplaySettings, HcalcsSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SECTIONS: Final[Mapping[str, type[DataclassInstance]]] = {
    "gpf": GpfSettings,
    "gsme": GsmeSettings,
    "esme": EsmeSettings,
    "control": ControlSettings,
    "chf": ChfSettings,
    "display": DisplaySettings,
    "hcalcs": HcalcsSettings,
    "cad": CadSettings,
    "join": JoinSettings,
    "poll": PollSettings,
    "clock": ClockSettings,
    "pipeline": PipelineSettings,
    "common": CommonSettings,
    "engine": EngineSettings,
    "node": NodeSettings,
    "parent": ParentSettings,
    "prepay": PrepaySettings,
}
"""Section of ``[settings]`` in the rig file to the dataclass that declares its fields."""

_LEAST: Final = (
    (r"(clock\.set_clock_min_interval|chf\.long_poll)_s$", 0),
    (r"(poll|retry|interval|period|pause|rediscovery|lifetime)_s$", 1),
    (r"_(octets|entries|places|capacity|base_min)$", 1),
    (r"\.(suites|key_failures)$", 1),
)
"""The least that a setting can be, by its name; the others count from nothing."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Setting:
    """One named setting."""

    name: str
    default: object
    meaning: str


class Settings:
    """The settings of one rig: defaults, and what the rig changed; RigError names a bad one."""

    def __init__(self, changed: Mapping[str, Mapping[str, object]]) -> None:
        unknown = sorted(set(changed) - set(SECTIONS))
        if unknown:
            raise RigError(f"settings.{unknown[0]}: no such section; there are {_list(SECTIONS)}")
        self._held = {name: _build(name, changed.get(name, {})) for name in SECTIONS}

    def of(self, type_: type[S]) -> S:
        """The settings of one kind."""
        return next(value for value in self._held.values() if isinstance(value, type_))

    def not_default(self) -> dict[str, object]:
        """What differs from the defaults, for reports."""
        return {
            f"{section}.{field.name}": getattr(held, field.name)
            for section, held in self._held.items()
            for field in fields(held)
            if getattr(held, field.name) != getattr(SECTIONS[section](), field.name)
        }


def all_settings() -> Iterator[Setting]:
    """Every setting with its default and meaning."""
    for section, type_ in SECTIONS.items():
        names = [field.name for field in fields(type_)]
        meanings, defaults = _meanings(type_.__doc__ or "", names), type_()
        for field in fields(type_):
            meaning = meanings.get(field.name, "")
            yield Setting(f"{section}.{field.name}", getattr(defaults, field.name), meaning)


def _build(section: str, changed: Mapping[str, object]) -> DataclassInstance:
    type_ = SECTIONS[section]
    names = [field.name for field in fields(type_)]
    for name in changed:
        if name not in names:
            raise RigError(f"settings.{section}.{name}: no such setting; there are {_list(names)}")
    adapter: TypeAdapter[Any] = TypeAdapter(type_)
    try:
        built: DataclassInstance = adapter.validate_python(dict(changed))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(("settings", section, *map(str, problem["loc"])))
        why = problem["msg"].removeprefix("Value error, ")
        raise RigError(f"{where}: {why}") from error
    for name in changed:
        _check_number(f"{section}.{name}", getattr(built, name))
    return built


def _check_number(name: str, value: object) -> None:
    """Refuse a number that no setting of this name can have."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    least = next((least for pattern, least in _LEAST if re.search(pattern, name)), 0)
    most = 3 if name.endswith(".suites") else None
    if not math.isfinite(value) or value < least or (most is not None and value > most):
        among = f"at least {least}" if most is None else f"from {least} to {most}"
        raise RigError(f"settings.{name}: {value} is not {among}")


def _meanings(docstring: str, names: list[str]) -> dict[str, str]:
    text = " ".join(docstring.split())
    parts = re.split(rf"(?:``)?\b({'|'.join(map(re.escape, names))})(?:``)?: ", text)
    return {name: meaning.strip() for name, meaning in zip(parts[1::2], parts[2::2], strict=True)}


def _list(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(names)

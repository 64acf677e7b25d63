"""State as plain JSON values and back, by the type hints of its dataclasses.

What is :class:`KeptApart` is left out: logs are kept entry by entry, not as a whole.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Final, TypeVar, Union, get_args, get_origin, get_type_hints

from device.cosem.table import Place
from device.store import Json
from gbcs.errors import LocalError

T = TypeVar("T")
_MICROSECOND: Final = timedelta(microseconds=1)


class KeptApart:
    """A part of a state that is kept in its own way: a log, entry by entry."""

    __slots__ = ()


_AS_THEY_ARE: Final = frozenset({NoneType, bool, int, float, str})


def dump(value: object) -> Json:
    """Plain values of any state; LocalError for what has no plain form."""
    kind: type = type(value)
    if kind in _AS_THEY_ARE:
        return value  # type: ignore[return-value]  # one of these five
    if kind is list or kind is tuple:
        return [each if type(each) in _AS_THEY_ARE else dump(each) for each in value]  # type: ignore[attr-defined]
    names = _members(kind)
    if names is None:
        return _dump_other(value)
    plain: dict[str, Json] = {}
    for name in names:
        held = getattr(value, name)
        if type(held) in _AS_THEY_ARE:
            plain[name] = held
        elif not isinstance(held, KeptApart):
            plain[name] = dump(held)
    return plain


def _dump_other(value: object) -> Json:
    match value:
        case Place():
            return str(value)
        case Enum():
            return dump(value.value)
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case timedelta():
            return value // _MICROSECOND
        case list() | tuple():
            return [dump(each) for each in value]
        case dict():
            return [
                [
                    key if type(key) in _AS_THEY_ARE else dump(key),
                    each if type(each) in _AS_THEY_ARE else dump(each),
                ]
                for key, each in value.items()
            ]
    raise LocalError(f"{type(value).__name__} has no plain form")


def load(kind: type[T], plain: Json) -> T:
    """State of a type from its plain values; LocalError when they are of another one."""
    try:
        loaded = _load(kind, plain)
    except (TypeError, ValueError, KeyError, AttributeError) as exc:
        raise LocalError(f"not the plain form of {kind.__name__}: {exc}") from exc
    if not isinstance(loaded, kind):
        raise LocalError(f"not the plain form of {kind.__name__}")
    return loaded


def _load(hint: object, plain: Json) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return None if plain is None else _load(_without_none(arguments), plain)
    if origin in (list, tuple, dict):
        return _load_collection(origin, arguments, plain)
    if isinstance(hint, type):
        return _load_single(hint, plain)
    raise TypeError(f"no plain form of {hint}")


def _without_none(arguments: tuple[object, ...]) -> object:
    return next(each for each in arguments if each is not NoneType)


def _load_collection(origin: object, arguments: tuple[object, ...], plain: Json) -> object:
    if not isinstance(plain, list):
        raise TypeError(f"{plain!r} is no list")
    if origin is dict:
        pairs = [(each[0], each[1]) for each in plain if isinstance(each, list)]
        return {_load(arguments[0], key): _load(arguments[1], each) for key, each in pairs}
    if origin is list or arguments[-1] is Ellipsis:
        loaded = [_load(arguments[0], each) for each in plain]
        return loaded if origin is list else tuple(loaded)
    return tuple(_load(hint, each) for hint, each in zip(arguments, plain, strict=True))


def _load_single(kind: type, plain: Json) -> object:
    if is_dataclass(kind):
        if not isinstance(plain, dict):
            raise TypeError(f"{plain!r} has no members")
        hints = _hints(kind)  # a member that has gone since it was kept is left out
        kept = {name: held for name, held in plain.items() if name in hints}
        return kind(**{name: _load(hints[name], held) for name, held in kept.items()})
    if kind is Place:
        return Place.parse(str(plain))
    if kind is bytes:
        return bytes.fromhex(str(plain))
    if kind is datetime:
        return datetime.fromisoformat(str(plain))
    if kind is timedelta:
        return plain * _MICROSECOND if isinstance(plain, int) else _refuse(plain)
    if issubclass(kind, Enum):
        return kind(plain)
    return plain if isinstance(plain, kind) else _refuse(plain)


def _refuse(plain: Json) -> object:
    raise TypeError(f"{plain!r} is of another type")


@cache
def _members(kind: type) -> tuple[str, ...] | None:
    """Names of the members of a dataclass; None for any other type."""
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else None


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


@cache
def members_with_logs(kind: type) -> tuple[str, ...]:
    """Names of the members of a state that are logs, or that hold some."""
    return tuple(name for name in _members(kind) or () if _has_logs(_hints(kind)[name]))


def _has_logs(hint: object) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if _is_kept_apart(hint) or _is_kept_apart(origin):
        return True
    if isinstance(hint, type) and is_dataclass(hint):
        return bool(members_with_logs(hint))
    return any(_has_logs(each) for each in arguments)


def _is_kept_apart(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, KeptApart)


def put_back(live: object, earlier: object) -> None:
    """Make a state what it was earlier, in place: whoever holds parts of it goes on holding them.

    What is kept apart is left as it is.
    """
    for each in fields(live):  # type: ignore[arg-type]  # callers pass dataclasses
        mine, theirs = getattr(live, each.name), getattr(earlier, each.name)
        if isinstance(mine, KeptApart):
            continue
        if _is_live(mine) and type(mine) is type(theirs):
            put_back(mine, theirs)
        elif isinstance(mine, list) and mine and all(_is_live(part) for part in mine):
            for part, before in zip(mine, theirs, strict=True):
                put_back(part, before)
        else:
            setattr(live, each.name, theirs)


def _is_live(value: object) -> bool:
    """Whether a value is a state that changes, and not a frozen one."""
    parameters = getattr(value, "__dataclass_params__", None)
    return parameters is not None and not parameters.frozen

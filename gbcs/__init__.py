"""The language: GBCS messages as values, without I/O, clocks or randomness.

    import gbcs

    keys = gbcs.open_keys(Path("keystore"))
    message = gbcs.Message.parse(octets)
    gbcs.verify(message, keys)  # verdict on MAC and signature
    gbcs.decode_body(message)  # the typed payload
    gbcs.explain_message(octets, keys)  # every field, with offset and name

Start reading at :mod:`gbcs.envelope` (a message and its parts), :mod:`gbcs.keys` (who holds which
key), :mod:`gbcs.protection` (MAC, signature, encryption), :mod:`gbcs.body` (payloads),
:mod:`gbcs.build` (commands from parameters) and :mod:`gbcs.catalogue` (every use case). The names
here are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gbcs.body import decode_body, open_body
    from gbcs.catalogue import UseCase, all_use_cases, by_code, by_name
    from gbcs.envelope import Cra, Message
    from gbcs.errors import GbcsError, MalformedMessage, MissingKey, NotAuthentic
    from gbcs.explain import explain as explain_message
    from gbcs.key_sources import open_keys
    from gbcs.keys import KeyStore, Usage
    from gbcs.protection import protect, verify
    from gbcs.sources import messages_in
    from gbcs.stamp import Stamp

__all__ = [
    "Cra",
    "GbcsError",
    "KeyStore",
    "MalformedMessage",
    "Message",
    "MissingKey",
    "NotAuthentic",
    "Stamp",
    "Usage",
    "UseCase",
    "all_use_cases",
    "by_code",
    "by_name",
    "decode_body",
    "explain_message",
    "messages_in",
    "open_body",
    "open_keys",
    "protect",
    "verify",
]

_HOMES: Final = {
    "Cra": "envelope",
    "GbcsError": "errors",
    "KeyStore": "keys",
    "MalformedMessage": "errors",
    "Message": "envelope",
    "MissingKey": "errors",
    "NotAuthentic": "errors",
    "Stamp": "stamp",
    "Usage": "keys",
    "UseCase": "catalogue",
    "all_use_cases": "catalogue",
    "by_code": "catalogue",
    "by_name": "catalogue",
    "decode_body": "body",
    "explain_message": "explain.message",
    "messages_in": "sources",
    "open_body": "body",
    "open_keys": "key_sources",
    "protect": "protection",
    "verify": "protection",
}
_OWN_NAMES: Final = {"explain_message": "explain"}  # gbcs.explain is the package


if not TYPE_CHECKING:  # a type checker sees the names above and no others

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'gbcs' has no attribute {name!r}")
        value: object = getattr(import_module(f"gbcs.{_HOMES[name]}"), _OWN_NAMES.get(name, name))
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""What can go wrong with the language: our mistakes, their mistakes, and keys we lack."""

from __future__ import annotations


class GbcsError(Exception):
    """Root of every error this package raises."""


class LocalError(GbcsError):
    """We asked for something impossible; a bug or a bad argument on this side."""


class RemoteError(GbcsError):
    """The other side's octets are wrong; recorded and answered as the specification says."""


class MalformedMessage(RemoteError):
    """Octets that do not follow their format.

    ``offset`` counts octets from the start of what was being decoded; None when the fault has no
    single place.
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"{reason} (at octet {offset})")
        self.reason = reason
        self.offset = offset


class NotAuthentic(RemoteError):
    """A MAC, a signature, an encrypted part or a prepayment token does not verify."""


class NotAllowed(RemoteError):
    """The originator's role has no authority for what it asks."""


class MissingKey(LocalError):
    """The key store lacks the key this step needs; names the holder and the usage."""

    def __init__(self, eui64: int | None, usage: str) -> None:
        holder = "an access control broker" if eui64 is None else f"{eui64:016X}"
        super().__init__(f"no {usage} key for {holder}")
        self.eui64 = eui64
        self.usage = usage


class NoKeys(LocalError):
    """A place that should hold keys holds none."""
